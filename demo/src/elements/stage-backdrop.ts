// <stage-backdrop>: what lies round and behind the grids: titles, plane captions,
// row and column numbers, ghost cells of the padding, the beams from a window to
// its kernel and on to its output. Drawn from the layout's rectangles.
import { shrunk } from "../format.js";
import type { Beam } from "../geometry.js";
import { shownFont, type Block, type Layout, type Rect } from "../layout.js";
import { h, svg } from "./dom.js";

export interface GhostView {
  readonly key: number;
  readonly rect: Rect;
  readonly text: string;
  /** Font size in px; 0 where a number does not fit. */
  readonly font: number;
  readonly title: string;
  readonly lit: boolean;
  /** The cell is cut off rather than added. */
  readonly cropped: boolean;
}

export interface BackdropView {
  readonly figure: Layout;
  readonly ghosts: readonly GhostView[];
  readonly beams: readonly Beam[];
}

export class StageBackdrop extends HTMLElement {
  #figure: Layout | null = null;
  #drawnBeams = "";
  #ghosts = new Map<number, { element: HTMLElement; signature: string }>();
  #beams = svg("svg", { class: "beams", "aria-hidden": "true" });
  #labels = h("div", { class: "labels" });
  #ghostLayer = h("div", { class: "ghosts", "aria-hidden": "true" });

  connectedCallback(): void {
    this.replaceChildren(this.#beams, this.#ghostLayer, this.#labels);
  }

  set view(view: BackdropView) {
    const { figure } = view;
    this.#drawBeams(view);
    this.#drawGhosts(view.ghosts);
    if (figure === this.#figure) return;
    this.#figure = figure;
    this.#labels.replaceChildren(
      ...figure.blocks.flatMap((block) => labelsOf(block)),
      ...figure.signs.map((sign) =>
        at(
          h(
            "span",
            { class: sign.text.length > 1 ? "sign named" : "sign", "aria-hidden": "true" },
            sign.text,
          ),
          sign.x,
          sign.y,
        ),
      ),
    );
  }

  #drawBeams({ beams, figure }: BackdropView): void {
    const paths = beams.map(({ from, to }) => band(from, to, figure.vertical));
    const drawn = [figure.width, figure.height, ...paths].join();
    if (drawn === this.#drawnBeams) return;
    this.#drawnBeams = drawn;
    this.#beams.setAttribute("width", String(figure.width));
    this.#beams.setAttribute("height", String(figure.height));
    this.#beams.replaceChildren(...paths.map((d) => svg("path", { class: "beam", d })));
  }

  #drawGhosts(ghosts: readonly GhostView[]): void {
    const seen = new Set<number>();
    for (const ghost of ghosts) {
      seen.add(ghost.key);
      const { rect } = ghost;
      const signature = `${ghost.text}|${ghost.title}|${ghost.lit}|${rect.x},${rect.y},${rect.w}`;
      let shown = this.#ghosts.get(ghost.key);
      if (shown?.signature === signature) continue;
      if (!shown) {
        shown = { element: h("span"), signature: "" };
        this.#ghosts.set(ghost.key, shown);
        this.#ghostLayer.append(shown.element);
      }
      shown.signature = signature;
      const { element } = shown;
      element.className = ["ghost", ghost.lit ? "lit" : "", ghost.cropped ? "cropped" : ""]
        .join(" ")
        .trim();
      element.textContent = ghost.font > 0 ? ghost.text : "";
      element.title = ghost.title;
      at(element, ghost.rect.x, ghost.rect.y);
      element.style.setProperty("width", `${ghost.rect.w}px`);
      element.style.setProperty("height", `${ghost.rect.h}px`);
      element.style.setProperty("font-size", `${ghost.font * shrunk(ghost.text)}px`);
    }
    for (const [key, { element }] of this.#ghosts) {
      if (seen.has(key)) continue;
      element.remove();
      this.#ghosts.delete(key);
    }
  }
}

function labelsOf(block: Block): HTMLElement[] {
  const title = h(
    "h2",
    { class: `block-title ${block.role}` },
    h("span", {}, block.title),
    block.title === "Bias" ? null : h("span", { class: "shape" }, block.shape),
  );
  const labels = [at(title, block.head.x, block.head.y)];
  const { cell } = block;
  const { rows, cols } = block.planes;
  for (const box of block.boxes) {
    const top = box.y - block.ring.top * cell.h;
    const left = box.x - block.ring.left * cell.w;
    if (box.caption !== null) {
      labels.push(
        at(
          h("span", { class: "caption", "aria-hidden": "true" }, box.caption),
          left,
          top - (block.indexed ? 20 : 0),
        ),
      );
    }
    const { ring } = block;
    if (shownFont(block) === 0 && ring.top + ring.left + ring.bottom + ring.right > 0) {
      // Ghosts too small for numbers: the padding as one band.
      const band = at(h("span", { class: "pad", "aria-hidden": "true" }), left, top);
      band.style.setProperty("width", `${box.w + (ring.left + ring.right) * cell.w}px`);
      band.style.setProperty("height", `${box.h + (ring.top + ring.bottom) * cell.h}px`);
      labels.push(band);
    }
    if (!block.indexed) continue;
    for (let col = 0; col < cols; ++col) {
      labels.push(
        at(
          h("span", { class: "index col", "aria-hidden": "true" }, String(col)),
          box.x + (col + 0.5) * cell.w,
          top,
        ),
      );
    }
    for (let row = 0; row < rows; ++row) {
      labels.push(
        at(
          h("span", { class: "index row", "aria-hidden": "true" }, String(row)),
          left,
          box.y + (row + 0.5) * cell.h,
        ),
      );
    }
  }
  return labels;
}

function at(element: HTMLElement, x: number, y: number): HTMLElement {
  element.style.setProperty("left", `${x}px`);
  element.style.setProperty("top", `${y}px`);
  return element;
}

/** A band between facing sides, bent like a river. */
function band(from: Rect, to: Rect, vertical: boolean): string {
  if (vertical) {
    const y0 = from.y + from.h;
    const y1 = to.y;
    const m = (y0 + y1) / 2;
    return (
      `M${from.x},${y0} C${from.x},${m} ${to.x},${m} ${to.x},${y1} L${to.x + to.w},${y1} ` +
      `C${to.x + to.w},${m} ${from.x + from.w},${m} ${from.x + from.w},${y0} Z`
    );
  }
  const x0 = from.x + from.w;
  const x1 = to.x;
  const m = (x0 + x1) / 2;
  return (
    `M${x0},${from.y} C${m},${from.y} ${m},${to.y} ${x1},${to.y} L${x1},${to.y + to.h} ` +
    `C${m},${to.y + to.h} ${m},${from.y + from.h} ${x0},${from.y + from.h} Z`
  );
}
