// <tensor-grid>: one tensor of the figure as editable planes.
//
// All planes of a tensor share one tab stop; arrows move between cells and across planes, Page Up
// and Down between a volume's slices; Enter or F2 edits, typing replaces, Escape restores, dragging
// sideways scrubs; Shift picks a range, to be copied, cleared, or where a paste begins. Property
// `view` in; events out: cell-hover, cell-focus, cell-pin, cell-edit, cell-scrub, cell-paste,
// slice-to. How the cells are drawn is in cell-tables.ts and cell-canvas.ts.
import { shortest } from "../format.js";
import { shownFont, type Block } from "../layout.js";
import { canvases, volumes, type Part } from "../parts.js";
import { cellAt, isShown, placeOf, shownFor, sliceOf } from "../slices.js";
import { CellEditor } from "./cell-editor.js";
import { neighbour } from "./cell-keys.js";
import { CellPress } from "./cell-press.js";
import { CellRange } from "./cell-range.js";
import { CellTables } from "./cell-tables.js";
import { attribute, emit } from "./dom.js";
import type { SliceSlider } from "./slice-slider.js";
import {
  offsetOf,
  type CellEvent,
  type Cells,
  type EditEvent,
  type GridView,
  type PasteEvent,
  type ScrubEvent,
  type SliceEvent,
} from "./grid-view.js";

export class TensorGrid extends HTMLElement {
  #view: GridView | null = null;
  #cells: Cells | null = null;
  #slider: SliceSlider | null = null;
  #size = 0;
  #structure = "";
  #placed: Block | null = null;
  #active = 0;
  /** Where the picked range began; #active, where none is picked. */
  #from = 0;
  #editor: CellEditor | null = null;
  #press: CellPress | null = null;
  #hovered = -1;

