// Photo: a picture through the stage's layer, in grey or in colour. The plan stays while
// the layer's arguments and the picture's size stay, so a new weight costs one run.
import { Hardtanh, Sequential, tensor, type Plan, type Tensor } from "convscope";
import { makeLayer, type Conv } from "./model.js";
import { FILTERS } from "./filters.js";
import { perAxis, type LayerArgs, type Stage } from "./state.js";

/** Longest side of a picture: larger ones are scaled down when they are opened. */
export const MAX_SIDE = 1024;

/** Values from 0 to 1. */
export interface Photo {
  /** Shape [1, height, width]. */
  readonly grey: Tensor;
  /** Red, green and blue, shape [3, height, width]; null: the picture is looked at in grey. */
  readonly colour: Tensor | null;
}

/**
 * The picture as the layer reads it. A layer of one channel reads a coloured picture as a batch
 * of three grey ones, each through the same kernel.
 */
export function seenBy({ args }: Stage, { grey, colour }: Photo): Tensor {
  const [, height, width] = grey.shape as [number, number, number];
  if (args.inChannels === 1)
    return colour && args.outChannels === 1 ? colour.reshape([3, 1, height, width]) : grey;
  if (colour) return colour;
  const copies = new Float32Array(3 * grey.size);
  for (let channel = 0; channel < 3; ++channel) copies.set(grey.data, channel * grey.size);
  return tensor(copies, [3, height, width]);
}

/** Which filter's numbers the stage's layer has, or -1. */
export function filterOf({ args, weight }: Stage): number {
  if (args.transposed || weight.size !== 9) return -1;
  return FILTERS.findIndex((filter) =>
    filter.weight.every((value, i) => Math.fround(value) === weight.data[i]),
  );
}

export interface Filtered {
  /** 1 (grey) or 3 (red, green and blue), one after the other in `values`. */
  readonly planes: number;
  readonly width: number;
  readonly height: number;
  /** From 0 (black, and what is below) to 1. A view of the engine's memory: to be read before the next call. */
  readonly values: Float32Array;
}

/** One layer for pictures of one size. The plan stays while both stay. */
interface Held {
  readonly args: LayerArgs;
  readonly shape: string;
  readonly layer: Conv;
  readonly plan: Plan;
  /** The picture that is in the plan's memory, and the stage whose weights it last ran with. */
  photo: Photo | null;
  of: Stage | null;
}
/** By step. */
const held = new Map<number, Held>();

/** Whether a larger stride gives some of the same pixels. PyTorch takes "same" without one only. */
export const canBeThinned = ({ args }: Stage): boolean =>
  !args.transposed && args.padding !== "same";

/**
 * The picture after the stage's layer, as a screen shows it: clamped to what can be shown, and
 * of each row and column only every `step`-th pixel, which is what a stride computes. Computed
 * anew only for another stage or picture.
 */
export function filtered(stage: Stage, photo: Photo, step = 1): Filtered {
  const shape = `${photo.grey.shape}${photo.colour ? " in colour" : ""}`;
  let ready = held.get(step);
  if (ready?.args !== stage.args || ready.shape !== shape) {
    ready?.plan.dispose();
    const { args } = stage;
    const stride = perAxis(args.stride, args.axes).map((each) => each * step);
    const layer = makeLayer(step === 1 ? args : { ...args, stride }, stage);
    const shown = new Sequential(layer, new Hardtanh({ minVal: 0, maxVal: 1 }));
    const plan = shown.plan(seenBy(stage, photo).shape, { math: "fast" });
    ready = { args, shape, layer, plan, photo: null, of: null };
    held.set(step, ready);
  }
  const { layer, plan } = ready;
  if (ready.photo !== photo) {
    plan.input.set(seenBy(stage, photo).data);
    ready.photo = photo;
    ready.of = null;
  }
  if (ready.of !== stage) {
    ready.of = stage;
    layer.weight = stage.weight;
    if (stage.bias) layer.bias = stage.bias;
    plan.run();
  }
  const [height, width] = plan.outputShape.slice(-2) as [number, number];
  const values = plan.output;
  return { planes: values.length / (width * height), width, height, values };
}

/** A canvas's pixels; in grey as the eye weighs red, green and blue. */
export function photoOf({ data, width, height }: ImageData, inColour: boolean): Photo {
  const size = width * height;
  const grey = new Float32Array(size);
  for (let i = 0; i < size; ++i) {
    grey[i] = (0.2126 * data[4 * i]! + 0.7152 * data[4 * i + 1]! + 0.0722 * data[4 * i + 2]!) / 255;
  }
  let colour: Tensor | null = null;
  if (inColour) {
    const values = new Float32Array(3 * size);
    for (let i = 0; i < size; ++i)
      for (let channel = 0; channel < 3; ++channel)
        values[channel * size + i] = data[4 * i + channel]! / 255;
    colour = tensor(values, [3, height, width]);
  }
  return { grey: tensor(grey, [1, height, width]), colour };
}
