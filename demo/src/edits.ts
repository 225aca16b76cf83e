// Edits: what changing cells does to a stage's output, exactly: which outputs are
// other numbers now, which were only reached, and why those kept their value.
import { watch, type Tensor, type Watch } from "convscope";
import { Changes } from "./changes.js";
import { grouped, listed, plural, torchText } from "./format.js";
import { evaluate, frameOf, makeLayer, MAX_CELLS, remember, tensorOf } from "./model.js";
import type { Change, Edit, Stage } from "./state.js";
import { cellName, count, indexOf, listOf } from "./tensors.js";

/** Reached outputs whose reason is asked for, one by one. */
const MAX_REASONS = 64;

/** The watch of the newest stage: edits of it cost what they reach. */
let held: { stage: Stage; watch: Watch } | null = null;

function watchOf(stage: Stage): Watch {
  if (held?.stage === stage) return held.watch;
  held?.watch.dispose();
  held = { stage, watch: watch(makeLayer(stage.args, stage), stage.input) };
  return held.watch;
}

/** Makes the edits and says which outputs changed. */
export function edit(stage: Stage, edits: readonly Edit[]): { stage: Stage; change: Change } {
  const before = evaluate(stage);
  const eye = watchOf(stage);
  const change = eye.setMany(
    edits.map(({ target, offset, value }) => [
      target,
      indexOf(offset, tensorOf(stage, target).shape),
      value,
    ]),
  );
  const next: Stage = Object.freeze({
    args: stage.args,
    input: written(stage.input, edits, "input"),
    weight: written(stage.weight, edits, "weight"),
    bias: stage.bias && written(stage.bias, edits, "bias"),
    followers: stage.followers,
  });
  const layer = makeLayer(next.args, next);
  const { output } = eye;
  remember(next, { layer, output, frame: frameOf(next, layer) });
  held = { stage: next, watch: eye };

  const { offsets, before: old, after } = change.changed;
  const changed = new Changes(offsets, old, after);
  const kept = new Map<number, string>();
  // Most often all that was reached has changed: then there is nothing to list.
  if (change.reached.size > changed.size && change.reached.size <= MAX_CELLS) {
    for (const offset of listOf(change.reached)) {
      if (changed.has(offset)) continue;
      kept.set(offset, kept.size < MAX_REASONS ? reason(eye, offset) : "its sum is the same");
    }
  }
  const edited = edits
    .map(({ target, offset }) => ({
      target,
      offset,
      before: tensorOf(stage, target).data[offset]!,
    }))
    .filter(
      ({ target, offset, before: old }) => !Object.is(old, tensorOf(next, target).data[offset]!),
    );
  return { stage: next, change: { edited, changed, kept, outputs: before.output.size } };
}

function written(from: Tensor, edits: readonly Edit[], target: Edit["target"]): Tensor {
  const mine = edits.filter((one) => one.target === target);
  if (mine.length === 0) return from;
  const next = from.clone();
  for (const { offset, value } of mine) next.data[offset] = value;
  return next;
}

/** The library's words for a sentence about one output. */
const REASONS: Readonly<Record<string, string>> = {
  "weight is 0": "its weight is 0",
  "input is 0": "the cell it weighs is 0",
  "rounded away": "the sum rounds to the same number",
};

/** Why an output that the last edit reached is still the same number. */
export function reason(eye: Watch, offset: number): string {
  const why = eye.whyKept(indexOf(offset, eye.values(eye.depth).shape));
  return REASONS[why] ?? why;
}

/** Two changes, one after the other, as one. */
export function joined(first: Change | null, second: Change): Change {
  if (!first) return second;
  const changed = first.changed.then(second.changed);
  const kept = new Map([...first.kept, ...second.kept].filter(([offset]) => !changed.has(offset)));
  const known = new Set(first.edited.map(({ target, offset }) => `${target}${offset}`));
  const fresh = second.edited.filter(({ target, offset }) => !known.has(`${target}${offset}`));
  return { ...second, changed, kept, edited: [...first.edited, ...fresh] };
}

/** What two stages of the same shapes differ in, as the edit from one to the other. */
export function difference(from: Stage, to: Stage): Edit[] | null {
  const edits: Edit[] = [];
  if (from.args !== to.args) return null;
  for (const target of ["input", "weight", "bias"] as const) {
    const a = tensorOf(from, target);
    const b = tensorOf(to, target);
    if (a === b) continue;
    if (String(a.shape) !== String(b.shape)) return null;
    b.data.forEach((value, offset) => {
      if (!Object.is(value, a.data[offset])) edits.push({ target, offset, value });
    });
  }
  return edits;
}

/** More slices are not named one by one. */
const MAX_SLICES = 4;

/** Of a volume: how many of these cells lie in which slice. */
function sliceText(offsets: Int32Array, [, depth, ...plane]: readonly number[]): string {
  if (plane.length < 2 || depth === 1) return "";
  const counts = new Map<number, number>();
  for (const offset of offsets) {
    const slice = Math.floor(offset / count(plane)) % depth!;
    counts.set(slice, (counts.get(slice) ?? 0) + 1);
  }
  if (counts.size > MAX_SLICES) return `, in ${counts.size} of ${depth} slices`;
  const words = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([slice, n]) => `${grouped(n)} in slice ${slice}`);
  return words.length === 0 ? "" : `: ${listed(words)}`;
}

/** The change in words, for the note above the stage and the live region. */
export function describe(stage: Stage, change: Change): string {
  const shape = evaluate(stage).output.shape;
  if (change.edited.length === 0) return "Nothing changed: the value is the same.";
  const total = grouped(change.outputs);
  const n = change.changed.size;
  const head =
    n === 0 ? `No output changed of ${total}` : `${plural(n, "output")} changed of ${total}`;
  const { offsets, before, after } = change.changed;
  const detail =
    n === 1
      ? `: ${cellName("output", offsets[0]!, shape)} from ${torchText(before[0]!)} to ${torchText(after[0]!)}`
      : sliceText(offsets, shape);
  const kept = change.kept.size;
  const [why] = change.kept.values();
  const same =
    kept === 0
      ? ""
      : ` ${grouped(kept)} more ${kept === 1 ? "reads" : "read"} the cell and kept ${kept === 1 ? "its" : "their"} value: ${why}.`;
  // torch's own print of a whole number ends in the full stop: "25.".
  const end = detail.endsWith(".") ? "" : ".";
  return `${head}${detail}${end}${same}`;
}
