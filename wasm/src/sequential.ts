// Sequential: layers run one after another (sequential.h).
import { raw, withCopy } from "./engine.js";
import { AdaptiveMaxPool, MaxPool } from "./pool.js";
import { nativeOf, PlainLayer, toLayer, type Layer } from "./layer.js";
import { make } from "./native.js";

/**
 * torch.nn.Sequential: layers run one after another, each on what the one before it gives. It shares its layers: what
 * changes in one of them changes in the stack. Takes the layers one by one or as a list.
 *
 * @example
 * ```ts
 * const net = new Sequential(
 *   new Conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3, padding: 1 }),
 *   new ReLU(),
 *   new MaxPool2d({ kernelSize: 2 }),
 * );
 * net.forward(zeros([1, 8, 8])).shape; // [4, 4, 4]
 * Object.keys(net.stateDict()); // ["0.weight", "0.bias"]
 * ```
 */
export class Sequential extends PlainLayer {
  /** The layers, in order. */
  readonly layers: readonly Layer[];

  constructor(...layers: readonly Layer[] | [readonly Layer[]]) {
    const [first] = layers;
    const list =
      layers.length === 1 && Array.isArray(first) ? (first as readonly unknown[]) : layers;
    const parts = Array.from(list, (layer, i) => toPart(layer, `layers[${i}]`));
    const handles = Int32Array.from(parts, (part) => nativeOf(part).raw);
    super({
      raw: withCopy(handles, (address) => make(() => raw().makeSequential(address, parts.length))),
      parts,
    });
    this.layers = Object.freeze(parts);
  }
}

function toPart(value: unknown, name: string): Layer {
  const layer = toLayer(value, name);
  if ((layer instanceof MaxPool || layer instanceof AdaptiveMaxPool) && layer.returnIndices) {
    throw new TypeError(
      `${name} gives output and indices: in a Sequential a max pool takes returnIndices: false`,
    );
  }
  return layer as Layer;
}
