// Cell range: a rectangle of cells of one plane, as a spreadsheet has it, from the cell where
// Shift was first held to the one that has the keyboard.
import type { Planes } from "../tensors.js";

export class CellRange {
  /** Offsets, row by row. */
  readonly rows: readonly (readonly number[])[];

  /** Two cells of different planes span no rectangle: then it is `to` alone. */
  constructor({ rows, cols }: Planes, from: number, to: number) {
    const plane = Math.floor(to / (rows * cols));
    const start = Math.floor(from / (rows * cols)) === plane ? from : to;
    const row = (offset: number): number => Math.floor((offset % (rows * cols)) / cols);
    const [top, bottom] = [row(start), row(to)].sort((a, b) => a - b) as [number, number];
    const [left, right] = [start % cols, to % cols].sort((a, b) => a - b) as [number, number];
    const first = plane * rows * cols;
    this.rows = Array.from({ length: bottom - top + 1 }, (_, i) =>
      Array.from({ length: right - left + 1 }, (_, j) => first + (top + i) * cols + left + j),
    );
  }

  get first(): number {
    return this.rows[0]![0]!;
  }

  get size(): number {
    return this.rows.length * this.rows[0]!.length;
  }

  /** The cells as a spreadsheet takes them. */
  text(of: (offset: number) => string): string {
    return this.rows.map((row) => row.map(of).join("\t")).join("\n");
  }
}
