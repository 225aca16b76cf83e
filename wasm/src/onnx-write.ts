// Layers as ONNX models: onnx-layers.ts says what becomes of each, onnx-graph.ts writes it down.
import { toLayer, type Layer } from "./layer.js";
import { Graph } from "./onnx-graph.js";
import { addLayer } from "./onnx-layers.js";
import { toLayerShape } from "./validate.js";

/**
 * The layer as an ONNX model, for ONNX Runtime and every other engine that reads the format: one input `"input"` and one
 * output `"output"`, parameters under the names of `stateDict()`. Values agree but for rounding; NaN may spread otherwise.
 *
 * @param layer - any layer or stack but max pools with `returnIndices`
 * @param inputShape - the shape that the model is for; batched or not is decided by its rank, as in `forward`
 * @returns the content of a `.onnx` file
 * @throws ConvscopeError with torch's text if torch refuses such an input; `"not-implemented"` for a max pool with
 * `returnIndices`, by name
 *
 * @example
 * ```ts
 * const net = new Sequential(new Conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3 }), new ReLU());
 * const bytes = toOnnx(net, [1, 1, 28, 28]);
 * new TextDecoder().decode(bytes).includes("0.weight"); // true
 * ```
 */
export function toOnnx(
  layer: Layer<unknown>,
  inputShape: readonly number[],
): Uint8Array<ArrayBuffer> {
  const checked = toLayer(layer, "layer");
  const shape = toLayerShape(inputShape, "inputShape");
  const outputShape = checked.outputShape(shape);
  const graph = new Graph(shape);
  addLayer(graph, checked, "");
  if (graph.isLifted) graph.add("Squeeze", {}, [graph.at, graph.integers([0])]);
  graph.shape = outputShape;
  return graph.finish(shape);
}
