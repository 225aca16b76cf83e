// Pointing: the cells that belong to the one pointed at, and an output's sum,
// written out. All sets are the library's.
import { tensor, zeros, type Tensor } from "convscope";
import { evaluate, insideFrame, makeLayer, tensorOf, unpadded, type Outcome } from "./model.js";
import type { Cell, LayerArgs, Stage } from "./state.js";
import { grouped } from "./format.js";
import { cellName, count, indexOf, offsetOf, offsetsOf } from "./tensors.js";

/** Outputs whose sums are asked for one by one when a weight is pointed at. */
const MAX_SUMS = 256;
/** The same when an input is pointed at: this happens in every frame of a drag. */
const MAX_READERS = 16;

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

/** What depends on arguments and shapes alone, until these differ: values do not matter to it. */
const known = { key: "", args: null as LayerArgs | null, cells: new Map<string, Pointing>() };
const MAX_KNOWN = 64;

export function point(stage: Stage, cell: Cell): Pointing | null {
  const outcome = evaluate(stage);
  const shape = tensorOf(stage, cell.role).shape;
  if (cell.offset >= count(shape)) return null;
  const key = String(stage.input.shape);
  if (known.args !== stage.args || known.key !== key || known.cells.size > MAX_KNOWN) {
    Object.assign(known, { key, args: stage.args });
    known.cells.clear();
  }
  const name = `${cell.role}${cell.offset}`;
  let found = known.cells.get(name);
  if (!found) {
    const ask = { output: pointAtOutput, input: pointAtInput }[cell.role as "output" | "input"];
    found = (ask ?? pointAtParameter)(stage, outcome, cell);
    known.cells.set(name, found);
  }
  return cell.role === "output" ? { ...found, sum: sumOf(stage, cell.offset) } : found;
}

function pointAtOutput(stage: Stage, outcome: Outcome, cell: Cell): Pointing {
  const { layer, output, frame } = outcome;
  const index = indexOf(cell.offset, output.shape);
  const inputShape = stage.input.shape;
  const input = offsetsOf(layer.receptiveField(inputShape, index));
  const ghosts = new Set<number>();
  if (frame.role === "input") {
    const window = makeLayer(unpadded(stage.args), stage).receptiveField(frame.shape, index);
    for (const offset of offsetsOf(window)) {
      if (insideFrame(frame, offset, inputShape) < 0) ghosts.add(offset);
    }
  }
  const weight = new Set(sumOf(stage, cell.offset).terms.map((term) => term.weight));
  const name = cellName("output", cell.offset, output.shape);
  const padding = ghosts.size > 0 ? ` and ${ghosts.size} of padding` : "";
  return {
    cell,
    input,
    ghosts,
    weight,
    bias: new Set(stage.bias ? [index[0]!] : []),
    output: new Set([cell.offset]),
    sum: null,
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
  const readers = offsetsOf(layer.influence(shape, indexOf(cell.offset, shape)));
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
  const whole = grouped(output.size);
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
  const meets = cell.role === "weight" ? partners(stage, outcome, index) : () => undefined;
  for (let offset = 0; offset < output.size && pairs.length < MAX_SUMS; ++offset) {
    if (!mine(Math.floor(offset / plane))) continue;
    if (cell.role === "bias") {
      readers.add(offset);
      continue;
    }
    const met = meets(offset);
    if (met === undefined) continue;
    readers.add(offset);
    if (met !== null) input.add(met);
    pairs.push({ input: met, output: offset });
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

/**
 * What a weight meets on the way to an output: an input's offset, null for padding, undefined if
 * nothing. Asked of the same layer with one channel, whose sums are shorter; channels are added.
 */
function partners(
  { args, input, weight }: Stage,
  { output }: Outcome,
  index: readonly number[],
): (offset: number) => number | null | undefined {
  const one = { ...args, inChannels: 1, outChannels: 1, groups: 1, bias: false };
  const layer = makeLayer(one, {
    weight: zeros([1, 1, ...weight.shape.slice(2)]),
    bias: null,
  });
  const probe = zeros([1, ...input.shape.slice(1)]);
  const place = [0, 0, ...index.slice(2)].join();
  return (offset) => {
    const [channel, ...position] = indexOf(offset, output.shape) as [number, ...number[]];
    const group = Math.floor(channel / (output.shape[0]! / args.groups));
    const from = args.transposed ? index[0]! : group * (input.shape[0]! / args.groups) + index[1]!;
    if (args.transposed && Math.floor(from / (input.shape[0]! / args.groups)) !== group)
      return undefined;
    const term = layer
      .explain(probe, [0, ...position])
      .terms.find((one) => one.weight.join() === place);
    return term && term.input && offsetOf([from, ...term.input.slice(1)], input.shape);
  };
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
