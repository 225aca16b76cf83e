// Lessons: the notebook "Learning about Convolutions", section by section, as data.
// Each begins with one of the notebook's layers and its input, so every number on
// the page is one that the notebook printed. A step says what to do and what to
// look for; whether it was done is read from the state.
import { cellWith, notebookStage } from "./notebook.js";
import { later } from "./parts.js";
import {
  sameArg,
  type ArgName,
  type Cell,
  type LayerArgs,
  type Role,
  type Stage,
  type State,
  type Target,
} from "./state.js";
import { count, offsetOf } from "./tensors.js";

export type Goal =
  | { readonly kind: "read" }
  | {
      readonly kind: "edit";
      readonly target: Target;
      readonly index: readonly number[];
      readonly value: number;
    }
  | { readonly kind: "args"; readonly args: Partial<LayerArgs> }
  | { readonly kind: "inputShape"; readonly shape: readonly number[] }
  | { readonly kind: "refused"; readonly args: Partial<LayerArgs> }
  | { readonly kind: "back" }
  | { readonly kind: "point"; readonly role: Role; readonly index: readonly number[] };

export interface Step {
  readonly task: string;
  readonly goal: Goal;
  /** What the person has just seen. */
  readonly found?: string;
  /** The input is the notebook's again when the step begins. */
  readonly fresh?: true;
  /** The notebook's cell whose print the output now is. */
  readonly prints?: number;
}

export interface Lesson {
  readonly id: string;
  readonly title: string;
  readonly intro: string;
  /** The notebook cells that make this lesson's layers, the first one to begin with. */
  readonly layers: readonly number[];
  readonly steps: readonly Step[];
}

/** A lesson without its title, which OUTLINE has. */
export type Content = Omit<Lesson, "title">;

/** All lessons in their order, by title. */
export const OUTLINE: readonly { readonly id: string; readonly title: string }[] = [
  { id: "conv1d", title: "One dimension" },
  { id: "kernel-size", title: "Kernel size" },
  { id: "stride", title: "Stride" },
  { id: "conv2d", title: "Two dimensions" },
  { id: "in-channels", title: "in_channels, and its error" },
  { id: "out-channels", title: "out_channels" },
  { id: "rectangles", title: "A kernel of (2, 3) and of (3, 3)" },
  { id: "conv1d-is-conv2d", title: "Conv1d is a Conv2d" },
  { id: "stride-2d", title: "Windows that fall outside" },
  { id: "no-padding", title: "Without padding, pictures shrink" },
  { id: "padding", title: "Padding" },
  { id: "before-dilation", title: "A kernel without holes" },
  { id: "dilation", title: "Dilation" },
];

const FIRST: Content = {
  id: "conv1d",
  layers: [4, 5],
  intro:
    "`Conv1d` reads a tensor of shape `(channels, length)`. Here: 3 channels, 4 moments in time.",
  steps: [
    {
      task: "Point at `y[0, 0]`, the first output. With `kernel_size=1` it reads one moment, but all 3 channels of it.",
      goal: { kind: "point", role: "output", index: [0, 0] },
      found: "Bias, plus each of the three cells times its weight. That sum is all there is to it.",
      prints: 4,
    },
    {
      task: "3 kernels make 3 rows of output. Set `out_channels` to 1.",
      goal: { kind: "args", args: { outChannels: 1 } },
      found: "One kernel, one row.",
      prints: 5,
    },
    {
      task: "Which outputs change when `x[1, 0]` goes from 1 to 5? Make a guess, then edit the cell.",
      goal: { kind: "edit", target: "input", index: [1, 0], value: 5 },
      found: "Only the first. Every other output reads another moment.",
      prints: 7,
    },
  ],
};

/** The first lesson is always there, the others once their part of the page is loaded. */
export function lessonOf(id: string): Lesson | undefined {
  const outline = OUTLINE.find((one) => one.id === id);
  const content = id === FIRST.id ? FIRST : later.loaded?.LATER.find((lesson) => lesson.id === id);
  return outline && content && { ...content, title: outline.title };
}

export function lessonStart(lesson: Lesson): Stage {
  return notebookStage(lesson.layers[0]!);
}

/** The notebook's own numbers, where a lesson leads to one of its layers. */
export function lessonNumbers(lesson: Lesson, args: LayerArgs): Stage | null {
  const cell = cellWith(args, lesson.layers);
  return cell === undefined ? null : notebookStage(cell);
}

export function goalCell(goal: Goal, stage: Stage, outputShape: readonly number[]): Cell | null {
  if (goal.kind === "point") {
    const shape = goal.role === "output" ? outputShape : stage[goal.role]?.shape;
    return shape ? { role: goal.role, offset: safeOffset(goal.index, shape) } : null;
  }
  if (goal.kind === "edit") {
    const shape = stage[goal.target]?.shape;
    return shape ? { role: goal.target, offset: safeOffset(goal.index, shape) } : null;
  }
  return null;
}

function safeOffset(index: readonly number[], shape: readonly number[]): number {
  const fits = index.length === shape.length && index.every((i, axis) => i < shape[axis]!);
  return fits ? offsetOf(index, shape) : count(shape);
}

function matches(args: LayerArgs, wanted: Partial<LayerArgs>): boolean {
  const whole = { ...args, ...wanted };
  return (Object.keys(wanted) as ArgName[]).every((name) => sameArg(args, whole, name));
}

/** Whether a step's goal is reached. `pointed` is the cell pointed at. */
export function met(
  goal: Goal,
  state: State,
  pointed: Cell | null,
  outputShape: readonly number[],
): boolean {
  const { stage, attempt, change } = state;
  switch (goal.kind) {
    case "read":
      return true;
    case "args":
      return attempt === null && matches(stage.args, goal.args);
    case "inputShape":
      return attempt === null && String(stage.input.shape) === String(goal.shape);
    case "refused":
      return attempt !== null && matches(attempt.args, goal.args);
    case "back":
      return attempt === null;
    case "point": {
      const cell = goalCell(goal, stage, outputShape);
      return cell !== null && pointed?.role === cell.role && pointed.offset === cell.offset;
    }
    case "edit": {
      const cell = goalCell(goal, stage, outputShape);
      const now = cell && stage[goal.target]?.data[cell.offset];
      return now === Math.fround(goal.value) && change !== null;
    }
  }
}
