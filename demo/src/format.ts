// How numbers are written: each cell as torch prints a tensor that holds it alone,
// so that editing one cell never rewrites the text of another.
import { tensor } from "convscope";
import type { CellSize } from "./layout.js";

const texts = new Map<number, string>();
const MAX_TEXTS = 20000;

/** "0.4199", "-2.", "1.0000e-05", "nan". */
export function torchText(value: number): string {
  let text = texts.get(value);
  if (text === undefined) {
    text = String(tensor(Float32Array.of(value), [1])).slice("tensor([".length, -"])".length);
    if (texts.size >= MAX_TEXTS) texts.clear();
    texts.set(value, text);
  }
  return text;
}

/** What to draw a cell's number smaller by, for it to fit: cells have room for eight letters. */
export function shrunk(text: string, room = 8): number {
  return text.length <= room ? 1 : (room - 1) / text.length;
}

/** In em of a sans-serif face with wide letters. */
const widthOf = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (/[-.]/u.test(letter) ? 0.36 : 0.64), 0);

/** What a cell shows: torch's text, else the number rounded until it fits ("0.42", "-1.5", "3e-5"), else nothing. */
export function textIn({ w, font, rounded = 0 }: CellSize, value: number): string {
  if (font === 0 && rounded === 0) return "";
  const room = font > 0 ? Infinity : (w - 2) / rounded;
  const exact = torchText(value);
  if (widthOf(exact) <= room || !Number.isFinite(value)) return exact;
  const shorter = [3, 2, 1, 0].map((digits) => Number(value.toFixed(digits)));
  const texts = shorter.filter((one) => one !== 0).map(String);
  texts.push(...texts.map((text) => text.replace("0.", ".")));
  texts.push(value.toExponential(0).replace("+", ""), value < 0 ? "-0" : "0");
  return texts.find((text) => widthOf(text) <= room)!;
}

/** The shortest decimal that reads back as this float32: "0.19365986". */
export function shortest(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  for (let digits = 1; digits < 9; ++digits) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

/** The float32 a person wrote, or null if it is not a number. */
export function parseNumber(text: string): number | null {
  const clean = text.trim().replace(/^[−–]/u, "-");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/iu.test(clean)) return Math.fround(Number(clean));
  const word = /^([+-]?)(nan|inf|infinity)$/iu.exec(clean);
  if (!word) return null;
  return word[2]!.toLowerCase() === "nan" ? NaN : word[1] === "-" ? -Infinity : Infinity;
}

/** "65,536", for counts. Intl would take 20 ms to be ready, before the first number. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/gu, ",");
}

export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** "a", "a and b", "a, b and 5 more". */
export function listed(names: readonly string[], limit = 4): string {
  if (names.length <= 1) return names.join("");
  const shown = names.length > limit ? names.slice(0, limit - 1) : names.slice(0, -1);
  const rest = names.length - shown.length;
  return `${shown.join(", ")} and ${rest === 1 ? names.at(-1) : `${rest} more`}`;
}
