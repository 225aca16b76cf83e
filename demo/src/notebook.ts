// The layers of the notebook "Learning about Convolutions", in the order in which
// it made them. It set no seed; the one below gives every weight it printed with,
// if the layers are made one after another, the unshown ones included.
import { Conv1d, Conv2d, manualSeed, tensor, type Tensor } from "convscope";
import { DEFAULT_ARGS, sameArgs, type LayerArgs, type Stage } from "./state.js";

export const NOTEBOOK_SEED = 3784828440;

export interface NotebookLayer {
  /** Number of the notebook's cell that makes it. */
  readonly cell: number;
  readonly args: LayerArgs;
  /** Layers like Conv2d(1, 1, 2) that were made before it and are not shown. */
  readonly unseen: number;
}

const one = (cell: number, outChannels: number, kernelSize: number, stride = 1): NotebookLayer => ({
  cell,
  unseen: 0,
  args: { ...DEFAULT_ARGS, axes: 1, inChannels: 3, outChannels, kernelSize, stride },
});
const two = (cell: number, args: Partial<LayerArgs>, unseen = 0): NotebookLayer => ({
  cell,
  unseen,
  args: { ...DEFAULT_ARGS, axes: 2, ...args },
});

export const NOTEBOOK_LAYERS: readonly NotebookLayer[] = [
  one(4, 3, 1),
  one(5, 1, 1),
  one(9, 1, 2),
  one(15, 1, 2, 2),
  two(21, { kernelSize: 2 }),
  two(24, { kernelSize: 2, outChannels: 2 }),
  two(26, { kernelSize: [2, 3] }),
  two(28, { kernelSize: [3, 3] }),
  two(30, { kernelSize: [3, 3], stride: 2 }),
  two(37, { kernelSize: 3 }, 1),
  two(41, { kernelSize: 3, padding: 1 }, 1),
  two(45, { kernelSize: 2 }, 2),
  two(49, { kernelSize: 2, dilation: 2 }, 1),
];

/** The notebook's input: three rows of 1, -2, 3, -4. */
export function notebookInput(axes: 1 | 2): Tensor {
  const row = [1, -2, 3, -4];
  return tensor(Float32Array.from([...row, ...row, ...row]), axes === 1 ? [3, 4] : [1, 3, 4]);
}

/** Draws the notebook's layers up to `cell` and keeps the last one's numbers. */
export function notebookStage(cell: number): Stage {
  manualSeed(NOTEBOOK_SEED);
  for (const layer of NOTEBOOK_LAYERS) {
    for (let i = 0; i < layer.unseen; ++i) {
      new Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
    }
    const { axes, inChannels, outChannels, kernelSize, stride, padding, dilation } = layer.args;
    const options = { inChannels, outChannels, kernelSize, stride, padding, dilation };
    const made = axes === 1 ? new Conv1d(options) : new Conv2d(options);
    if (layer.cell === cell) {
      return Object.freeze({
        args: layer.args,
        input: notebookInput(axes === 1 ? 1 : 2),
        weight: made.weight,
        bias: made.bias,
        followers: [],
      });
    }
  }
  throw new RangeError(`The notebook makes no layer in cell ${cell}`);
}

/** The cell of the first notebook layer with these arguments among `cells`. */
export function cellWith(args: LayerArgs, cells: readonly number[]): number | undefined {
  return NOTEBOOK_LAYERS.find((layer) => cells.includes(layer.cell) && sameArgs(layer.args, args))
    ?.cell;
}
