/**
 * convscope/onnx: layers out of ONNX files. Apart from the package itself, so that a page which has no such file need not
 * load what reads it.
 *
 * @packageDocumentation
 */
// The operators from one value of the graph to another, if each reads what the one before it gives. Format: onnx.proto;
// onnx-operators.ts says what an operator is.
import { toBytes, fileError, type Bytes } from "./bytes.js";
import * as convscope from "./index.js";
import { ConvscopeError, Sequential, type Layer, type Tensor } from "./index.js";
import type { Made } from "./onnx-affine.js";
import { readGraph, refusal, show, type Node, type OnnxGraph } from "./onnx-file.js";
import { toLayers } from "./onnx-operators.js";
import { activationAt, amountsAt } from "./onnx-pattern.js";
import { toOptions, toString } from "./validate.js";

/** Options of {@link fromOnnx}; an {@link OnnxPart} is one. */
export interface FromOnnxOptions {
  /** The name of the value that the part begins with. Default: the model's input. */
  readonly input?: string | undefined;
  /** The name of the value that the part ends with. Default: the model's output. */
  readonly output?: string | undefined;
}

/** A part of an ONNX file: operators that follow one another, which are layers or are not. */
export interface OnnxPart {
  /** The value that it begins with. */
  readonly input: string;
  /** The value that it ends with. */
  readonly output: string;
  /** ONNX's names of its operators, in their order. */
  readonly operators: readonly string[];
  /** Why it cannot be read; null for a part that `fromOnnx(bytes, part)` reads. */
  readonly problem: string | null;
}

export { toOnnx } from "./index.js";
export type { Bytes } from "./bytes.js";

const who = "fromOnnx";

/** Every layer's class by its name. */
const classes = convscope as unknown as Readonly<Record<string, new (options: unknown) => Layer>>;

/**
 * The layers in an ONNX file, as one layer or a `Sequential`: convolutions with their weights, pools, padding, activations
 * (those, too, that an exporter wrote as several operators) and what scales and shifts channels. Of a model that has more
 * than that, such as branches or a classifier's end, `input` and `output` name the part to read; {@link onnxParts} lists
 * what there is.
 *
 * Batch normalisation, and arithmetic with constants, becomes a depthwise convolution of one cell, `groups` = channels:
 * the weights of the layer before it stay the file's. Whatever a file computes in, the layers compute in float32.
 * Dropout is nothing, as after training.
 *
 * @param bytes - the file's content; its weights stand in it, of any float type
 * @param options - `input` and `output`: names of the values between which to read
 * @throws ConvscopeError `"file"` for a file that is broken, or has its weights in another file; `"not-implemented"` for
 * an operator that no layer is, naming it, its values and the first part that can be read
 *
 * @example
 * ```ts
 * import { fromOnnx, toOnnx } from "convscope/onnx";
 * const bytes = toOnnx(new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 3, padding: 1 }), [1, 8, 8]);
 * String(fromOnnx(bytes)); // Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
 * ```
 */
export function fromOnnx(bytes: Bytes, options?: FromOnnxOptions): Layer {
  const given = toOptions(options, "options", ["input", "output", "operators", "problem"]);
  const file = toBytes(bytes);
  const graph = readGraph(file, who);
  const begin = given.input === undefined ? null : toString(given.input, "input");
  const end = given.output === undefined ? graph.output : toString(given.output, "output");
  const made = layersBetween(graph, begin, end);
  let weights = 0;
  for (const [, { weight }] of made) weights += (weight as Tensor | undefined)?.size ?? 0;
  // Layers hold their own weights: a small file that names one constant a thousand times must not fill the memory.
  if (weights > 2 ** 24 + 4 * file.length)
    throw fileError(`${who}: a file of ${file.length} bytes that asks for ${weights} weights`);
  const layers = made.map(([name, options]) => new classes[name](options));
  return layers.length === 1 ? (layers[0] as Layer) : new Sequential(layers);
}

