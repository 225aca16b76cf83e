// Stack: the stage's layer and those that follow it. Which outputs an edit reaches
// level by level, what a cell at any level sees, and how the receptive field grows:
// all asked of the library's Sequential.
import {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  manualSeed,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  ReLU,
  Sequential,
  watch,
  type Tensor,
} from "convscope";
import { Changes } from "./changes.js";
import { evaluate, makeLayer, MAX_CELLS, PAGE_SEED, type Conv } from "./model.js";
import {
  DEFAULT_ARGS,
  layerOf,
  MAX_LAYERS,
  type Axes,
  type Edit,
  type Follower,
  type LayerPlace,
  type Level,
  type Stage,
} from "./state.js";
import { count, indexOf, listOf, offsetsOf } from "./tensors.js";

export const FOLLOWERS: readonly { readonly label: string; readonly layer: Follower }[] = [
  { label: "ReLU", layer: { kind: "ReLU" } },
  { label: "Conv, 3", layer: { kind: "Conv", outChannels: 1, kernelSize: 3 } },
  { label: "MaxPool, 2", layer: { kind: "MaxPool", kernelSize: 2 } },
  { label: "AvgPool, 2", layer: { kind: "AvgPool", kernelSize: 2 } },
];

type Part = Conv | ReLU | MaxPool1d | MaxPool2d | MaxPool3d | AvgPool1d | AvgPool2d | AvgPool3d;

const MAX_POOLS = { 1: MaxPool1d, 2: MaxPool2d, 3: MaxPool3d } as const;
const AVG_POOLS = { 1: AvgPool1d, 2: AvgPool2d, 3: AvgPool3d } as const;

function partOf(follower: Follower, axes: Axes, channels: number, position: number): Part {
  switch (follower.kind) {
    case "ReLU":
      return new ReLU();
    case "MaxPool":
      return new MAX_POOLS[axes]({ kernelSize: follower.kernelSize });
    case "AvgPool":
      return new AVG_POOLS[axes]({ kernelSize: follower.kernelSize });
    case "Conv": {
      // Its weights are torch's for this place in the stack, so a link need not hold them.
      manualSeed(PAGE_SEED + position);
      const { outChannels, kernelSize, weight, bias } = follower;
      const args = { ...DEFAULT_ARGS, axes, inChannels: channels, outChannels, kernelSize };
      const layer = makeLayer(args);
      // Edited numbers fit as long as what comes before has as many channels.
      if (weight && String(weight.shape) === String(layer.weight.shape)) layer.weight = weight;
      if (bias && bias.size === outChannels) layer.bias = bias;
      return layer;
    }
  }
}

/** The layers in order, and the tensors before, between and after them. */
export interface Tower {
  readonly parts: readonly Part[];
  readonly tensors: readonly Tensor[];
}

const towers = new WeakMap<Stage, Tower>();

/** Builds the stack; throws the library's error where a layer refuses what comes before it. */
export function tower(stage: Stage): Tower {
  let built = towers.get(stage);
  if (!built) {
    const { layer, output } = evaluate(stage);
    const parts: Part[] = [layer];
    const tensors = [stage.input, output];
    for (const follower of stage.followers) {
      const last = tensors.at(-1)!;
      const part = partOf(follower, stage.args.axes, last.shape[0]!, parts.length);
      if (count(part.outputShape(last.shape)) > MAX_CELLS)
        throw new RangeError("This stack is too large for the page.");
      parts.push(part);
      tensors.push(part.forward(last) as Tensor);
    }
    built = { parts, tensors };
    towers.set(stage, built);
  }
  return built;
}

