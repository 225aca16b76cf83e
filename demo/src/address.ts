// Address: what a link opens. Whatever stands in it, the page has a valid state.
import * as actions from "./actions.js";
import { lessonOf, LESSONS, lessonStart } from "./lessons.js";
import { stack } from "./parts.js";
import { fromHash, wantsStack } from "./share.js";
import { begin, initialState, update, type State } from "./state.js";

/** An output of the first lesson, to begin with: what it reads is the first thing to see. */
const FIRST_SIGHT = { role: "output", offset: 6 } as const;

/** The state that the address names, or the first lesson; and what is to be said about it. */
export async function fromAddress(
  address: string,
): Promise<{ state: State; complaint: string | null }> {
  const hash = decoded(address.replace(/^#/u, ""));
  if (wantsStack(hash)) await stack.load();
  const link = hash === "" ? null : fromHash(hash);
  if (!link) {
    const [first] = LESSONS;
    const state = actions.openedLesson(initialState(lessonStart(first!)), first!.id);
    return {
      state: update(state, { pin: FIRST_SIGHT }),
      complaint:
        hash === "" ? null : "This link does not hold a valid state, so here is the first lesson.",
    };
  }
  const state = actions.enterMode(begin(initialState(link.stage)), link.mode).now;
  const lesson = link.lesson && lessonOf(link.lesson.id);
  const known = lesson && link.lesson!.step < lesson.steps.length;
  return {
    state: known
      ? update(state, { lesson: { id: lesson.id, step: link.lesson!.step, done: false } })
      : state,
    complaint: null,
  };
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}
