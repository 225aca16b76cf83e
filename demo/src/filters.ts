// Filters: Picture mode's layers to choose from.
import { tensor } from "convscope";
import { DEFAULT_ARGS, type LayerArgs, type Stage } from "./state.js";

export const FILTERS: readonly { readonly name: string; readonly weight: readonly number[] }[] = [
  { name: "Edges", weight: [-1, -1, -1, -1, 8, -1, -1, -1, -1] },
  { name: "Blur", weight: new Array<number>(9).fill(1 / 9) },
  { name: "Sharpen", weight: [0, -1, 0, -1, 5, -1, 0, -1, 0] },
  { name: "Emboss", weight: [-2, -1, 0, -1, 1, 1, 0, 1, 2] },
  { name: "Sobel", weight: [-1, 0, 1, -2, 0, 2, -1, 0, 1] },
  { name: "Identity", weight: [0, 0, 0, 0, 1, 0, 0, 0, 0] },
];

const FILTER_ARGS: LayerArgs = Object.freeze({ ...DEFAULT_ARGS, padding: 1, bias: false });

/** The stage with one of the filters as its layer. */
export function filterStage(stage: Stage, filter: number): Stage {
  const rows = [1, -2, 3, -4];
  const input =
    stage.args.axes === 2 && stage.input.shape[0] === 1
      ? stage.input
      : tensor(Float32Array.from([...rows, ...rows, ...rows]), [1, 3, 4]);
  return Object.freeze({
    args: FILTER_ARGS,
    input,
    weight: tensor(Float32Array.from(FILTERS[filter]!.weight), [1, 1, 3, 3]),
    bias: null,
    followers: [],
  });
}
