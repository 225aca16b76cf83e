// NumPy's .npz files: zip archives of .npy files, stored or deflated. Format: PKWARE's APPNOTE.TXT, less what needs more
// than 4 GB.
import { allocating, concat, fileError, take, toBytes, viewOf, type Bytes } from "./bytes.js";
import { inflate } from "./inflate.js";
import { parseNpy, saveNpy, type NpyOptions } from "./npy.js";
import type { IntTensor, Tensor } from "./tensor.js";
import { quote, typeError } from "./validate.js";

const who = "loadNpz";
const zip64 = 0xffffffff;
/** Bytes that one byte of deflated data can give, at most. */
const maxExpansion = 1032;

/**
 * The arrays in a `.npz` file (NumPy's `savez` and `savez_compressed`) by name, each as {@link loadNpy} reads it. Members
 * that are no `.npy` files are left out.
 *
 * @param bytes - the file's content
 * @throws ConvscopeError `"file"` for a file that is broken, encrypted or of the zip64 kind (over 4 GB), or if an array
 * cannot be read
 *
 * @example
 * ```ts
 * const bytes = saveNpz({ x: tensor([1, 2]), y: zeros([2, 2]) });
 * Object.keys(loadNpz(bytes)); // ["x", "y"]
 * ```
 */
export function loadNpz(bytes: Bytes): Record<string, Tensor> {
  const file = toBytes(bytes);
  return Object.fromEntries(
    members(file)
      .filter(({ name }) => name.endsWith(".npy"))
      .map((member) => {
        const name = member.name.slice(0, -4);
        const content = `${who}: ${quote(name)}`;
        return [name, parseNpy(unpack(file, member, content), content)];
      }),
  );
}

interface Member {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its own header stands. */
  readonly at: number;
}

/** The directory stands at the end, followed by a record of 22 bytes and a comment. */
function members(file: Uint8Array): Member[] {
  const view = viewOf(file);
  let end = file.length - 22;
  const isEnd = (): boolean =>
    view.getUint32(end, true) === 0x06054b50 &&
    end + 22 + view.getUint16(end + 20, true) === file.length;
  const lowest = Math.max(0, end - 0xffff);
  while (end >= lowest && !isEnd()) --end;
  if (end < lowest) throw fileError(`${who}: this is no .npz file, or it is cut short`);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === zip64) throw isZip64();
  let total = 0;
  return Array.from({ length: count }, () => {
    const head = viewOf(take(file, at, 46, who));
    const nameLength = head.getUint16(28, true);
    const name = new TextDecoder().decode(take(file, at + 46, nameLength, who));
    at += 46 + nameLength + head.getUint16(30, true) + head.getUint16(32, true);
    const method = head.getUint16(10, true);
    const packed = head.getUint32(20, true);
    const size = head.getUint32(24, true);
    const start = head.getUint32(42, true);
    const broken = (what: string): Error => fileError(`${who}: ${quote(name)} ${what}`);
    if (head.getUint32(0, true) !== 0x02014b50) throw fileError(`${who}: the directory is broken`);
    if (packed === zip64 || size === zip64 || start === zip64) throw isZip64();
    if (head.getUint16(8, true) & 1) throw broken("is encrypted");
    if (method !== 0 && method !== 8)
      throw broken(`is packed by method ${method}; there are 0 (stored) and 8 (deflate)`);
    // Members that share their bytes would make much of a small file; so would sizes that deflate cannot reach.
    total += packed;
    if (total > file.length || (method === 0 ? size !== packed : size > maxExpansion * packed))
      throw broken("has a size that cannot be");
    return {
      name,
      isDeflated: method === 8,
      crc: head.getUint32(16, true),
      packed,
      size,
      at: start,
    };
  });
}

function isZip64(): Error {
  return fileError(`${who}: a zip64 archive, which has room for more than 4 GB, is not read`);
}

function unpack(file: Uint8Array, member: Member, content: string): Uint8Array {
  const head = viewOf(take(file, member.at, 30, content));
  if (head.getUint32(0, true) !== 0x04034b50) throw fileError(`${content}: the archive is broken`);
  const start = member.at + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = take(file, start, member.packed, content);
  const bytes = member.isDeflated
    ? allocating(() => inflate(packed, member.size, content))
    : packed;
  if (crc32(bytes) !== member.crc) throw fileError(`${content}: the checksum is wrong`);
  return bytes;
}

let crcTable: Int32Array | null = null;

function crc32(bytes: Uint8Array): number {
  crcTable ??= Int32Array.from({ length: 256 }, (_, i) => {
    for (let bit = 0; bit < 8; ++bit) i = (i >>> 1) ^ (i & 1 ? 0xedb88320 : 0);
    return i;
  });
  let crc = -1;
  for (let i = 0; i < bytes.length; ++i)
    crc = (crc >>> 8) ^ (crcTable[(crc ^ (bytes[i] as number)) & 255] as number);
  return ~crc >>> 0;
}

/**
 * Tensors as a `.npz` file, not compressed: what `numpy.load` opens.
 *
 * @param tensors - by name
 * @param options - for each, as of {@link saveNpy}
 *
 * @example
 * ```ts
 * const bytes = saveNpz(conv.stateDict()); // numpy.load(…)["weight"]
 * ```
 */
export function saveNpz(
  tensors: Readonly<Record<string, Tensor | IntTensor>>,
  options?: NpyOptions,
): Uint8Array<ArrayBuffer> {
  if (typeof tensors !== "object" || tensors === null)
    throw typeError("object", "tensors", tensors);
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [key, tensor] of Object.entries(tensors)) {
    const name = new TextEncoder().encode(`${key}.npy`);
    const content = saveNpy(tensor, options);
    // From "version needed" on, member and directory say the same: 2.0, names in UTF-8, stored, on 1 January 1980.
    const both = record([
      [2, 20, 0x800, 0, 0, 33],
      [4, crc32(content), content.length, content.length],
      [2, name.length, 0],
    ]);
    parts.push(record([[4, 0x04034b50]]), both, name, content);
    const rest = record([
      [2, 0, 0, 0],
      [4, 0, at],
    ]);
    directory.push(
      record([
        [4, 0x02014b50],
        [2, 20],
      ]),
      both,
      rest,
      name,
    );
    at += 30 + name.length + content.length;
  }
  const count = directory.length / 4;
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  if (count >= 0xffff || at + size >= zip64)
    throw new RangeError("tensors: a .npz file has room for 65534 arrays and 4 GB");
  const end = record([
    [4, 0x06054b50],
    [2, 0, 0, count, count],
    [4, size, at],
    [2, 0],
  ]);
  return concat([...parts, ...directory, end]);
}

/** Little-endian numbers: each list begins with the bytes of one. */
function record(fields: readonly (readonly [bytes: number, ...values: number[]])[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([bytes, ...values]) =>
      values.flatMap((value) => Array.from({ length: bytes }, (_, i) => value / 256 ** i)),
    ),
  );
}
