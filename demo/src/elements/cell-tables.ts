// Cell tables: a tensor's planes as tables of cells with their numbers. All cells share one tab
// stop, as the ARIA grid pattern has it.
import type { Block } from "../layout.js";
import { cellAt, isShown, placeOf } from "../slices.js";
import { faceOf, paintFace } from "./cell-face.js";
import type { CellRange } from "./cell-range.js";
import { attribute, h } from "./dom.js";
import { offsetOf, type Cells, type GridView } from "./grid-view.js";

/** By the place where it stands: another slice of a volume comes into the same elements. */
interface Shown {
  readonly element: HTMLTableCellElement;
  signature: string;
}

export class CellTables implements Cells {
  readonly nodes: readonly HTMLTableElement[];
  readonly #cells: Shown[] = [];
  #block: Block;
  #picked: readonly Shown[] = [];
  /** The one with the tab stop. */
  #active: HTMLTableCellElement | null;

  constructor(view: GridView, active: number) {
    const { planes, boxes } = view.block;
    this.nodes = boxes.map(() => {
      const body = h("tbody");
      for (let row = 0; row < planes.rows; ++row) {
        const line = h("tr");
        for (let col = 0; col < planes.cols; ++col) {
          const element = h("td", { tabindex: "-1" });
          this.#cells.push({ element, signature: "" });
          line.append(element);
        }
        body.append(line);
      }
      const readonly = view.editable ? "false" : "true";
      return h(
        "table",
        { role: "grid", "aria-readonly": readonly, "aria-multiselectable": "true" },
        body,
      );
    });
    this.#block = view.block;
    this.#active = this.element(active);
    this.#active?.setAttribute("tabindex", "0");
  }

  place(view: GridView): void {
    this.#block = view.block;
    this.#cells.forEach((shown, place) => {
      attribute(shown.element, "data-offset", String(cellAt(view.block, place)));
      shown.signature = ""; // a number that fitted may fit no longer
    });
    view.block.boxes.forEach((box, i) => {
      attribute(this.nodes[i]!, "aria-label", box.caption ?? view.label);
      const { style } = this.nodes[i]!;
      style.setProperty("left", `${box.x}px`);
      style.setProperty("top", `${box.y}px`);
      style.setProperty("width", `${box.w}px`);
    });
  }

  paint(view: GridView): void {
    this.#cells.forEach((shown, place) => {
      const offset = cellAt(view.block, place);
      const face = faceOf(view, offset);
      const { text, value, mark, hidden } = face;
      const signature = `${offset}|${text}|${hidden ? "" : value}|${mark?.classes}|${mark?.before}|${mark?.size}|${mark?.note}`;
      if (shown.signature === signature) return;
      shown.signature = signature;
      paintFace(shown.element, view, face);
    });
  }

  activate(_view: GridView, active: number): void {
    this.#active?.setAttribute("tabindex", "-1");
    this.#active = this.element(active);
    this.#active?.setAttribute("tabindex", "0");
  }

  pick(range: CellRange): void {
    const picked = new Set(range.size > 1 ? range.rows.flat() : []);
    for (const { element } of this.#picked) attribute(element, "aria-selected", null);
    this.#picked = [...picked].map((offset) => this.#cells[placeOf(this.#block, offset)]!);
    for (const { element } of this.#picked) attribute(element, "aria-selected", "true");
  }

  element(offset: number): HTMLTableCellElement | null {
    if (!isShown(this.#block, offset)) return null;
    return this.#cells[placeOf(this.#block, offset)]?.element ?? null;
  }

  under(event: MouseEvent): number {
    return offsetOf(event.target);
  }
}
