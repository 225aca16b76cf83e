// ONNX files as layers: the chain of operators from one value of the graph to another. Format: onnx.proto; what an operator
// means is by the operators' documentation, of every version that says it in one of the ways known here.
import { classes, type LayerClass } from "./classes.js";
import { fileError, toBytes, type Bytes } from "./bytes.js";
import { ConvscopeError } from "./errors.js";
import type { Layer } from "./layer.js";
import { readGraph, type Node, type OnnxGraph } from "./onnx-file.js";
import { Sequential } from "./sequential.js";
import type { Tensor } from "./tensor.js";
import { quote, toOptions, toString } from "./validate.js";

/** Options of {@link fromOnnx}. */
export interface FromOnnxOptions {
  /** The name of the value that the part begins with. Default: the model's input. */
  readonly input?: string | undefined;
  /** The name of the value that the part ends with. Default: the model's output. */
  readonly output?: string | undefined;
}

const who = "fromOnnx";

/**
 * The layers in an ONNX file: convolutions with their weights, pools, padding and activations that follow one another, as
 * one layer or a `Sequential`. Of a model that has more than that, `input` and `output` name the part to read.
 *
 * @param bytes - the file's content; its weights stand in it, of any float type
 * @param options - `input` and `output`: names of the values between which to read
 * @throws ConvscopeError `"file"` for a file that is broken; `"not-implemented"` for an operator that no layer is, naming
 * it and its values
 *
 * @example
 * ```ts
 * const bytes = toOnnx(new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 3, padding: 1 }), [1, 8, 8]);
 * String(fromOnnx(bytes)); // Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
 * ```
 */
export function fromOnnx(bytes: Bytes, options?: FromOnnxOptions): Layer {
  const given = toOptions(options, "options", ["input", "output"]);
  const graph = readGraph(toBytes(bytes), who);
  const begin = given.input === undefined ? null : toString(given.input, "input");
  const end = given.output === undefined ? graph.output : toString(given.output, "output");
  const layers: Layer[] = [];
  for (const node of chain(graph, begin, end)) layers.push(...toLayers(graph, node));
  return layers.length === 1 ? (layers[0] as Layer) : new Sequential(layers);
}

/** The nodes from one value to another, found from the end. */
function chain(graph: OnnxGraph, begin: string | null, end: string): Node[] {
  const nodes: Node[] = [];
  let at = end;
  while (begin === null ? !graph.inputs.has(at) : at !== begin) {
    const node = graph.producers.get(at);
    if (node === undefined)
      throw fileError(
        `${who}: no operator gives the value ${quote(at)}${begin === null ? "" : `, and none before it reads ${quote(begin)}`}`,
      );
    if (nodes.push(node) > graph.producers.size)
      throw fileError(`${who}: the operators go round in a circle`);
    at = sourceOf(graph, node);
  }
  return nodes.reverse();
}

/** The value that a node reads and that no constant is. */
function sourceOf(graph: OnnxGraph, node: Node): string {
  const values = node.inputs.filter((name) => name !== "" && !graph.constants.has(name));
  const [first, second] = values;
  // x * sigmoid(x) has the same value twice, once through a node of its own.
  if (second !== undefined && node.op === "Mul") {
    for (const [x, gate] of [values, [second, first]] as [string, string][]) {
      const inner = graph.producers.get(gate);
      if (inner?.op !== "Sigmoid" || inner.inputs[0] !== x) continue;
      node.isSiLU = true;
      return x;
    }
  }
  if (first === undefined || second !== undefined)
    throw refusal(node, `reads ${values.length} values that are no constants`);
  return first;
}

function refusal(node: Node, why: string): ConvscopeError {
  const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
  return new ConvscopeError(
    "not-implemented",
    `${who}: the operator ${node.op} from ${quote(input)} to ${quote(output)} ${why}; the part before it can be read with { output: ${quote(input)} }, the part after it with { input: ${quote(output)} }`,
  );
}

