// The model files that two of the packages want: one operator each, in ONNX's and TFLite's formats.
import { Builder } from "flatbuffers";

// --- ONNX: protocol buffers, of which only two wire types are needed --------

const varint = (value) => {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : 128 + (rest % 128));
    if (rest < 128) return bytes;
  }
};
const joined = (pieces) => {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};
// A field: a number, a string, or bytes (a message is its bytes).
const field = (number, value) => {
  if (typeof value === "number") return Uint8Array.from([...varint(number * 8), ...varint(value)]);
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return joined([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
};
const message = (...fields) => joined(fields.flat().map(([number, value]) => field(number, value)));
const each = (number, values) => values.map((value) => [number, value]);

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

// y = operator(x, w)
export function onnxModel(operator, attributes, x, w, y, weight) {
  const FLOAT = 1,
    INT = 2,
    INTS = 7;
  const value = (name, shape) => {
    const sizes = message(shape.map((size) => [1, message([[1, size]])]));
    return message([
      [1, name],
      [
        2,
        message([
          [
            1,
            message([
              [1, FLOAT],
              [2, sizes],
            ]),
          ],
        ]),
      ],
    ]);
  };
  const attribute = ([name, v]) =>
    Array.isArray(v)
      ? message([[1, name], ...each(8, v), [20, INTS]])
      : message([
          [1, name],
          [3, v],
          [20, INT],
        ]);
  const node = message([
    ...each(1, ["x", "w"]),
    [2, "y"],
    [3, operator],
    [4, operator],
    ...each(5, Object.entries(attributes).map(attribute)),
  ]);
  const initializer = message([...each(1, w), [2, FLOAT], [8, "w"], [9, bytesOf(weight)]]);
  const graph = message([
    [1, node],
    [2, "graph"],
    [5, initializer],
    [11, value("x", x)],
    [12, value("y", y)],
  ]);
  const IR = 10,
    OPSET = 21;
  return message([
    [1, IR],
    [7, graph],
    [
      8,
      message([
        [1, ""],
        [2, OPSET],
      ]),
    ],
  ]);
}

// --- TFLite: a FlatBuffer, schema version 3 ---------------------------------

// A table of [slot, kind, value] fields.
function table(builder, fields) {
  builder.startObject(1 + Math.max(0, ...fields.map(([slot]) => slot)));
  for (const [slot, kind, value] of fields)
    builder[`addField${kind}`](slot, value, kind === "Offset" ? 0 : undefined);
  return builder.endObject();
}
function list(builder, values, add) {
  builder.startVector(4, values.length, 4);
  for (const value of [...values].reverse()) builder[add](value);
  return builder.endVector();
}
function bytes(builder, data) {
  // Without alignment to 16 bytes the runtime copies the weights.
  builder.startVector(1, data.length, 16);
  for (let i = data.length - 1; i >= 0; i--) builder.addInt8(data[i]);
  return builder.endVector();
}

// tensors: { shape, data? }; operators: { code, options: { type, fields }, inputs, outputs, version? }. Tensor 0 is
// the model's input and 1 its output.
export function tfliteModel(tensors, operators) {
  const builder = new Builder(1 << 16);
  builder.forceDefaults(true);
  const offsets = (values) => list(builder, values, "addOffset");
  const integers = (values) => list(builder, values, "addInt32");
  const buffers = [table(builder, [])];
  const bufferOf = tensors.map(({ data }) => {
    if (data === undefined) return 0;
    const vector = bytes(builder, bytesOf(data));
    return buffers.push(table(builder, [[0, "Offset", vector]])) - 1;
  });
  const madeTensors = tensors.map(({ shape, data }, i) => {
    const sizes = integers(shape),
      name = builder.createString(`t${i}`);
    const INT32 = 2,
      FLOAT32 = 0;
    return table(builder, [
      [0, "Offset", sizes],
      [1, "Int8", data instanceof Int32Array ? INT32 : FLOAT32],
      [2, "Int32", bufferOf[i]],
      [3, "Offset", name],
    ]);
  });
  const codes = operators.map(({ code, version = 1 }) =>
    table(builder, [
      [0, "Int8", code],
      [2, "Int32", version],
      [3, "Int32", code],
    ]),
  );
  const madeOperators = operators.map(({ options, inputs, outputs }, i) => {
    const made = table(builder, options.fields),
      from = integers(inputs),
      to = integers(outputs);
    return table(builder, [
      [0, "Int32", i],
      [1, "Offset", from],
      [2, "Offset", to],
      [3, "Int8", options.type],
      [4, "Offset", made],
    ]);
  });
  const parts = [offsets(madeTensors), integers([0]), integers([1]), offsets(madeOperators)];
  const graph = table(
    builder,
    parts.map((part, slot) => [slot, "Offset", part]),
  );
  const fields = [
    [0, "Int32", 3],
    [1, "Offset", offsets(codes)],
    [2, "Offset", offsets([graph])],
    [4, "Offset", offsets(buffers)],
  ];
  builder.finish(table(builder, fields), "TFL3");
  return builder.asUint8Array();
}
