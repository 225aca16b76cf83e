// What becomes of each layer in ONNX (onnx-graph.ts): mostly an operator of the same name; where ONNX has none, or one that
// rounds sizes otherwise, several that give the same values.
import { nameOf } from "./classes.js";
import type { Conv } from "./conv.js";
import type { PaddingSides } from "./conv-options.js";
import { ConvscopeError } from "./errors.js";
import type { Layer } from "./layer.js";
import { addActivation } from "./onnx-activation.js";
import type { Graph } from "./onnx-graph.js";
import { addPadding, flat, modes, pad, perAxis, type Options, type Sides } from "./onnx-pad.js";
import { addAdaptive, addPool } from "./onnx-pool.js";
import type { Sequential } from "./sequential.js";
import { dataOf } from "./tensor.js";

/** Adds the layer's nodes. `path` is what its parameters' names begin with. */
export function addLayer(graph: Graph, layer: Layer<unknown>, path: string): void {
  const name = nameOf(layer);
  if (name === "Sequential") {
    for (const [i, part] of (layer as Sequential).layers.entries())
      addLayer(graph, part, `${path}${i}.`);
    return;
  }
  if (layer.options.returnIndices === true) {
    throw new ConvscopeError(
      "not-implemented",
      `toOnnx: ${String(layer)}: ONNX counts indices through the whole tensor; make the layer with returnIndices: false`,
    );
  }
  const logical = graph.isLifted ? graph.shape.slice(1) : graph.shape;
  const output = layer.outputShape(logical);
  const [, kind, axes] = /^(.*?)(\d)d$/.exec(name) ?? [];
  const pad = /^(Zero|Constant|Reflection|Replication|Circular)Pad$/.exec(kind ?? "");
  if (pad !== null) addPadding(graph, pad[1] as string, Number(axes), layer.options);
  else if (kind !== undefined) addSpatial(graph, kind, Number(axes), layer, path, logical, output);
  else if (name === "Unfold") addUnfold(graph, layer.options, logical, output);
  else if (name === "Fold") addFold(graph, layer.options, logical);
  else addActivation(graph, name, layer.options);
  graph.shape = graph.isLifted ? [1, ...output] : output;
}

function addSpatial(
  graph: Graph,
  kind: string,
  axes: number,
  layer: Layer<unknown>,
  path: string,
  logical: readonly number[],
  output: readonly number[],
): void {
  lift(graph, logical.length === axes + 1);
  const sizes = logical.slice(-axes);
  const outputSizes = output.slice(-axes);
  if (kind.startsWith("Conv")) addConv(graph, kind, axes, layer as Conv, path, sizes);
  else if (kind.startsWith("Adaptive"))
    addAdaptive(graph, kind === "AdaptiveMaxPool", sizes, outputSizes);
  else addPool(graph, kind === "MaxPool", layer.options, sizes, outputSizes);
}

/** ONNX's spatial operators want a batch axis. */
function lift(graph: Graph, isWanted: boolean): void {
  if (graph.isLifted === isWanted) return;
  graph.add(isWanted ? "Unsqueeze" : "Squeeze", {}, [graph.at, graph.integers([0])]);
  graph.shape = isWanted ? [1, ...graph.shape] : graph.shape.slice(1);
  graph.isLifted = isWanted;
}

// --- Convolution ------------------------------------------------------------

