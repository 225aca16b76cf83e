// Bringing: what a person pastes or opens, as steps of the history: numbers into a tensor, an
// input, a layer.
import { tensor } from "convscope";
import { applyEdits, ask, editLayer, restaged } from "./actions.js";
import { MAX_CELLS, propose, tensorOf } from "./model.js";
import { stack } from "./parts.js";
import type { Numbers } from "./paste.js";
import {
  layerOf,
  replace,
  type Edit,
  type History,
  type LayerArgs,
  type LayerPlace,
  type Target,
} from "./state.js";
import { count, indexOf, offsetOf } from "./tensors.js";

/** Numbers pasted at a cell of the stage, or of a layer behind it. */
export function pasteInto(
  history: History,
  target: Target | LayerPlace,
  offset: number,
  numbers: Numbers,
): History | { problem: string } {
  const { stage } = history.now;
  const behind = layerOf(target) !== null;
  const into = behind ? stack.now.numbersAt(stage, target)! : tensorOf(stage, target as Target);
  const cells = pastedCells(into.shape, offset, numbers);
  if ("problem" in cells) return cells;
  return behind
    ? editLayer(history, target as LayerPlace, cells)
    : applyEdits(
        history,
        cells.map((cell) => ({ target: target as Target, ...cell })),
      );
}

/** A whole tensor, or a block that begins at a cell; what lies beyond the border is left out. */
function pastedCells(
  into: readonly number[],
  at: number,
  { shape, data }: Numbers,
): Pick<Edit, "offset" | "value">[] | { problem: string } {
  const bare = (sizes: readonly number[]): string => String(sizes.filter((size) => size !== 1));
  if (data.length === count(into) && bare(shape) === bare(into))
    return [...data].map((value, offset) => ({ offset, value }));
  const start = indexOf(at, into);
  const rank = into.length;
  const rows = shape.at(-2) ?? 1;
  const cols = shape.at(-1) ?? 1;
  if (rows * cols !== data.length)
    return { problem: "A block of rows and columns fits here; this has more axes." };
  const cells: { offset: number; value: number }[] = [];
  for (let row = 0; row < rows; ++row) {
    for (let col = 0; col < cols; ++col) {
      const index = [...start];
      index[rank - 1]! += col;
      if (rank > 1) index[rank - 2]! += row;
      else if (row > 0) continue;
      if (index.some((i, axis) => i >= into[axis]!)) continue;
      cells.push({ offset: offsetOf(index, into), value: data[row * cols + col]! });
    }
  }
  return cells;
}

/** Numbers from outside as the new input, if the layer takes their shape. */
export function bringInput(
  history: History,
  { shape, data }: Numbers,
): History | { problem: string } {
  const { stage } = history.now;
  const rank = stage.input.shape.length;
  if (count(shape) > MAX_CELLS) return { problem: "That is more than this page shows." };
  if (shape.length > rank) {
    const extra = shape.slice(0, shape.length - rank);
    if (extra.some((size) => size !== 1)) {
      return { problem: `The layer's input has ${rank} axes; this has ${shape.length}.` };
    }
  }
  const fitted =
    shape.length >= rank
      ? shape.slice(shape.length - rank)
      : [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const answer = propose(stage, stage.args, fitted);
  if ("attempt" in answer) return { problem: answer.attempt.message };
  const next = Object.freeze({ ...answer.stage, input: tensor(data, fitted) });
  return restaged(history, next, history.now.pin);
}

/** A layer from outside; an input that does not fit it follows. */
export function bringLayer(history: History, args: LayerArgs): History {
  const { stage } = history.now;
  const spatial = stage.input.shape.slice(1);
  const sizes = Array.from(
    { length: args.axes },
    (_, axis) => spatial[spatial.length - args.axes + axis] ?? 4,
  );
  const fitting = [args.inChannels, ...sizes];
  const larger = [args.inChannels, ...sizes.map((size) => Math.max(size, 8))];
  for (const shape of [fitting, larger]) {
    const answer = propose(stage, args, shape);
    if ("stage" in answer) {
      return restaged(replace(history, { lesson: null }), answer.stage, {
        role: "output",
        offset: 0,
      });
    }
  }
  return ask(replace(history, { lesson: null }), args, fitting);
}
