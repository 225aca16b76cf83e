// ONNX models written by hand, field by field: those that no exporter writes. Numbers of fields are onnx.proto's.

/** A field of text, bytes or a message, or of one integer. */
export type Field = readonly [number: number, content: string | Uint8Array | number];

function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...varint((value - low) / 128)];
}

export function message(...fields: readonly Field[]): Uint8Array {
  return new Uint8Array(
    fields.flatMap(([number, content]) => {
      if (typeof content === "number") return [...varint(8 * number), ...varint(content)];
      const bytes = Buffer.from(content as string);
      return [...varint(8 * number + 2), ...varint(bytes.length), ...bytes];
    }),
  );
}

/** An attribute: an integer, a list of them, or text. */
export function attribute(name: string, value: number | readonly number[] | string): Field {
  if (typeof value === "number") return [5, message([1, name], [3, value], [20, 2])];
  if (typeof value === "string") return [5, message([1, name], [4, value], [20, 3])];
  return [5, message([1, name], ...value.map((each) => [8, each] as const), [20, 7])];
}

export function node(op: string, inputs: string, output: string, ...more: Field[]): Field {
  const names = inputs === "" ? [] : inputs.split(" ");
  return [1, message(...names.map((name) => [1, name] as const), [2, output], [4, op], ...more)];
}

/** A constant of float32 values; `more` in place of the values: other types, or a file elsewhere. */
export function constant(
  name: string,
  shape: readonly number[],
  values: readonly number[] | readonly Field[],
): Field {
  const sizes = shape.map((size) => [1, size] as const);
  const isFields = Array.isArray(values[0]);
  const data: readonly Field[] = isFields
    ? (values as readonly Field[])
    : [
        [2, 1],
        [9, new Uint8Array(new Float32Array(values as readonly number[]).buffer)],
      ];
  return [5, message(...sizes, [8, name], ...data)];
}

/** The input or output of a model: null stands for a size that is left open, no shape for one that is not told. */
function valueInfo(name: string, shape?: readonly (number | null)[]): Uint8Array {
  if (shape === undefined) return message([1, name]);
  const sizes = shape.map((size) => [1, message(size === null ? [2, "any"] : [1, size])] as const);
  return message([1, name], [2, message([1, message([1, 1], [2, message(...sizes)])])]);
}

/** A model from "x" to "y". */
export function model(parts: readonly Field[], shape?: readonly (number | null)[]): Uint8Array {
  const graph = message(...parts, [11, valueInfo("x", shape)], [12, valueInfo("y")]);
  return message([1, 8], [7, graph], [8, message([2, 17])]);
}
