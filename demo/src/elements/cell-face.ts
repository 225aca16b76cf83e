// Cell face: what one cell shows, and an element made to show it.
import { shrunk, textIn, torchText } from "../format.js";
import { shownFont } from "../layout.js";
import { attribute, h } from "./dom.js";
import type { CellMark, GridView } from "./grid-view.js";

export interface Face {
  readonly offset: number;
  readonly value: number;
  readonly text: string;
  readonly mark: CellMark | null;
  readonly hidden: boolean;
}

export function faceOf(view: GridView, offset: number): Face {
  const value = view.values[offset]!;
  const hidden = view.hidden(offset);
  const text = hidden ? "?" : torchText(value);
  return { offset, value, text, mark: view.mark(offset), hidden };
}

export function paintFace(element: HTMLTableCellElement, view: GridView, face: Face): void {
  const { offset, value, text, mark, hidden } = face;
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
  const { cell } = view.block;
  if (mark?.before === undefined || cell.font === 0) old?.remove();
  else {
    const shown = old ?? h("s");
    if (!old) span.before(shown);
    shown.setAttribute("data-value", mark.before);
    // It is written smaller than the value itself.
    shown.style.setProperty("font-size", `${0.75 * shrunk(mark.before, 10)}em`);
  }
  const shown = hidden && shownFont(view.block) > 0 ? text : textIn(cell, value);
  span.style.setProperty("font-size", `${shrunk(shown)}em`);
  if (span.textContent !== shown) span.textContent = shown;
  const name = view.name(offset);
  const was = mark?.before === undefined ? "" : `, was ${mark.before}`;
  const note = mark?.note ? `, ${mark.note}` : "";
  attribute(element, "aria-label", `${name}: ${hidden ? "hidden" : text}${was}${note}`);
  const more = mark?.note ?? (shown === "" || shown === text ? null : text);
  attribute(element, "title", more === null ? null : `${name}: ${more}`);
}
