// Cell canvas: a tensor of many cells too small for numbers, as one picture, and over it a grid
// of which one real cell is there: where the keyboard is. Loaded when such a tensor is first
// shown (parts.ts).
import { cellRect } from "../geometry.js";
import type { Block } from "../layout.js";
import { placeOf } from "../slices.js";
import { faceOf, paintFace } from "./cell-face.js";
import type { CellRange } from "./cell-range.js";
import { attribute, h, hide } from "./dom.js";
import { offsetOf, Tint, type Cells, type GridView } from "./grid-view.js";
import { Sheet, shadesOf } from "./plane-canvas.js";

export class CellCanvas implements Cells {
  readonly #cursor = h("td", { tabindex: "0" });
  readonly #table: HTMLTableElement;
  /** Round the picked range. */
  readonly #picked = h("div", { class: "picked", hidden: true });
  readonly #tints: Uint8Array;
  #sheet: Sheet;
  #block: Block;
  #active: number;

  constructor(view: GridView, active: number) {
    const { planes } = view.block;
    this.#block = view.block;
    this.#sheet = new Sheet(view.block);
    this.#tints = new Uint8Array(view.values.length);
    this.#active = active;
    this.#table = h(
      "table",
      {
        role: "grid",
        class: "cursor",
        "aria-label": view.label,
        "aria-readonly": view.editable ? "false" : "true",
        "aria-multiselectable": "true",
        "aria-rowcount": planes.down * planes.rows,
        "aria-colcount": planes.across * planes.cols,
      },
      h("tbody", {}, h("tr", {}, this.#cursor)),
    );
  }

  get nodes(): readonly HTMLElement[] {
    return [this.#sheet.canvas, this.#picked, this.#table];
  }

  place({ block }: GridView): void {
    if (block === this.#block) return;
    const { canvas } = this.#sheet;
    this.#block = block;
    this.#sheet = new Sheet(block);
    canvas.replaceWith(this.#sheet.canvas);
  }

  /** In a drag, few of many cells differ from what they show. */
  paint(view: GridView, active: number): void {
    this.#tints.fill(Tint.None);
    view.tint(this.#tints);
    this.#sheet.paint(view.values, this.#tints, view.scale, shadesOf(this.#table));
    this.activate(view, active);
  }

  /** Puts the one real cell where the keyboard is. */
  activate(view: GridView, active: number): void {
    this.#active = active;
    const { cell, boxes, planes } = view.block;
    const { across, rows, cols } = planes;
    const place = placeOf(view.block, active);
    const plane = Math.floor(place / (rows * cols));
    const row = Math.floor((place % (rows * cols)) / cols);
    const col = place % cols;
    const box = boxes[plane]!;
    const { style } = this.#table;
    style.setProperty("left", `${box.x + col * cell.w}px`);
    style.setProperty("top", `${box.y + row * cell.h}px`);
    style.setProperty("width", `${cell.w}px`);
    const cursor = this.#cursor;
    attribute(cursor, "data-offset", String(active));
    attribute(cursor, "aria-colindex", String((plane % across) * cols + col + 1));
    const line = Math.floor(plane / across) * rows + row + 1;
    attribute(cursor.parentElement!, "aria-rowindex", String(line));
    paintFace(cursor, view, faceOf(view, active));
  }

  pick({ first, rows, size }: CellRange): void {
    hide(this.#picked, size === 1);
    attribute(this.#cursor, "aria-selected", size === 1 ? null : "true");
    const { x, y, w, h } = cellRect(this.#block, first);
    const { style } = this.#picked;
    style.setProperty("left", `${x}px`);
    style.setProperty("top", `${y}px`);
    style.setProperty("width", `${rows[0]!.length * w}px`);
    style.setProperty("height", `${rows.length * h}px`);
  }

  element(offset: number): HTMLTableCellElement | null {
    return offset === this.#active ? this.#cursor : null;
  }

  under(event: MouseEvent): number {
    return event.target === this.#sheet.canvas
      ? this.#sheet.cellAt(event.offsetX, event.offsetY)
      : offsetOf(event.target);
  }
}
