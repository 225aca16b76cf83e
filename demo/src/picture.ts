// Picture: the figure as an SVG file that stands alone, from the same layout and
// views that the page draws. Light colours, as a paper or a slide wants them.
import type { BackdropView } from "./elements/stage-backdrop.js";
import type { GridView } from "./elements/grid-view.js";
import { shrunk, textIn, torchText } from "./format.js";
import { cellRect } from "./geometry.js";
import { shownFont } from "./layout.js";
import { cellAt } from "./slices.js";

const INK = "#1c2230";
const QUIET = "#5d6473";
const POSITIVE = [104, 178, 236] as const;
const NEGATIVE = [243, 178, 118] as const;
const CHANGE = "#c9197a";
const MARGIN = 16;

/** White at 0, the full colour at 1. */
function tint(colour: readonly [number, number, number], strength: number): string {
  const hex = colour.map((part) =>
    Math.round(255 + (part - 255) * strength)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${hex.join("")}`;
}

function fill(view: GridView, value: number): string {
  if (!Number.isFinite(value) || value === 0) return "#ffffff";
  const strength = Math.abs(value) / (Math.abs(value) + view.scale);
  return tint(value > 0 ? POSITIVE : NEGATIVE, strength);
}

const escaped = (text: string): string =>
  text.replace(
    /[&<>"]/gu,
    (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]!,
  );

interface TextStyle {
  readonly size: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly colour?: string;
  readonly weight?: number;
}

function text(x: number, y: number, words: string, style: TextStyle): string {
  const { size, anchor = "middle", colour = INK, weight = 400 } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="${colour}" font-weight="${weight}">${escaped(words)}</text>`;
}

/** A cell's text, small enough for it. */
function number(x: number, y: number, words: string, style: TextStyle): string {
  return text(x, y, words, { ...style, size: style.size * shrunk(words) });
}

export function svgPicture(backdrop: BackdropView, grids: readonly GridView[]): string {
  const { figure, ghosts } = backdrop;
  const parts: string[] = [];
  for (const { rect, text: words, font, lit } of ghosts) {
    parts.push(
      `<rect x="${rect.x}" y="${rect.y}" width="${rect.w}" height="${rect.h}" fill="none" stroke="${lit ? INK : "#b5bac4"}" stroke-width="${lit ? 2 : 1}" stroke-dasharray="3 3"/>`,
    );
    if (font > 0) {
      parts.push(
        text(rect.x + rect.w / 2, rect.y + rect.h / 2 + font * 0.35, words, {
          size: font,
          colour: QUIET,
        }),
      );
    }
  }
  const outlines: string[] = [];
  for (const view of grids) {
    const { block } = view;
    const { cell } = block;
    parts.push(
      text(block.head.x, block.head.y, `${block.title}  ${block.shape}`, {
        size: 13,
        anchor: "start",
        weight: 600,
      }),
    );
    for (const box of block.boxes) {
      if (box.caption === null) continue;
      const top = box.y - block.ring.top * cell.h - (block.indexed ? 20 : 0) - 4;
      parts.push(
        text(box.x - block.ring.left * cell.w, top, box.caption, {
          size: 12,
          anchor: "start",
          colour: QUIET,
        }),
      );
    }
    const shown = block.boxes.length * block.planes.rows * block.planes.cols;
    for (let place = 0; place < shown; ++place) {
      const offset = cellAt(block, place);
      const value = view.values[offset]!;
      const rect = cellRect(block, offset);
      const mark = view.mark(offset);
      const hidden = view.hidden(offset);
      parts.push(
        `<rect x="${rect.x}" y="${rect.y}" width="${rect.w}" height="${rect.h}" fill="${hidden ? "#ffffff" : fill(view, value)}" stroke="#d5d9e0"/>`,
      );
      const x = rect.x + rect.w / 2;
      const size = shownFont(block);
      const y = rect.y + rect.h / 2 + size * 0.35;
      if (size > 0) {
        if (mark?.before === undefined || cell.font === 0)
          parts.push(number(x, y, hidden ? "?" : textIn(cell, value), { size }));
        else {
          const small = { size: cell.font * 0.75, colour: QUIET };
          parts.push(number(x, y - cell.font * 0.55, mark.before, small));
          const bold = { size: cell.font, weight: 600 };
          parts.push(number(x, y + cell.font * 0.45, torchText(value), bold));
        }
      }
      const classes = mark?.classes.split(" ") ?? [];
      const colour =
        classes.includes("changed") || classes.includes("edited")
          ? CHANGE
          : classes.includes("lit")
            ? INK
            : null;
      if (colour !== null) {
        outlines.push(
          `<rect x="${rect.x + 1}" y="${rect.y + 1}" width="${rect.w - 2}" height="${rect.h - 2}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        );
      }
    }
  }
  for (const sign of figure.signs)
    parts.push(text(sign.x, sign.y + 6, sign.text, { size: 18, colour: QUIET }));
  const width = figure.width + 2 * MARGIN;
  const height = figure.height + 2 * MARGIN;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}" ` +
    `font-family="Inter, system-ui, sans-serif"><rect x="${-MARGIN}" y="${-MARGIN}" width="${width}" height="${height}" fill="#ffffff"/>` +
    `${parts.join("")}${outlines.join("")}</svg>`
  );
}
