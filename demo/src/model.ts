// Model: what the library answers about a stage. (state, library) → values,
// changed cells, the cells that belong to the one pointed at. No DOM; every
// number and every set comes from the library, nothing is computed here.
import {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  F,
  manualSeed,
  tensor,
  watch,
  type Tensor,
  type Watch,
} from "convscope";
import { torchText } from "./format.js";
import {
  perAxis,
  type Attempt,
  type Cell,
  type Change,
  type Edit,
  type Ints,
  type LayerArgs,
  type Stage,
} from "./state.js";
import { cellName, count, indexOf, offsetOf } from "./tensors.js";

export type Conv = Conv1d | Conv2d | Conv3d | ConvTranspose1d | ConvTranspose2d | ConvTranspose3d;

/** Cells that a tensor on the page may have; a link from a stranger is bounded by it, too. */
export const MAX_CELLS = 65536;
/** Outputs whose sums are asked for one by one when a weight is pointed at. */
const MAX_SUMS = 256;
/** The same when an input is pointed at: this happens in every frame of a drag. */
const MAX_READERS = 16;

/** The seed of layers that the page makes outside the lessons. */
export const PAGE_SEED = 0;

const PLAIN = { 1: Conv1d, 2: Conv2d, 3: Conv3d } as const;
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
function unpadded(args: LayerArgs): LayerArgs {
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

function frameOf(stage: Stage, layer: Conv): Frame {
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
  const pads = [...sides].reverse().flat(); // torch names the last axis first
  const mode = args.paddingMode === "zeros" ? "constant" : args.paddingMode;
  return {
    role: "input",
    before,
    after,
    shape: input.shape.map((size, axis) =>
      axis === 0 ? size : size + before[axis - 1]! + after[axis - 1]!,
    ),
    values: once(() => F.pad(input, pads, { mode }).data),
    sources: once(() =>
      mode === "constant" ? null : F.pad(numbered(input.shape), pads, { mode }).data,
    ),
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
        `This page shows tensors of up to ${MAX_CELLS.toLocaleString("en-US")} cells; ` +
          `one of these would have ${cells.toLocaleString("en-US")}.`,
      );
    }
    manualSeed(PAGE_SEED);
    const fresh = makeLayer(args);
    const outputShape = fresh.outputShape(inputShape);
    if (count(outputShape) > MAX_CELLS) {
      return refuse(
        `This page shows tensors of up to ${MAX_CELLS.toLocaleString("en-US")} cells; ` +
          `the output would have ${count(outputShape).toLocaleString("en-US")}.`,
      );
    }
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
  stage: Pick<Stage, "input" | "weight">,
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

/** The watch of the newest stage: edits of it cost what they reach. */
let held: { stage: Stage; watch: Watch } | null = null;

function watchOf(stage: Stage): Watch {
  if (held?.stage === stage) return held.watch;
  held?.watch.dispose();
  held = { stage, watch: watch(makeLayer(stage.args, stage), stage.input) };
  return held.watch;
}

/** Makes the edits and says which outputs changed. */
export function edit(stage: Stage, edits: readonly Edit[]): { stage: Stage; change: Change } {
  const before = evaluate(stage);
  const eye = watchOf(stage);
  const change = eye.setMany(
    edits.map(({ target, offset, value }) => [
      target,
      indexOf(offset, tensorOf(stage, target).shape),
      value,
    ]),
  );
  const next: Stage = Object.freeze({
    args: stage.args,
    input: written(stage.input, edits, "input"),
    weight: written(stage.weight, edits, "weight"),
    bias: stage.bias && written(stage.bias, edits, "bias"),
    followers: stage.followers,
  });
  const layer = makeLayer(next.args, next);
  const { output } = eye;
  outcomes.set(next, { layer, output, frame: frameOf(next, layer) });
  held = { stage: next, watch: eye };

  const shape = output.shape;
  const changed = new Map<number, { before: number; after: number }>();
  change.changed.indices.forEach((index, i) => {
    changed.set(offsetOf(index, shape), {
      before: change.changed.before[i]!,
      after: change.changed.after[i]!,
    });
  });
  const kept = new Map<number, string>();
  if (change.reached.size - changed.size <= MAX_CELLS) {
    for (const index of change.reached) {
      const offset = offsetOf(index, shape);
      if (changed.has(offset)) continue;
      kept.set(
        offset,
        kept.size < MAX_SUMS ? reason(next, layer, index, edits) : "its sum is the same",
      );
    }
  }
  const edited = edits
    .map(({ target, offset }) => ({
      target,
      offset,
      before: tensorOf(stage, target).data[offset]!,
    }))
    .filter(
      ({ target, offset, before: old }) => !Object.is(old, tensorOf(next, target).data[offset]!),
    );
  return { stage: next, change: { edited, changed, kept, outputs: before.output.size } };
}

export function tensorOf(stage: Stage, role: Cell["role"]): Tensor {
  if (role === "output") return evaluate(stage).output;
  if (role === "bias") return stage.bias ?? tensor(new Float32Array(0), [0]);
  return stage[role];
}

function written(from: Tensor, edits: readonly Edit[], target: Edit["target"]): Tensor {
  const mine = edits.filter((one) => one.target === target);
  if (mine.length === 0) return from;
  const next = from.clone();
  for (const { offset, value } of mine) next.data[offset] = value;
  return next;
}

/** Why an output that reads an edited cell is still the same number. */
function reason(
  stage: Stage,
  layer: Conv,
  index: readonly number[],
  edits: readonly Edit[],
): string {
  const { terms } = layer.explain(stage.input, index);
  const touched = terms.filter(({ input, weight }) =>
    edits.some(({ target, offset }) =>
      target === "input"
        ? input && offsetOf(input, stage.input.shape) === offset
        : target === "weight" && offsetOf(weight, stage.weight.shape) === offset,
    ),
  );
  if (touched.length > 0 && touched.every(({ w }) => w === 0)) return "its weight is 0";
  if (touched.length > 0 && touched.every(({ x }) => x === 0)) return "the cell it weighs is 0";
  return "the sum rounds to the same number";
}

/** Two changes, one after the other, as one. */
export function joined(first: Change | null, second: Change): Change {
  if (!first) return second;
  const changed = new Map(first.changed);
  for (const [offset, { before, after }] of second.changed) {
    const start = changed.get(offset)?.before ?? before;
    if (start === after) changed.delete(offset);
    else changed.set(offset, { before: start, after });
  }
  const kept = new Map([...first.kept, ...second.kept].filter(([offset]) => !changed.has(offset)));
  const known = new Set(first.edited.map(({ target, offset }) => `${target}${offset}`));
  const fresh = second.edited.filter(({ target, offset }) => !known.has(`${target}${offset}`));
  return { ...second, changed, kept, edited: [...first.edited, ...fresh] };
}

/** What two stages of the same shapes differ in, as the edit from one to the other. */
export function difference(from: Stage, to: Stage): Edit[] | null {
  const edits: Edit[] = [];
  if (from.args !== to.args) return null;
  for (const target of ["input", "weight", "bias"] as const) {
    const a = tensorOf(from, target);
    const b = tensorOf(to, target);
    if (a === b) continue;
    if (String(a.shape) !== String(b.shape)) return null;
    b.data.forEach((value, offset) => {
      if (!Object.is(value, a.data[offset])) edits.push({ target, offset, value });
    });
  }
  return edits;
}

/** One product of a written-out sum. */
export interface Term {
  /** Offset in the input; null for a cell of zero padding. */
  readonly input: number | null;
  readonly weight: number;
  readonly x: number;
  readonly w: number;
  readonly product: number;
}

export interface Sum {
  readonly output: number;
  readonly value: number;
  readonly bias: number | null;
  readonly terms: readonly Term[];
}

/** All cells that belong to the one pointed at. */
export interface Pointing {
  readonly cell: Cell;
  readonly input: ReadonlySet<number>;
  readonly weight: ReadonlySet<number>;
  readonly bias: ReadonlySet<number>;
  readonly output: ReadonlySet<number>;
  /** Offsets in the frame. */
  readonly ghosts: ReadonlySet<number>;
  readonly sum: Sum | null;
  /** Input and output cells that a weight joins. */
  readonly pairs: readonly { input: number | null; output: number }[];
  readonly sentence: string;
}

export function point(stage: Stage, cell: Cell): Pointing | null {
  const outcome = evaluate(stage);
  const shape = tensorOf(stage, cell.role).shape;
  if (cell.offset >= count(shape)) return null;
  if (cell.role === "output") return pointAtOutput(stage, outcome, cell);
  if (cell.role === "input") return pointAtInput(stage, outcome, cell);
  return pointAtParameter(stage, outcome, cell);
}

function pointAtOutput(stage: Stage, outcome: Outcome, cell: Cell): Pointing {
  const { layer, output, frame } = outcome;
  const index = indexOf(cell.offset, output.shape);
  const inputShape = stage.input.shape;
  const input = offsets(layer.receptiveField(inputShape, index), inputShape);
  const ghosts = new Set<number>();
  if (frame.role === "input") {
    const window = makeLayer(unpadded(stage.args), stage).receptiveField(frame.shape, index);
    for (const framed of window) {
      const offset = offsetOf(framed, frame.shape);
      if (insideFrame(frame, offset, inputShape) < 0) ghosts.add(offset);
    }
  }
  const sum = sumOf(stage, cell.offset);
  const name = cellName("output", cell.offset, output.shape);
  const padding = ghosts.size > 0 ? ` and ${ghosts.size} of padding` : "";
  return {
    cell,
    input,
    ghosts,
    weight: new Set(sum.terms.map(({ weight }) => weight)),
    bias: new Set(stage.bias ? [index[0]!] : []),
    output: new Set([cell.offset]),
    sum,
    pairs: [],
    sentence: `${name} reads ${input.size} input ${input.size === 1 ? "cell" : "cells"}${padding}.`,
  };
}

export function sumOf(stage: Stage, output: number): Sum {
  const outcome = evaluate(stage);
  const index = indexOf(output, outcome.output.shape);
  const { value, bias, terms } = outcome.layer.explain(stage.input, index);
  return {
    output,
    value,
    bias: stage.bias ? bias : null,
    terms: terms.map(({ input, weight, x, w, product }) => ({
      input: input && offsetOf(input, stage.input.shape),
      weight: offsetOf(weight, stage.weight.shape),
      x,
      w,
      product,
    })),
  };
}

function pointAtInput(stage: Stage, outcome: Outcome, cell: Cell): Pointing {
  const { layer, output, frame } = outcome;
  const shape = stage.input.shape;
  const readers = offsets(layer.influence(shape, indexOf(cell.offset, shape)), output.shape);
  const weight = new Set<number>();
  for (const reader of [...readers].slice(0, MAX_READERS)) {
    for (const term of sumOf(stage, reader).terms) {
      if (term.input === cell.offset) weight.add(term.weight);
    }
  }
  const ghosts = new Set<number>();
  frame.sources()?.forEach((source, framed) => {
    if (source === cell.offset && insideFrame(frame, framed, shape) < 0) ghosts.add(framed);
  });
  const name = cellName("input", cell.offset, shape);
  const whole = output.size.toLocaleString("en-US");
  return {
    cell,
    input: new Set([cell.offset]),
    weight,
    bias: new Set(),
    output: readers,
    ghosts,
    sum: null,
    pairs: [],
    sentence:
      readers.size === 0
        ? `No output reads ${name}: no window reaches it.`
        : `${name} is read by ${readers.size} of ${whole} ${output.size === 1 ? "output" : "outputs"}.`,
  };
}

function pointAtParameter(stage: Stage, outcome: Outcome, cell: Cell): Pointing {
  const { output } = outcome;
  const { args } = stage;
  const shape = tensorOf(stage, cell.role).shape;
  const index = indexOf(cell.offset, shape);
  const input = new Set<number>();
  const readers = new Set<number>();
  const pairs: { input: number | null; output: number }[] = [];
  const channels = output.shape[0]!;
  const plane = count(output.shape.slice(1));
  // Which outputs may use it: its own channel, or, transposed, its own place in every group.
  const perGroup = channels / args.groups;
  const mine = (channel: number): boolean =>
    cell.role === "bias" || !args.transposed
      ? channel === index[0]
      : channel % perGroup === index[1];
  for (let offset = 0; offset < output.size && pairs.length < MAX_SUMS; ++offset) {
    if (!mine(Math.floor(offset / plane))) continue;
    if (cell.role === "bias") {
      readers.add(offset);
      continue;
    }
    for (const term of sumOf(stage, offset).terms) {
      if (term.weight !== cell.offset) continue;
      readers.add(offset);
      if (term.input !== null) input.add(term.input);
      pairs.push({ input: term.input, output: offset });
    }
  }
  const name = cellName(cell.role, cell.offset, shape);
  const outputs = `${readers.size} ${readers.size === 1 ? "output" : "outputs"}`;
  return {
    cell,
    input,
    weight: new Set(cell.role === "weight" ? [cell.offset] : []),
    bias: new Set(cell.role === "bias" ? [cell.offset] : []),
    output: readers,
    ghosts: new Set(),
    sum: null,
    pairs,
    sentence:
      cell.role === "bias"
        ? `${name} is where the sums of ${outputs} begin.`
        : `${name} joins ${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"} of an input and an output.`,
  };
}

function offsets(cells: Iterable<readonly number[]>, shape: readonly number[]): Set<number> {
  const set = new Set<number>();
  for (const index of cells) set.add(offsetOf(index, shape));
  return set;
}

const unreadCells = new Map<string, ReadonlySet<number>>();
/** Asking every cell of a larger input would keep a keystroke waiting. */
const MAX_UNREAD = 1024;

/** The input cells that no output reads: between strides, or beyond the last window. */
export function unread(stage: Stage): ReadonlySet<number> {
  const { input, args } = stage;
  if (input.size > MAX_UNREAD) return new Set();
  const key = JSON.stringify([args, input.shape]);
  const known = unreadCells.get(key);
  if (known) return known;
  const cells = new Set<number>();
  const { layer } = evaluate(stage);
  for (let offset = 0; offset < input.size; ++offset) {
    if (layer.influence(input.shape, indexOf(offset, input.shape)).size === 0) cells.add(offset);
  }
  if (unreadCells.size >= 8) unreadCells.clear();
  unreadCells.set(key, cells);
  return cells;
}

/** What Step mode steps through: a layer's windows, or a transposed layer's stamps. */
export function stepsOf(stage: Stage): {
  readonly last: number;
  readonly noun: "window" | "stamp";
} {
  return stage.args.transposed
    ? { last: stage.input.size, noun: "stamp" }
    : { last: evaluate(stage).output.size, noun: "window" };
}

/** A transposed layer's output when only the first `step` inputs have stamped theirs. */
export function stamped(stage: Stage, step: number): Tensor {
  const data = stage.input.data.slice();
  data.fill(0, step);
  return evaluate(stage).layer.forward(tensor(data, stage.input.shape));
}

/** The change in words, for the note above the stage and the live region. */
export function describe(stage: Stage, change: Change): string {
  const shape = evaluate(stage).output.shape;
  if (change.edited.length === 0) return "Nothing changed: the value is the same.";
  const total = `${change.outputs.toLocaleString("en-US")}`;
  const n = change.changed.size;
  const head =
    n === 0
      ? `No output changed of ${total}`
      : `${n} ${n === 1 ? "output" : "outputs"} changed of ${total}`;
  const [first] = change.changed;
  const detail =
    n === 1 && first
      ? `: ${cellName("output", first[0], shape)} from ${torchText(first[1].before)} to ${torchText(first[1].after)}`
      : "";
  const kept = change.kept.size;
  const [why] = change.kept.values();
  const same =
    kept === 0
      ? ""
      : ` ${kept} more ${kept === 1 ? "reads" : "read"} the cell and kept ${kept === 1 ? "its" : "their"} value: ${why}.`;
  return `${head}${detail}.${same}`;
}
