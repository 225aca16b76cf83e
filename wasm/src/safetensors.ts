// Hugging Face's .safetensors files: eight bytes of length, a JSON header, the elements. Rules: the format's README and
// the checks of the reference implementation.
import { allocating, fileError, take, toBytes, viewOf, type Bytes } from "./bytes.js";
import { decode, encode, sizeOf, toDType, type DType } from "./dtype.js";
import { dataOf, fromData, toTensor, type Tensor } from "./tensor.js";
import { elementsOf, quote, toOptions, toShape, toString, typeError } from "./validate.js";

/** Options of {@link saveSafetensors}. */
export interface SafetensorsOptions {
  /** The elements' type. Default `"float32"`. */
  readonly dtype?: DType | undefined;
  /** Words about the file, by name. Default: none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const codes: Readonly<Record<string, DType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

/** As in the reference implementation. */
const longestHeader = 100_000_000;
const about = "__metadata__";

/**
 * The tensors in a `.safetensors` file by name, as float32: what `loadStateDict` takes. Every type but the 8-bit floats and
 * complex numbers is read; `float64` and integers beyond 2^24 are rounded to the nearest float32.
 *
 * @param bytes - the file's content
 * @throws ConvscopeError `"file"` for a file that is broken: its tensors must fill it without gap or overlap
 * @throws RangeError for a tensor of 2^30 elements or more
 *
 * @example
 * ```ts
 * const bytes = saveSafetensors(conv.stateDict());
 * conv.loadStateDict(loadSafetensors(bytes));
 * ```
 */
export function loadSafetensors(bytes: Bytes): Record<string, Tensor> {
  const who = "loadSafetensors";
  const file = toBytes(bytes);
  const { header, start } = readHeader(file, who);
  const entries = Object.entries(header)
    .filter(([name]) => name !== about)
    .map(([name, entry]) => readEntry(name, entry, `${who}: ${quote(name)}`));
  let end = start;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (start + from !== end)
      throw fileError(`${who}: ${quote(name)} leaves a gap or overlaps another tensor`);
    end = start + to;
  }
  take(file, 0, end, who);
  if (end < file.length) throw fileError(`${who}: ${file.length - end} bytes belong to no tensor`);
  return Object.fromEntries(
    entries.map(({ name, type, shape, from, to }) => [
      name,
      fromData(decode(file.subarray(start + from, start + to), type), shape),
    ]),
  );
}

/**
 * The words about a `.safetensors` file (`__metadata__`), by name; `{}` if it has none.
 *
 * @example
 * ```ts
 * const bytes = saveSafetensors({ x: zeros([2]) }, { metadata: { format: "pt" } });
 * safetensorsMetadata(bytes); // { format: "pt" }
 * ```
 */
export function safetensorsMetadata(bytes: Bytes): Record<string, string> {
  const who = "safetensorsMetadata";
  return toWords(readHeader(toBytes(bytes), who).header[about], () =>
    fileError(`${who}: ${about} does not hold words`),
  );
}

function readHeader(
  file: Uint8Array,
  who: string,
): { readonly header: Readonly<Record<string, unknown>>; readonly start: number } {
  const head = viewOf(take(file, 0, 8, who));
  const length = head.getUint32(0, true) + head.getUint32(4, true) * 2 ** 32;
  if (length > longestHeader)
    throw fileError(`${who}: this is no .safetensors file: its header would have ${length} bytes`);
  let header: unknown;
  const text = take(file, 8, length, who);
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    // Said below.
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw fileError(`${who}: this is no .safetensors file: its header is no JSON object`);
  return { header: header as Record<string, unknown>, start: 8 + length };
}

interface Entry {
  readonly name: string;
  readonly type: DType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readEntry(name: string, entry: unknown, who: string): Entry {
  const { dtype, shape, data_offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Array.isArray(shape) || !Array.isArray(data_offsets))
    throw fileError(`${who} lacks dtype, shape or data_offsets`);
  const type = Object.hasOwn(codes, dtype) ? codes[dtype] : undefined;
  if (type === undefined) throw fileError(`${who}: elements of type ${quote(dtype)} are not read`);
  const sizes = toShape(shape, `${who}: shape`);
  const [from, to] = data_offsets as [unknown, unknown];
  if (
    !Number.isSafeInteger(from) ||
    (from as number) < 0 ||
    to !== (from as number) + elementsOf(sizes) * sizeOf(type)
  )
    throw fileError(`${who}: data_offsets do not fit shape and dtype`);
  return { name, type, shape: sizes, from: from as number, to: to as number };
}

function toWords(value: unknown, refuse: () => Error): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse();
  if (Object.values(value).some((word) => typeof word !== "string")) throw refuse();
  return value as Record<string, string>;
}

/**
 * Tensors as a `.safetensors` file: what `stateDict()` gives, ready for `safetensors.torch.load_file` and
 * `load_state_dict`.
 *
 * @param tensors - by name
 * @param options - `dtype`: `"float16"` and `"bfloat16"` are rounded to even; `metadata`: words about the file
 * @throws RangeError for values that an integer `dtype` lacks
 *
 * @example
 * ```ts
 * const half = saveSafetensors({ x: tensor([1, 2.5]) }, { dtype: "bfloat16" });
 * loadSafetensors(half)["x"]?.toArray(); // [1, 2.5]
 * ```
 */
export function saveSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  options?: SafetensorsOptions,
): Uint8Array<ArrayBuffer> {
  if (typeof tensors !== "object" || tensors === null)
    throw typeError("object", "tensors", tensors);
  const given = toOptions(options, "options", ["dtype", "metadata"]);
  const type = toDType(given.dtype, "float32");
  const words = toWords(given.metadata, () => typeError("object of strings", "metadata", null));
  const code = Object.keys(codes).find((key) => codes[key] === type);
  const fields = Object.keys(words).length === 0 ? [] : [field(about, words)];
  let end = 0;
  // By name, as the reference implementation orders tensors of one type.
  const parts = Object.keys(tensors)
    .sort()
    .map((name) => {
      const tensor = toTensor(tensors[name], `tensors[${quote(name)}]`);
      if (toString(name, "name") === about) throw new RangeError(`No tensor can be named ${about}`);
      const from = end;
      end += tensor.size * sizeOf(type);
      const entry = { dtype: code, shape: tensor.shape, data_offsets: [from, end] };
      fields.push(field(name, entry));
      return encode(dataOf(tensor), type);
    });
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  // Elements begin at a multiple of 8 bytes; the header is filled up with spaces.
  const start = 8 * Math.ceil(text.length / 8) + 8;
  const file = allocating(() => new Uint8Array(start + end).fill(32, 8, start));
  viewOf(file).setUint32(0, start - 8, true);
  file.set(text, 8);
  for (const part of parts) {
    file.set(part, file.length - end);
    end -= part.length;
  }
  return file;
}

const field = (name: string, value: unknown): string =>
  `${JSON.stringify(name)}:${JSON.stringify(value)}`;
