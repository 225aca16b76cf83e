// Layers by torch's names: what the readers of PyTorch code and of ONNX files have in common.
import * as activations from "./activation.js";
import * as convolutions from "./conv.js";
import * as folds from "./fold.js";
import type { Layer } from "./layer.js";
import * as pads from "./pad.js";
import * as pools from "./pool.js";

/** What makes a layer from an option object. */
export type LayerClass = new (options?: unknown) => Layer<unknown>;

/** Every layer's class by its name, and those that have no instances by theirs. */
export const classes: Readonly<Record<string, unknown>> = {
  ...activations,
  ...convolutions,
  ...folds,
  ...pads,
  ...pools,
};

/** torch's class of a layer; our own classes' names may have been shortened by a bundler. */
export function nameOf(layer: Layer<unknown>): string {
  return String(layer).split("(")[0] as string;
}
