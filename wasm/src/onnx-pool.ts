// Pools as ONNX has them (onnx-layers.ts): its own pools, and what they lack before and after them.
import type { Graph } from "./onnx-graph.js";
import { flat, pad, perAxis, type Options, type Sides } from "./onnx-pad.js";

export function addPool(
  graph: Graph,
  isMax: boolean,
  options: Options,
  sizes: readonly number[],
  outputSizes: readonly number[],
): void {
  const axes = sizes.length;
  const kernel = perAxis(options.kernelSize, axes, 1);
  const strides =
    options.stride === undefined || options.stride === null
      ? kernel
      : perAxis(options.stride, axes, 1);
  const padding = perAxis(options.padding, axes, 0);
  const dilations = perAxis(options.dilation, axes, 1);
  // With ceilMode a last window sticks out: the padding at the end that makes it fit takes the place of the mode, which
  // engines have understood in different ways.
  const sides: Sides = sizes.map((size, axis) => {
    const before = padding[axis] as number;
    const reach = (dilations[axis] as number) * ((kernel[axis] as number) - 1) + 1;
    const end = ((outputSizes[axis] as number) - 1) * (strides[axis] as number) + reach;
    return [before, Math.max(before, end - size - before)];
  });
  const isCeiled = sides.some(([before, after]) => after > before);
  const shape = { kernel_shape: kernel, strides };
  if (isMax) {
    // ONNX Runtime takes a padding of zeros for the pool's own, which is none of any number: the largest of one keeps them apart.
    if (graph.endsWith("Pad")) graph.add("Max");
    // Engines want less padding than kernel.
    const fits = sides.every(([, after], axis) => after < (kernel[axis] as number));
    if (!fits) pad(graph, "constant", sides, -Infinity);
    graph.add("MaxPool", {
      ...shape,
      dilations,
      pads: fits ? flat(sides) : flat(sides.map(() => [0, 0])),
    });
    return;
  }
  const includesPadding = (options.countIncludePad as boolean | undefined) ?? true;
  const divisor = (options.divisorOverride as number | null | undefined) ?? null;
  if (!isCeiled && divisor === null) {
    graph.add("AveragePool", {
      ...shape,
      pads: flat(sides),
      count_include_pad: includesPadding ? 1 : 0,
    });
    return;
  }
  pad(graph, "constant", sides);
  graph.add("AveragePool", shape);
  if (divisor !== null) {
    const cells = kernel.reduce((product, size) => product * size, 1);
    graph.add("Mul", {}, [graph.at, graph.floats([cells / divisor], [])]);
    return;
  }
  for (const [axis, size] of sizes.entries()) {
    const before = padding[axis] as number;
    const [low, high] = includesPadding ? [-before, size + before] : [0, size];
    const counts = Array.from({ length: outputSizes[axis] as number }, (_, i) => {
      const start = i * (strides[axis] as number) - before;
      return Math.min(start + (kernel[axis] as number), high) - Math.max(start, low);
    });
    divide(graph, axis - axes, kernel[axis] as number, counts);
  }
}

/** Makes means of `cells` cells along an axis, counted from the last, means of as many as `counts` says. */
function divide(graph: Graph, axis: number, cells: number, counts: readonly number[]): void {
  if (counts.every((count) => count === cells)) return;
  const factors = counts.map((count) => cells / count);
  const shape = [counts.length, ...new Array<number>(-axis - 1).fill(1)];
  graph.add("Mul", {}, [graph.at, graph.floats(factors, shape)]);
}

/** Windows that differ in length are laid out one after another, the shorter ones filled up; then a plain pool does. */
export function addAdaptive(
  graph: Graph,
  isMax: boolean,
  sizes: readonly number[],
  outputSizes: readonly number[],
): void {
  const windows = sizes.map((size, axis) => {
    const count = outputSizes[axis] as number;
    const starts = Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
    const counts = starts.map((start, i) => Math.ceil(((i + 1) * size) / count) - start);
    return { size, starts, counts, kernel: Math.max(...counts), isRegular: size % count === 0 };
  });
  if (!isMax)
    pad(
      graph,
      "constant",
      windows.map(({ isRegular }) => [0, isRegular ? 0 : 1]),
    );
  for (const [axis, { size, starts, counts, kernel, isRegular }] of windows.entries()) {
    if (isRegular) continue;
    // A maximum may see its last cell twice; a mean gets the cell of 0 behind the axis.
    const cells = starts.flatMap((start, i) =>
      Array.from({ length: kernel }, (_, k) => {
        const count = counts[i] as number;
        return k < count ? start + k : isMax ? start + count - 1 : size;
      }),
    );
    graph.add("Gather", { axis: graph.shape.length - sizes.length + axis }, [
      graph.at,
      graph.integers(cells),
    ]);
  }
  const kernel = windows.map((window) => window.kernel);
  graph.add(isMax ? "MaxPool" : "AveragePool", { kernel_shape: kernel, strides: kernel });
  if (isMax) return;
  for (const [axis, { counts, kernel: cells }] of windows.entries())
    divide(graph, axis - sizes.length, cells, counts);
}