/** Whether these layers can follow the stage's, or the library's words why not. */
export function followed(
  stage: Stage,
  followers: readonly Follower[],
): { stage: Stage } | { problem: string } {
  if (followers.length >= MAX_LAYERS)
    return { problem: `A stack of up to ${MAX_LAYERS} layers fits on this page.` };
  const next = Object.freeze({ ...stage, followers });
  try {
    tower(next);
    return { stage: next };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** An edit of a stack: of the input, or of a layer's numbers. */
export interface StackEdit {
  readonly target: "input" | LayerPlace;
  readonly offset: number;
  readonly value: number;
}

export function numbersAt(stage: Stage, place: string): Tensor | null {
  const found = layerOf(place);
  const part = found && tower(stage).parts[found.layer];
  return part && "weight" in part ? part[found.name] : null;
}

/** What edits did at every level after the input: changed cells, and those they only reached. */
export function ripple(stage: Stage, given: readonly (Edit | StackEdit)[]): readonly Level[] {
  const { parts } = tower(stage);
  const edits = given.map(({ target, offset, value }) => {
    const place = target === "weight" || target === "bias" ? `layer0.${target}` : target;
    const { layer, name } = layerOf(place) ?? { layer: 0, name: null };
    const shape = (name ? numbersAt(stage, place)! : stage.input).shape;
    return {
      layer,
      edit: [name ? `${layer}.${name}` : "input", indexOf(offset, shape), value] as const,
    };
  });
  return parts.map((_, last) => {
    const chain = parts.slice(0, last + 1);
    const eye = watch(new Sequential(...chain), stage.input);
    const change = eye.setMany(edits.filter(({ layer }) => layer <= last).map(({ edit }) => edit));
    const { offsets, before, after } = change.changed;
    const changed = new Changes(offsets, before, after);
    const stopped = new Set<number>();
    for (const offset of listOf(change.reached)) {
      if (!changed.has(offset)) stopped.add(offset);
    }
    // A watch writes to the layers it watches; these are the stage's.
    eye.undo();
    eye.dispose();
    return { changed, stopped };
  });
}

/** Per level, the cells that the one pointed at sees below it and is seen by above it. */
export function lineage(
  stage: Stage,
  level: number,
  offset: number,
): readonly ReadonlySet<number>[] {
  const { parts, tensors } = tower(stage);
  return tensors.map((tensor, at) => {
    if (at === level) return new Set([offset]);
    const from = Math.min(at, level);
    const chain = new Sequential(...parts.slice(from, Math.max(at, level)));
    const index = indexOf(offset, tensors[level]!.shape);
    const cells =
      at < level
        ? chain.receptiveField(tensor.shape, index)
        : chain.influence(tensors[level]!.shape, index);
    return offsetsOf(cells);
  });
}

export interface FieldRow {
  readonly layer: string;
  readonly shape: readonly number[];
  /** Receptive field in the input, per axis: cells it spans, cells it moves by, where it begins. */
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly start: readonly number[];
}

/** Cells per axis of the input on which the receptive field is measured, away from borders. */
const PROBE = 96;

/** How the receptive field grows, read off two neighbouring outputs of a large input. */
export function fieldTable(stage: Stage): readonly FieldRow[] {
  const { parts, tensors } = tower(stage);
  const { axes } = stage.args;
  const probe = [stage.input.shape[0]!, ...new Array<number>(axes).fill(PROBE)];
  return parts.map((part, last) => {
    const chain = new Sequential(...parts.slice(0, last + 1));
    const shape = chain.outputShape(probe);
    const middle = shape.map((size, axis) => (axis === 0 ? 0 : Math.floor(size / 2)));
    const here = extent(chain.receptiveField(probe, middle), axes);
    const next = extent(
      chain.receptiveField(
        probe,
        middle.map((i, axis) => (axis === 0 ? 0 : i + 1)),
      ),
      axes,
    );
    const stride = here.map(([first], axis) => next[axis]![0] - first);
    return {
      layer: String(part),
      shape: tensors[last + 1]!.shape,
      size: here.map(([first, end]) => end - first + 1),
      stride,
      start: here.map(([first], axis) => first - middle[axis + 1]! * stride[axis]!),
    };
  });
}

function extent(cells: Iterable<readonly number[]>, axes: number): [number, number][] {
  const ends = Array.from({ length: axes }, (): [number, number] => [Infinity, -Infinity]);
  for (const index of cells) {
    ends.forEach((end, axis) => {
      end[0] = Math.min(end[0], index[axis + 1]!);
      end[1] = Math.max(end[1], index[axis + 1]!);
    });
  }
  return ends;
}

/** The stage with other numbers in one of the layers behind its own, which all `edits` name. */
export function withNumbers(
  stage: Stage,
  target: LayerPlace,
  edits: readonly StackEdit[],
): { stage: Stage; before: Tensor } | null {
  const found = layerOf(target);
  const numbers = numbersAt(stage, target);
  if (!found || found.layer === 0 || !numbers) return null;
  const next = numbers.clone();
  for (const { offset, value } of edits) next.data[offset] = value;
  const followers = stage.followers.map((follower, i) =>
    i === found.layer - 1 ? { ...follower, [found.name]: next } : follower,
  );
  return { stage: Object.freeze({ ...stage, followers }), before: numbers };
}
