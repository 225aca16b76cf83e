// Model: what the library answers about a stage: its output, the cells beyond the
// border, and whether other arguments are possible. No DOM; every number comes from
// the library. What edits do is in edits.ts, what belongs to a cell in pointing.ts.
import {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  manualSeed,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  tensor,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
  type Tensor,
} from "convscope";
import {
  perAxis,
  type Attempt,
  type Cell,
  type Ints,
  type LayerArgs,
  type Stage,
} from "./state.js";
import { grouped } from "./format.js";
import { count, indexOf, offsetOf } from "./tensors.js";

export type Conv = Conv1d | Conv2d | Conv3d | ConvTranspose1d | ConvTranspose2d | ConvTranspose3d;

/** Cells that a tensor on the page may have; a link from a stranger is bounded by it, too. */
export const MAX_CELLS = 65536;

/** The seed of layers that the page makes outside the lessons. */
export const PAGE_SEED = 0;

const PLAIN = { 1: Conv1d, 2: Conv2d, 3: Conv3d } as const;
const PADS = {
  zeros: { 1: ZeroPad1d, 2: ZeroPad2d, 3: ZeroPad3d },
  reflect: { 1: ReflectionPad1d, 2: ReflectionPad2d, 3: ReflectionPad3d },
  replicate: { 1: ReplicationPad1d, 2: ReplicationPad2d, 3: ReplicationPad3d },
  circular: { 1: CircularPad1d, 2: CircularPad2d, 3: CircularPad3d },
} as const;
const TRANSPOSED = { 1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d } as const;