function addConv(
  graph: Graph,
  kind: string,
  axes: number,
  layer: Conv,
  path: string,
  sizes: readonly number[],
): void {
  const { options, weight, bias } = layer;
  const kernel = weight.shape.slice(2);
  const strides = perAxis(options.stride, axes, 1);
  const dilations = perAxis(options.dilation, axes, 1);
  const attributes = {
    dilations,
    group: (options.groups as number | undefined) ?? 1,
    kernel_shape: kernel,
    strides,
  };
  const parameters = [graph.floats(dataOf(weight), weight.shape, `${path}weight`)];
  if (bias !== null) parameters.push(graph.floats(dataOf(bias), bias.shape, `${path}bias`));
  if (kind === "ConvTranspose") {
    const padding = perAxis(options.padding, axes, 0);
    const pads = [...padding, ...padding];
    const extra = perAxis(options.outputPadding, axes, 0);
    // Engines want less than the stride of it; a cell of 0 behind the input gives a stride more.
    const cells = extra.map((size, axis) => Math.floor(size / (strides[axis] as number)));
    const rest = extra.map((size, axis) => size % (strides[axis] as number));
    pad(
      graph,
      "constant",
      cells.map((count) => [0, count]),
    );
    graph.add("ConvTranspose", { ...attributes, pads, output_padding: rest }, [
      graph.at,
      ...parameters,
    ]);
    return;
  }
  const reach = kernel.map((size, axis) => (dilations[axis] as number) * (size - 1) + 1);
  let sides = paddingSides(options.padding, reach, strides, sizes);
  const mode = modes[(options.paddingMode as string | undefined) ?? "zeros"] as string;
  if (mode !== "constant") {
    pad(graph, mode, sides);
    sides = reach.map(() => [0, 0]);
  }
  graph.add("Conv", { ...attributes, pads: flat(sides) }, [graph.at, ...parameters]);
}

function paddingSides(
  padding: unknown,
  reach: readonly number[],
  strides: readonly number[],
  sizes: readonly number[],
): Sides {
  if (Array.isArray(padding) && Array.isArray(padding[0])) return padding as PaddingSides;
  if (typeof padding !== "string" || padding === "valid")
    return perAxis(padding === "valid" ? 0 : padding, reach.length, 0).map((amount) => [
      amount,
      amount,
    ]);
  return reach.map((window, axis) => {
    const size = sizes[axis] as number;
    const stride = padding === "same" ? 1 : (strides[axis] as number);
    const all = Math.max((Math.ceil(size / stride) - 1) * stride + window - size, 0);
    const less = Math.floor(all / 2);
    return padding === "same-lower" ? [all - less, less] : [less, all - less];
  });
}

// --- Unfold and Fold --------------------------------------------------------

function addUnfold(
  graph: Graph,
  options: Options,
  logical: readonly number[],
  output: readonly number[],
): void {
  lift(graph, logical.length === 3);
  const kernel = perAxis(options.kernelSize, 2, 1);
  const padding = perAxis(options.padding, 2, 0);
  const strides = perAxis(options.stride, 2, 1);
  const dilations = perAxis(options.dilation, 2, 1);
  pad(
    graph,
    "constant",
    padding.map((amount) => [amount, amount]),
  );
  // Each axis becomes two, block and cell of the block: by taking cells, so that every value stays as it is.
  for (const axis of [0, 1]) {
    const [size, stride, dilation] = [kernel, strides, dilations].map((list) => list[axis]) as [
      number,
      number,
      number,
    ];
    const reach = dilation * (size - 1) + 1;
    const all = (logical.at(axis - 2) as number) + 2 * (padding[axis] as number);
    const blocks = Math.floor((all - reach) / stride) + 1;
    const cells = Array.from(
      { length: blocks * size },
      (_, i) => Math.floor(i / size) * stride + (i % size) * dilation,
    );
    graph.add("Gather", { axis: 2 + 2 * axis }, [graph.at, graph.integers(cells, [blocks, size])]);
  }
  graph.add("Transpose", { perm: [0, 1, 3, 5, 2, 4] });
  const shape = graph.isLifted ? [1, ...output] : output;
  graph.add("Reshape", {}, [graph.at, graph.integers(shape)]);
}

function addFold(graph: Graph, options: Options, logical: readonly number[]): void {
  lift(graph, logical.length === 2);
  const padding = perAxis(options.padding, 2, 0);
  const attributes = {
    dilations: perAxis(options.dilation, 2, 1),
    pads: [...padding, ...padding],
    strides: perAxis(options.stride, 2, 1),
  };
  const sizes = graph.integers(perAxis(options.outputSize, 2, 1));
  graph.opset = Math.max(graph.opset, 18);
  graph.add("Col2Im", attributes, [
    graph.at,
    sizes,
    graph.integers(perAxis(options.kernelSize, 2, 1)),
  ]);
}
