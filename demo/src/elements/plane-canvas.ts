// Planes of many small cells as one picture. The colours are those of the style sheet,
// read once per theme.
import type { Block } from "../layout.js";
import { h } from "./dom.js";

const SHADES = 128; // on either side of zero

export interface Shades {
  /** The theme that these were made for. */
  readonly key: string;
  /** From -SHADES to +SHADES, four bytes each. */
  readonly scale: Uint8ClampedArray;
  readonly change: Uint8ClampedArray;
  readonly lit: Uint8ClampedArray;
  readonly nothing: Uint8ClampedArray;
}

/** The colour that a custom property gives here and now. */
function resolved(probe: HTMLElement, name: string): string {
  probe.style.setProperty("color", `var(${name})`);
  return getComputedStyle(probe).color;
}

let latest: Shades | null = null;

/** The theme's colours as bytes, the same object as long as the theme is the same. */
export function shadesOf(host: HTMLElement): Shades {
  const chosen = document.documentElement.dataset.theme ?? "";
  const key = `${chosen} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
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
  canvas.width = 2 * SHADES + 4;
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
  dot(2 * SHADES + 1, change);
  dot(2 * SHADES + 2, ink);
  dot(2 * SHADES + 3, card);
  const { data } = context.getImageData(0, 0, canvas.width, 1);
  const at = (x: number): Uint8ClampedArray => data.slice(4 * x, 4 * x + 4);
  latest = {
    key,
    scale: data.slice(0, 4 * (2 * SHADES + 1)),
    change: at(2 * SHADES + 1),
    lit: at(2 * SHADES + 2),
    nothing: at(2 * SHADES + 3),
  };
  return latest;
}

/** A colour mixed into a cell's own. */
export interface Tint {
  readonly colour: Uint8ClampedArray;
  readonly part: number;
}

interface Dirty {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** All planes of a tensor on one canvas. Only what was touched of a plane is drawn again. */
export class Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #image: ImageData;
  readonly #pixels: Uint32Array;
  readonly #block: Block;
  readonly #x: number;
  readonly #y: number;
  readonly #dirty = new Map<number, Dirty>();

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

  /** Writes a cell. */
  touch(offset: number, value: number, half: number, { scale }: Shades, tint?: Tint): void {
    const strength = value / (Math.abs(value) + half);
    const step = Number.isFinite(strength)
      ? Math.round(strength * SHADES)
      : value > 0
        ? SHADES
        : -SHADES;
    const from = 4 * (step + SHADES);
    const mixed = (channel: number): number =>
      tint
        ? scale[from + channel]! * (1 - tint.part) + tint.colour[channel]! * tint.part
        : scale[from + channel]!;
    const colour = 0xff000000 | (mixed(2) << 16) | (mixed(1) << 8) | mixed(0);

    const { rows, cols } = this.#block.planes;
    const plane = Math.floor(offset / (rows * cols));
    const within = offset % (rows * cols);
    const box = this.#block.boxes[plane]!;
    const { w, h: high } = this.#block.cell;
    const left = box.x - this.#x + (within % cols) * w;
    const top = box.y - this.#y + Math.floor(within / cols) * high;
    const { width } = this.#image;
    for (let y = top; y < top + high; ++y)
      this.#pixels.fill(colour, y * width + left, y * width + left + w);

    const dirty = this.#dirty.get(plane);
    if (!dirty) {
      this.#dirty.set(plane, { left, top, right: left + w, bottom: top + high });
      return;
    }
    dirty.left = Math.min(dirty.left, left);
    dirty.top = Math.min(dirty.top, top);
    dirty.right = Math.max(dirty.right, left + w);
    dirty.bottom = Math.max(dirty.bottom, top + high);
  }

  /** Draws what was touched. */
  show(): void {
    for (const { left, top, right, bottom } of this.#dirty.values())
      this.#pen.putImageData(this.#image, 0, 0, left, top, right - left, bottom - top);
    this.#dirty.clear();
  }
}
