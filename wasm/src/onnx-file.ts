// An ONNX model as it is read: its nodes by what they give, and its constants. Format: onnx.proto.
import { concat, fileError, viewOf } from "./bytes.js";
import { decode, sizeOf, type DType } from "./dtype.js";
import { chunks, integers, parse, words, type Fields } from "./protobuf.js";
import { ConvscopeError } from "./errors.js";
import { tensor, type Tensor } from "./index.js";
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
  /** The sizes of the values of which the file tells them; those that it leaves open are null. */
  readonly shapes: ReadonlyMap<string, readonly (number | null)[]>;
  /** All nodes but those that give constants, in the file's order. */
  readonly nodes: readonly Node[];
  /** The node that gives a value. */
  readonly producers: ReadonlyMap<string, Node>;
  readonly constants: ReadonlyMap<string, Constant>;
}

/** An operator at work. */
export class Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
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

  /** The constant that a node gives: one that holds it, or hands on one of these. */
  constant(constants: ReadonlyMap<string, Constant>): Constant | undefined {
    if (this.op === "Identity" || (this.op === "Cast" && isFloat(this.integer("to", 0))))
      return constants.get(this.inputs[0] ?? "");
    const bytes = chunks(this.#attributes.get("value") ?? new Map(), 5)[0];
    return this.op === "Constant" && bytes !== undefined
      ? new Constant(parse(bytes, this.#who), this.#who)
      : undefined;
  }
}

/** An error for a node that is no layer. */
export function refusal(node: Node, why: string): ConvscopeError {
  const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
  return new ConvscopeError(
    "not-implemented",
    `fromOnnx: the operator ${node.op} from ${show(input)} to ${show(output)} ${why}`,
  );
}

/** A value's name so that it can be copied: PyTorch's have the path of their module. */
export const show = (name: string): string => JSON.stringify(name.slice(0, 300));

/** Whether a type is one of floats: values go from one to another as they are, but for rounding. */
export const isFloat = (type: number): boolean => /float/.test(types[type] ?? "");

/** A tensor of the file, read when it is asked for. */
export class Constant {
  readonly name: string;
  readonly #fields: Fields;
  readonly #who: string;
  #tensor: Tensor | undefined;

  constructor(fields: Fields, who: string) {
    this.name = words(fields, 8);
    this.#fields = fields;
    this.#who = `${who}: ${quote(this.name)}`;
  }

  /** The same tensor each time: a file may name one constant a thousand times. */
  tensor(): Tensor {
    return (this.#tensor ??= this.#read());
  }

  /** A short list of integers; undefined for a long one, which is something else. */
  integers(): readonly number[] | undefined {
    const { data } = this.tensor();
    return data.length > 64 ? undefined : Array.from(data);
  }

  #read(): Tensor {
    const shape = toShape(integers(this.#fields, 1, this.#who), `${this.#who}: shape`);
    const data = this.#values();
    if (data.length !== elementsOf(shape))
      throw fileError(`${this.#who} has ${data.length} values and the shape [${shape.join(", ")}]`);
    return tensor(data, shape);
  }

  /** As raw bytes, or in the list of its type. */
  #values(): Float32Array {
    const number = integers(this.#fields, 2, this.#who)[0] ?? 0;
    const type = types[number];
    if (type === undefined)
      throw fileError(`${this.#who} has elements of a type that is not read (${number})`);
    if ((integers(this.#fields, 14, this.#who)[0] ?? 0) !== 0)
      throw fileError(
        `${this.#who} has its values in another file; write the model as one: torch.onnx.export(..., external_data=False), or onnx.save(onnx.load(path), one_file)`,
      );
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
  const nodes: Node[] = [];
  const producers = new Map<string, Node>();
  for (const bytes of chunks(graph, 1)) {
    const node = new Node(parse(bytes, who), who);
    const constant = node.constant(constants);
    if (constant === undefined) nodes.push(node);
    for (const output of node.outputs) {
      if (constant === undefined) producers.set(output, node);
      else constants.set(output, constant);
    }
  }
  // Older files count the constants among the inputs.
  const inputs = chunks(graph, 11)
    .map((bytes) => parse(bytes, who))
    .filter((value) => !constants.has(words(value, 1)));
  const [output] = chunks(graph, 12).map((bytes) => words(parse(bytes, who), 1));
  if (inputs.length === 0 || output === undefined)
    throw fileError(`${who}: the graph has no input or no output`);
  const shapes = new Map<string, readonly (number | null)[]>();
  for (const value of [...inputs, ...chunks(graph, 13).map((bytes) => parse(bytes, who))]) {
    const sizes = sizesOf(value, who);
    if (sizes !== null) shapes.set(words(value, 1), sizes);
  }
  return {
    inputs: new Set(inputs.map((value) => words(value, 1))),
    output,
    shapes,
    nodes,
    producers,
    constants,
  };
}

/** Of a value's type, a tensor's shape, its dimensions. */
function sizesOf(value: Fields, who: string): (number | null)[] | null {
  let at = value;
  for (const number of [2, 1, 2]) {
    const inner = chunks(at, number)[0];
    if (inner === undefined) return null;
    at = parse(inner, who);
  }
  return chunks(at, 1).map((bytes) => integers(parse(bytes, who), 1, who)[0] ?? null);
}