/**
 * What there is in an ONNX file, in its order: parts that {@link fromOnnx} reads, each as long as can be, and between them
 * operators that are no layers. Every operator is in one part, but for those that only compute what others are.
 *
 * @param bytes - the file's content
 * @throws ConvscopeError `"file"` for a file that is broken
 *
 * @example
 * ```ts
 * const net = new Sequential(new Conv1d({ inChannels: 1, outChannels: 2, kernelSize: 3 }), new ReLU());
 * const bytes = toOnnx(net, [1, 1, 8]);
 * onnxParts(bytes).map(({ operators }) => operators.join(" ")); // ["Conv Relu"]
 * String(fromOnnx(bytes, onnxParts(bytes)[0])) === String(net); // true
 * ```
 */
export function onnxParts(bytes: Bytes): OnnxPart[] {
  return partsOf(readGraph(toBytes(bytes), who));
}

/** What a node is, together with those before it that only work for it. */
interface Link {
  /** The value that is the layers' input. */
  readonly source: string;
  readonly layers: readonly Made[];
  readonly helpers: readonly Node[];
}

function linkOf(graph: OnnxGraph, node: Node): Link {
  const activation = activationAt(graph, node);
  if (activation !== null) {
    const { name, source, nodes } = activation;
    return { source, layers: [[name, {}]], helpers: nodes.slice(1) };
  }
  const { inputs } = node;
  const amounts = node.op === "Pad" ? amountsAt(graph, inputs[1] ?? "") : null;
  const values = (amounts === null ? inputs : inputs.slice(0, 1)).filter(
    (name) => name !== "" && !graph.constants.has(name),
  );
  if (values.length !== 1)
    throw refusal(node, `reads ${values.length} values that are no constants`);
  return {
    source: values[0] as string,
    layers: toLayers(graph, node),
    helpers: amounts?.nodes ?? [],
  };
}

/** The layers from one value to another, found from the end. */
function layersBetween(graph: OnnxGraph, begin: string | null, end: string): Made[] {
  const found: (readonly Made[])[] = [];
  let at = end;
  while (begin === null ? !graph.inputs.has(at) : at !== begin) {
    const node = graph.producers.get(at);
    if (node === undefined)
      throw fileError(
        `${who}: no operator gives the value ${show(at)}${begin === null ? "" : `, and none before it reads ${show(begin)}`}`,
      );
    if (found.length >= graph.producers.size)
      throw fileError(`${who}: the operators go round in a circle`);
    let link: Link;
    try {
      link = linkOf(graph, node);
    } catch (error) {
      if (!(error instanceof ConvscopeError) || error.code !== "not-implemented") throw error;
      const part = partsOf(graph).find(({ problem }) => problem === null);
      const rest =
        part === undefined
          ? "nothing in the file is a layer"
          : `what onnxParts lists can be read: { input: ${show(part.input)}, output: ${show(part.output)} } …`;
      throw new ConvscopeError(error.code, `${error.message}; ${rest}`);
    }
    found.push(link.layers);
    at = link.source;
  }
  return found.reverse().flat();
}

/** A part that grows. */
type Growing = { -readonly [key in keyof OnnxPart]: OnnxPart[key] } & { operators: string[] };

function partsOf(graph: OnnxGraph): OnnxPart[] {
  const links = new Map(graph.nodes.map((node) => [node, linkOrProblem(graph, node)]));
  for (const link of links.values())
    if (typeof link !== "string") for (const helper of link.helpers) links.delete(helper);
  const readers = new Map<string, number>();
  for (const [node, link] of links)
    for (const value of typeof link === "string" ? new Set(node.inputs) : [link.source])
      readers.set(value, (readers.get(value) ?? 0) + 1);
  const parts: Growing[] = [];
  /** The parts that can go on, by the values that they end with. */
  const open = new Map<string, Growing>();
  for (const [node, link] of links) {
    const [first = "", output = ""] = [node.inputs[0], node.outputs[0]];
    const problem = typeof link === "string" ? link : null;
    const input = typeof link === "string" ? first : link.source;
    const last = parts.at(-1);
    let part = readers.get(input) === 1 ? open.get(input) : undefined;
    if (problem !== null) part = last !== undefined && last.problem !== null ? last : undefined;
    if (part === undefined) parts.push((part = { input, output, operators: [], problem }));
    part.operators.push(node.op);
    part.output = output;
    if (problem === null) open.set(output, part);
  }
  return parts;
}

function linkOrProblem(graph: OnnxGraph, node: Node): Link | string {
  try {
    return linkOf(graph, node);
  } catch (error) {
    return (error as Error).message.replace(`${who}: `, "");
  }
}
