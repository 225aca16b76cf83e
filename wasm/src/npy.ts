// NumPy's .npy files: a magic number, a Python dictionary as text, and the elements.
// Format: numpy.lib.format's documentation, versions 1.0, 2.0 and 3.0.
import { allocating, fileError, take, toBytes, viewOf, type Bytes } from "./bytes.js";
import { decode, encode, sizeOf, toDType, type DType } from "./dtype.js";
import { dataOf, fromData, IntTensor, toTensor, type Tensor } from "./tensor.js";
import { elementsOf, quote, toBoolean, toOptions, toShape } from "./validate.js";

/** Options of {@link saveNpy}. */
export interface NpyOptions {
  /** The elements' type; not `"bfloat16"`, which NumPy lacks. Default `"float32"`, of an IntTensor `"int32"`. */
  readonly dtype?: Exclude<DType, "bfloat16"> | undefined;
  /** Whether the first axis runs fastest. Default false. */
  readonly fortranOrder?: boolean | undefined;
}

/** NumPy's letters, each with the bytes of an element. */
const codes: Readonly<Record<string, DType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  b1: "bool",
};

/** The header's longest length, as in NumPy: a longer one is an attack. */
const longestHeader = 10_000;
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * The array in a `.npy` file (NumPy's `numpy.save`), as float32: every float and integer type, `bool`, either byte order,
 * C and Fortran order, versions 1 to 3. What follows the array is left alone, as in NumPy.
 *
 * `float64` and integers beyond 2^24 are rounded to the nearest float32.
 *
 * @param bytes - the file's content
 * @throws ConvscopeError `"file"` for a file that is broken, or holds text, records, complex numbers or Python objects
 * @throws RangeError for 2^30 elements or more
 *
 * @example
 * ```ts
 * const bytes = saveNpy(tensor([[1, -2], [3, -4]]));
 * loadNpy(bytes).toArray(); // [[1, -2], [3, -4]]
 * ```
 */
export function loadNpy(bytes: Bytes): Tensor {
  return parseNpy(toBytes(bytes), "loadNpy");
}

/** @param who - how messages begin */
export function parseNpy(file: Uint8Array, who: string): Tensor {
  const start = take(file, 0, 10, who);
  if (magic.some((byte, i) => start[i] !== byte)) throw fileError(`${who}: this is no .npy file`);
  const version = start[6] as number;
  if (version < 1 || version > 3)
    throw fileError(`${who}: there is no version ${version} of the .npy format`);
  const lengthBytes = version === 1 ? 2 : 4;
  const view = viewOf(take(file, 8, lengthBytes, who));
  const length = version === 1 ? view.getUint16(0, true) : view.getUint32(0, true);
  if (length > longestHeader)
    throw fileError(`${who}: a header of ${length} bytes; at most ${longestHeader} are read`);
  const text = new TextDecoder().decode(take(file, 8 + lengthBytes, length, who));
  const { type, isBigEndian, fortranOrder, shape } = parseHeader(text, who);
  const count = elementsOf(shape);
  const body = take(file, 8 + lengthBytes + length, count * sizeOf(type), who);
  const data = decode(body, type, isBigEndian);
  return fromData(fortranOrder ? transpose(data, [...shape].reverse()) : data, shape);
}

const entry = /\s*["'](\w+)["']\s*:\s*(["'][^"']*["']|True|False|\([\d\sL,]*\))\s*(?:,\s*)?(\})?/y;

function parseHeader(
  text: string,
  who: string,
): {
  readonly type: DType;
  readonly isBigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
} {
  const found = new Map<string, string>();
  entry.lastIndex = text.indexOf("{") + 1;
  let match;
  do {
    match = entry.exec(text);
    if (match === null) throw fileError(`${who}: cannot read the header ${quote(text.trim())}`);
    found.set(match[1] as string, match[2] as string);
  } while (match[3] === undefined);
  const descr = found.get("descr") ?? "";
  const order = found.get("fortran_order");
  const sizes = found.get("shape") ?? "";
  const [, end, code = ""] = /^.([<>=|])([fiub]\d).$/.exec(descr) ?? [];
  const type = codes[code];
  if (type === undefined)
    throw fileError(`${who}: elements of type ${descr} are no numbers that can be read`);
  if ((order !== "True" && order !== "False") || !sizes.startsWith("("))
    throw fileError(`${who}: the header lacks fortran_order or shape`);
  return {
    type,
    isBigEndian: end === ">",
    fortranOrder: order === "True",
    // Python 2 wrote an L after long integers.
    shape: toShape(sizes.match(/\d+/g)?.map(Number) ?? [], `${who}: shape`),
  };
}

/** Row-major values of `shape` as row-major values of the reversed shape. */
function transpose<A extends Float32Array | Int32Array>(data: A, shape: readonly number[]): A {
  const out = data.slice() as A;
  const index = new Array<number>(shape.length).fill(0);
  let step = 1;
  const steps = shape.map((size) => (step *= size) / size);
  let to = 0;
  for (let from = 0; from < data.length; ++from) {
    out[to] = data[from] as number;
    for (let axis = shape.length; axis-- > 0;) {
      const size = shape[axis] as number;
      const apart = steps[axis] as number;
      to += apart;
      if (++(index[axis] as number) < size) break;
      to -= apart * size;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * The tensor as a `.npy` file, version 1.0 and little-endian, byte for byte as `numpy.save` writes it.
 *
 * @param x - a tensor, or the indices of a max pool
 * @param options - `dtype`: a type for the elements, rounded to even; `fortranOrder`: the first axis fastest
 * @throws RangeError for values that an integer `dtype` lacks
 *
 * @example
 * ```ts
 * saveNpy(zeros([2, 3])).length; // 152
 * loadNpy(saveNpy(tensor([1, 2.5]), { dtype: "float16" })).toArray(); // [1, 2.5]
 * ```
 */
export function saveNpy(x: Tensor | IntTensor, options?: NpyOptions): Uint8Array<ArrayBuffer> {
  const given = toOptions(options, "options", ["dtype", "fortranOrder"]);
  const isInt = x instanceof IntTensor;
  const data = isInt ? x.data : dataOf(toTensor(x, "x"));
  const type = toDType(given.dtype, isInt ? "int32" : "float32");
  const code = Object.keys(codes).find((key) => codes[key] === type);
  if (code === undefined) throw new RangeError(`NumPy has no ${type}`);
  const isFortran = toBoolean(given.fortranOrder ?? false, "fortranOrder");
  const { shape } = x;
  const sizes = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const about = `{'descr': '${sizeOf(type) === 1 ? "|" : "<"}${code}', 'fortran_order': ${isFortran ? "True" : "False"}, 'shape': ${sizes}, }`;
  // Room for the growing axis to have 21 digits; then to a multiple of 64, the magic, version and length included.
  const growing = shape.at(isFortran ? -1 : 0);
  const room = growing === undefined ? 0 : 21 - `${growing}`.length;
  const length = 64 * Math.floor((10 + about.length + room + 1) / 64 + 1) - 10;
  const elements = encode(isFortran ? transpose(data, shape) : data, type);
  const file = allocating(() => new Uint8Array(10 + length + elements.length));
  file.set([...magic, 1, 0, length & 255, length >> 8]);
  file.set(new TextEncoder().encode(`${about.padEnd(length - 1)}\n`), 10);
  file.set(elements, 10 + length);
  return file;
}