function make(name: string, options: object = {}): Layer {
  return new (classes[name] as LayerClass)(options) as Layer;
}

/** Operators that are a layer, with attributes of the same meaning: ours by ONNX's name, and the default there. */
const simple: Readonly<
  Record<
    string,
    readonly [name: string, ...attributes: [ours: string, theirs: string, otherwise: number][]]
  >
> = {
  Relu: ["ReLU"],
  Sigmoid: ["Sigmoid"],
  Tanh: ["Tanh"],
  Softplus: ["Softplus"],
  Softsign: ["Softsign"],
  HardSwish: ["Hardswish"],
  Mish: ["Mish"],
  LeakyRelu: ["LeakyReLU", ["negativeSlope", "alpha", 0.01]],
  Elu: ["ELU", ["alpha", "alpha", 1]],
  Celu: ["CELU", ["alpha", "alpha", 1]],
};

/** Operators that change no value, if they read no other. */
const nothing = ["Identity", "Dropout", "Max"];

function toLayers(graph: OnnxGraph, node: Node): Layer[] {
  const { op } = node;
  if (node.isSiLU) return [make("SiLU")];
  const known = Object.hasOwn(simple, op) ? simple[op] : undefined;
  if (known !== undefined) {
    const [name, ...attributes] = known;
    const given = attributes.map(([ours, theirs, otherwise]) => [
      ours,
      node.float(theirs, otherwise),
    ]);
    return [given.length === 0 ? make(name) : make(name, Object.fromEntries(given))];
  }
  switch (op) {
    case "Conv":
      return [toConv(graph, node)];
    case "ConvTranspose":
      return toConvTranspose(graph, node);
    case "MaxPool":
      return toMaxPool(node);
    case "AveragePool":
      return toAvgPool(node);
    case "GlobalAveragePool":
    case "GlobalMaxPool": {
      if (graph.rank === null)
        throw refusal(node, "has a number of axes that the file does not tell");
      return [
        make(`Adaptive${op === "GlobalMaxPool" ? "Max" : "Avg"}Pool${graph.rank - 2}d`, {
          outputSize: 1,
        }),
      ];
    }
    case "Pad":
      return toPad(graph, node);
    case "Clip":
      return [toClip(graph, node)];
    case "Gelu":
      return [make("GELU", { approximate: node.text("approximate", "none") })];
    case "Selu":
      if (
        Math.abs(node.float("alpha", 1.6732632) - 1.6732632) +
          Math.abs(node.float("gamma", 1.050701) - 1.050701) <
        1e-5
      )
        return [make("SELU")];
      break;
    case "HardSigmoid":
      if (Math.abs(node.float("alpha", 0.2) - 1 / 6) < 1e-6 && node.float("beta", 0.5) === 0.5)
        return [make("Hardsigmoid")];
      break;
    case "Squeeze":
    case "Unsqueeze": {
      const axes = node.integers("axes") ?? constantIntegers(graph, node, 1);
      // A batch axis for an input without one: our layers tell by the rank.
      if (axes?.length === 1 && axes[0] === 0) return [];
      break;
    }
  }
  if (nothing.includes(op) && (node.inputs.length === 1 || op === "Dropout")) return [];
  throw refusal(node, "is no layer, or has attributes that no layer has");
}

// --- Convolution ------------------------------------------------------------

function parameters(
  graph: OnnxGraph,
  node: Node,
): { weight: Tensor; biasValues: Tensor | null; kernelSize: readonly number[]; axes: number } {
  const [weight, bias] = [1, 2].map((i) => {
    const name = node.inputs[i] ?? "";
    return name === "" ? null : (graph.constants.get(name)?.tensor() ?? refuseValue(node, name));
  });
  if (weight === undefined || weight === null) throw refusal(node, "has no weight");
  const axes = weight.shape.length - 2;
  if (axes < 1 || axes > 3) throw refusal(node, `has a weight of ${weight.shape.length} axes`);
  return { weight, biasValues: bias ?? null, kernelSize: weight.shape.slice(2), axes };
}

