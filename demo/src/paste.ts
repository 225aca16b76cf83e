// Paste: a layer written as code, and numbers as a spreadsheet, Python, NumPy or
// torch write them, read into what the page understands. Total: any text gives a
// result or a sentence that says what is wrong.
import { parseNumber } from "./format.js";
import { DEFAULT_ARGS, type Axes, type Ints, type LayerArgs, type PaddingMode } from "./state.js";
import { torchName } from "./views.js";

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Pasted<T> = { readonly value: T } | { readonly problem: string };

/** Longer texts are refused: nobody pastes that by hand. */
const MAX_TEXT = 2_000_000;
const MAX_DEPTH = 5;

/** `[[1, 2], [3, 4]]`, a NumPy or torch print, or rows with tabs, commas or blanks. */
export function parseNumbers(text: string): Pasted<Numbers> {
  if (text.length > MAX_TEXT) return { problem: "That is too long to be read here." };
  const bare = text
    .replace(/\b(?:tensor|array|np\.array|torch\.tensor)\s*\(/gu, "")
    .replace(/,?\s*(?:dtype|device|grad_fn|requires_grad)\s*=\s*[^,)\]]*/gu, "")
    .replace(/\)\s*$/u, "")
    .trim();
  if (bare.includes("..."))
    return { problem: "The print is shortened with “...”: some numbers are missing." };
  return bare.includes("[") ? parseNested(bare) : parseRows(bare);
}

function parseRows(text: string): Pasted<Numbers> {
  const rows = text
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/[\t,;]\s*|\s+/u).filter((word) => word !== ""));
  const data: number[] = [];
  for (const row of rows) {
    if (row.length !== rows[0]!.length) return { problem: "The rows are not equally long." };
    for (const word of row) {
      const value = parseNumber(word);
      if (value === null) return { problem: `“${word.slice(0, 20)}” is not a number.` };
      data.push(value);
    }
  }
  if (data.length === 0) return { problem: "There is no number in it." };
  return { value: { shape: [rows.length, rows[0]!.length], data: Float32Array.from(data) } };
}

/** Brackets, with commas, blanks or both between the numbers. */
function parseNested(text: string): Pasted<Numbers> {
  const shape: number[] = [];
  const counts: number[] = [];
  const data: number[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(/\[|\]|[^\s,[\]]+/gu)) {
    if (token === "[") {
      if (depth > 0) counts[depth - 1]! += 1;
      counts[depth] = 0;
      depth += 1;
      if (depth > MAX_DEPTH) return { problem: "The brackets go too deep." };
    } else if (token === "]") {
      depth -= 1;
      if (depth < 0) return { problem: "There is a “]” too many." };
      const size = counts[depth]!;
      shape[depth] ??= size;
      if (shape[depth] !== size)
        return { problem: `The lists are not equally long: ${shape[depth]} and ${size}.` };
    } else {
      const value = parseNumber(token);
      if (value === null || depth === 0)
        return { problem: `“${token.slice(0, 20)}” is not a number.` };
      if (shape[depth] !== undefined) return { problem: "Numbers and lists stand side by side." };
      counts[depth - 1]! += 1;
      data.push(value);
    }
  }
  if (depth !== 0) return { problem: "A “]” is missing." };
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (data.length === 0 || size !== data.length)
    return { problem: "The lists are not equally deep." };
  return { value: { shape, data: Float32Array.from(data) } };
}

const PLAIN = [
  "inChannels",
  "outChannels",
  "kernelSize",
  "stride",
  "padding",
  "dilation",
  "groups",
  "bias",
  "paddingMode",
] as const;
const TRANSPOSED = [
  "inChannels",
  "outChannels",
  "kernelSize",
  "stride",
  "padding",
  "outputPadding",
  "groups",
  "bias",
  "dilation",
  "paddingMode",
] as const;
const MODES: readonly string[] = ["zeros", "reflect", "replicate", "circular"];

