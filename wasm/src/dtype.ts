// Element types of files: bytes to float32 and back. A file may hold more than float32 does; a value between two float32
// goes to the nearer one in a single rounding, ties to even, as NumPy's astype(float32).
import { allocating } from "./bytes.js";
import { quote, typeError } from "./validate.js";

const arrays = {
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/**
 * A type of elements in a file, by NumPy's and torch's name. All become float32 when loaded: `float64` and integers beyond
 * 2^24 are rounded to the nearest float32; `bool` gives 0 and 1.
 */
export type DType = keyof typeof arrays;

/** Bytes of one element. */
export const sizeOf = (type: DType): number => arrays[type].BYTES_PER_ELEMENT;

/** An option's element type; `fallback` where there is none. */
export function toDType(value: unknown, fallback: DType): DType {
  if (value === undefined) return fallback;
  if (typeof value !== "string") throw typeError("string", "dtype", value);
  if (Object.hasOwn(arrays, value)) return value as DType;
  throw new RangeError(
    `There is no dtype ${quote(value)}; there are ${Object.keys(arrays).join(", ")}`,
  );
}

// --- To float32 -------------------------------------------------------------

/** The values of whole elements. */
export function decode(bytes: Uint8Array, type: DType, isBigEndian = false): Float32Array {
  return allocating(() => {
    const copy = new Uint8Array(bytes);
    if (isBigEndian) swap(copy, sizeOf(type));
    const { buffer } = copy;
    switch (type) {
      case "float32":
        return new Float32Array(buffer);
      case "float16":
      case "bfloat16":
        return fromShort(new Uint16Array(buffer), type === "float16");
      case "int64":
      case "uint64":
        return fromLong(new Uint32Array(buffer), type === "int64");
      case "bool":
        return Float32Array.from(copy, (byte) => (byte === 0 ? 0 : 1));
      default:
        return new Float32Array(new arrays[type](buffer));
    }
  });
}

function swap(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) {
    for (let low = at, high = at + size - 1; low < high; ++low, --high) {
      const byte = bytes[low] as number;
      bytes[low] = bytes[high] as number;
      bytes[high] = byte;
    }
  }
}

function fromShort(from: Uint16Array, isHalf: boolean): Float32Array {
  const bits = new Uint32Array(from.length);
  const values = new Float32Array(bits.buffer);
  for (let i = 0; i < from.length; ++i) {
    const short = from[i] as number;
    if (!isHalf) {
      bits[i] = short << 16;
      continue;
    }
    bits[i] = ((short & 0x8000) << 16) | ((short & 0x7fff) << 13);
    // The exponents count from 15 and from 127; the product moves subnormal numbers as well.
    if ((short & 0x7c00) !== 0x7c00) values[i] = (values[i] as number) * 2 ** 112;
    else bits[i] = (bits[i] as number) | 0x7f800000;
  }
  return values;
}

function fromLong(words: Uint32Array, isSigned: boolean): Float32Array {
  const values = new Float32Array(words.length / 2);
  for (let i = 0; i < values.length; ++i) {
    let low = words[2 * i] as number;
    const high = isSigned ? (words[2 * i + 1] as number) | 0 : (words[2 * i + 1] as number);
    // Beyond 2^53 the last 11 bits leave only the word whether any was set: then the double is exact, and the rounding to
    // float32 the only one.
    if (Math.abs(high) >= 2 ** 20) low = ((low & 0x7ff) === 0 ? low : low | 0x800) & ~0x7ff;
    values[i] = high * 2 ** 32 + (low >>> 0);
  }
  return values;
}

// --- From float32 -----------------------------------------------------------

/** Values as elements of a type, little-endian. Integers must be whole, and in the type's range. */
export function encode(data: Float32Array | Int32Array, type: DType): Uint8Array {
  if (!type.includes("float")) checkIntegers(data, type);
  return allocating(() => {
    if (type === "float16" || type === "bfloat16")
      return new Uint8Array(toShort(new Float32Array(data), type === "float16").buffer);
    if (type === "int64" || type === "uint64") return new Uint8Array(toLong(data).buffer);
    return new Uint8Array(new arrays[type](data).buffer);
  });
}

/** Two words each, the lower one first; a typed array takes a number modulo 2^32. */
function toLong(data: Float32Array | Int32Array): Uint32Array {
  const words = new Uint32Array(2 * data.length);
  for (let i = 0; i < data.length; ++i) {
    words[2 * i] = data[i] as number;
    words[2 * i + 1] = Math.floor((data[i] as number) / 2 ** 32);
  }
  return words;
}

function checkIntegers(data: Float32Array | Int32Array, type: DType): void {
  const bits = type === "bool" ? 1 : 8 * sizeOf(type);
  const low = type.startsWith("i") ? -(2 ** (bits - 1)) : 0;
  for (let i = 0; i < data.length; ++i) {
    const value = data[i] as number;
    if (!Number.isInteger(value) || value < low || value >= low + 2 ** bits)
      throw new RangeError(`Element ${i}, ${value}, is no ${type}`);
  }
}

function toShort(values: Float32Array, isHalf: boolean): Uint16Array {
  const short = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < short.length; ++i) {
    const sign = ((bits[i] as number) >>> 16) & 0x8000;
    const size = (bits[i] as number) & 0x7fffffff;
    short[i] = sign | (isHalf ? half(size, values, bits, i) : brain(size));
  }
  return short;
}

/** Half of the last place that stays, or a little less where that place is even: then it stays so. */
const halfPlace = (bits: number, places: number): number =>
  2 ** (places - 1) - 1 + ((bits >>> places) & 1);

function brain(size: number): number {
  return (size > 0x7f800000 ? size | 0x400000 : size + halfPlace(size, 16)) >>> 16;
}

function half(size: number, values: Float32Array, bits: Uint32Array, i: number): number {
  if (size > 0x7f800000) return 0x7e00 | ((size >>> 13) & 0x1ff);
  // 65520 and more.
  if (size >= 0x477ff000) return 0x7c00;
  // Subnormal as a half: one half plus the number has its bits where they belong, rounded.
  if (size < 0x38800000) {
    values[i] = Math.abs(values[i] as number) + 0.5;
    return (bits[i] as number) - 0x3f000000;
  }
  return (size - 0x38000000 + halfPlace(size, 13)) >>> 13;
}