function refuseValue(node: Node, name: string): never {
  throw refusal(node, `has ${quote(name)} for a parameter, which is no constant`);
}

/** The padding before and after each axis. */
function sidesOf(node: Node, axes: number): (readonly [number, number])[] {
  const pads = node.integers("pads") ?? new Array<number>(2 * axes).fill(0);
  return Array.from(
    { length: axes },
    (_, axis) => [pads[axis] ?? 0, pads[axes + axis] ?? 0] as const,
  );
}

const isEven = (sides: readonly (readonly [number, number])[]): boolean =>
  sides.every(([before, after]) => before === after);
const before = (sides: readonly (readonly [number, number])[]): number[] =>
  sides.map(([first]) => first);

const rules: Readonly<Record<string, string>> = {
  SAME_UPPER: "same-upper",
  SAME_LOWER: "same-lower",
  VALID: "valid",
};

function toConv(graph: OnnxGraph, node: Node): Layer {
  const { axes, ...own } = parameters(graph, node);
  const { weight, biasValues } = own;
  const groups = node.integer("group", 1);
  const sides = sidesOf(node, axes);
  return make(`Conv${axes}d`, {
    inChannels: (weight.shape[1] as number) * groups,
    outChannels: weight.shape[0],
    ...own,
    stride: node.integers("strides") ?? 1,
    padding: rules[node.text("auto_pad", "")] ?? (isEven(sides) ? before(sides) : sides),
    dilation: node.integers("dilations") ?? 1,
    groups,
    bias: biasValues !== null,
  });
}

function toConvTranspose(graph: OnnxGraph, node: Node): Layer[] {
  const { axes, ...own } = parameters(graph, node);
  const { weight, biasValues } = own;
  const rule = node.text("auto_pad", "NOTSET");
  if (node.integers("output_shape") !== undefined || (rule !== "NOTSET" && rule !== "VALID"))
    throw refusal(node, "has a size by rule");
  const groups = node.integer("group", 1);
  const sides = sidesOf(node, axes);
  const extra = node.integers("output_padding") ?? [];
  // torch takes the same from both sides: what is less at the end is padding of the output, what is more is cut off.
  const atEnd = sides.map(([first, last], axis) => first - last + (extra[axis] ?? 0));
  const layer = make(`ConvTranspose${axes}d`, {
    inChannels: weight.shape[0],
    outChannels: (weight.shape[1] as number) * groups,
    ...own,
    stride: node.integers("strides") ?? 1,
    padding: before(sides),
    outputPadding: atEnd.map((size) => Math.max(size, 0)),
    dilation: node.integers("dilations") ?? 1,
    groups,
    bias: biasValues !== null,
  });
  if (atEnd.every((size) => size >= 0)) return [layer];
  return [
    layer,
    make(`ZeroPad${axes}d`, {
      padding: torchList(atEnd.map((size) => [0, Math.min(size, 0)] as const)),
    }),
  ];
}

// --- Pools and padding ------------------------------------------------------

/** torch's list, last axis first. */
const torchList = (sides: readonly (readonly [number, number])[]): number[] =>
  [...sides].reverse().flat();

function windows(node: Node): {
  axes: number;
  kernelSize: readonly number[];
  stride: readonly number[] | number;
  sides: (readonly [number, number])[];
} {
  const kernelSize = node.integers("kernel_shape") ?? [];
  const axes = kernelSize.length;
  if (axes < 1 || axes > 3) throw refusal(node, `has a kernel of ${axes} axes`);
  const rule = node.text("auto_pad", "NOTSET");
  if (rule !== "NOTSET" && rule !== "VALID") throw refusal(node, "has padding by rule");
  return { axes, kernelSize, stride: node.integers("strides") ?? 1, sides: sidesOf(node, axes) };
}

