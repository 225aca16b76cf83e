// Padding as ONNX has it (onnx-layers.ts), and what is common to the layers that pad.
import type { Graph } from "./onnx-graph.js";

/** A layer's arguments as they were given. */
export type Options = Readonly<Record<string, unknown>>;
export type Sides = readonly (readonly [before: number, after: number])[];

export function perAxis(value: unknown, axes: number, otherwise: number): number[] {
  const list = Array.isArray(value)
    ? (value as readonly number[])
    : [(value as number | null | undefined) ?? otherwise];
  return Array.from({ length: axes }, (_, axis) => list[list.length === 1 ? 0 : axis] as number);
}

/** All the beginnings, then all the ends. */
export const flat = (sides: Sides): number[] => [
  ...sides.map(([before]) => before),
  ...sides.map(([, after]) => after),
];

export const modes: Readonly<Record<string, string>> = {
  zeros: "constant",
  Zero: "constant",
  Constant: "constant",
  reflect: "reflect",
  Reflection: "reflect",
  replicate: "edge",
  Replication: "edge",
  circular: "wrap",
  Circular: "wrap",
};

/** Pads the last axes; what is negative crops, once the rest is there. */
export function pad(graph: Graph, mode: string, sides: Sides, value = 0): void {
  const free = graph.shape.length - sides.length;
  if (sides.some(([before, after]) => before > 0 || after > 0)) {
    if (mode === "wrap") graph.opset = Math.max(graph.opset, 19);
    const amounts: Sides = [
      ...Array.from({ length: free }, () => [0, 0] as const),
      ...sides.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const),
    ];
    const inputs = [graph.at, graph.integers(flat(amounts))];
    if (mode === "constant") inputs.push(graph.floats([value], []));
    graph.add("Pad", { mode }, inputs);
  }
  if (sides.some(([before, after]) => before < 0 || after < 0)) {
    const axes = sides.map((_, axis) => free + axis);
    const starts = sides.map(([before]) => Math.max(-before, 0));
    const ends = sides.map(([before, after], axis) => {
      const size = (graph.shape[free + axis] as number) + Math.max(before, 0) + Math.max(after, 0);
      return size + Math.min(after, 0);
    });
    graph.add("Slice", {}, [
      graph.at,
      graph.integers(starts),
      graph.integers(ends),
      graph.integers(axes),
    ]);
  }
}

export function addPadding(
  graph: Graph,
  kind: string,
  axes: number,
  { padding, value }: Options,
): void {
  const list = perAxis(padding, 2 * axes, 0);
  // torch's list has the last axis first.
  const sides = Array.from({ length: axes }, (_, axis) => {
    const at = 2 * (axes - 1 - axis);
    return [list[at] as number, list[at + 1] as number] as const;
  });
  pad(graph, modes[kind] as string, sides, (value as number | undefined) ?? 0);
}
