// Cell keys: where the keyboard goes from a cell.
import type { Planes } from "../tensors.js";

/** Where a key leads, or null: planes count as one sheet, side by side and stacked. */
export function neighbour(
  planes: Planes,
  cells: number,
  offset: number,
  key: string,
): number | null {
  const { down, across, rows, cols } = planes;
  const size = rows * cols;
  const plane = Math.floor(offset / size);
  let row = Math.floor(plane / across) * rows + Math.floor((offset % size) / cols);
  let col = (plane % across) * cols + (offset % cols);
  if (key === "ArrowUp") row -= 1;
  else if (key === "ArrowDown") row += 1;
  else if (key === "ArrowLeft") col -= 1;
  else if (key === "ArrowRight") col += 1;
  else if (key === "PageUp") row -= rows;
  else if (key === "PageDown") row += rows;
  else if (key === "Home") col -= col % cols;
  else if (key === "End") col += cols - 1 - (col % cols);
  else return null;
  if (row < 0 || col < 0 || row >= down * rows || col >= across * cols) return offset;
  const target = Math.floor(row / rows) * across + Math.floor(col / cols);
  if (target * size >= cells) return offset; // the last row of planes may be short
  return target * size + (row % rows) * cols + (col % cols);
}