function toMaxPool(node: Node): Layer[] {
  const { axes, sides, ...shape } = windows(node);
  const options = {
    ...shape,
    dilation: node.integers("dilations") ?? 1,
    ceilMode: node.integer("ceil_mode", 0) === 1,
  };
  const isTorchs = sides.every(
    ([first, last], axis) => first === last && 2 * first <= (shape.kernelSize[axis] as number),
  );
  if (isTorchs) return [make(`MaxPool${axes}d`, { ...options, padding: before(sides) })];
  return [
    make(`ConstantPad${axes}d`, { padding: torchList(sides), value: -Infinity }),
    make(`MaxPool${axes}d`, options),
  ];
}

function toAvgPool(node: Node): Layer[] {
  const { axes, sides, ...shape } = windows(node);
  if (node.integers("dilations")?.some((size) => size !== 1)) throw refusal(node, "has dilations");
  const countIncludePad = node.integer("count_include_pad", 0) === 1;
  const options = { ...shape, ceilMode: node.integer("ceil_mode", 0) === 1, countIncludePad };
  const isTorchs = sides.every(
    ([first, last], axis) => first === last && 2 * first <= (shape.kernelSize[axis] as number),
  );
  if (isTorchs) return [make(`AvgPool${axes}d`, { ...options, padding: before(sides) })];
  if (!countIncludePad)
    throw refusal(node, "has padding that torch does not have, and does not count it");
  return [make(`ZeroPad${axes}d`, { padding: torchList(sides) }), make(`AvgPool${axes}d`, options)];
}

const padLayers: Readonly<Record<string, string>> = {
  constant: "ConstantPad",
  reflect: "ReflectionPad",
  edge: "ReplicationPad",
  wrap: "CircularPad",
};

function toPad(graph: OnnxGraph, node: Node): Layer[] {
  const mode = node.text("mode", "constant");
  const pads = node.integers("pads") ?? constantIntegers(graph, node, 1);
  const kind = padLayers[mode];
  if (
    kind === undefined ||
    pads === undefined ||
    pads.length === 0 ||
    pads.length % 2 !== 0 ||
    (node.inputs[3] ?? "") !== ""
  )
    throw refusal(node, "has amounts or a mode that no layer has");
  const rank = pads.length / 2;
  const sides = Array.from(
    { length: rank },
    (_, axis) => [pads[axis] ?? 0, pads[rank + axis] ?? 0] as const,
  );
  const first = sides.findIndex(([a, b]) => a !== 0 || b !== 0);
  if (first < 0) return [];
  // Batch and channels stay as they are; without a batch, so do the channels.
  const axes = first >= 2 ? rank - 2 : rank - 1;
  if (first === 0 || axes > 3) throw refusal(node, "pads axes that no layer pads");
  const padding = torchList(sides.slice(-axes));
  const named = node.inputs[2] ?? "";
  const value =
    named === ""
      ? node.float("value", 0)
      : (graph.constants.get(named)?.tensor().data[0] ?? refuseValue(node, named));
  return [
    make(
      `${mode === "constant" && value === 0 ? "ZeroPad" : kind}${axes}d`,
      mode === "constant" && value !== 0 ? { padding, value } : { padding },
    ),
  ];
}

function toClip(graph: OnnxGraph, node: Node): Layer {
  const [low, high] = (["min", "max"] as const).map((name, i) => {
    const otherwise = i === 0 ? -Infinity : Infinity;
    const input = node.inputs[1 + i] ?? "";
    if (input === "") return node.float(name, otherwise);
    return graph.constants.get(input)?.tensor().data[0] ?? refuseValue(node, input);
  }) as [number, number];
  if (low === 0 && high === Infinity) return make("ReLU");
  return low === 0 && high === 6 ? make("ReLU6") : make("Hardtanh", { minVal: low, maxVal: high });
}

function constantIntegers(
  graph: OnnxGraph,
  node: Node,
  input: number,
): readonly number[] | undefined {
  return graph.constants.get(node.inputs[input] ?? "")?.integers();
}
