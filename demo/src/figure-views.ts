// Figure views: the grids with their marks, and what lies round them, made from the
// state and the model's answers.
import type { LegendView } from "./elements/figure-legend.js";
import type { BackdropView, GhostView } from "./elements/stage-backdrop.js";
import { Tint, type CellMark, type GridView } from "./elements/grid-view.js";
import { textIn, torchText } from "./format.js";
import { beams, ghostRects } from "./geometry.js";
import { shownFont, type Layout } from "./layout.js";
import { evaluate, insideFrame, tensorOf } from "./model.js";
import { volumes } from "./parts.js";
import { stamped, unread, type Pointing } from "./pointing.js";
import { seesPictures, type Prediction, type Role, type Stage, type State } from "./state.js";
import { cellName } from "./tensors.js";

/** |value| that gets half of the full colour. Fixed, so that an edit never recolours other cells. */
const SCALE: Record<Role, number> = { input: 3, weight: 0.5, bias: 0.5, output: 2 };
const NAMES: Record<Role, string> = {
  input: "Input x",
  weight: "Weight",
  bias: "Bias",
  output: "Output y",
};

export function gridView(
  role: Role,
  state: State,
  figure: Layout,
  pointing: Pointing | null,
): GridView | null {
  const block = figure.blocks.find((one) => one.role === role);
  if (!block) return null;
  const { stage } = state;
  const stamping = state.mode === "step" && stage.args.transposed;
  const values = role === "output" && stamping ? stamped(stage, state.step) : tensorOf(stage, role);
  const mark =
    role === "output" ? outputMarks(state, pointing) : sourceMarks(role, state, pointing);
  return {
    role,
    label: `${NAMES[role]}, shape ${block.shape}`,
    editable: role !== "output" && !state.attempt,
    block,
    values: pendingValues(role, state, values.data),
    scale: SCALE[role],
    name: (offset) => cellName(role, offset, values.shape),
    mark,
    tint: (into) => tintCells(role, state, pointing, into),
    beyond: block.slice && volumes.loaded?.beyond(stage, block, pointing),
    hidden:
      role === "output" && state.mode === "step" && !stamping
        ? (offset) => offset >= state.step
        : () => false,
  };
}

/** The marks of cells that are drawn as pictures; a change covers what else is said of a cell. */
function tintCells(role: Role, state: State, pointing: Pointing | null, into: Uint8Array): void {
  const { change, prediction, step, mode, stage } = state;
  for (const offset of pointing?.[role] ?? []) into[offset] = Tint.Lit;
  if (pointing?.cell.role === role) into[pointing.cell.offset] = Tint.Lit;
  if (role === "output") {
    for (const offset of change?.kept.keys() ?? []) into[offset] = Tint.Kept;
    for (const offset of prediction?.guesses ?? []) into[offset] = Tint.Guess;
    for (const offset of change?.changed.offsets ?? []) into[offset] = Tint.Changed;
    if (mode === "step" && !stage.args.transposed) into.fill(Tint.Hidden, step);
    return;
  }
  for (const edits of [change?.edited, prediction?.edits])
    for (const { target, offset } of edits ?? []) if (target === role) into[offset] = Tint.Changed;
}

/** While a prediction waits, its edit already shows in the cell. */
function pendingValues(role: Role, state: State, values: Float32Array): Float32Array {
  const { prediction } = state;
  if (!prediction || prediction.revealed || role === "output") return values;
  const next = values.slice();
  for (const edit of prediction.edits) if (edit.target === role) next[edit.offset] = edit.value;
  return next;
}

function outputMarks(state: State, pointing: Pointing | null): GridView["mark"] {
  const { change, prediction } = state;
  const largest = change?.changed.largest ?? 0;
  return (offset) => {
    const classes = pointingClasses(pointing, "output", offset);
    const changed = change?.changed.get(offset);
    const difference = changed ? changed.after - changed.before : 0;
    if (changed) classes.push("changed", difference > 0 ? "up" : "down");
    const kept = change?.kept.get(offset);
    if (kept !== undefined) classes.push("kept");
    const verdict = prediction && verdictOn(prediction, offset, changed !== undefined);
    if (verdict) classes.push(verdict);
    if (classes.length === 0) return null;
    return {
      classes: classes.join(" "),
      // Asked for only where numbers are drawn: thousands of cells may have changed.
      get before() {
        return changed && torchText(changed.before);
      },
      get size() {
        if (!changed) return undefined;
        return Number.isFinite(difference) && largest > 0 ? Math.abs(difference) / largest : 1;
      },
      get note() {
        const notes = [
          changed && (difference > 0 ? "rose" : "fell"),
          kept && `reads the edited cell and kept its value: ${kept}`,
          verdict && VERDICTS[verdict],
        ];
        return notes.filter(Boolean).join("; ") || undefined;
      },
    };
  };
}

