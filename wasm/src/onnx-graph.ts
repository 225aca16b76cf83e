// An ONNX model as it is written: nodes, constants, and what goes in and comes out. Format: onnx.proto of IR versions 8 and
// 9, operators of opset 17 to 20, the lowest that has what the nodes need.
import { concat } from "./bytes.js";
import { encode } from "./dtype.js";
import { floatField, message } from "./protobuf.js";

/** onnx.proto's numbers for element types. */
const floatType = 1;
const int64Type = 7;

/** An operator's attributes: integers, lists of them, text; a float stands in a list of its own kind. */
export type Attributes = Readonly<Record<string, number | readonly number[] | string | Float>>;

/** Marks a number as a float: ONNX tells 1 from 1.0. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A graph that grows node by node, each reading what the one before it gave. */
export class Graph {
  /** The name of the last value. */
  at = "input";
  /** Its shape for ONNX: with a batch axis before it while `isLifted`. */
  shape: readonly number[];
  /** Whether a batch axis of 1 was added. */
  isLifted = false;
  /** The operator set that the nodes need. */
  opset = 17;
  readonly #nodes: {
    readonly op: string;
    readonly inputs: readonly string[];
    output: string;
    readonly attributes: Attributes;
  }[] = [];
  readonly #constants: Uint8Array[] = [];

  constructor(shape: readonly number[]) {
    this.shape = shape;
  }

  /** Adds a node that reads `inputs` (default: the last value); its output is the last value from now on. */
  add(op: string, attributes: Attributes = {}, inputs: readonly string[] = [this.at]): string {
    this.at = `${op.toLowerCase()}_${this.#nodes.length}`;
    this.#nodes.push({ op, inputs, output: this.at, attributes });
    return this.at;
  }

  /** Whether the last node is of this operator. */
  endsWith(op: string): boolean {
    return this.#nodes.at(-1)?.op === op;
  }

  /** A constant of float32 values, by its name. */
  floats(
    values: Float32Array | readonly number[],
    shape: readonly number[],
    name?: string,
  ): string {
    return this.#constant(floatType, encode(new Float32Array(values), "float32"), shape, name);
  }

  /** A constant list of integers, or a matrix of them. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant(int64Type, encode(new Int32Array(values), "int64"), shape);
  }

  #constant(
    type: number,
    raw: Uint8Array,
    shape: readonly number[],
    name = `constant_${this.#constants.length}`,
  ): string {
    this.#constants.push(message([1, shape], [2, type], [8, name], [9, raw]));
    return name;
  }

  /** The model: what ONNX engines load. */
  finish(inputShape: readonly number[]): Uint8Array<ArrayBuffer> {
    if (this.#nodes.length === 0) this.add("Identity");
    // The last value is the model's output, and named so.
    const last = this.at;
    const nodes = this.#nodes.map(({ op, inputs, output, attributes }) => {
      const named = output === last ? "output" : output;
      return message(
        ...inputs.map((name) => [1, name] as const),
        [2, named],
        [3, `node_${output}`],
        [4, op],
        ...Object.entries(attributes).map(([name, value]) => [5, attribute(name, value)] as const),
      );
    });
    const graph = message(
      ...nodes.map((node) => [1, node] as const),
      [2, "convscope"],
      ...this.#constants.map((tensor) => [5, tensor] as const),
      [11, valueInfo("input", inputShape)],
      [12, valueInfo("output", this.shape)],
    );
    return message(
      [1, this.opset > 18 ? 9 : 8],
      [2, "convscope"],
      [7, graph],
      [8, message([1, ""], [2, this.opset])],
    );
  }
}

function attribute(name: string, value: Attributes[string]): Uint8Array {
  if (value instanceof Float)
    return concat([message([1, name]), floatField(2, value.value), message([20, 1])]);
  if (typeof value === "number") return message([1, name], [3, value], [20, 2]);
  if (typeof value === "string") return message([1, name], [4, value], [20, 3]);
  return message([1, name], [8, value], [20, 7]);
}

function valueInfo(name: string, shape: readonly number[]): Uint8Array {
  const sizes = message(...shape.map((size) => [1, message([1, size])] as const));
  return message([1, name], [2, message([1, message([1, floatType], [2, sizes])])]);
}
