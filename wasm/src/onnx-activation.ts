// Activations as ONNX has them (onnx-layers.ts).
import { ConvscopeError } from "./errors.js";
import { Float, type Graph } from "./onnx-graph.js";
import type { Options } from "./onnx-pad.js";

/** Operators that are the layer of the same argument: torch's default, and ONNX's word where it has one. */
const simple: Readonly<Record<string, string>> = {
  ReLU: "Relu",
  SELU: "Selu",
  Sigmoid: "Sigmoid",
  Tanh: "Tanh",
  Softsign: "Softsign",
  Hardswish: "HardSwish",
};

export function addActivation(graph: Graph, name: string, options: Options): void {
  const x = graph.at;
  const number = (key: string, otherwise: number): number =>
    (options[key] as number | undefined) ?? otherwise;
  const scalar = (value: number): string => graph.floats([value], []);
  const operator = simple[name];
  if (operator !== undefined) graph.add(operator);
  else if (name === "ReLU6" || name === "Hardtanh") {
    const [low, high] = name === "ReLU6" ? [0, 6] : [number("minVal", -1), number("maxVal", 1)];
    graph.add("Clip", {}, [x, scalar(low), scalar(high)]);
  } else if (name === "LeakyReLU")
    graph.add("LeakyRelu", { alpha: new Float(number("negativeSlope", 0.01)) });
  else if (name === "ELU" || name === "CELU")
    graph.add(name === "ELU" ? "Elu" : "Celu", { alpha: new Float(number("alpha", 1)) });
  else if (name === "GELU") {
    graph.opset = Math.max(graph.opset, 20);
    graph.add("Gelu", { approximate: (options.approximate as string | undefined) ?? "none" });
  } else if (name === "SiLU") graph.add("Mul", {}, [x, graph.add("Sigmoid")]);
  else if (name === "Mish")
    graph.add("Mul", {}, [x, graph.add("Tanh", {}, [graph.add("Softplus")])]);
  else if (name === "Hardsigmoid")
    graph.add("HardSigmoid", { alpha: new Float(1 / 6), beta: new Float(0.5) });
  else if (name === "LogSigmoid") {
    graph.add("Neg");
    graph.add("Softplus");
    graph.add("Neg");
  } else if (name === "Softplus")
    addSoftplus(graph, number("beta", 1), number("threshold", 20), scalar);
  else throw new ConvscopeError("not-implemented", `toOnnx: ${name} has no form in ONNX`);
}

function addSoftplus(
  graph: Graph,
  beta: number,
  threshold: number,
  scalar: (value: number) => string,
): void {
  const x = graph.at;
  // From 17 on the curve is the line, as far as float32 can tell.
  if (beta === 1 && threshold >= 17) {
    graph.add("Softplus");
    return;
  }
  const scaled = graph.add("Mul", {}, [x, scalar(beta)]);
  const curve = graph.add("Div", {}, [graph.add("Softplus"), scalar(beta)]);
  const isLine = graph.add("Greater", {}, [scaled, scalar(threshold)]);
  graph.add("Where", {}, [isLine, x, curve]);
}
