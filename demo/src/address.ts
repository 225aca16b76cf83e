// Address: what a link opens. Whatever stands in it, the page has a valid state.
import * as actions from "./actions.js";
import { lessonOf, lessonStart, OUTLINE } from "./lessons.js";
import type { Link } from "./link.js";
import { later, link, pictures, stack } from "./parts.js";
import { begin, initialState, update, type State } from "./state.js";

/** An output of the first lesson, to begin with: what it reads is the first thing to see. */
const FIRST_SIGHT = { role: "output", offset: 6 } as const;

/** The state that the address names, or the first lesson; and what is to be said about it. */
export async function fromAddress(
  address: string,
): Promise<{ state: State; complaint: string | null }> {
  const hash = decoded(address.replace(/^#/u, ""));
  const read = await (hash === "" ? null : linked(hash));
  if (!read) {
    const { id } = OUTLINE[0]!;
    const state = actions.openedLesson(initialState(lessonStart(lessonOf(id)!)), id);
    return {
      state: update(state, { pin: FIRST_SIGHT }),
      complaint:
        hash === "" ? null : "This link does not hold a valid state, so here is the first lesson.",
    };
  }
  const opened = update(initialState(read.stage), { slices: read.slices });
  const state = actions.enterMode(begin(opened), read.mode).now;
  const lesson = read.lesson && lessonOf(read.lesson.id);
  const known = lesson && read.lesson!.step < lesson.steps.length;
  return {
    state: known
      ? update(state, { lesson: { id: lesson.id, step: read.lesson!.step, done: false } })
      : state,
    complaint: null,
  };
}

/** What a link says, once all that it may speak of is loaded. */
async function linked(hash: string): Promise<Link | null> {
  const { fromHash } = await link.load();
  if (/then=|view=stack/u.test(hash)) await stack.load();
  if (/view=picture/u.test(hash)) await pictures.load();
  if (/lesson=/u.test(hash)) await later.load();
  return fromHash(hash);
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}
