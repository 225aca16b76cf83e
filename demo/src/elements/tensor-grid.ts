// <tensor-grid>: one tensor of the figure as editable planes.
//
// Each plane is a real <table> with the grid role. All planes of a tensor share
// one tab stop; arrows move between cells and across planes, Enter or F2 edits,
// typing replaces, Escape restores, dragging sideways scrubs. Property `view` in;
// events out: cell-hover, cell-focus, cell-pin, cell-edit, cell-scrub, cell-paste.
import { parseNumber, shortest } from "../format.js";
import type { Block } from "../layout.js";
import type { Place } from "../state.js";
import { attribute, emit, h } from "./dom.js";
import { Sheet, shadesOf, Tint } from "./plane-canvas.js";

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
  readonly text: (value: number) => string;
  readonly name: (offset: number) => string;
  readonly mark: (offset: number) => CellMark | null;
  /** For cells drawn as pictures: writes a Tint for each that has one. */
  readonly tint: (into: Uint8Array) => void;
  /** True where the value is not to be seen: not yet computed, or to be predicted. */
  readonly hidden: (offset: number) => boolean;
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
export interface PasteEvent extends CellEvent {
  readonly text: string;
}

/** Cells too small for a number are drawn as pictures, from this many on. */
const MIN_PICTURED = 256;

interface Shown {
  readonly element: HTMLTableCellElement;
  signature: string;
}

const SCRUB_THRESHOLD = 4; // px before a press becomes a drag
const SCRUB_PIXELS = 6; // px per step

