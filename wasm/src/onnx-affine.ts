// Operators of ONNX that scale and shift each channel: batch normalisation as it is after training, and arithmetic with
// constants. Each becomes a depthwise convolution of one cell, which is the same for any input and leaves the weights of
// the convolution before it as they are in the file.
import { tensor, type Tensor } from "./index.js";
import { refusal, type Node, type OnnxGraph } from "./onnx-file.js";

/** A layer to be made: its class and its options. */
export type Made = readonly [name: string, options: Readonly<Record<string, unknown>>];

/** Operators whose output has the channels of what they read, or as many axes. */
const sameChannels =
  /^(Add|Sub|Mul|Div|Sum|Max|Clip|P?Relu|LeakyRelu|[CS]?[Ee]lu|Gelu|Mish|Hard.*|Sigmoid|Tanh|Soft(plus|sign)|Erf|Abs|Neg|Log|Identity|Dropout|Cast|LRN|.*Normalization|.*Pool|Pad|Resize)$/;
const sameAxes = /^(Concat|Transpose)$/;

/** What `tell` says of a value or of the nearest before it, as long as these are alike. */
function firstOf(
  graph: OnnxGraph,
  value: string,
  areAlike: (node: Node) => boolean,
  tell: (value: string, node: Node | undefined) => number | null | undefined,
): number | null {
  // Convolutions are seldom far; the bound is for files made to take long.
  for (let at = value, steps = 0; steps < 1000; ++steps) {
    const node = graph.producers.get(at);
    const told = tell(at, node);
    if (typeof told === "number") return told;
    if (node === undefined || !areAlike(node)) break;
    at = node.inputs.find((name) => !graph.constants.has(name)) ?? "";
  }
  return null;
}

const weightShape = (graph: OnnxGraph, node: Node | undefined): readonly number[] | undefined =>
  node !== undefined && /^Conv(Transpose)?$/.test(node.op)
    ? graph.constants.get(node.inputs[1] ?? "")?.tensor().shape
    : undefined;

/** How many axes a value has after batch and channels; null where the file does not tell. */
function axesOf(graph: OnnxGraph, value: string): number | null {
  const isAlike = ({ op }: Node): boolean => sameChannels.test(op) || sameAxes.test(op);
  const rank = firstOf(
    graph,
    value,
    isAlike,
    (at, node) => (graph.shapes.get(at) ?? weightShape(graph, node))?.length,
  );
  return rank === null ? null : rank - 2;
}

/** How many channels a value has; null where the file does not tell. */
function channelsOf(graph: OnnxGraph, value: string): number | null {
  return firstOf(
    graph,
    value,
    ({ op }) => sameChannels.test(op),
    (at, node) => {
      const sizes = graph.shapes.get(at);
      if (sizes !== undefined) return sizes[1];
      const from = node?.op === "Transpose" ? node.integers("perm")?.[1] : undefined;
      if (from !== undefined) return graph.shapes.get(node?.inputs[0] ?? "")?.[from];
      const [first, second = 0] = weightShape(graph, node) ?? [];
      return node?.op === "Conv" || first === undefined
        ? first
        : second * (node?.integer("group", 1) ?? 1);
    },
  );
}

/** `scale * x + shift` of each channel. */
function affine(axes: number, scale: Float32Array, shift: Float32Array): Made {
  const channels = scale.length;
  const shape = [channels, 1, ...new Array<number>(axes).fill(1)];
  return [
    `Conv${axes}d`,
    {
      inChannels: channels,
      outChannels: channels,
      kernelSize: 1,
      groups: channels,
      weight: tensor(scale, shape),
      biasValues: tensor(shift, [channels]),
    },
  ];
}

/** How many axes a node's first input has after batch and channels. */
export function axesBehind(graph: OnnxGraph, node: Node): number {
  return axesFor(node, axesOf(graph, node.inputs[0] ?? ""));
}

function axesFor(node: Node, axes: number | null): number {
  if (axes === null) throw refusal(node, "has a number of axes that the file does not tell");
  if (axes < 1 || axes > 3) throw refusal(node, `is of ${axes + 2} axes`);
  return axes;
}

export function toNormalization(graph: OnnxGraph, node: Node): Made[] {
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => {
    const constant = graph.constants.get(node.inputs[i] ?? "")?.tensor().data;
    if (constant === undefined) throw refusal(node, "has statistics that are no constants");
    return constant as Float32Array;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array];
  if (node.integer("training_mode", 0) !== 0 || node.integer("spatial", 1) !== 1)
    throw refusal(node, "is that of training, or of single cells");
  if ([shift, mean, variance].some((values) => values.length !== scale.length))
    throw refusal(node, "has statistics of different lengths");
  const epsilon = node.float("epsilon", 1e-5);
  const factors = scale.map((value, c) => value / Math.sqrt((variance[c] as number) + epsilon));
  const rest = shift.map((value, c) => value - (mean[c] as number) * (factors[c] as number));
  return [affine(axesBehind(graph, node), factors, rest)];
}

/** Add, Sub, Mul or Div of a value and a constant that has one number, or one of each channel. */
export function toArithmetic(graph: OnnxGraph, node: Node): Made[] {
  const [first = "", second = ""] = node.inputs;
  const isFirst = graph.constants.has(first);
  const tensor = graph.constants.get(isFirst ? first : second)?.tensor();
  if (tensor === undefined || node.inputs.length !== 2) throw refusal(node, "reads no constant");
  const value = isFirst ? second : first;
  const axes = axesFor(node, axesOf(graph, value));
  const values =
    tensor.size === 1
      ? alike(node, tensor.data[0] as number, channelsOf(graph, value))
      : perChannel(node, tensor, axes);
  const is = (op: string): boolean => node.op === op;
  if (is("Div") && isFirst) throw refusal(node, "divides by a value");
  const scale = values.map((value) =>
    is("Mul") ? value : is("Div") ? 1 / value : is("Sub") && isFirst ? -1 : 1,
  );
  const shift = values.map((value) =>
    is("Add") ? value : is("Sub") ? (isFirst ? value : -value) : 0,
  );
  return [affine(axes, scale, shift)];
}

/** One number for every channel. */
function alike(node: Node, value: number, channels: number | null): Float32Array {
  if (channels === null || channels < 1 || channels > 2 ** 16)
    throw refusal(node, "has one number for channels that the file does not count");
  return new Float32Array(channels).fill(value);
}

function perChannel(node: Node, { shape, data }: Tensor, axes: number): Float32Array {
  if (shape.length <= axes + 2 && shape.at(-axes - 1) === data.length) return data as Float32Array;
  throw refusal(node, `has a constant of shape [${shape.join(", ")}], not one number a channel`);
}
