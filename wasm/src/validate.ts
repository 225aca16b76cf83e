// Checks of what JavaScript lets pass: kinds, fractions, NaN. What a number means for a layer is the core's to judge.
// TypeError: the wrong kind. RangeError: the right kind, but no such value.

/** The highest rank of a tensor that a layer takes. */
export const maxLayerRank = 16;
/** The highest rank of a tensor. */
export const maxRank = 64;
/** Tensors of this many elements or more are refused. */
export const maxElements = 2 ** 30;

/** How an error message shows a value: short, and never failing. */
function show(value: unknown): string {
  if (typeof value === "string") return `${quote(value)} of type string`;
  if (value === null || value === undefined) return String(value);
  if (typeof value === "number" || typeof value === "boolean")
    return `${value} of type ${typeof value}`;
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  return `a value of type ${typeof value}`;
}

/** A user's word in quotation marks, cut short where it is long. */
export function quote(word: string): string {
  return `"${word.length > 40 ? `${word.slice(0, 40)}…` : word}"`;
}

function message(expected: string, name: string, value: unknown): string {
  return `Expected ${expected} for ${name} but received ${show(value)}`;
}

export function typeError(expected: string, name: string, value: unknown): TypeError {
  return new TypeError(message(expected, name, value));
}

export function rangeError(expected: string, name: string, value: unknown): RangeError {
  return new RangeError(message(expected, name, value));
}

/** A safe integer, of any sign. */
export function toInteger(value: unknown, name: string): number {
  if (typeof value !== "number") throw typeError("integer", name, value);
  if (!Number.isSafeInteger(value)) throw rangeError("integer", name, value);
  return value;
}

/** Any number, NaN and infinities among them. */
export function toNumber(value: unknown, name: string): number {
  if (typeof value !== "number") throw typeError("number", name, value);
  return value;
}

export function toBoolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw typeError("boolean", name, value);
  return value;
}

export function toString(value: unknown, name: string): string {
  if (typeof value !== "string") throw typeError("string", name, value);
  return value;
}

/** A list of integers as a fresh array. */
export function toIntegers(value: unknown, name: string, longest: number): number[] {
  if (!Array.isArray(value)) throw typeError("array of integers", name, value);
  if (value.length > longest) throw rangeError(`at most ${longest} integers`, name, value);
  const list = new Array<number>(value.length);
  for (let i = 0; i < list.length; ++i) {
    list[i] = toEntry((value as readonly unknown[])[i], name, i);
  }
  return list;
}

/** An integer of a list; its name is made only where it is needed. */
function toEntry(entry: unknown, name: string, i: number): number {
  return Number.isSafeInteger(entry) ? (entry as number) : toInteger(entry, `${name}[${i}]`);
}

/** One integer or a list of them, as torch's arguments that take a number or a tuple. */
export function toInts(value: unknown, name: string): number | number[] {
  if (typeof value === "number") return toInteger(value, name);
  if (!Array.isArray(value)) throw typeError("integer or array of integers", name, value);
  return toIntegers(value, name, maxRank);
}

/** The sizes of a tensor: not negative, fewer than 2^30 elements in all. */
export function toShape(value: unknown, name: string): readonly number[] {
  const shape = toIntegers(value, name, maxRank);
  let elements = 1;
  for (const size of shape) {
    if (size < 0) throw rangeError("sizes of 0 or more", name, size);
    // Stays exact below 2^53: the product is checked at every step, and a 0 ends it.
    if (elements !== 0 && size !== 0 && elements >= maxElements / size) elements = Infinity;
    else elements *= size;
  }
  if (shape.includes(0)) elements = 0;
  if (elements >= maxElements) {
    throw new RangeError(
      `${name} [${shape.join(", ")}] has too many elements: fewer than 2^30 are possible`,
    );
  }
  return Object.freeze(shape);
}

/** How many elements a tensor of an accepted shape has. */
export function elementsOf(shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) elements *= size;
  return elements;
}

/** A shape that the core can be asked about. */
export function toLayerShape(value: unknown, name: string): readonly number[] {
  const shape = toShape(value, name);
  if (shape.length > maxLayerRank) throw rangeError(`at most ${maxLayerRank} sizes`, name, value);
  return shape;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; ++i) if (a[i] !== b[i]) return false;
  return true;
}

/** The row-major offset of an index inside a tensor of this shape. */
export function toOffset(shape: readonly number[], index: unknown, name: string): number {
  if (!Array.isArray(index)) throw typeError("array of integers", name, index);
  if (index.length !== shape.length) {
    throw new RangeError(
      `Expected ${shape.length} numbers for ${name} but received ${index.length}`,
    );
  }
  let offset = 0;
  for (let axis = 0; axis < shape.length; ++axis) {
    const at = toEntry((index as readonly unknown[])[axis], name, axis);
    const size = shape[axis] as number;
    if (at < 0 || at >= size) {
      throw new RangeError(
        `${name}: index ${at} is out of bounds for dimension ${axis} with size ${size}`,
      );
    }
    offset = offset * size + at;
  }
  return offset;
}

/** The index at a row-major offset. */
export function indexAt(shape: readonly number[], offset: number): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length; axis-- > 0;) {
    const size = shape[axis] as number;
    index[axis] = offset % size;
    offset = Math.floor(offset / size);
  }
  return index;
}

/** The same for many, in order. */
export function indicesAt(shape: readonly number[], offsets: Int32Array): number[][] {
  // These lists are made after every edit: of full length from the start, written out for usual ranks and divided only
  // where a row begins they take less than half the time.
  const indices = new Array<number[]>(offsets.length);
  const rank = shape.length;
  const [width = 1, height = 1, depth = 1] = shape.slice(-3).reverse();
  let begin = 0; // of the row
  let end = 0;
  let row = 0;
  let plane = 0;
  let block = 0;
  for (let i = 0; i < offsets.length; ++i) {
    const offset = offsets[i] as number;
    if (offset < begin || offset >= end) {
      const rows = Math.trunc(offset / width);
      begin = rows * width;
      end = begin + width;
      const planes = Math.trunc(rows / height);
      row = rows - planes * height;
      block = Math.trunc(planes / depth);
      plane = planes - block * depth;
    }
    const column = offset - begin;
    if (rank === 2) indices[i] = [row, column];
    else if (rank === 3) indices[i] = [plane, row, column];
    else if (rank === 4) indices[i] = [block, plane, row, column];
    else indices[i] = indexAt(shape, offset);
  }
  return indices;
}

/** An option object with none but the options that are known; null: with any. */
export function toOptions(
  value: unknown,
  name: string,
  known: readonly string[] | null,
): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw typeError("object", name, value);
  }
  for (const key of Object.keys(value)) {
    if (known !== null && !known.includes(key)) {
      const all = known.length === 0 ? "none" : known.join(", ");
      throw new TypeError(`Unknown option ${quote(key)} in ${name}: there are ${all}`);
    }
  }
  return value as Record<string, unknown>;
}
