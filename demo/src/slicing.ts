// Slicing: which slices of a volume go together. Choosing a cell brings what it belongs to into
// sight; moving along a slider brings the kernel's slice that meets there. Pure; loaded with the
// first volume.
import type { Block } from "./layout.js";
import { evaluate, tensorOf } from "./model.js";
import { point, sumOf, type Pointing } from "./pointing.js";
import type { Slices } from "./slices.js";
import type { Cell, Stage } from "./state.js";
import { count, indexOf } from "./tensors.js";

/** A slice of padding, before a volume's own slices or after them. */
export interface Beyond {
  readonly text: string;
  readonly title: string;
  /** How many of its cells belong to the one pointed at. */
  readonly lit: number;
}

/** The slices before a block's own, then those after them. */
export function beyond(stage: Stage, { role, slice }: Block, pointing: Pointing | null): Beyond[] {
  const { frame } = evaluate(stage);
  const { before, depth, after } = slice!;
  if (frame.role !== role || before + after === 0) return [];
  const plane = count(frame.shape.slice(2));
  const middle = frame.before[1]! * frame.shape[3]! + frame.before[2]!;
  const lit = new Map<number, number>();
  for (const ghost of pointing?.ghosts ?? []) {
    const at = indexOf(ghost, frame.shape)[1]!;
    lit.set(at, (lit.get(at) ?? 0) + 1);
  }
  const beyond: Beyond[] = [];
  for (let at = 0; at < frame.shape[1]!; ++at) {
    if (at >= before && at < before + depth) continue;
    const source = frame.sources()?.[at * plane + middle];
    const copied = source === undefined ? null : indexOf(source, stage.input.shape)[1]!;
    beyond.push({
      lit: lit.get(at) ?? 0,
      ...(role === "output"
        ? { text: "✂", title: "a slice cut off by padding" }
        : copied === null
          ? { text: "all 0", title: "a slice of padding: 0" }
          : { text: `=${copied}`, title: `a slice of padding: a copy of slice ${copied}` }),
    });
  }
  return beyond;
}

/** An input, a weight and an output that one product joins, by their slices. */
type Join = Record<"input" | "weight" | "output", number>;

/** Of a cell that many outputs read, at most so many sums are looked at. */
const MAX_SUMS = 64;

function joinsOf(stage: Stage, cell: Cell): Join[] {
  const pointing = point(stage, cell);
  if (!pointing) return [];
  const joins = new Map<string, Join>();
  for (const output of someOfEachSlice(stage, pointing)) {
    for (const { input, weight } of sumOf(stage, output).terms) {
      if (input === null) continue;
      if (cell.role === "input" && input !== cell.offset) continue;
      if (cell.role === "weight" && weight !== cell.offset) continue;
      const join = {
        input: sliceAt(stage, { role: "input", offset: input }),
        weight: sliceAt(stage, { role: "weight", offset: weight }),
        output: sliceAt(stage, { role: "output", offset: output }),
      };
      joins.set(Object.values(join).join(), join);
    }
  }
  return [...joins.values()];
}

function sliceAt(stage: Stage, { role, offset }: Cell): number {
  return indexOf(offset, tensorOf(stage, role).shape).at(-3)!;
}

/** The outputs that belong to a cell; of many, some of each slice. */
function someOfEachSlice(stage: Stage, { output }: Pointing): number[] {
  const taken = new Map<number, number>();
  const most = Math.ceil(MAX_SUMS / evaluate(stage).output.shape[1]!);
  return [...output].filter((offset) => {
    const at = sliceAt(stage, { role: "output", offset });
    const before = taken.get(at) ?? 0;
    taken.set(at, before + 1);
    return before < most;
  });
}

/** Of the products that a cell is part of, the one nearest to what is shown. */
function nearest(joins: readonly Join[], shown: Slices): Join | null {
  const agreement = ({ input, weight, output }: Join): number =>
    2 * Number(input === (shown.input ?? 0)) +
    2 * Number(output === (shown.output ?? 0)) +
    Number(weight === (shown.weight ?? 0));
  let best: Join | null = null;
  for (const join of joins) if (!best || agreement(join) > agreement(best)) best = join;
  return best;
}

/** The slices that show a chosen cell, and what one of its products joins. */
export function inSight(stage: Stage, cell: Cell, shown: Slices): Slices {
  if (cell.role === "bias") return shown;
  const own = { ...shown, [cell.role]: sliceAt(stage, cell) };
  return { ...own, ...nearest(joinsOf(stage, cell), own) };
}

/**
 * The slices when one tensor's slider was moved while a cell is chosen: the kernel's slice goes
 * with those of input and output, and where itself is moved, the other end of its product does.
 */
export function followed(stage: Stage, cell: Cell, moved: keyof Join, shown: Slices): Slices {
  const joins = joinsOf(stage, cell).filter((join) => join[moved] === shown[moved]);
  const best = nearest(joins, shown);
  const other = cell.role === "output" ? "input" : "output";
  const follower = moved === "weight" ? other : "weight";
  return best ? { ...shown, [follower]: best[follower] } : shown;
}