  connectedCallback(): void {
    this.setAttribute("role", "group");
    this.addEventListener("keydown", (event) => this.#onKey(event));
    this.addEventListener("focusin", (event) => this.#onFocus(event));
    this.addEventListener("pointerover", (event) => this.#onHover(event));
    this.addEventListener("pointerleave", () => this.#leave());
    this.addEventListener("pointerdown", (event) => this.#onPress(event));
    this.addEventListener("pointermove", (event) => this.#onDrag(event));
    this.addEventListener("pointerup", (event) => this.#onRelease(event));
    this.addEventListener("pointercancel", () => this.#endPress());
    this.addEventListener("dblclick", (event) => {
      const offset = this.#under(event);
      if (offset >= 0) this.edit(offset);
    });
    this.addEventListener("paste", (event) => this.#onPaste(event));
    this.addEventListener("copy", (event) => this.#onCopy(event));
  }

  set view(view: GridView) {
    const { planes, pictured } = view.block;
    const structure = [
      planes.down,
      planes.across,
      planes.rows,
      planes.cols,
      view.block.boxes.length,
      view.editable,
      pictured,
      view.block.slice !== null,
    ].join();
    this.#view = view;
    attribute(this, "aria-label", view.label);
    attribute(this, "data-role", view.role);
    if (structure !== this.#structure) {
      const parts = [pictured && canvases, view.block.slice && volumes];
      const missing = parts.find((part) => part && !part.loaded);
      if (missing) {
        this.#await(missing);
        return;
      }
      this.#structure = structure;
      this.#build(view);
    }
    const cells = this.#cells!;
    if (this.#placed !== view.block) {
      this.#placed = view.block;
      // In another slice the keyboard stays at its row and column.
      this.#active = shownFor(view.block, this.#active);
      this.#from = shownFor(view.block, this.#from);
      const { cell } = view.block;
      this.style.setProperty("--cell-w", `${cell.w}px`);
      this.style.setProperty("--cell-h", `${cell.h}px`);
      this.style.setProperty("--cell-font", `${shownFont(view.block)}px`);
      this.classList.toggle("small", cell.font === 0);
      cells.place(view);
      cells.pick(this.#range);
    }
    cells.paint(view, this.#active);
    if (this.#slider) this.#slider.view = view;
  }

  /** Shows nothing until what draws the view is loaded. */
  #await(part: Part<unknown>): void {
    this.#structure = "";
    this.#cells = null;
    this.replaceChildren();
    part.load().then(
      () => (this.view = this.#view!),
      () => this.#complain("This tensor needs a part of the page that did not load."),
    );
  }

  #build(view: GridView): void {
    this.#editor = null;
    this.#placed = null;
    this.#size = view.values.length;
    this.#active = shownFor(view.block, Math.max(0, Math.min(this.#active, this.#size - 1)));
    this.#from = this.#active;
    const Kind = view.block.pictured ? canvases.now.CellCanvas : CellTables;
    this.#cells = new Kind(view, this.#active);
    this.#slider = view.block.slice && new volumes.now.SliceSlider();
    this.replaceChildren(...this.#cells.nodes, ...(this.#slider ? [this.#slider] : []));
  }

  /** Puts the keyboard on a cell; the range from `from` to there is picked. */
  focusCell(offset: number, from = offset): void {
    const { block, role } = this.#view!;
    if (!isShown(block, offset))
      emit<SliceEvent>(this, "slice-to", { role, at: sliceOf(block, offset) });
    this.#from = from;
    this.#activate(offset);
    const cell = this.#cells!.element(offset);
    // Where another slice came into the same elements, no focus moves.
    if (cell && cell === document.activeElement) this.#send<CellEvent>("cell-focus", { offset });
    else cell?.focus();
  }

  get #range(): CellRange {
    const { planes } = this.#view!.block;
    return new CellRange(planes, this.#from, this.#active);
  }

  /** Opens the editor of a cell, with `text` in place of its value. */
  edit(offset: number, text: string | null = null): void {
    const view = this.#view;
    if (!view?.editable || offset >= this.#size || this.#editor) return;
    this.focusCell(offset);
    const cell = this.#cells!.element(offset)!;
    this.#editor = new CellEditor(cell, offset, view.values[offset]!, text, view.name(offset), {
      leave: () => this.#close(true, false),
      input: () => this.#complain(null),
    });
  }

  /** The cell under an event. */
  #under(event: MouseEvent): number {
    return this.#cells?.under(event) ?? -1;
  }

  #activate(offset: number): void {
    this.#active = offset;
    this.#cells!.activate(this.#view!, offset);
    this.#cells!.pick(this.#range);
  }

  #send<T extends CellEvent>(type: string, detail: Omit<T, "role">): void {
    emit(this, type, { role: this.#view!.role, ...detail });
  }

  #onFocus(event: FocusEvent): void {
    const offset = offsetOf(event.target);
    if (offset < 0) return;
    if (offset !== this.#active) this.#from = offset;
    this.#activate(offset);
    this.#send<CellEvent>("cell-focus", { offset });
  }

  #onHover(event: PointerEvent): void {
    if (event.pointerType !== "mouse" || this.#press?.dragging) return;
    const offset = this.#under(event);
    if (offset < 0) return this.#leave();
    if (offset === this.#hovered) return;
    this.#hovered = offset;
    this.#send<CellEvent>("cell-hover", { offset });
  }

  #leave(): void {
    if (this.#hovered < 0) return;
    this.#hovered = -1;
    this.#send<CellEvent>("cell-hover", { offset: -1 });
  }

  #onPress(event: PointerEvent): void {
    const offset = this.#under(event);
    if (offset < 0 || event.button !== 0 || this.#editor) return;
    const again = this.contains(document.activeElement) && offset === this.#active;
    const value = this.#view!.values[offset]!;
    this.#press = new CellPress(offset, value, again, this.#from, event);
  }

  #onDrag(event: PointerEvent): void {
    const press = this.#press;
    // Over tables, pointerover says which cell it is.
    if (!press && event.target instanceof HTMLCanvasElement) this.#onHover(event);
    if (!press || !this.#view!.editable) return;
    if (press.begins(event)) {
      this.setPointerCapture(event.pointerId);
      this.classList.add("scrubbing");
      this.#scrub(press, "start");
    }
    if (press.dragging && press.moves(event)) this.#scrub(press, "move");
  }

  #scrub({ offset, value }: CellPress, phase: ScrubEvent["phase"]): void {
    this.#send<ScrubEvent>("cell-scrub", { offset, value, phase });
  }

  #onRelease(event: PointerEvent): void {
    const press = this.#press;
    if (!press) return;
    const { offset, dragging, again, anchor } = press;
    this.#endPress();
    if (dragging) return;
    if (event.shiftKey) return this.focusCell(offset, anchor);
    this.focusCell(offset);
    this.#send<CellEvent>("cell-pin", { offset });
    if (again && event.pointerType === "touch") this.edit(offset);
  }

  #endPress(): void {
    const press = this.#press;
    this.#press = null;
    this.classList.remove("scrubbing");
    if (press?.dragging) this.#scrub(press, "end");
  }

  #onKey(event: KeyboardEvent): void {
    if (this.#editor) return this.#onEditorKey(event);
    const offset = offsetOf(event.target);
    if (offset < 0) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key === "Home") return this.#go(event, 0);
      if (event.key === "End") return this.#go(event, this.#size - 1);
      return;
    }
    if (event.altKey) return;
    const target = this.#neighbour(offset, event.key);
    if (target !== null) return this.#go(event, target);
    const editable = this.#view!.editable;
    if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      if (editable) this.edit(offset);
      else this.#send<CellEvent>("cell-pin", { offset });
    } else if (event.key === " ") {
      event.preventDefault();
      this.#send<CellEvent>("cell-pin", { offset });
    } else if (event.key === "Escape") {
      this.focusCell(offset);
      this.#send<CellEvent>("cell-pin", { offset: -1 });
    } else if (editable && (event.key === "Delete" || event.key === "Backspace")) {
      event.preventDefault();
      const range = this.#range;
      if (range.size === 1) this.#send<EditEvent>("cell-edit", { offset, value: 0 });
      else
        this.#send<PasteEvent>("cell-paste", { offset: range.first, text: range.text(() => "0") });
    } else if (editable && event.key.length === 1) {
      event.preventDefault();
      this.edit(offset, event.key);
    }
  }

  #onEditorKey(event: KeyboardEvent): void {
    const { offset, typed } = this.#editor!;
    if (event.key === "Escape") {
      event.preventDefault();
      this.#close(false, true);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#close(true, true);
    } else if (event.key === "Tab") {
      const next = this.#beside(offset, event.shiftKey ? -1 : 1);
      if (next === null) return void this.#close(true, true);
      event.preventDefault();
      if (this.#close(true, true)) this.focusCell(next);
    } else if (typed !== null && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = this.#neighbour(offset, event.key);
      if (this.#close(true, true) && next !== null) this.focusCell(next);
    }
  }

  /** Ends editing; false if the text is no number and the editor stays open. */
  #close(take: boolean, byKey: boolean): boolean {
    const editor = this.#editor;
    if (!editor) return true;
    const { offset, number, text } = editor;
    if (take && number === null && byKey) {
      const old = shortest(this.#view!.values[offset]!);
      this.#complain(`“${text}” is not a number. Escape brings ${old} back.`);
      return false;
    }
    this.#editor = null;
    editor.remove();
    this.#complain(null);
    if (byKey) this.focusCell(offset);
    if (!take) return true;
    if (number === null) emit(this, "cell-refused", { text });
    else if (!Object.is(number, this.#view!.values[offset]))
      this.#send<EditEvent>("cell-edit", { offset, value: number });
    return true;
  }

  #complain(message: string | null): void {
    if (this.#editor) this.#editor.invalid = message !== null;
    emit(this, "cell-complaint", { message });
  }

  #go(event: KeyboardEvent, offset: number): void {
    event.preventDefault();
    this.focusCell(offset, event.shiftKey ? this.#from : offset);
  }

  /** Where a key leads from a cell, or null. */
  #neighbour(offset: number, key: string): number | null {
    const { block } = this.#view!;
    const { planes, slice, boxes } = block;
    const plane = planes.rows * planes.cols;
    if (slice && key.startsWith("Page")) {
      const at = slice.at + (key === "PageUp" ? -1 : 1);
      return at < 0 || at >= slice.depth ? offset : offset + (at - slice.at) * plane;
    }
    const place = neighbour(planes, boxes.length * plane, placeOf(block, offset), key);
    return place === null ? null : cellAt(block, place);
  }

  #beside(offset: number, step: number): number | null {
    const next = offset + step;
    return next < 0 || next >= this.#size ? null : next;
  }

  #onPaste(event: ClipboardEvent): void {
    if (this.#editor || !this.#view?.editable) return;
    const text = event.clipboardData?.getData("text/plain");
    if (!text) return;
    event.preventDefault();
    this.#send<PasteEvent>("cell-paste", { offset: this.#range.first, text });
  }

  #onCopy(event: ClipboardEvent): void {
    const view = this.#view;
    if (this.#editor || !view) return;
    event.preventDefault();
    const text = this.#range.text((offset) =>
      view.hidden(offset) ? "?" : shortest(view.values[offset]!),
    );
    event.clipboardData?.setData("text/plain", text);
  }
}
