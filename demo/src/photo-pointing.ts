// Photo pointing: what a pixel of the filtered picture reads, and its sum.
import type { SumView } from "./elements/sum-of-products.js";
import { torchText } from "./format.js";
import { evaluate } from "./model.js";
import { seenBy, type Photo } from "./photo.js";
import type { Stage } from "./state.js";
import { indexOf } from "./tensors.js";
import { MAX_TERMS, sentenceView } from "./views.js";

export interface PhotoPointing {
  /** In the picture's pixels: [left, top, width, height]. */
  readonly window: readonly [number, number, number, number];
  readonly sum: SumView;
}

/** `offset` counts in one plane of the result: the grey one, or the red one. */
export function photoPointing(stage: Stage, photo: Photo, offset: number): PhotoPointing {
  const { layer } = evaluate(stage);
  // Of a batch of red, green and blue the first.
  const x = stage.args.inChannels === 1 ? firstPlane(photo) : seenBy(stage, photo);
  const shape = layer.outputShape(x.shape);
  const index = indexOf(offset, shape);
  let [top, left, bottom, right] = [Infinity, Infinity, 0, 0];
  for (const [, row, col] of layer.receptiveField(x.shape, index) as Iterable<
    [number, number, number]
  >) {
    top = Math.min(top, row);
    left = Math.min(left, col);
    bottom = Math.max(bottom, row + 1);
    right = Math.max(right, col + 1);
  }
  const { value, bias, terms } = layer.explain(x, index);
  const name = `y[${index.join(", ")}]`;
  const range = photo.colour ? "its red: 0 is none, 1 is full" : "black is 0, white is 1";
  const pixels = terms.filter(({ input }) => input).length;
  return {
    window: [left, top, right - left, bottom - top],
    sum: {
      ...sentenceView(`The pixel ${name} reads ${pixels} pixels of the picture (${range}).`),
      name,
      bias: stage.bias ? torchText(bias) : null,
      value: torchText(value),
      terms: terms.slice(0, MAX_TERMS).map(({ input, weight, x: factor, w, product }) => ({
        key: `${input}:${weight}`,
        x: torchText(factor),
        w: torchText(w),
        product: torchText(product),
        names: `${input ? `x[${input.join(",")}]` : "padding"} · w[${weight.join(",")}]`,
        padding: input === null,
        edited: false,
      })),
      more: Math.max(0, terms.length - MAX_TERMS),
    },
  };
}

const reds = new WeakMap<Photo, Photo["grey"]>();

function firstPlane(photo: Photo): Photo["grey"] {
  if (!photo.colour) return photo.grey;
  let red = reds.get(photo);
  if (!red) {
    red = photo.grey.clone();
    red.data.set(photo.colour.data.subarray(0, red.size));
    reds.set(photo, red);
  }
  return red;
}
