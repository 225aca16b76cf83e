// Pointing: the cells that belong to the one pointed at, and an output's sum,
// written out. All sets are the library's.
import { tensor, type Tensor } from "convscope";
import { evaluate, insideFrame, makeLayer, tensorOf, unpadded, type Outcome } from "./model.js";
import type { Cell, LayerArgs, Stage } from "./state.js";
import { grouped, plural } from "./format.js";
import { pairsOf, weightsOf } from "./joins.js";
import { cellName, count, indexOf, offsetOf, offsetsOf } from "./tensors.js";

/** Of the pairs that a weight joins, so many are kept to be written out. */
const MAX_PAIRS = 64;

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
  /** Input and output cells that a weight joins: the first of them, and how many there are. */
  readonly joined: number;
  readonly pairs: readonly { input: number | null; output: number }[];
  readonly sentence: string;
}

/** What depends on arguments and shapes alone, until these differ: values do not matter to it. */
const known = { key: "", args: null as LayerArgs | null, cells: new Map<string, Pointing>() };
const MAX_KNOWN = 64;
/** A set of more cells than this is kept alone. */
const MAX_KEPT = 8192;

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
    if (found.output.size + found.input.size > MAX_KEPT) known.cells.clear();
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
  const padding = ghosts.size > 0 ? ` and ${grouped(ghosts.size)} of padding` : "";
  return {
    cell,
    input,
    ghosts,
    weight,
    bias: new Set(stage.bias ? [index[0]!] : []),
    output: new Set([cell.offset]),
    sum: null,
    joined: 0,
    pairs: [],
    sentence: `${name} reads ${plural(input.size, "input cell")}${padding}.`,
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
  const index = indexOf(cell.offset, shape);
  const readers = offsetsOf(layer.influence(shape, index));
  const weight = weightsOf(stage, index);
  const ghosts = new Set<number>();
  frame.sources()?.forEach((source, framed) => {
    if (source === cell.offset && insideFrame(frame, framed, shape) < 0) ghosts.add(framed);
  });
  const name = cellName("input", cell.offset, shape);
  return {
    cell,
    input: new Set([cell.offset]),
    weight,
    bias: new Set(),
    output: readers,
    ghosts,
    sum: null,
    joined: 0,
    pairs: [],
    sentence:
      readers.size === 0
        ? `No output reads ${name}: no window reaches it.`
        : `${name} is read by ${grouped(readers.size)} of ${plural(output.size, "output")}.`,
  };
}

function pointAtParameter(stage: Stage, outcome: Outcome, cell: Cell): Pointing {
  const { output } = outcome;
  const shape = tensorOf(stage, cell.role).shape;
  const index = indexOf(cell.offset, shape);
  const input = new Set<number>();
  const readers = new Set<number>();
  const pairs: { input: number | null; output: number }[] = [];
  let joined = 0;
  if (cell.role === "bias") {
    const plane = count(output.shape.slice(1));
    for (let i = 0; i < plane; ++i) readers.add(index[0]! * plane + i);
  } else {
    for (const pair of pairsOf(stage, index)) {
      joined += 1;
      readers.add(pair.output);
      if (pair.input !== null) input.add(pair.input);
      if (pairs.length < MAX_PAIRS) pairs.push(pair);
    }
  }
  const name = cellName(cell.role, cell.offset, shape);
  return {
    cell,
    input,
    weight: new Set(cell.role === "weight" ? [cell.offset] : []),
    bias: new Set(cell.role === "bias" ? [cell.offset] : []),
    output: readers,
    ghosts: new Set(),
    sum: null,
    joined,
    pairs,
    sentence:
      cell.role === "bias"
        ? `${name} is where the sums of ${plural(readers.size, "output")} begin.`
        : `${name} joins ${plural(joined, "pair")} of an input and an output.`,
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
