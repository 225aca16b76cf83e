// An ONNX model as it is read: its nodes by what they give, and its constants. Format: onnx.proto.
import { concat, fileError, viewOf } from "./bytes.js";
import { decode, sizeOf, type DType } from "./dtype.js";
import { chunks, integers, parse, words, type Fields } from "./protobuf.js";
import { fromData, type Tensor } from "./tensor.js";
import { elementsOf, quote, toShape } from "./validate.js";

/** onnx.proto's numbers of element types. */
const types: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

/** A graph, found from its end. */
export interface OnnxGraph {
  /** The values that come from outside. */
  readonly inputs: ReadonlySet<string>;
  /** The name of the first output. */
  readonly output: string;
  /** How many axes the first input has; null if the file does not tell. */
  readonly rank: number | null;
  /** The node that gives a value. */
  readonly producers: ReadonlyMap<string, Node>;
  readonly constants: ReadonlyMap<string, Constant>;
}

/** An operator at work. */
export class Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whether it is the product of x and sigmoid(x). */
  isSiLU = false;
  readonly #attributes: ReadonlyMap<string, Fields>;
  readonly #who: string;

  constructor(fields: Fields, who: string) {
    this.#who = who;
    // Names of domains: the operators of others are other operators.
    const domain = words(fields, 7);
    this.op = `${domain === "" || domain === "ai.onnx" ? "" : `${domain}.`}${words(fields, 4)}`;
    this.inputs = texts(fields, 1);
    this.outputs = texts(fields, 2);
    this.#attributes = new Map(
      chunks(fields, 5).map((bytes) => {
        const attribute = parse(bytes, who);
        return [words(attribute, 1), attribute];
      }),
    );
  }

  integer(name: string, otherwise: number): number {
    const attribute = this.#attributes.get(name);
    return attribute === undefined
      ? otherwise
      : (integers(attribute, 3, this.#who)[0] ?? otherwise);
  }

  integers(name: string): readonly number[] | undefined {
    const attribute = this.#attributes.get(name);
    return attribute === undefined ? undefined : integers(attribute, 8, this.#who);
  }

  float(name: string, otherwise: number): number {
    const bytes = chunks(this.#attributes.get(name) ?? new Map(), 2)[0];
    if (bytes?.length !== 4) return otherwise;
    const value = viewOf(bytes).getFloat32(0, true);
    // The number that a person wrote: 0.01, and not the float32 next to it.
    const written = Number(value.toPrecision(7));
    return Math.fround(written) === value ? written : value;
  }

  text(name: string, otherwise: string): string {
    const attribute = this.#attributes.get(name);
    return attribute === undefined ? otherwise : words(attribute, 4);
  }

  /** The constant that a Constant node holds. */
  constant(): Constant | null {
    const bytes = chunks(this.#attributes.get("value") ?? new Map(), 5)[0];
    return this.op === "Constant" && bytes !== undefined
      ? new Constant(parse(bytes, this.#who), this.#who)
      : null;
  }
}

/** A tensor of the file, read when it is asked for. */
export class Constant {
  readonly name: string;
  readonly #fields: Fields;
  readonly #who: string;

  constructor(fields: Fields, who: string) {
    this.name = words(fields, 8);
    this.#fields = fields;
    this.#who = `${who}: ${quote(this.name)}`;
  }

  tensor(): Tensor {
    const shape = toShape(integers(this.#fields, 1, this.#who), `${this.#who}: shape`);
    const data = this.#values();
    if (data.length !== elementsOf(shape))
      throw fileError(`${this.#who} has ${data.length} values and the shape [${shape.join(", ")}]`);
    return fromData(data, shape);
  }

  integers(): readonly number[] {
    return Array.from(this.tensor().data);
  }

  /** As raw bytes, or in the list of its type. */
  #values(): Float32Array {
    const number = integers(this.#fields, 2, this.#who)[0] ?? 0;
    const type = types[number];
    if (type === undefined)
      throw fileError(`${this.#who} has elements of a type that is not read (${number})`);
    if ((integers(this.#fields, 14, this.#who)[0] ?? 0) !== 0)
      throw fileError(`${this.#who} has its values in another file`);
    const raw = chunks(this.#fields, 9).at(-1);
    const list = type === "float32" ? 4 : type === "float64" ? 10 : 0;
    if (raw === undefined && list === 0) {
      const values = integers(
        this.#fields,
        type === "int64" ? 7 : type.startsWith("uint") && sizeOf(type) > 2 ? 11 : 5,
        this.#who,
      );
      const isShort = type === "float16" || type === "bfloat16";
      return isShort
        ? decode(new Uint8Array(new Uint16Array(values).buffer), type)
        : new Float32Array(values);
    }
    // Floats stand one by one or together: either way their bytes follow one another.
    const bytes = raw ?? concat(chunks(this.#fields, list));
    if (bytes.length % sizeOf(type) !== 0) throw fileError(`${this.#who} ends within an element`);
    return decode(bytes, type);
  }
}

const texts = (fields: Fields, number: number): string[] =>
  chunks(fields, number).map((bytes) => new TextDecoder().decode(bytes));

export function readGraph(file: Uint8Array, who: string): OnnxGraph {
  const model = chunks(parse(file, who), 7).at(-1);
  if (model === undefined) throw fileError(`${who}: this is no ONNX file: it holds no graph`);
  const graph = parse(model, who);
  const constants = new Map<string, Constant>();
  for (const bytes of chunks(graph, 5)) {
    const constant = new Constant(parse(bytes, who), who);
    constants.set(constant.name, constant);
  }
  const producers = new Map<string, Node>();
  for (const bytes of chunks(graph, 1)) {
    const node = new Node(parse(bytes, who), who);
    const constant = node.constant();
    for (const output of node.outputs) {
      if (constant === null) producers.set(output, node);
      else constants.set(output, constant);
    }
  }
  // Older files count the constants among the inputs.
  const inputs = chunks(graph, 11)
    .map((bytes) => parse(bytes, who))
    .filter((value) => !constants.has(words(value, 1)));
  const [output] = chunks(graph, 12).map((bytes) => words(parse(bytes, who), 1));
  const [input] = inputs;
  if (input === undefined || output === undefined)
    throw fileError(`${who}: the graph has no input or no output`);
  return {
    inputs: new Set(inputs.map((value) => words(value, 1))),
    output,
    rank: rankOf(input, who),
    producers,
    constants,
  };
}

/** Of a value's type, a tensor's shape, its dimensions. */
function rankOf(value: Fields, who: string): number | null {
  let at = value;
  for (const number of [2, 1, 2]) {
    const inner = chunks(at, number)[0];
    if (inner === undefined) return null;
    at = parse(inner, who);
  }
  return chunks(at, 1).length;
}
