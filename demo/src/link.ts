// Link: a stage from the text that share.ts makes of it. Total: any text gives a stage or null,
// in bounded time, whatever a stranger wrote into it.
import { tensor, type Tensor } from "convscope";
import { parseNumber } from "./format.js";
import { makeLayer, MAX_CELLS, MAX_PRODUCTS, products } from "./model.js";
import { stack } from "./parts.js";
import type { Slices } from "./slices.js";
import {
  DEFAULT_ARGS,
  MAX_LAYERS,
  MODES as stateModes,
  type Axes,
  type Follower,
  type Mode,
  type Ints,
  type LayerArgs,
  type PaddingMode,
  type Stage,
} from "./state.js";
import { count } from "./tensors.js";

/** A link longer than this is not read. */
export const MAX_HASH = 1_000_000;
const MODES: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"];

export interface Link {
  readonly stage: Stage;
  readonly lesson: { readonly id: string; readonly step: number } | null;
  readonly mode: Mode;
  readonly slices: Slices;
}

/** The slices that are shown; beyond a tensor's depth its last one is. */
function slicesOf(text = ""): Slices {
  const list = text.split(",").slice(0, 4 * MAX_LAYERS);
  return Object.fromEntries(
    list.flatMap((part) => {
      const match = /^(input|weight|output|level\d|layer\d\.weight):(\d{1,5})$/u.exec(part);
      return match ? [[match[1]!, Number(match[2])]] : [];
    }),
  );
}

function followersOf(parts: ReadonlyMap<string, string>, axes: Axes): Follower[] {
  const list: Follower[] = [];
  const text = parts.get("then");
  for (const part of (text ?? "").split(";").slice(0, MAX_LAYERS - 1)) {
    const match = /^(ReLU|MaxPool|AvgPool|Conv)(?:\.(\d{1,2}))?(?:\.(\d{1,2}))?$/u.exec(part);
    if (!match) continue;
    const kind = match[1] as Follower["kind"];
    if (kind === "ReLU") list.push({ kind });
    else if (kind === "Conv") {
      const weight = values(parts.get(`w${list.length + 1}`), axes + 2);
      const bias = values(parts.get(`b${list.length + 1}`), 1);
      const [outChannels, kernelSize] = [Number(match[2] ?? 1), Number(match[3] ?? 1)];
      list.push({
        kind,
        outChannels,
        kernelSize,
        ...(weight && { weight }),
        ...(bias && { bias }),
      });
    } else list.push({ kind, kernelSize: Number(match[2] ?? 2) });
  }
  return list;
}

/** A link with a stack is read where Stack mode's part is loaded. */
export function fromHash(hash: string): Link | null {
  if (hash.length > MAX_HASH) return null;
  const parts = new Map(
    hash
      .replace(/^#/u, "")
      .split("&")
      .slice(0, 64)
      .map((part): [string, string] => {
        const at = part.indexOf("=");
        return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
      }),
  );
  const kind = /^Conv(Transpose)?([123])d$/u.exec(parts.get("layer") ?? "");
  if (!kind) return null;
  const axes = Number(kind[2]) as Axes;
  const padding = parts.get("p") ?? "";
  const args: LayerArgs = {
    ...DEFAULT_ARGS,
    axes,
    transposed: kind[1] !== undefined,
    inChannels: whole(parts.get("in"), 1),
    outChannels: whole(parts.get("out"), 1),
    kernelSize: wholes(parts.get("k"), axes, 1),
    stride: wholes(parts.get("s"), axes, 1),
    padding: padding === "same" || padding === "valid" ? padding : wholes(padding, axes, 0),
    outputPadding: wholes(parts.get("op"), axes, 0),
    dilation: wholes(parts.get("d"), axes, 1),
    groups: whole(parts.get("g"), 1),
    bias: parts.has("b"),
    paddingMode: MODES.find((mode) => mode === parts.get("mode")) ?? "zeros",
  };
  const input = values(parts.get("x"), axes + 1);
  const weight = values(parts.get("w"), axes + 2);
  const bias = parts.has("b") ? values(parts.get("b"), 1) : null;
  if (!input || !weight || (parts.has("b") && !bias)) return null;
  const kernel =
    typeof args.kernelSize === "number"
      ? new Array<number>(axes).fill(args.kernelSize)
      : args.kernelSize;
  const wanted = args.transposed
    ? [args.inChannels, args.outChannels / args.groups, ...kernel]
    : [args.outChannels, args.inChannels / args.groups, ...kernel];
  // Before the library is asked to make a layer of this size.
  if (String(wanted) !== String(weight.shape) || (bias && bias.size !== args.outChannels))
    return null;
  try {
    const layer = makeLayer(args, { weight, bias });
    const outputs = count(layer.outputShape(input.shape));
    if (outputs > MAX_CELLS || products(args, { input, weight }, outputs) > MAX_PRODUCTS)
      return null;
    layer.forward(input);
  } catch {
    return null;
  }
  const lesson = /^([a-z0-9-]{1,40})\.(\d{1,2})$/u.exec(parts.get("lesson") ?? "");
  return {
    stage: withFollowers(
      Object.freeze({ args: Object.freeze(args), input, weight, bias, followers: [] }),
      followersOf(parts, axes),
    ),
    mode: stateModes.find((mode) => mode === parts.get("view")) ?? "explore",
    slices: args.axes === 3 ? slicesOf(parts.get("at")) : {},
    lesson: lesson && { id: lesson[1]!, step: Number(lesson[2]) },
  };
}

/** The layers behind it, where they fit. */
function withFollowers(stage: Stage, followers: readonly Follower[]): Stage {
  if (followers.length === 0) return stage;
  const answer = stack.now.followed(stage, followers);
  return "stage" in answer ? answer.stage : stage;
}

function whole(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,5}$/u.test(text) ? Number(text) : otherwise;
}

function wholes(text: string | undefined, axes: number, otherwise: number): Ints {
  if (text === undefined || !/^\d{1,5}(x\d{1,5}){0,2}$/u.test(text)) return otherwise;
  const list = text.split("x").map(Number);
  return list.length === 1 ? list[0]! : list.length === axes ? list : otherwise;
}

function values(text: string | undefined, rank: number): Tensor | null {
  const match = /^(\d{1,5}(?:x\d{1,5})*):(.*)$/su.exec(text ?? "");
  if (!match) return null;
  const shape = match[1]!.split("x").map(Number);
  const size = count(shape);
  if (shape.length !== rank || size < 1 || size > MAX_CELLS) return null;
  const list = match[2]!.split(",").map(parseNumber);
  if (list.length !== size || list.includes(null)) return null;
  return tensor(Float32Array.from(list as number[]), shape);
}
