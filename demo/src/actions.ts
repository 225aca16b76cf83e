// Actions: what a person does, as pure functions from one history to the next.
import { goalCell, lessonNumbers, lessonOf, lessonStart, met, OUTLINE } from "./lessons.js";
import { difference, edit, joined } from "./edits.js";
import { evaluate, propose } from "./model.js";
import { stepsOf } from "./pointing.js";
import {
  amend,
  begin,
  commit,
  initialState,
  replace,
  seesPictures,
  update,
  type Cell,
  type Edit,
  type Follower,
  type History,
  type LayerArgs,
  type LayerPlace,
  type Mode,
  type PlacedCell,
  type Stage,
  type State,
} from "./state.js";
import { pictures, stack } from "./parts.js";

/** Edits cells; in Predict mode the edit waits for the person's guess. */
export function applyEdits(history: History, edits: readonly Edit[]): History {
  if (history.now.mode === "predict") {
    return replace(history, {
      change: null,
      prediction: { edits, guesses: new Set(), revealed: false },
    });
  }
  const { stage, change } = edit(history.now.stage, edits);
  const levels = rippled(history, history.now.stage, edits);
  return commit(history, { stage, change, ripple: levels, attempt: null, prediction: null });
}

/** In Stack mode: what edits of `from` do level by level. */
function rippled(history: History, from: Stage, edits: readonly Edit[]): State["ripple"] {
  return history.now.mode === "stack" ? stack.now.ripple(from, edits) : null;
}

/** One move of a drag. The first is a step, the others belong to it. */
export function scrub(history: History, one: Edit, first: boolean): History {
  const { stage, change } = edit(history.now.stage, [one]);
  const start = first ? history.now.stage : history.past.at(-1)!;
  const levels = rippled(history, start, [one]);
  return first
    ? commit(history, { stage, change, ripple: levels, attempt: null, prediction: null })
    : amend(history, { stage, change: joined(history.now.change, change), ripple: levels });
}

/** Edits numbers of a layer behind the stage's own; a drag's first move is a step, the others amend it. */
export function editLayer(
  history: History,
  target: LayerPlace,
  cells: readonly Pick<Edit, "offset" | "value">[],
  first = true,
): History {
  const { ripple, tower, withNumbers } = stack.now;
  const start = first ? history.now.stage : history.past.at(-1)!;
  const edits = cells.map(({ offset, value }) => ({ target, offset, value }));
  const made = withNumbers(history.now.stage, target, edits);
  const from = withNumbers(start, target, edits);
  if (!made || !from) return history;
  const levels = ripple(start, edits);
  const change = {
    edited: edits.map(({ offset }) => ({ target, offset, before: from.before.data[offset]! })),
    changed: levels.at(-1)!.changed,
    kept: new Map<number, string>(),
    outputs: tower(start).tensors.at(-1)!.size,
  };
  const patch = { stage: made.stage, change, ripple: levels };
  return first ? commit(history, patch) : amend(history, patch);
}

export function guess(history: History, offset: number): History {
  const { prediction } = history.now;
  if (!prediction || prediction.revealed) return history;
  const guesses = new Set(prediction.guesses);
  if (!guesses.delete(offset)) guesses.add(offset);
  return replace(history, { prediction: { ...prediction, guesses } });
}

export function reveal(history: History): History {
  const { prediction, stage } = history.now;
  if (!prediction || prediction.revealed) return history;
  const next = edit(stage, prediction.edits);
  return commit(history, { ...next, prediction: { ...prediction, revealed: true } });
}

/** Sides of an input that grows: the last takes any kernel that one would look at a picture through. */
const GROWN = [8, 32];

/** Asks for other arguments; what the library refuses becomes the attempt. */
export function ask(history: History, args: LayerArgs, inputShape: readonly number[]): History {
  const { stage, lesson, pin, mode } = history.now;
  const numbers = lesson && lessonNumbers(lessonOf(lesson.id)!, args);
  let answer = propose(stage, args, inputShape, numbers ?? undefined);
  // Beside a picture the input is not seen: it grows with the layer, and only the picture may be too small.
  if ("attempt" in answer && mode === "picture" && args.axes === 2) {
    for (const size of GROWN) {
      answer = propose(stage, args, [args.inChannels, size, size]);
      if ("stage" in answer) break;
    }
  }
  if ("attempt" in answer) return replace(history, { attempt: answer.attempt });
  return restaged(
    history,
    answer.stage,
    pin?.role === "output" ? { role: "output", offset: 0 } : null,
  );
}

/** A step to another layer or another input. */
export function restaged(history: History, stage: Stage, pin: PlacedCell | null): History {
  const next = trimmed(stage);
  return commit(history, {
    stage: next,
    attempt: null,
    change: null,
    ripple: null,
    prediction: null,
    step: 0,
    pin,
  });
}

/** Edits of more cells than this are not worth a mark each when undone. */
const MAX_MARKED = 4096;

/** Goes along the history, and marks what that changed. */
export function travel(history: History, how: (history: History) => History): History {
  const next = how(history);
  if (next === history) return history;
  const edits = difference(history.now.stage, next.now.stage);
  if (!edits || edits.length === 0 || edits.length > MAX_MARKED) return next;
  const from = history.now.stage;
  return replace(next, { change: edit(from, edits).change, ripple: rippled(next, from, edits) });
}

