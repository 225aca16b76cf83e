// Cell press: a finger or button down on a cell, which becomes a drag once it moves sideways.
const THRESHOLD = 4; // px before a press becomes a drag
const PIXELS = 6; // px per step

export class CellPress {
  /** The value dragged to so far. */
  value: number;
  dragging = false;
  readonly #x: number;

  /** `again`: the cell had the keyboard already. `anchor`: where a range may begin. */
  constructor(
    readonly offset: number,
    readonly from: number,
    readonly again: boolean,
    readonly anchor: number,
    event: PointerEvent,
  ) {
    this.value = from;
    this.#x = event.clientX;
  }

  /** Whether a move makes it a drag. */
  begins(event: PointerEvent): boolean {
    if (this.dragging || !Number.isFinite(this.from)) return false;
    this.dragging = Math.abs(event.clientX - this.#x) >= THRESHOLD;
    return this.dragging;
  }

  /** Whether a move of a drag leads to another value: in tenths, with Shift in ones, with Alt in hundredths. */
  moves(event: PointerEvent): boolean {
    const step = event.shiftKey ? 1 : event.altKey ? 0.01 : 0.1;
    const steps = Math.round(this.from / step) + Math.round((event.clientX - this.#x) / PIXELS);
    const value = Math.fround(Number((steps * step).toFixed(2)));
    if (value === this.value) return false;
    this.value = value;
    return true;
  }
}