/** The numbers a layer is made with. */
export interface Numbers {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** The layer with these arguments; without `numbers` torch's generator draws them. */
export function makeLayer(args: LayerArgs, numbers?: Numbers): Conv {
  const { axes, transposed, outputPadding, ...shared } = args;
  const given = { ...shared, weight: numbers?.weight, biasValues: numbers?.bias };
  if (!transposed) return new PLAIN[axes](given);
  // A word as padding is passed on as it is: to refuse it is the library's part.
  return new TRANSPOSED[axes]({ ...given, outputPadding, padding: args.padding as Ints });
}

/** What a stage gives. */
export interface Outcome {
  readonly layer: Conv;
  readonly output: Tensor;
  readonly frame: Frame;
}

/**
 * The cells beyond the border. For a convolution they surround the input and show
 * what padding puts there; for a transposed one they surround the output and show
 * what padding cuts off.
 */
export interface Frame {
  readonly role: "input" | "output";
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly shape: readonly number[];
  /** What the cells hold; worked out when first asked for. */
  readonly values: () => Float32Array;
  /** Offset of the input cell that each cell copies; null where padding is zeros. */
  readonly sources: () => Float32Array | null;
}

const outcomes = new WeakMap<Stage, Outcome>();

/** Notes what is already known of a stage. */
export function remember(stage: Stage, outcome: Outcome): void {
  outcomes.set(stage, outcome);
}

export function evaluate(stage: Stage): Outcome {
  let outcome = outcomes.get(stage);
  if (!outcome) {
    const layer = makeLayer(stage.args, stage);
    outcome = { layer, output: layer.forward(stage.input), frame: frameOf(stage, layer) };
    outcomes.set(stage, outcome);
  }
  return outcome;
}

/** The same layer without padding: it runs on the framed input. */
export function unpadded(args: LayerArgs): LayerArgs {
  return { ...args, padding: 0, paddingMode: "zeros" };
}

/** How many cells padding adds (transposed: cuts off) per axis, as [before, after]. */
function paddingSides(stage: Stage, layer: Conv): [number, number][] {
  const { args, input } = stage;
  if (args.padding === "valid") return new Array<[number, number]>(args.axes).fill([0, 0]);
  if (args.padding === "same") {
    // What "same" adds is what the layer without padding loses; the odd one at the end.
    const full = layer.outputShape(input.shape).slice(-args.axes);
    const lost = makeLayer(unpadded(args), stage).outputShape(
      // The loss does not depend on the size, but the kernel must fit.
      input.shape.map((size, axis) => (axis === 0 ? size : size + 2 * reach(args, axis - 1))),
    );
    return full.map((size, axis) => {
      const total = size + 2 * reach(args, axis) - lost.slice(-args.axes)[axis]!;
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }
  return perAxis(args.padding, args.axes).map((sides) => [sides, sides]);
}

function reach(args: LayerArgs, axis: number): number {
  return perAxis(args.dilation, args.axes)[axis]! * perAxis(args.kernelSize, args.axes)[axis]!;
}

export function frameOf(stage: Stage, layer: Conv): Frame {
  const { args, input } = stage;
  const sides = paddingSides(stage, layer);
  const before = sides.map(([first]) => first);
  const after = sides.map(([, last]) => last);
  if (args.transposed) {
    const whole = makeLayer(unpadded(args), stage);
    return {
      role: "output",
      before,
      after,
      shape: whole.outputShape(input.shape),
      values: once(() => whole.forward(input).data),
      sources: () => null,
    };
  }
  const padding = [...sides].reverse().flat(); // torch names the last axis first
  const padded = (values: Tensor): Float32Array =>
    new PADS[args.paddingMode][args.axes]({ padding }).forward(values).data;
  return {
    role: "input",
    before,
    after,
    shape: input.shape.map((size, axis) =>
      axis === 0 ? size : size + before[axis - 1]! + after[axis - 1]!,
    ),
    values: once(() => padded(input)),
    sources: once(() => (args.paddingMode === "zeros" ? null : padded(numbered(input.shape)))),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** A tensor whose cells hold their own offsets. */
function numbered(shape: readonly number[]): Tensor {
  return tensor(
    Float32Array.from({ length: count(shape) }, (_, offset) => offset),
    shape,
  );
}

/** Whether a framed cell is one of the tensor's own: then its offset there, else -1. */
export function insideFrame(frame: Frame, framed: number, shape: readonly number[]): number {
  const index = indexOf(framed, frame.shape);
  const first = index.length - frame.before.length;
  for (let axis = first; axis < index.length; ++axis) {
    index[axis]! -= frame.before[axis - first]!;
    if (index[axis]! < 0 || index[axis]! >= shape[axis]!) return -1;
  }
  return offsetOf(index, shape);
}

/** Where the stage would go with other arguments, or the library's words why not. */
export function propose(
  stage: Stage,
  args: LayerArgs,
  inputShape: readonly number[],
  numbers?: Numbers,
): { stage: Stage } | { attempt: Attempt } {
  const refuse = (message: string) => ({ attempt: Object.freeze({ args, inputShape, message }) });
  try {
    const cells = plannedCells(args, inputShape);
    if (cells > MAX_CELLS) {
      return refuse(
        `This page shows tensors of up to ${grouped(MAX_CELLS)} cells; ` +
          `one of these would have ${grouped(cells)}.`,
      );
    }
    manualSeed(PAGE_SEED);
    const fresh = makeLayer(args);
    const outputShape = fresh.outputShape(inputShape);
    if (count(outputShape) > MAX_CELLS) {
      return refuse(
        `This page shows tensors of up to ${grouped(MAX_CELLS)} cells; ` +
          `the output would have ${grouped(count(outputShape))}.`,
      );
    }
    // torch runs such layers; nobody can see them.
    if ([inputShape, fresh.weight.shape, outputShape].some((shape) => count(shape) === 0))
      return refuse("This page shows tensors of at least one cell; one of these would have none.");
    const same = String(fresh.weight.shape) === String(stage.weight.shape);
    const kept = numbers ?? {
      weight: same ? stage.weight : fresh.weight,
      bias: !args.bias ? null : same && stage.bias ? stage.bias : fresh.bias,
    };
    const next = Object.freeze({
      args,
      input: resized(stage.input, inputShape),
      weight: kept.weight,
      bias: kept.bias,
      followers: stage.followers,
    });
    if (products(args, next, count(outputShape)) > MAX_PRODUCTS) {
      return refuse("This page computes up to 134 million products; this layer needs more.");
    }
    evaluate(next);
    return { stage: next };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Products that one stage may need: a link must not keep a tab busy for seconds. */
export const MAX_PRODUCTS = 2 ** 27;

/** Products behind all outputs: each output (transposed: input) meets one kernel per channel. */
export function products(
  args: LayerArgs,
  stage: { readonly [name in "input" | "weight"]: { readonly size: number } },
  outputs: number,
): number {
  const perCell = stage.weight.size / (args.transposed ? args.inChannels : args.outChannels);
  return (args.transposed ? stage.input.size : outputs) * perCell;
}

/** Cells of the largest tensor that such a layer would need before its output is known. */
function plannedCells(args: LayerArgs, inputShape: readonly number[]): number {
  const weight = [args.inChannels, args.outChannels, ...perAxis(args.kernelSize, args.axes)];
  const sizes = [weight, inputShape].map((shape) =>
    shape.every((size) => Number.isInteger(size) && size >= 0) ? count(shape) : 0,
  );
  return Math.max(...sizes);
}

/** The tensor at another shape: common cells keep their value, new ones count on. */
export function resized(from: Tensor, shape: readonly number[]): Tensor {
  if (String(from.shape) === String(shape)) return from;
  const data = Float32Array.from({ length: count(shape) }, (_, offset) => {
    const column = indexOf(offset, shape).at(-1)!;
    return column % 2 === 0 ? column + 1 : -column - 1;
  });
  if (from.shape.length === shape.length) {
    from.data.forEach((value, offset) => {
      const index = indexOf(offset, from.shape);
      if (index.every((i, axis) => i < shape[axis]!)) data[offsetOf(index, shape)] = value;
    });
  }
  return tensor(data, shape);
}

export function tensorOf(stage: Stage, role: Cell["role"]): Tensor {
  if (role === "output") return evaluate(stage).output;
  if (role === "bias") return stage.bias ?? tensor(new Float32Array(0), [0]);
  return stage[role];
}
