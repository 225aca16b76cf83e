// Tensors as pictures need them: an offset's index, its name, how a tensor of any
// rank lies on the page as a row of planes.
import type { Cells } from "convscope";
import type { LayerArgs, Role } from "./state.js";

export function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The index of a row-major offset. */
export function indexOf(offset: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length; axis-- > 0;) {
    const size = shape[axis]!;
    index[axis] = offset % size;
    offset = Math.floor(offset / size);
  }
  return index;
}

export function offsetOf(index: readonly number[], shape: readonly number[]): number {
  return shape.reduce((offset, size, axis) => offset * size + index[axis]!, 0);
}

/** The row-major offsets of a set of cells, each once. */
export function listOf(cells: Cells): readonly number[] {
  const { shape, parts } = cells;
  const [only] = parts;
  // One product is gone through list by list: a set of thousands is asked for in every frame.
  if (parts.length !== 1 || !only)
    return [...new Set([...cells].map((index) => offsetOf(index, shape)))];
  let offsets = [0];
  only.axes.forEach((list, axis) => {
    const next: number[] = [];
    for (const start of offsets) for (const at of list) next.push(start * shape[axis]! + at);
    offsets = next;
  });
  return offsets;
}

export function offsetsOf(cells: Cells): Set<number> {
  return new Set(listOf(cells));
}

export const LETTER: Record<Role, string> = {
  input: "x",
  weight: "weight",
  bias: "bias",
  output: "y",
};

/** The cell as Python would index it: "x[1, 0]". */
export function cellName(role: Role, offset: number, shape: readonly number[]): string {
  return `${LETTER[role]}[${indexOf(offset, shape).join(", ")}]`;
}

/** "(3, 4)", and "(4,)" for one axis. */
export function tuple(values: readonly number[]): string {
  return values.length === 1 ? `(${values[0]},)` : `(${values.join(", ")})`;
}

/** Planes of `rows` × `cols` cells, laid out `down` by `across`, row-major; the last row may be short. */
export interface Planes {
  readonly down: number;
  readonly across: number;
  readonly rows: number;
  readonly cols: number;
}

/** How a tensor is cut into planes: its last two axes are rows and columns. Of a volume's slices one is shown. */
export function planesOf(role: Role, shape: readonly number[], args: LayerArgs): Planes {
  if (role === "bias") return { down: shape[0]!, across: 1, rows: 1, cols: 1 };
  const cols = shape.at(-1)!;
  const rows = shape.at(-2)!;
  const planes = shape.slice(0, args.axes === 3 ? -3 : -2);
  if (role === "weight") {
    return { down: shape[0]!, across: count(planes.slice(1)), rows, cols };
  }
  return { down: count(planes), across: 1, rows, cols };
}