/** `nn.Conv2d(1, 2, kernel_size=3)`, as code or as torch prints it. */
export function parseLayer(text: string): Pasted<LayerArgs> | null {
  if (text.length > MAX_TEXT) return null;
  const call = /\bConv(Transpose)?([123])d\s*\(/u.exec(text);
  if (!call) return null;
  const body = balanced(text.slice(call.index + call[0].length));
  if (body === null) return { problem: "A “)” is missing." };
  const order = call[1] ? TRANSPOSED : PLAIN;
  const axes = Number(call[2]) as Axes;
  const args: Record<string, unknown> = {
    ...DEFAULT_ARGS,
    axes,
    transposed: call[1] !== undefined,
  };
  const given = new Set<string>();
  for (const [position, part] of topLevel(body).entries()) {
    const named = /^\s*([a-z_]+)\s*=\s*([\s\S]*)$/u.exec(part);
    const name = named ? order.find((one) => torchName(one) === named[1]) : order[position];
    if (!name) {
      if (named && (named[1] === "device" || named[1] === "dtype")) continue;
      return {
        problem: named
          ? `“${named[1]}” is not an argument of this layer.`
          : "There are too many arguments.",
      };
    }
    const value = literal(named ? named[2]! : part);
    if (value === undefined)
      return { problem: `“${part.trim().slice(0, 40)}” is not a value that can be read here.` };
    const fits =
      name === "bias"
        ? typeof value === "boolean"
        : name === "paddingMode"
          ? MODES.includes(value as string)
          : name === "padding"
            ? typeof value !== "boolean" &&
              (typeof value !== "string" || value === "same" || value === "valid")
            : name === "kernelSize" ||
                name === "stride" ||
                name === "dilation" ||
                name === "outputPadding"
              ? typeof value === "number" || Array.isArray(value)
              : typeof value === "number";
    if (!fits)
      return {
        problem: `${torchName(name)} cannot be ${part
          .replace(/^[^=]*=/u, "")
          .trim()
          .slice(0, 40)}.`,
      };
    if (Array.isArray(value) && value.length !== axes) {
      if (value.length !== 1)
        return { problem: `${torchName(name)} needs ${axes} numbers, one per axis.` };
      args[name] = value[0];
    } else args[name] = value;
    given.add(name);
  }
  for (const name of ["inChannels", "outChannels", "kernelSize"] as const) {
    if (!given.has(name)) return { problem: `${torchName(name)} is missing.` };
  }
  return { value: Object.freeze(args) as unknown as LayerArgs };
}

/** The text up to the bracket that closes the call. */
function balanced(text: string): string | null {
  let depth = 1;
  for (let i = 0; i < text.length; ++i) {
    if (text[i] === "(" || text[i] === "[") depth += 1;
    else if (text[i] === ")" || text[i] === "]") depth -= 1;
    if (depth === 0) return text.slice(0, i);
  }
  return null;
}

function topLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; ++i) {
    const letter = text[i];
    if (letter === "(" || letter === "[") depth += 1;
    else if (letter === ")" || letter === "]") depth -= 1;
    else if (letter === undefined || (letter === "," && depth === 0)) {
      const part = text.slice(start, i).trim();
      if (part !== "") parts.push(part);
      start = i + 1;
    }
  }
  return parts;
}

/** A Python number, tuple, word or truth value. */
function literal(text: string): Ints | string | boolean | PaddingMode | undefined {
  const clean = text.trim();
  if (/^-?\d{1,9}$/u.test(clean)) return Number(clean);
  if (clean === "True" || clean === "False") return clean === "True";
  const word = /^(["']?)([a-z]+)\1$/u.exec(clean);
  if (word) return word[2];
  const tuple = /^[([]\s*(-?\d{1,9}(?:\s*,\s*-?\d{1,9})*)\s*,?\s*[)\]]$/u.exec(clean);
  return tuple ? tuple[1]!.split(",").map(Number) : undefined;
}
