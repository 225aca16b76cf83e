// Photo: a grey picture through the stage's layer. The plan stays while the layer's
// arguments and the picture's size stay, so a new weight costs one run.
import type { Plan, Tensor } from "convscope";
import { makeLayer, type Conv } from "./model.js";
import { DEFAULT_ARGS, type LayerArgs, type Stage } from "./state.js";
import { tensor } from "convscope";

/** Longest side of a picture: larger ones are scaled down when they are opened. */
export const MAX_SIDE = 1024;

/** Grey values from 0 to 1, shape [1, height, width]. */
export type Photo = Tensor;

export const FILTERS: readonly { readonly name: string; readonly weight: readonly number[] }[] = [
  { name: "Edges", weight: [-1, -1, -1, -1, 8, -1, -1, -1, -1] },
  { name: "Blur", weight: new Array<number>(9).fill(1 / 9) },
  { name: "Sharpen", weight: [0, -1, 0, -1, 5, -1, 0, -1, 0] },
  { name: "Emboss", weight: [-2, -1, 0, -1, 1, 1, 0, 1, 2] },
  { name: "Sobel", weight: [-1, 0, 1, -2, 0, 2, -1, 0, 1] },
  { name: "Identity", weight: [0, 0, 0, 0, 1, 0, 0, 0, 0] },
];

const FILTER_ARGS: LayerArgs = Object.freeze({ ...DEFAULT_ARGS, padding: 1, bias: false });

/** Whether the stage's layer can look at a grey picture and give one. */
export function seesPictures({ args }: Stage): boolean {
  return args.axes === 2 && args.inChannels === 1 && args.outChannels === 1;
}

/** The stage with one of the filters as its layer. */
export function filterStage(stage: Stage, weight: readonly number[]): Stage {
  const rows = [1, -2, 3, -4];
  const input = seesPictures(stage)
    ? stage.input
    : tensor(Float32Array.from([...rows, ...rows, ...rows]), [1, 3, 4]);
  return Object.freeze({
    args: FILTER_ARGS,
    input,
    weight: tensor(Float32Array.from(weight), [1, 1, 3, 3]),
    bias: null,
    followers: [],
  });
}

export interface Filtered {
  readonly shape: readonly number[];
  /** A view of the engine's memory: to be read before the next call. */
  readonly values: Float32Array;
}

interface Held {
  readonly args: LayerArgs;
  readonly photo: Photo;
  readonly layer: Conv;
  readonly plan: Plan;
  /** The stage whose weights the plan has last run with. */
  of: Stage | null;
}
let held: Held | null = null;

/** The picture as the stage's layer sees it; computed anew only for another stage. */
export function filtered(stage: Stage, photo: Photo): Filtered {
  if (held?.args !== stage.args || held.photo !== photo) {
    held?.plan.dispose();
    held = null;
    const layer = makeLayer(stage.args, stage);
    const plan = layer.plan(photo.shape, { math: "fast" });
    plan.input.set(photo.data);
    held = { args: stage.args, photo, layer, plan, of: null };
  }
  if (held.of !== stage) {
    held.of = stage;
    held.layer.weight = stage.weight;
    if (stage.bias) held.layer.bias = stage.bias;
    held.plan.run();
  }
  return { shape: held.plan.outputShape, values: held.plan.output };
}

/** Grey values of a canvas's pixels, as the eye weighs red, green and blue. */
export function greyPhoto({ data, width, height }: ImageData): Photo {
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; ++i) {
    grey[i] = (0.2126 * data[4 * i]! + 0.7152 * data[4 * i + 1]! + 0.0722 * data[4 * i + 2]!) / 255;
  }
  return tensor(grey, [1, height, width]);
}
