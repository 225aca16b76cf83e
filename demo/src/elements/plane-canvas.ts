// Planes of many small cells as one picture. The colours are those of the style sheet,
// read once per theme.
import type { Block, PlaneBox } from "../layout.js";
import { h } from "./dom.js";
import { Tint } from "./grid-view.js";

const SHADES = 128; // on either side of zero
// Behind them on the canvas that mixes them:
const CHANGE = 2 * SHADES + 1;
const INK = 2 * SHADES + 2;
const CARD = 2 * SHADES + 3;

export interface Shades {
  /** The theme that these were made for. */
  readonly key: string;
  /** A pixel's 32 bits, by tint; in each from -SHADES to +SHADES. */
  readonly pixels: readonly Uint32Array[];
}

/** The colour that a custom property gives here and now. */
function resolved(probe: HTMLElement, name: string): string {
  probe.style.setProperty("color", `var(${name})`);
  return getComputedStyle(probe).color;
}

let latest: Shades | null = null;
let dark: MediaQueryList | null = null;

/** The theme's colours as bytes, the same object as long as the theme is the same. */
export function shadesOf(host: HTMLElement): Shades {
  const chosen = document.documentElement.dataset.theme ?? "";
  dark ??= matchMedia("(prefers-color-scheme: dark)");
  const key = `${chosen} ${dark.matches}`;
  if (latest?.key === key) return latest;
  const probe = document.createElement("span");
  host.append(probe);
  const [positive, negative, card, change, ink] = [
    "--positive",
    "--negative",
    "--card",
    "--change",
    "--ink",
  ].map((name) => resolved(probe, name)) as [string, string, string, string, string];
  probe.remove();
  const canvas = document.createElement("canvas");
  canvas.width = CARD + 1;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const dot = (x: number, colour: string): void => {
    context.fillStyle = colour;
    context.fillRect(x, 0, 1, 1);
  };
  for (let i = -SHADES; i <= SHADES; ++i) {
    const part = (100 * Math.abs(i)) / SHADES;
    dot(i + SHADES, `color-mix(in oklab, ${i < 0 ? negative : positive} ${part}%, ${card})`);
  }
  dot(CHANGE, change);
  dot(INK, ink);
  dot(CARD, card);
  const { data } = context.getImageData(0, 0, canvas.width, 1);
  const mixed = (from: number, into: number, part: number): number => {
    const channel = (i: number): number =>
      Math.round(data[4 * from + i]! * (1 - part) + data[4 * into + i]! * part);
    return 0xff000000 | (channel(2) << 16) | (channel(1) << 8) | channel(0);
  };
  // By tint: the colour that is mixed in, and how much of it.
  const mixtures: [number, number][] = [];
  mixtures[Tint.None] = [0, 0];
  mixtures[Tint.Lit] = mixtures[Tint.Kept] = mixtures[Tint.Guess] = [INK, 0.45];
  mixtures[Tint.Changed] = [CHANGE, 0.75];
  mixtures[Tint.Hidden] = [CARD, 1];
  const pixels = mixtures.map(([colour, part]) =>
    Uint32Array.from({ length: 2 * SHADES + 1 }, (_, step) => mixed(step, colour, part)),
  );
  latest = { key, pixels };
  return latest;
}

/** All planes of a tensor on one canvas. Only what differs is drawn again. */
export class Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #image: ImageData;
  readonly #pixels: Uint32Array;
  readonly #block: Block;
  readonly #x: number;
  readonly #y: number;
  /** What is drawn. */
  #values: Float32Array = new Float32Array(0);
  #tints: Uint8Array = new Uint8Array(0);
  #shades: Shades | null = null;

  constructor(block: Block) {
    const { boxes } = block;
    this.#block = block;
    this.#x = Math.min(...boxes.map(({ x }) => x));
    this.#y = Math.min(...boxes.map(({ y }) => y));
    const width = Math.max(...boxes.map(({ x, w }) => x + w)) - this.#x;
    const height = Math.max(...boxes.map(({ y, h }) => y + h)) - this.#y;
    this.canvas = h("canvas", { class: "sheet", width, height, "aria-hidden": "true" });
    this.canvas.style.setProperty("left", `${this.#x}px`);
    this.canvas.style.setProperty("top", `${this.#y}px`);
    // Pixels are written here and never drawn: they need no graphics card.
    this.#pen = this.canvas.getContext("2d", { willReadFrequently: true })!;
    this.#image = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  /** The cell at a point of the canvas, or -1. */
  cellAt(x: number, y: number): number {
    const { boxes, planes } = this.#block;
    const [left, top] = [x + this.#x, y + this.#y];
    const box = boxes.find(
      (one) => left >= one.x && left < one.x + one.w && top >= one.y && top < one.y + one.h,
    );
    if (!box) return -1;
    const row = Math.floor((top - box.y) / this.#block.cell.h);
    const col = Math.floor((left - box.x) / this.#block.cell.w);
    return (box.number * planes.rows + row) * planes.cols + col;
  }

  /** Draws the cells whose value or tint is another than before. */
  paint(values: Float32Array, tints: Uint8Array, half: number, shades: Shades): void {
    const fresh = shades !== this.#shades;
    const old = fresh ? values : this.#values;
    const oldTints = this.#tints;
    const { rows, cols } = this.#block.planes;
    const { w, h: high } = this.#block.cell;
    this.#block.boxes.forEach((box) => {
      const first = box.number * rows * cols;
      const end = first + rows * cols;
      let [top, bottom, left, right] = [rows, -1, cols, -1];
      let at = fresh ? first : firstOther(values, old, tints, oldTints, first, end);
      while (at < end) {
        const row = Math.floor((at - first) / cols);
        const col = (at - first) % cols;
        this.#fill(box, row, col, shades.pixels[tints[at]!]![shadeOf(values[at]!, half)]!);
        if (row < top) top = row;
        if (row > bottom) bottom = row;
        if (col < left) left = col;
        if (col > right) right = col;
        at = fresh ? at + 1 : firstOther(values, old, tints, oldTints, at + 1, end);
      }
      if (bottom < 0) return;
      this.#pen.putImageData(
        this.#image,
        0,
        0,
        box.x - this.#x + left * w,
        box.y - this.#y + top * high,
        (right - left + 1) * w,
        (bottom - top + 1) * high,
      );
    });
    this.#values = values;
    this.#tints = tints.slice();
    this.#shades = shades;
  }

  #fill(box: PlaneBox, row: number, col: number, pixel: number): void {
    const { w, h: high } = this.#block.cell;
    const { width } = this.#image;
    const pixels = this.#pixels;
    let at = (box.y - this.#y + row * high) * width + box.x - this.#x + col * w;
    for (let y = 0; y < high; ++y, at += width) for (let x = 0; x < w; ++x) pixels[at + x] = pixel;
  }
}

/** The first cell from `at` on whose value or tint differs; `end` if none does. */
function firstOther(
  values: Float32Array,
  old: Float32Array,
  tints: Uint8Array,
  oldTints: Uint8Array,
  at: number,
  end: number,
): number {
  while (at < end && values[at] === old[at] && tints[at] === oldTints[at]) ++at;
  return at;
}

/** From 0 to 2 · SHADES: zero in the middle, `half` half way out. */
function shadeOf(value: number, half: number): number {
  const strength = value / (Math.abs(value) + half);
  // Neither infinities nor NaN have one.
  if (strength !== strength) return value > 0 ? 2 * SHADES : 0;
  return SHADES + Math.round(strength * SHADES);
}