const VERDICTS = {
  guess: "you expect a change",
  right: "you were right",
  wrong: "you expected a change",
  missed: "you missed it",
} as const;

function verdictOn(
  { guesses, revealed }: Prediction,
  offset: number,
  changed: boolean,
): keyof typeof VERDICTS | null {
  const guessed = guesses.has(offset);
  if (!revealed) return guessed ? "guess" : null;
  if (guessed) return changed ? "right" : "wrong";
  return changed ? "missed" : null;
}

function sourceMarks(
  role: Exclude<Role, "output">,
  state: State,
  pointing: Pointing | null,
): GridView["mark"] {
  const { stage, change, prediction } = state;
  const idle = role === "input" ? unread(stage) : new Set<number>();
  const waiting = role === "input" && state.mode === "step" && stage.args.transposed;
  const edited = new Map<number, string>();
  for (const edit of change?.edited ?? []) {
    if (edit.target === role) edited.set(edit.offset, torchText(edit.before));
  }
  if (prediction && !prediction.revealed) {
    for (const edit of prediction.edits) {
      if (edit.target === role)
        edited.set(edit.offset, torchText(tensorOf(stage, role).data[edit.offset]!));
    }
  }
  return (offset) => {
    const classes = pointingClasses(pointing, role, offset);
    if (waiting && offset >= state.step) classes.push("waiting");
    const before = edited.get(offset);
    if (before !== undefined) classes.push("edited");
    const alone = idle.has(offset);
    if (alone) classes.push("unread");
    if (classes.length === 0) return null;
    const note = before !== undefined ? "edited" : alone ? "no output reads this cell" : undefined;
    return { classes: classes.join(" "), before, note } satisfies CellMark;
  };
}

function pointingClasses(pointing: Pointing | null, role: Role, offset: number): string[] {
  if (!pointing) return [];
  if (pointing.cell.role === role && pointing.cell.offset === offset) return ["lit", "source"];
  return pointing[role].has(offset) ? ["lit"] : [];
}

export function legendView({ stage, mode, prediction }: State): LegendView {
  const { frame } = evaluate(stage);
  const outputs = mode !== "picture" || !seesPictures(stage);
  const one = mode !== "stack" && outputs;
  const framed = one && [...frame.before, ...frame.after].some((size) => size > 0);
  const ghosts = frame.role === "output" ? "cut off by padding" : "padding";
  return {
    ghosts: framed ? ghosts : null,
    outputs,
    scored: prediction?.revealed ?? false,
    unread: one && unread(stage).size > 0,
  };
}

export function backdropView(
  stage: Stage,
  figure: Layout,
  pointing: Pointing | null,
): BackdropView {
  const { frame } = evaluate(stage);
  const block = figure.blocks.find((one) => one.role === frame.role);
  const ghosts: GhostView[] = [];
  // Where cells are too small for numbers, only the lit ghosts are worth drawing.
  const small = block && shownFont(block) === 0;
  if (block && (!small || pointing?.ghosts.size)) {
    const own = tensorOf(stage, frame.role).shape;
    for (const [key, rect] of ghostRects(block, frame)) {
      if (small && !pointing?.ghosts.has(key)) continue;
      if (insideFrame(frame, key, own) >= 0) continue;
      const source = frame.sources()?.[key];
      const cropped = frame.role === "output";
      ghosts.push({
        key,
        rect,
        text: textIn(block.cell, frame.values()[key]!),
        font: shownFont(block),
        title: cropped
          ? "cut off by padding"
          : source === undefined
            ? "padding: 0"
            : `padding: a copy of ${cellName("input", source, stage.input.shape)}`,
        lit: pointing?.ghosts.has(key) ?? false,
        cropped,
      });
    }
  }
  return { figure, ghosts, beams: pointing ? beams(figure, pointing, frame) : [] };
}
