// Grid view: what <tensor-grid> is given to show, the events it sends, and what its two ways of
// drawing cells have in common.
import type { Block } from "../layout.js";
import type { Place } from "../state.js";
import type { Beyond } from "../slicing.js";
import type { CellRange } from "./cell-range.js";

/** What the page says about one cell besides its value. */
export interface CellMark {
  /** Value before the last edit, for a cell that changed or was edited. */
  readonly before?: string;
  readonly classes: string;
  /** 0…1: the size of the change. */
  readonly size?: number;
  /** Read out after the value, and shown as a tooltip. */
  readonly note?: string;
}

export interface GridView {
  readonly role: Place;
  readonly label: string;
  readonly editable: boolean;
  readonly block: Block;
  readonly values: Float32Array;
  /** |value| that gets half of the full colour. */
  readonly scale: number;
  readonly name: (offset: number) => string;
  readonly mark: (offset: number) => CellMark | null;
  /** For cells drawn as pictures: writes a Tint for each that has one. */
  readonly tint: (into: Uint8Array) => void;
  /** True where the value is not to be seen: not yet computed, or to be predicted. */
  readonly hidden: (offset: number) => boolean;
  /** Of a volume: the slices of padding before and after its own. */
  readonly beyond?: readonly Beyond[] | null | undefined;
}

export interface CellEvent {
  readonly role: Place;
  readonly offset: number;
}
export interface EditEvent extends CellEvent {
  readonly value: number;
}
export interface ScrubEvent extends EditEvent {
  readonly phase: "start" | "move" | "end";
}
/** Another slice of a volume is wanted. */
export interface SliceEvent {
  readonly role: Place;
  readonly at: number;
}
export interface PasteEvent extends CellEvent {
  readonly text: string;
}

/** What is mixed into the own colour of a cell that is drawn as a picture. */
export const Tint = { None: 0, Lit: 1, Kept: 2, Guess: 3, Changed: 4, Hidden: 5 } as const;

/** A tensor's cells as they stand on the page: as tables, or, too small for numbers, as a picture. */
export interface Cells {
  /** What the element holds. */
  readonly nodes: readonly HTMLElement[];
  /** Puts them where the view's block says. */
  place(view: GridView): void;
  /** Draws the cells that differ from what they show; the keyboard is on `active`. */
  paint(view: GridView, active: number): void;
  /** Moves the tab stop. */
  activate(view: GridView, active: number): void;
  /** Marks a range of cells; one cell alone is no range. */
  pick(range: CellRange): void;
  /** The element of a cell, if it has one of its own. */
  element(offset: number): HTMLTableCellElement | null;
  /** The cell under an event, or -1. */
  under(event: MouseEvent): number;
}

/** The cell that an element of a table belongs to, or -1. */
export function offsetOf(target: EventTarget | null): number {
  const cell = target instanceof Element ? target.closest("td") : null;
  return cell ? Number(cell.getAttribute("data-offset")) : -1;
}
