// Protocol buffers, as far as ONNX files need them: messages of numbered fields, which are integers, floats, bytes or
// messages. Format: Google's "Encoding".
import { concat, fileError, take, viewOf } from "./bytes.js";

/** A field's content: an integer of 0 or more, several of them, text, or bytes (a message, too). */
export type Content = number | readonly number[] | string | Uint8Array;

/** A message of these fields, in their order. */
export function message(
  ...fields: readonly (readonly [number: number, content: Content])[]
): Uint8Array<ArrayBuffer> {
  return concat(
    fields.flatMap(([number, content]) => {
      if (typeof content === "number") return [varints([8 * number, content])];
      const bytes =
        typeof content === "string"
          ? new TextEncoder().encode(content)
          : content instanceof Uint8Array
            ? content
            : varints(content);
      return [varints([8 * number + 2, bytes.length]), bytes];
    }),
  );
}

/** A field of a float, which has a kind of its own. */
export function floatField(number: number, value: number): Uint8Array {
  const field = new Uint8Array(5);
  field[0] = 8 * number + 5;
  viewOf(field).setFloat32(1, value, true);
  return field;
}

/** Seven bits a byte, the lowest first; all but the last byte of a number have the eighth bit set. */
function varints(values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let value of values) {
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
    bytes.push(value);
  }
  return Uint8Array.from(bytes);
}

/** The contents of each field by its number: integers as numbers, everything else as bytes. */
export type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** Reads a message; what a field means, its reader must know. */
export function parse(bytes: Uint8Array, who: string): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  for (let at = 0; at < bytes.length;) {
    const [key, afterKey] = varint(bytes, at, who);
    let content: number | Uint8Array;
    at = afterKey;
    if (key % 8 === 0) [content, at] = varint(bytes, at, who);
    else {
      let length = key % 8 === 1 ? 8 : 4;
      if (key % 8 === 2) [length, at] = varint(bytes, at, who);
      else if (key % 8 !== 1 && key % 8 !== 5) throw fileError(`${who}: this is no ONNX file`);
      if (length < 0) throw fileError(`${who}: this is no ONNX file`);
      content = take(bytes, at, length, who);
      at += length;
    }
    const number = Math.floor(key / 8);
    const same = fields.get(number);
    if (same === undefined) fields.set(number, [content]);
    else same.push(content);
  }
  return fields;
}

/** The integer at `at`, of 64 bits with a sign, and where it ends. */
function varint(bytes: Uint8Array, at: number, who: string): [value: number, end: number] {
  let low = 0;
  let high = 0;
  for (let bits = 0; bits < 70; bits += 7) {
    const byte = bytes[at++];
    if (byte === undefined) throw fileError(`${who}: the file is cut short`);
    if (bits < 28) low += (byte & 127) * 2 ** bits;
    else high += (byte & 127) * 2 ** (bits - 28);
    // The higher part counts in 2^28; 64 bits leave it 36, the first of them the sign.
    if (byte < 128)
      return [low + (high >= 2 ** 35 ? (high % 2 ** 36) - 2 ** 36 : high) * 2 ** 28, at];
  }
  throw fileError(`${who}: this is no ONNX file`);
}

/** The integers of a field, written one by one or together. */
export function integers(fields: Fields, number: number, who: string): number[] {
  return (fields.get(number) ?? []).flatMap((content) => {
    if (typeof content === "number") return content;
    const list: number[] = [];
    for (let at = 0; at < content.length;) {
      const [value, end] = varint(content, at, who);
      list.push(value);
      at = end;
    }
    return list;
  });
}

/** The byte contents of a field. */
export function chunks(fields: Fields, number: number): Uint8Array[] {
  return (fields.get(number) ?? []).filter((content) => content instanceof Uint8Array);
}

/** The text of a field; the last one counts. */
export function words(fields: Fields, number: number): string {
  return new TextDecoder().decode(chunks(fields, number).at(-1));
}
