// What an operator of an ONNX graph is as a layer, or as several. What an operator means is by the operators' documentation, of
// every version that says it in one of the ways known here.
import { axesBehind, toArithmetic, toNormalization, type Made } from "./onnx-affine.js";
import { isFloat, refusal, show, type Node, type OnnxGraph } from "./onnx-file.js";
import { amountsAt, isTorchs } from "./onnx-pattern.js";
import type { Tensor } from "./index.js";

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

/** The layers that a node is. */
export function toLayers(graph: OnnxGraph, node: Node): Made[] {
  const { op } = node;
  const known = Object.hasOwn(simple, op) ? simple[op] : undefined;
  if (known !== undefined) {
    const [name, ...attributes] = known;
    const given = attributes.map(([ours, theirs, otherwise]) => [
      ours,
      node.float(theirs, otherwise),
    ]);
    return [[name, Object.fromEntries(given)]];
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
    case "GlobalMaxPool":
      return [
        [
          `Adaptive${op === "GlobalMaxPool" ? "Max" : "Avg"}Pool${axesBehind(graph, node)}d`,
          { outputSize: 1 },
        ],
      ];
    case "BatchNormalization":
      return toNormalization(graph, node);
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return toArithmetic(graph, node);
    case "Cast":
      // Whatever a file computes in, here it is float32.
      if (isFloat(node.integer("to", 0))) return [];
      break;
    case "Pad":
      return toPad(graph, node);
    case "Clip":
      return [toClip(graph, node)];
    case "Gelu":
      return [["GELU", { approximate: node.text("approximate", "none") }]];
    case "Selu":
      if (
        Math.abs(node.float("alpha", 1.6732632) - 1.6732632) +
          Math.abs(node.float("gamma", 1.050701) - 1.050701) <
        1e-5
      )
        return [["SELU", {}]];
      break;
    case "HardSigmoid":
      if (isTorchs(node)) return [["Hardsigmoid", {}]];
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
  throw refusal(node, `has ${show(name)} for a parameter, which is no constant`);
}

type Sides = readonly (readonly [before: number, after: number])[];

/** The padding before and after each axis. */
function sidesOf(node: Node, axes: number): Sides {
  const pads = node.integers("pads") ?? new Array<number>(2 * axes).fill(0);
  return Array.from(
    { length: axes },
    (_, axis) => [pads[axis] ?? 0, pads[axes + axis] ?? 0] as const,
  );
}

const isEven = (sides: Sides): boolean => sides.every(([before, after]) => before === after);
const before = (sides: Sides): number[] => sides.map(([first]) => first);

const rules: ReadonlyMap<string, string> = new Map([
  ["SAME_UPPER", "same-upper"],
  ["SAME_LOWER", "same-lower"],
  ["VALID", "valid"],
]);

function toConv(graph: OnnxGraph, node: Node): Made {
  const { axes, ...own } = parameters(graph, node);
  const { weight, biasValues } = own;
  const groups = node.integer("group", 1);
  const sides = sidesOf(node, axes);
  return [
    `Conv${axes}d`,
    {
      inChannels: (weight.shape[1] as number) * groups,
      outChannels: weight.shape[0],
      ...own,
      stride: node.integers("strides") ?? 1,
      padding: rules.get(node.text("auto_pad", "")) ?? (isEven(sides) ? before(sides) : sides),
      dilation: node.integers("dilations") ?? 1,
      groups,
      bias: biasValues !== null,
    },
  ];
}

function toConvTranspose(graph: OnnxGraph, node: Node): Made[] {
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
  const layer: Made = [
    `ConvTranspose${axes}d`,
    {
      inChannels: weight.shape[0],
      outChannels: (weight.shape[1] as number) * groups,
      ...own,
      stride: node.integers("strides") ?? 1,
      padding: before(sides),
      outputPadding: atEnd.map((size) => Math.max(size, 0)),
      dilation: node.integers("dilations") ?? 1,
      groups,
      bias: biasValues !== null,
    },
  ];
  if (atEnd.every((size) => size >= 0)) return [layer];
  return [
    layer,
    [
      `ZeroPad${axes}d`,
      { padding: torchList(atEnd.map((size) => [0, Math.min(size, 0)] as const)) },
    ],
  ];
}

// --- Pools and padding ------------------------------------------------------

/** torch's list, last axis first. */
const torchList = (sides: Sides): number[] => [...sides].reverse().flat();

function windows(node: Node): {
  axes: number;
  kernelSize: readonly number[];
  stride: readonly number[] | number;
  sides: Sides;
} {
  const kernelSize = node.integers("kernel_shape") ?? [];
  const axes = kernelSize.length;
  if (axes < 1 || axes > 3) throw refusal(node, `has a kernel of ${axes} axes`);
  const rule = node.text("auto_pad", "NOTSET");
  if (rule !== "NOTSET" && rule !== "VALID") throw refusal(node, "has padding by rule");
  return { axes, kernelSize, stride: node.integers("strides") ?? 1, sides: sidesOf(node, axes) };
}

/** Whether a pool of torch's has this padding: the same on both sides, and at most half of its window. */
const areTorchs = (sides: Sides, kernelSize: readonly number[]): boolean =>
  sides.every(([first, last], axis) => first === last && 2 * first <= (kernelSize[axis] as number));

function toMaxPool(node: Node): Made[] {
  const { axes, sides, ...shape } = windows(node);
  const options = {
    ...shape,
    dilation: node.integers("dilations") ?? 1,
    ceilMode: node.integer("ceil_mode", 0) === 1,
  };
  const fits = areTorchs(sides, shape.kernelSize);
  if (fits) return [[`MaxPool${axes}d`, { ...options, padding: before(sides) }]];
  return [
    [`ConstantPad${axes}d`, { padding: torchList(sides), value: -Infinity }],
    [`MaxPool${axes}d`, options],
  ];
}

function toAvgPool(node: Node): Made[] {
  const { axes, sides, ...shape } = windows(node);
  if (node.integers("dilations")?.some((size) => size !== 1)) throw refusal(node, "has dilations");
  const countIncludePad = node.integer("count_include_pad", 0) === 1;
  const options = { ...shape, ceilMode: node.integer("ceil_mode", 0) === 1, countIncludePad };
  const fits = areTorchs(sides, shape.kernelSize);
  if (fits) return [[`AvgPool${axes}d`, { ...options, padding: before(sides) }]];
  if (!countIncludePad)
    throw refusal(node, "has padding that torch does not have, and does not count it");
  return [
    [`ZeroPad${axes}d`, { padding: torchList(sides) }],
    [`AvgPool${axes}d`, options],
  ];
}

const padLayers: ReadonlyMap<string, string> = new Map([
  ["constant", "ConstantPad"],
  ["reflect", "ReflectionPad"],
  ["edge", "ReplicationPad"],
  ["wrap", "CircularPad"],
]);

function toPad(graph: OnnxGraph, node: Node): Made[] {
  const mode = node.text("mode", "constant");
  const kind = padLayers.get(mode);
  const padding = amountsOf(graph, node);
  if (kind === undefined || padding === undefined || (node.inputs[3] ?? "") !== "")
    throw refusal(node, "has amounts or a mode that no layer has");
  if (padding.length === 0) return [];
  const axes = padding.length / 2;
  if (axes > 3) throw refusal(node, "pads axes that no layer pads");
  const named = node.inputs[2] ?? "";
  const value =
    named === ""
      ? node.float("value", 0)
      : (graph.constants.get(named)?.tensor().data[0] ?? refuseValue(node, named));
  return [
    mode === "constant" && value !== 0
      ? [`${kind}${axes}d`, { padding, value }]
      : [`${mode === "constant" ? "ZeroPad" : kind}${axes}d`, { padding }],
  ];
}

/** torch's list of amounts, the last axis first; an empty one if all are 0. */
function amountsOf(graph: OnnxGraph, node: Node): readonly number[] | undefined {
  const pads = node.integers("pads") ?? constantIntegers(graph, node, 1);
  const list = pads ?? amountsAt(graph, node.inputs[1] ?? "")?.list;
  if (list === undefined || list.length % 2 !== 0) return undefined;
  if (pads === undefined) return list;
  const rank = pads.length / 2;
  const sides = Array.from(
    { length: rank },
    (_, axis) => [pads[axis] ?? 0, pads[rank + axis] ?? 0] as const,
  );
  const first = sides.findIndex(([a, b]) => a !== 0 || b !== 0);
  if (first < 0) return [];
  // Batch and channels stay as they are; without a batch, so do the channels.
  return torchList(sides.slice(first === 0 ? 0 : first >= 2 ? 2 : 1));
}

function toClip(graph: OnnxGraph, node: Node): Made {
  const [low, high] = (["min", "max"] as const).map((name, i) => {
    const otherwise = i === 0 ? -Infinity : Infinity;
    const input = node.inputs[1 + i] ?? "";
    if (input === "") return node.float(name, otherwise);
    return graph.constants.get(input)?.tensor().data[0] ?? refuseValue(node, input);
  }) as [number, number];
  if (low === 0 && high === Infinity) return ["ReLU", {}];
  return low === 0 && high === 6 ? ["ReLU6", {}] : ["Hardtanh", { minVal: low, maxVal: high }];
}

function constantIntegers(
  graph: OnnxGraph,
  node: Node,
  input: number,
): readonly number[] | undefined {
  return graph.constants.get(node.inputs[input] ?? "")?.integers();
}
