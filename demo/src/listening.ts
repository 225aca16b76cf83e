// Listening: what the elements of the stage send, as actions. What Stack, Picture and the
// take-away dialog send is listened to where these are (stack-page.ts, picture-mode.ts, taking.ts).
import * as actions from "./actions.js";
import { fromAddress } from "./address.js";
import { finish } from "./drawing.js";
import type { CellEvent, EditEvent, PasteEvent, ScrubEvent } from "./elements/grid-view.js";
import type { ArgsEvent } from "./elements/param-panel.js";
import { isOwnAddress } from "./following.js";
import { page } from "./page.js";
import { later, taking } from "./parts.js";
import { forget, on, render, session, set, withPart } from "./session.js";
import { goBack, goOn } from "./shell.js";
import {
  begin,
  layerOf,
  levelOf,
  replace,
  type LayerPlace,
  type Place,
  type Target,
} from "./state.js";
import * as views from "./views.js";

/** What an edit at this place writes to. */
function targetOf(place: Place): Target {
  const own = layerOf(place);
  return own ? own.name : levelOf(place) === 0 ? "input" : (place as Target);
}

/** Whether this place holds numbers of a layer behind the stage's own. */
const isBehind = (place: Place): place is LayerPlace => (layerOf(place)?.layer ?? 0) > 0;

export async function openAddress(): Promise<void> {
  const opened = await fromAddress(location.hash);
  session.history = begin(opened.state);
  session.complaint = opened.complaint;
}

/** Begins to listen; once, when there is a state. */
export function listen(): void {
  listenToCells();
  listenToLessons();
  on<ArgsEvent>("args-change", ({ args, inputShape }) => {
    forget();
    set(actions.ask(session.history, args, inputShape));
  });
  on<{ id: string }>("note-action", ({ id }) =>
    set(
      id === "check"
        ? actions.reveal(session.history)
        : replace(session.history, { prediction: null }),
    ),
  );
  on<{ step: number }>("step-to", ({ step }) => set(actions.stepTo(session.history, step)));
  addEventListener("keydown", onShortcut);
  addEventListener("hashchange", () => {
    if (!isOwnAddress()) void openAddress().then(render);
  });
  let width = page.figureBox.clientWidth;
  new ResizeObserver(() => {
    if (page.figureBox.clientWidth === width) return;
    width = page.figureBox.clientWidth;
    render();
  }).observe(page.figureBox);
}

/** The way out of a refused layer. */
export function leaveRefusal(id: string): void {
  const { attempt } = session.history.now;
  if (!attempt) return;
  if (id === "channels")
    return set(actions.ask(session.history, attempt.args, views.withChannels(attempt)));
  set(replace(session.history, { attempt: null }));
  page.params.querySelector<HTMLElement>("input")?.focus();
}

function listenToCells(): void {
  on<CellEvent>("cell-hover", ({ role, offset }) => {
    if (offset < 0 && session.hovered?.role !== role) return; // the mouse is on another grid already
    session.hovered = offset < 0 ? null : { role, offset };
    render();
  });
  on<CellEvent>("cell-focus", ({ role, offset }) => {
    session.focused = { role, offset };
    render();
  });
  page.figure.addEventListener("focusout", (event) => {
    if (!page.figure.contains(event.relatedTarget as Node | null)) session.focused = null;
  });
  on<CellEvent>("cell-pin", ({ role, offset }) => {
    const { prediction } = session.history.now;
    if (prediction && !prediction.revealed && role === "output" && offset >= 0) {
      return set(actions.guess(session.history, offset));
    }
    if (offset < 0) forget();
    session.history = replace(session.history, { pin: offset < 0 ? null : { role, offset } });
    render();
  });
  on<EditEvent>("cell-edit", ({ role, offset, value }) => {
    page.figure.classList.remove("dragged");
    set(
      isBehind(role)
        ? actions.editLayer(session.history, role, [{ offset, value }])
        : actions.applyEdits(session.history, [{ target: targetOf(role), offset, value }]),
    );
  });
  on<ScrubEvent>("cell-scrub", scrubCell);
  on<PasteEvent>(
    "cell-paste",
    ({ role, offset, text }) =>
      void withPart(taking, ({ paste }) =>
        paste(isBehind(role) ? role : targetOf(role), offset, text),
      ),
  );
  on<{ message: string | null }>("cell-complaint", ({ message }) => {
    if (session.complaint === message) return;
    session.complaint = message;
    page.note.view = views.noteView(session.history.now, message);
  });
  on<{ text: string }>("cell-refused", ({ text }) =>
    set(session.history, `“${text}” is not a number; the cell keeps its value.`),
  );
}

function scrubCell({ role, offset, value, phase }: ScrubEvent): void {
  page.figure.classList.add("dragged");
  const one = { target: targetOf(role), offset, value };
  const first = !session.dragged;
  if (session.history.now.mode === "predict" && !isBehind(role)) {
    if (phase === "end") set(actions.applyEdits(session.history, [one]));
    return;
  }
  session.dragged = phase === "move";
  if (!session.dragged) render();
  else if (isBehind(role))
    set(actions.editLayer(session.history, role, [{ offset, value }], first));
  else set(actions.scrub(session.history, one, first));
}

function listenToLessons(): void {
  on<{ id: string }>("lesson-open", ({ id }) =>
    withPart(later, () => {
      forget();
      set(begin(actions.openedLesson(session.history.now, id)));
    }),
  );
  on("lesson-close", () => set(replace(session.history, { lesson: null })));
  on("lesson-next", () =>
    withPart(later, () => {
      forget();
      const next = actions.nextStep(session.history);
      if (next.finished) finish(next.finished);
      set(next.history);
    }),
  );
  on("lesson-show", () => set(actions.showStep(session.history)));
}

function onShortcut(event: KeyboardEvent): void {
  const { target } = event;
  const typing =
    (target instanceof HTMLInputElement && target.type === "text") ||
    target instanceof HTMLTextAreaElement;
  if (typing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) goOn();
  else goBack();
}