/** What follows the layer when Stack mode is entered for the first time: the first that fits. */
const OPENINGS: readonly (readonly Follower[])[] = [
  [{ kind: "ReLU" }, { kind: "Conv", outChannels: 1, kernelSize: 3 }],
  [{ kind: "ReLU" }, { kind: "Conv", outChannels: 1, kernelSize: 2 }],
  [{ kind: "ReLU" }],
];

export function enterMode(history: History, mode: Mode): History {
  const entered = replace(history, {
    mode,
    prediction: null,
    change: null,
    ripple: null,
    attempt: null,
    step: 0,
    pin: null,
  });
  const { stage } = history.now;
  if (mode === "picture" && !seesPictures(stage)) {
    const look = replace(entered, { lesson: null });
    return commit(look, { stage: pictures.now.filterStage(stage, 0) });
  }
  if (mode !== "stack" || stage.followers.length > 0) return entered;
  for (const opening of OPENINGS) {
    const answer = stack.now.followed(stage, opening);
    if ("stage" in answer) return replace(entered, { stage: answer.stage });
  }
  return entered;
}

/** Picture mode's filters are layers like others. */
export function useFilter(history: History, filter: number): History {
  const stage = pictures.now.filterStage(history.now.stage, filter);
  return commit(replace(history, { lesson: null }), {
    stage,
    change: null,
    attempt: null,
    pin: null,
  });
}

/** Puts a layer at the end of the stack. */
export function addFollower(history: History, follower: Follower): History | { problem: string } {
  return refollowed(history, [...history.now.stage.followers, follower]);
}

/** Takes a layer out of the stack. */
export function removeFollower(history: History, position: number): History | { problem: string } {
  return refollowed(
    history,
    history.now.stage.followers.filter((_, i) => i !== position),
  );
}

function refollowed(
  history: History,
  followers: readonly Follower[],
): History | { problem: string } {
  const answer = stack.now.followed(history.now.stage, followers);
  if ("problem" in answer) return answer;
  return commit(history, { stage: answer.stage, change: null, ripple: null, pin: null });
}

/** The stage with as many of its followers as still fit. */
function trimmed(stage: Stage): Stage {
  for (let length = stage.followers.length; length > 0; --length) {
    const answer = stack.now.followed(stage, stage.followers.slice(0, length));
    if ("stage" in answer) return answer.stage;
  }
  return stage.followers.length === 0 ? stage : Object.freeze({ ...stage, followers: [] });
}

export function stepTo(history: History, step: number): History {
  const { last } = stepsOf(history.now.stage);
  return replace(history, { step: Math.max(0, Math.min(step, last)) });
}

// -------------------------------------------------------------------- lessons

export function openedLesson(state: State, id: string): State {
  const lesson = lessonOf(id)!;
  return update(initialState(lessonStart(lesson)), {
    lesson: { id, step: 0, done: false },
    pin: null,
    mode: state.mode === "predict" ? "predict" : "explore",
  });
}

/** Notes that the lesson's step is done, once it is. */
export function checkLesson(history: History, pointed: Cell | null): History {
  const { lesson, stage } = history.now;
  const step = lesson && lessonOf(lesson.id)?.steps[lesson.step];
  if (!lesson || !step || lesson.done || step.goal.kind === "read") return history;
  if (!met(step.goal, history.now, pointed, evaluate(stage).output.shape)) return history;
  return replace(history, { lesson: { ...lesson, done: true } });
}

/** The next step, or the next lesson; `finished` names a lesson that came to its end. */
export function nextStep(history: History): { history: History; finished: string | null } {
  const { lesson } = history.now;
  if (!lesson) return { history, finished: null };
  const { steps } = lessonOf(lesson.id)!;
  if (lesson.step + 1 < steps.length) {
    const next = { ...lesson, step: lesson.step + 1, done: false };
    const on = replace(history, { pin: null, lesson: next });
    if (!steps[next.step]!.fresh) return { history: on, finished: null };
    const { input } = lessonStart(lessonOf(lesson.id)!);
    const stage = Object.freeze({ ...history.now.stage, input });
    return { history: commit(on, { stage, change: null, prediction: null }), finished: null };
  }
  const following = OUTLINE[OUTLINE.findIndex(({ id }) => id === lesson.id) + 1];
  return {
    history: following
      ? begin(openedLesson(history.now, following.id))
      : replace(history, { lesson: null }),
    finished: lesson.id,
  };
}

/** Does the lesson's step for the person. */
export function showStep(history: History): History {
  const { lesson, stage } = history.now;
  const goal = lesson && lessonOf(lesson.id)!.steps[lesson.step]?.goal;
  if (!goal) return history;
  const cell = goalCell(goal, stage, evaluate(stage).output.shape);
  switch (goal.kind) {
    case "edit": {
      if (!cell) return history;
      const ready = replace(history, { mode: "explore", prediction: null, pin: cell });
      return applyEdits(ready, [{ target: goal.target, offset: cell.offset, value: goal.value }]);
    }
    case "point":
      return replace(history, { pin: cell });
    case "args":
    case "refused":
      return ask(history, { ...stage.args, ...goal.args }, stage.input.shape);
    case "inputShape":
      return ask(history, stage.args, goal.shape);
    case "back":
      return replace(history, { attempt: null });
    case "read":
      return history;
  }
}