export class TensorGrid extends HTMLElement {
  #view: GridView | null = null;
  #cells: Shown[] = [];
  /** In pictures: the planes, and the one real cell, which is where the keyboard is. */
  #sheet: Sheet | null = null;
  #cursor: HTMLTableCellElement | null = null;
  #tints = new Uint8Array(0);
  #size = 0;
  #structure = "";
  #placed: Block | null = null;
  #active = 0;
  #editing: { offset: number; input: HTMLInputElement; typed: boolean } | null = null;
  #press: {
    offset: number;
    x: number;
    from: number;
    value: number;
    dragging: boolean;
    again: boolean;
  } | null = null;
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
      const offset = this.#offsetAt(event);
      if (offset >= 0) this.edit(offset);
    });
    this.addEventListener("paste", (event) => this.#onPaste(event));
    this.addEventListener("copy", (event) => this.#onCopy(event));
  }

  set view(view: GridView) {
    const { planes } = view.block;
    const pictured = view.block.cell.font === 0 && view.values.length >= MIN_PICTURED;
    const structure = [
      planes.down,
      planes.across,
      planes.rows,
      planes.cols,
      view.block.boxes.length,
      view.editable,
      pictured,
    ].join();
    this.#view = view;
    attribute(this, "aria-label", view.label);
    attribute(this, "data-role", view.role);
    if (structure !== this.#structure) {
      this.#structure = structure;
      this.#reset(view);
      if (pictured) this.#buildPictures(view);
      else this.#build(view);
    }
    this.#position(view);
    if (pictured) this.#paintPictures(view);
    else this.#paint(view);
  }

  /** Puts the keyboard on a cell. */
  focusCell(offset: number): void {
    this.#activate(offset);
    this.#cellAt(offset)?.focus();
  }

  #cellAt(offset: number): HTMLTableCellElement | null {
    if (this.#cursor) return offset === this.#active ? this.#cursor : null;
    return this.#cells[offset]?.element ?? null;
  }

  /** Opens the editor of a cell, with `text` in place of its value. */
  edit(offset: number, text?: string): void {
    const view = this.#view;
    if (!view?.editable || offset >= this.#size || this.#editing) return;
    this.focusCell(offset);
    const input = h("input", {
      class: "cell-editor",
      type: "text",
      inputmode: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": view.name(offset),
    });
    input.value = text ?? shortest(view.values[offset]!);
    this.#cellAt(offset)!.append(input);
    this.#editing = { offset, input, typed: text !== undefined };
    input.addEventListener("blur", () => this.#close(true, false));
    input.addEventListener("input", () => this.#complain(null));
    input.focus();
    if (text === undefined) input.select();
  }

  #reset(view: GridView): void {
    this.#editing = null;
    this.#cells = [];
    this.#sheet = null;
    this.#cursor = null;
    this.#placed = null;
    this.#size = view.values.length;
    this.#active = Math.max(0, Math.min(this.#active, this.#size - 1));
    this.replaceChildren();
  }

  #build(view: GridView): void {
    const { planes, boxes } = view.block;
    for (const box of boxes) {
      const body = h("tbody");
      for (let row = 0; row < planes.rows; ++row) {
        const line = h("tr");
        for (let col = 0; col < planes.cols; ++col) {
          const offset = this.#cells.length;
          const element = h("td", { tabindex: "-1", "data-offset": offset });
          this.#cells.push({ element, signature: "" });
          line.append(element);
        }
        body.append(line);
      }
      const name = box.caption ?? view.label;
      this.append(
        h(
          "table",
          { role: "grid", "aria-label": name, "aria-readonly": view.editable ? "false" : "true" },
          body,
        ),
      );
    }
    this.#cells[this.#active]?.element.setAttribute("tabindex", "0");
  }

  /** A picture per plane, and over them a grid of which one cell is there: the active one. */
  #buildPictures(view: GridView): void {
    const { planes } = view.block;
    this.#cursor = h("td", { tabindex: "0" });
    this.append(
      h(
        "table",
        {
          role: "grid",
          class: "cursor",
          "aria-label": view.label,
          "aria-readonly": view.editable ? "false" : "true",
          "aria-rowcount": planes.down * planes.rows,
          "aria-colcount": planes.across * planes.cols,
        },
        h("tbody", {}, h("tr", {}, this.#cursor)),
      ),
    );
  }

  #position(view: GridView): void {
    if (this.#placed === view.block) return;
    this.#placed = view.block;
    const { cell } = view.block;
    this.style.setProperty("--cell-w", `${cell.w}px`);
    this.style.setProperty("--cell-h", `${cell.h}px`);
    this.style.setProperty("--cell-font", `${cell.font}px`);
    this.classList.toggle("tiny", cell.font === 0);
    if (this.#cursor) {
      this.#sheet?.canvas.remove();
      this.#sheet = new Sheet(view.block);
      this.prepend(this.#sheet.canvas);
      return;
    }
    const tables = this.querySelectorAll("table");
    view.block.boxes.forEach((box, i) => {
      const table = tables[i]!;
      table.style.setProperty("left", `${box.x}px`);
      table.style.setProperty("top", `${box.y}px`);
      table.style.setProperty("width", `${box.w}px`);
    });
  }

  /** Writes the cells that differ from what they show. */
  #paint(view: GridView): void {
    this.#cells.forEach((shown, offset) => {
      const value = view.values[offset]!;
      const mark = view.mark(offset);
      const hidden = view.hidden(offset);
      const text = hidden ? "?" : view.text(value);
      const signature = `${text}|${hidden ? "" : value}|${mark?.classes}|${mark?.before}|${mark?.size}|${mark?.note}`;
      if (shown.signature === signature) return;
      shown.signature = signature;
      paintCell(shown.element, view, offset, value, text, mark, hidden);
    });
  }

  /** Paints the cells that differ from what they show: in a drag, few of many. */
  #paintPictures(view: GridView): void {
    if (this.#tints.length !== this.#size) this.#tints = new Uint8Array(this.#size);
    this.#tints.fill(Tint.None);
    view.tint(this.#tints);
    this.#sheet!.paint(view.values, this.#tints, view.scale, shadesOf(this));
    this.#placeCursor(view);
  }

  /** Puts the one real cell where the keyboard is. */
  #placeCursor(view: GridView): void {
    const cursor = this.#cursor!;
    const { across, rows, cols } = view.block.planes;
    const offset = this.#active;
    const plane = Math.floor(offset / (rows * cols));
    const row = Math.floor((offset % (rows * cols)) / cols);
    const col = offset % cols;
    const box = view.block.boxes[plane]!;
    const table = cursor.closest("table")!;
    table.style.setProperty("left", `${box.x + col * view.block.cell.w}px`);
    table.style.setProperty("top", `${box.y + row * view.block.cell.h}px`);
    table.style.setProperty("width", `${view.block.cell.w}px`);
    attribute(cursor, "data-offset", String(offset));
    attribute(cursor, "aria-colindex", String((plane % across) * cols + col + 1));
    attribute(
      cursor.parentElement!,
      "aria-rowindex",
      String(Math.floor(plane / across) * rows + row + 1),
    );
    const hidden = view.hidden(offset);
    const value = view.values[offset]!;
    paintCell(
      cursor,
      view,
      offset,
      value,
      hidden ? "?" : view.text(value),
      view.mark(offset),
      hidden,
    );
  }

  /** The cell under an event. */
  #offsetAt(event: MouseEvent): number {
    const { target } = event;
    if (!(target instanceof HTMLCanvasElement)) return this.#offsetOf(target);
    return this.#sheet!.cellAt(event.offsetX, event.offsetY);
  }

  #offsetOf(target: EventTarget | null): number {
    const cell = target instanceof Element ? target.closest("td") : null;
    return cell ? Number(cell.getAttribute("data-offset")) : -1;
  }

  #activate(offset: number): void {
    if (this.#cursor) {
      this.#active = offset;
      return this.#placeCursor(this.#view!);
    }
    this.#cells[this.#active]?.element.setAttribute("tabindex", "-1");
    this.#active = offset;
    this.#cells[offset]?.element.setAttribute("tabindex", "0");
  }

  #send<T extends CellEvent>(type: string, detail: Omit<T, "role">): void {
    emit(this, type, { role: this.#view!.role, ...detail });
  }

  #onFocus(event: FocusEvent): void {
    const offset = this.#offsetOf(event.target);
    if (offset < 0) return;
    this.#activate(offset);
    this.#send<CellEvent>("cell-focus", { offset });
  }

  #onHover(event: PointerEvent): void {
    if (event.pointerType !== "mouse" || this.#press?.dragging) return;
    const offset = this.#offsetAt(event);
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
    const offset = this.#offsetAt(event);
    if (offset < 0 || event.button !== 0 || this.#editing) return;
    const value = this.#view!.values[offset]!;
    const again = this.contains(document.activeElement) && offset === this.#active;
    this.#press = { offset, x: event.clientX, from: value, value, dragging: false, again };
  }

  #onDrag(event: PointerEvent): void {
    if (this.#cursor && !this.#press) this.#onHover(event);
    const press = this.#press;
    if (!press || !this.#view!.editable) return;
    const moved = event.clientX - press.x;
    if (!press.dragging) {
      if (Math.abs(moved) < SCRUB_THRESHOLD || !Number.isFinite(press.from)) return;
      press.dragging = true;
      this.setPointerCapture(event.pointerId);
      this.classList.add("scrubbing");
      this.#send<ScrubEvent>("cell-scrub", {
        offset: press.offset,
        value: press.from,
        phase: "start",
      });
    }
    const step = event.shiftKey ? 1 : event.altKey ? 0.01 : 0.1;
    const steps = Math.round(press.from / step) + Math.round(moved / SCRUB_PIXELS);
    const value = Math.fround(Number((steps * step).toFixed(2)));
    if (value === press.value) return;
    press.value = value;
    this.#send<ScrubEvent>("cell-scrub", { offset: press.offset, value, phase: "move" });
  }

  #onRelease(event: PointerEvent): void {
    const press = this.#press;
    if (!press) return;
    const { offset, dragging, again } = press;
    this.#endPress();
    if (dragging) return;
    this.focusCell(offset);
    this.#send<CellEvent>("cell-pin", { offset });
    if (again && event.pointerType === "touch") this.edit(offset);
  }

  #endPress(): void {
    const press = this.#press;
    this.#press = null;
    this.classList.remove("scrubbing");
    if (press?.dragging) {
      this.#send<ScrubEvent>("cell-scrub", {
        offset: press.offset,
        value: press.value,
        phase: "end",
      });
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (this.#editing) return this.#onEditorKey(event);
    const offset = this.#offsetOf(event.target);
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
      this.#send<CellEvent>("cell-pin", { offset: -1 });
    } else if (editable && (event.key === "Delete" || event.key === "Backspace")) {
      event.preventDefault();
      this.#send<EditEvent>("cell-edit", { offset, value: 0 });
    } else if (editable && event.key.length === 1) {
      event.preventDefault();
      this.edit(offset, event.key);
    }
  }

  #onEditorKey(event: KeyboardEvent): void {
    const { offset, typed } = this.#editing!;
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
    } else if (typed && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = this.#neighbour(offset, event.key);
      if (this.#close(true, true) && next !== null) this.focusCell(next);
    }
  }

  /** Ends editing; false if the text is no number and the editor stays open. */
  #close(take: boolean, byKey: boolean): boolean {
    const editing = this.#editing;
    if (!editing) return true;
    const { offset, input } = editing;
    const value = take ? parseNumber(input.value) : null;
    if (take && value === null && byKey) {
      this.#complain(
        `“${input.value}” is not a number. Escape brings ${shortest(this.#view!.values[offset]!)} back.`,
      );
      return false;
    }
    this.#editing = null;
    input.remove();
    this.#complain(null);
    if (byKey) this.focusCell(offset);
    if (value !== null && !Object.is(value, this.#view!.values[offset])) {
      this.#send<EditEvent>("cell-edit", { offset, value });
    } else if (take && value === null) {
      emit(this, "cell-refused", { text: input.value });
    }
    return true;
  }

  #complain(message: string | null): void {
    const editing = this.#editing;
    if (editing) attribute(editing.input, "aria-invalid", message === null ? null : "true");
    emit(this, "cell-complaint", { message });
  }

  #go(event: KeyboardEvent, offset: number): void {
    event.preventDefault();
    this.focusCell(offset);
  }

  /** Where a key leads: planes count as one sheet, side by side and stacked. */
  #neighbour(offset: number, key: string): number | null {
    const { down, across, rows, cols } = this.#view!.block.planes;
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
    if (target * size >= this.#size) return offset; // the last row of planes may be short
    return target * size + (row % rows) * cols + (col % cols);
  }

  #beside(offset: number, step: number): number | null {
    const next = offset + step;
    return next < 0 || next >= this.#size ? null : next;
  }

  #onPaste(event: ClipboardEvent): void {
    if (this.#editing || !this.#view?.editable) return;
    const text = event.clipboardData?.getData("text/plain");
    if (!text) return;
    event.preventDefault();
    this.#send<PasteEvent>("cell-paste", { offset: this.#active, text });
  }

  #onCopy(event: ClipboardEvent): void {
    if (this.#editing || !this.#view) return;
    event.preventDefault();
    event.clipboardData?.setData("text/plain", shortest(this.#view.values[this.#active]!));
  }
}

function paintCell(
  element: HTMLTableCellElement,
  view: GridView,
  offset: number,
  value: number,
  text: string,
  mark: CellMark | null,
  hidden: boolean,
): void {
  const tone = hidden || value === 0 ? "" : value > 0 ? "positive" : value < 0 ? "negative" : "nan";
  const strength = Number.isFinite(value) ? Math.abs(value) / (Math.abs(value) + view.scale) : 1;
  element.className = [tone, mark?.classes ?? "", hidden ? "hidden-value" : ""].join(" ").trim();
  element.style.setProperty("--m", `${(strength * 100).toFixed(1)}%`);
  if (mark?.size !== undefined)
    element.style.setProperty("--size", `${(mark.size * 100).toFixed(1)}%`);
  // The nodes stay: replacing what lies under the mouse would confuse its events.
  const span = element.querySelector("span") ?? element.appendChild(h("span"));
  // The old value is drawn from an attribute: the label says it in words.
  const old = element.querySelector("s");
  if (mark?.before === undefined) old?.remove();
  else if (old) old.setAttribute("data-value", mark.before);
  else span.before(h("s", { "data-value": mark.before }));
  const shown = view.block.cell.font > 0 ? text : "";
  if (span.textContent !== shown) span.textContent = shown;
  const was = mark?.before === undefined ? "" : `, was ${mark.before}`;
  const note = mark?.note ? `, ${mark.note}` : "";
  attribute(
    element,
    "aria-label",
    `${view.name(offset)}: ${hidden ? "hidden" : text}${was}${note}`,
  );
  attribute(element, "title", mark?.note ? `${view.name(offset)}: ${mark.note}` : null);
}
