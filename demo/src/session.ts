// Session: what is on the page now, and the ways to change it. The state proper is the history
// (state.ts); beside it stands what no undo brings back: where the person points, and what is
// being said. Whoever changes any of it calls render(), or set(), which does.
import type { Part } from "./parts.js";
import { steps } from "./parts.js";
import { stepsOf } from "./pointing.js";
import { page } from "./page.js";
import {
  levelOf,
  type Cell,
  type History,
  type LevelCell,
  type Mode,
  type PlacedCell,
  type Role,
} from "./state.js";

export const ROLES: readonly Role[] = ["input", "weight", "bias", "output"];

export const session = {
  /** There from start() on. */
  history: undefined as unknown as History,
  /** Said over the figure until the next action. */
  complaint: null as string | null,
  /** Where the mouse is and where the keyboard is. */
  hovered: null as PlacedCell | null,
  focused: null as PlacedCell | null,
  /** A value is being dragged: its moves are one step of undo. */
  dragged: false,
  /** The mode that was chosen and whose part of the page is on its way. */
  coming: null as Mode | null,
};

let draw: (() => void) | null = null;

/** Who draws: main.ts says so, once. */
export function drawnBy(drawer: () => void): void {
  draw = drawer;
}

/** Draws what differs. */
export function render(): void {
  draw?.();
}

/** Takes an action's outcome; what was said before is past. */
export function set(next: History, say: string | null = null): void {
  session.history = next;
  session.complaint = say;
  render();
}

/** The outcome of an action that may have a problem. */
export function take(outcome: History | { problem: string }): void {
  if ("problem" in outcome) set(session.history, outcome.problem);
  else set(outcome);
}

/** Nothing is pointed at any more, and nothing plays. */
export function forget(): void {
  session.hovered = session.focused = null;
  if (steps.loaded) page.transport.stop();
}

/** Does something with a part of the page: at once if it is there, else when it has come. */
export async function withPart<T>(part: Part<T>, act: (module: T) => unknown): Promise<void> {
  try {
    if (!part.loaded) await part.load();
  } catch {
    session.coming = null;
    return set(
      session.history,
      "This part of the page did not load: without a network, it must be kept.",
    );
  }
  await act(part.now);
}

/** Listens to an element's event, wherever the element stands. */
export function on<T>(type: string, act: (detail: T) => unknown): void {
  document.addEventListener(type, (event) => act((event as CustomEvent<T>).detail));
}

/** Where the person points by mouse, else the chosen cell. */
function pointedPlace(): PlacedCell | null {
  return session.hovered ?? chosenPlace();
}

/** Where Step mode stands, else the keyboard, else the pin. */
export function chosenPlace(): PlacedCell | null {
  const { mode, step, pin, stage } = session.history.now;
  if (mode === "step") {
    const role = stepsOf(stage).noun === "stamp" ? "input" : "output";
    return step > 0 ? { role, offset: step - 1 } : null;
  }
  return session.focused ?? pin;
}

export function pointedCell(): Cell | null {
  return stageCell(pointedPlace());
}

/** A cell of the figure, if it is one of the stage's own layer. */
export function stageCell(place: PlacedCell | null): Cell | null {
  return place && ROLES.includes(place.role as Role)
    ? { role: place.role as Role, offset: place.offset }
    : null;
}

export function pointedLevel(): LevelCell | null {
  const place = pointedPlace();
  const level = place && levelOf(place.role);
  return place && level !== null ? { level, offset: place.offset } : null;
}
