// What several operators of an ONNX graph are together: activations as exporters spell them out where an operator set has
// none of that name, and the lists that they compute from constants.
import type { Node, OnnxGraph } from "./onnx-file.js";

/**
 * The shape of a formula: a name stands for a value, the same name for the same value, "_" for any; a number for a constant
 * of this one number; a list for an operator and what it reads.
 */
export type Pattern = string | number | readonly Pattern[];

/** A formula that was found. */
export interface Match {
  /** The values by the pattern's names for them. */
  readonly names: ReadonlyMap<string, string>;
  /** The nodes that compute it, the last of them first. */
  readonly nodes: readonly Node[];
}

/** torch's activations by formulas of ONNX. */
const formulas: readonly (readonly [name: string, formula: Pattern])[] = [
  ["SiLU", ["Mul", "x", ["Sigmoid", "x"]]],
  ["Hardswish", ["Mul", "x", ["HardSigmoid", "x"]]],
  ["Mish", ["Mul", "x", ["Tanh", ["Softplus", "x"]]]],
  ["GELU", ["Mul", ["Mul", "x", ["Add", ["Erf", ["Div", "x", Math.SQRT2]], 1]], 0.5]],
  ["Softsign", ["Div", "x", ["Add", ["Abs", "x"], 1]]],
  ["LogSigmoid", ["Log", ["Sigmoid", "x"]]],
  ["LogSigmoid", ["Neg", ["Softplus", ["Neg", "x"]]]],
];

/** The activation that a node and those before it are, and the value that it is of. */
export function activationAt(
  graph: OnnxGraph,
  node: Node,
): { readonly name: string; readonly source: string; readonly nodes: readonly Node[] } | null {
  for (const [name, formula] of formulas) {
    const match = matchNode(graph, node, formula, { names: new Map(), nodes: [] });
    if (match !== null) return { name, source: match.names.get("x") as string, nodes: match.nodes };
  }
  return null;
}

/** How PyTorch makes the amounts of a Pad from its own list of them, which has the last axis first. */
const amounts: Pattern = [
  "Cast",
  [
    "Reshape",
    [
      "Transpose",
      ["Slice", ["Reshape", ["Concat", "list", ["ConstantOfShape", "_"]], "_"], "_", "_", "_", -1],
    ],
    "_",
  ],
];

/** torch's list of amounts from which a value is computed, and the nodes that do so. */
export function amountsAt(
  graph: OnnxGraph,
  value: string,
): { readonly list: readonly number[]; readonly nodes: readonly Node[] } | null {
  const match = matchValue(graph, value, amounts, { names: new Map(), nodes: [] });
  const list = graph.constants.get(match?.names.get("list") ?? "")?.integers();
  return match === null || list === undefined ? null : { list, nodes: match.nodes };
}

/** Whether a HardSigmoid is torch's Hardsigmoid: ONNX's own slope is another. */
export const isTorchs = (node: Node): boolean =>
  Math.abs(node.float("alpha", 0.2) - 1 / 6) < 1e-6 && node.float("beta", 0.5) === 0.5;

function matchValue(graph: OnnxGraph, value: string, pattern: Pattern, found: Match): Match | null {
  if (typeof pattern === "string") {
    if (pattern === "_") return found;
    const same = found.names.get(pattern);
    if (same !== undefined) return same === value ? found : null;
    return { ...found, names: new Map(found.names).set(pattern, value) };
  }
  if (typeof pattern === "number") {
    const values = graph.constants.get(value)?.integers();
    const isIt = values?.length === 1 && Math.abs((values[0] as number) - pattern) < 1e-4;
    return isIt ? found : null;
  }
  const node = graph.producers.get(value);
  return node === undefined ? null : matchNode(graph, node, pattern, found);
}

function matchNode(graph: OnnxGraph, node: Node, pattern: Pattern, found: Match): Match | null {
  const [op, ...patterns] = pattern as readonly [string, ...Pattern[]];
  if (node.op !== op || node.inputs.length !== patterns.length) return null;
  if (op === "HardSigmoid" && !isTorchs(node)) return null;
  const orders = op === "Mul" || op === "Add" ? [patterns, [...patterns].reverse()] : [patterns];
  for (const order of orders) {
    let match: Match | null = { ...found, nodes: [...found.nodes, node] };
    for (const [i, value] of node.inputs.entries())
      match = match && matchValue(graph, value, order[i] as Pattern, match);
    if (match !== null) return match;
  }
  return null;
}
