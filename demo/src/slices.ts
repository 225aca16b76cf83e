// Slices: a volume's channels are planes of which one slice at a time is shown, chosen by a
// slider below them. Which slice is shown is a way of looking, and no step of the history.
import type { Place } from "./state.js";
import type { Planes } from "./tensors.js";

/** The slice of each tensor that was chosen; the others show their first. */
export type Slices = { readonly [place in Place]?: number };

/** A volume's slices, counted as Python counts them. */
export interface Slice {
  readonly depth: number;
  /** The one that is shown. */
  readonly at: number;
  /** Slices that padding puts before and after them, or cuts off there. */
  readonly before: number;
  readonly after: number;
}

/** What is needed of a block to know which cells it shows. */
interface Sliced {
  readonly planes: Planes;
  readonly slice: Slice | null;
}

/** Where a cell stands among those that one slice shows. */
export function placeOf({ planes, slice }: Sliced, offset: number): number {
  if (!slice) return offset;
  const size = planes.rows * planes.cols;
  return Math.floor(offset / (size * slice.depth)) * size + (offset % size);
}

/** The cell that stands at a place now. */
export function cellAt({ planes, slice }: Sliced, place: number): number {
  if (!slice) return place;
  const size = planes.rows * planes.cols;
  return (Math.floor(place / size) * slice.depth + slice.at) * size + (place % size);
}

/** The cell itself, or what stands in its place while another slice is shown. */
export function shownFor(block: Sliced, offset: number): number {
  return cellAt(block, placeOf(block, offset));
}

export function isShown(block: Sliced, offset: number): boolean {
  return shownFor(block, offset) === offset;
}

/** The slice that a cell lies in. */
export function sliceOf({ planes, slice }: Sliced, offset: number): number {
  return Math.floor(offset / (planes.rows * planes.cols)) % (slice?.depth ?? 1);
}
