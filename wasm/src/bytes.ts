// Files as bytes: what is common to reading and writing them.
import { ConvscopeError } from "./errors.js";
import { typeError } from "./validate.js";

/** A file's content: an `ArrayBuffer`, or a view of one (a `Uint8Array`, Node's `Buffer`). */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** The error for a file that is broken, or holds what cannot be read. */
export const fileError = (message: string): ConvscopeError => new ConvscopeError("file", message);

/** A file's bytes, not copied. */
export function toBytes(value: unknown): Uint8Array {
  const isView = ArrayBuffer.isView(value);
  if (!isView && !(value instanceof ArrayBuffer))
    throw typeError("ArrayBuffer or Uint8Array", "bytes", value);
  try {
    // Throws on a detached buffer, which otherwise looks empty.
    return isView
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
  } catch (cause) {
    throw new ConvscopeError("detached", "bytes is gone: its buffer was transferred elsewhere", {
      cause,
    });
  }
}

/** `length` bytes from `at` on, if the file has them. */
export function take(bytes: Uint8Array, at: number, length: number, who: string): Uint8Array {
  if (at + length <= bytes.length) return bytes.subarray(at, at + length);
  throw fileError(
    `${who}: the file is cut short: ${bytes.length} bytes, but ${at + length} are needed`,
  );
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** What `make` gives; where memory is short, an error of ours: the engine's text stays inside. */
export function allocating<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof ConvscopeError) throw cause;
    throw new ConvscopeError("memory", "out of memory: the values do not fit", { cause });
  }
}

/** The parts, one after another. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const file = allocating(() => new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0)));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
