// main: the only file that knows all. Elements' events → actions → new views. What the
// first picture of the page does not need is loaded on use (parts.ts).
import { init } from "convscope";
import * as actions from "./actions.js";
import { ChangeNote } from "./elements/change-note.js";
import { attribute, h, hide } from "./elements/dom.js";
import { FigureLegend } from "./elements/figure-legend.js";
import { LessonPanel } from "./elements/lesson-panel.js";
import { ParamPanel, type ArgsEvent } from "./elements/param-panel.js";
import type { PictureBox } from "./elements/picture-view.js";
import { RefusalNote } from "./elements/refusal-note.js";
import { ShapeFormula } from "./elements/shape-formula.js";
import type { StackPanel } from "./elements/stack-panel.js";
import { StageBackdrop } from "./elements/stage-backdrop.js";
import type { StepTransport } from "./elements/step-transport.js";
import { SumOfProducts } from "./elements/sum-of-products.js";
import type { TakeAway } from "./elements/take-away.js";
import type { CellEvent, EditEvent, PasteEvent, ScrubEvent } from "./elements/grid-view.js";
import { TensorGrid } from "./elements/tensor-grid.js";
import { TorchPrint } from "./elements/torch-print.js";
import { layout, type Layout } from "./layout.js";
import { evaluate } from "./model.js";
import { point, stepsOf } from "./pointing.js";
import { toHash } from "./share.js";
import { modeSwitch, tool } from "./shell.js";
import { fromAddress } from "./address.js";
import { later, pictures, stack, steps, taking, type Part } from "./parts.js";
import {
  begin,
  layerOf,
  levelOf,
  redo,
  replace,
  seesPictures,
  undo,
  type Cell,
  type History,
  type LayerPlace,
  type LevelCell,
  type Mode,
  type Place,
  type PlacedCell,
  type Role,
  type State,
  type Target,
} from "./state.js";
import { CACHE, ENGINE } from "./offline.js";
import * as figures from "./figure-views.js";
import { store, stored, switchTheme } from "./theme.js";
import * as views from "./views.js";

const ready = loadEngine();

customElements.define("change-note", ChangeNote);
customElements.define("figure-legend", FigureLegend);
customElements.define("lesson-panel", LessonPanel);
customElements.define("param-panel", ParamPanel);
customElements.define("refusal-note", RefusalNote);
customElements.define("shape-formula", ShapeFormula);
customElements.define("stage-backdrop", StageBackdrop);
customElements.define("sum-of-products", SumOfProducts);
customElements.define("tensor-grid", TensorGrid);
customElements.define("torch-print", TorchPrint);

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const ROLES: readonly Role[] = ["input", "weight", "bias", "output"];

const page = {
  stage: find<HTMLElement>("#stage"),
  name: find<HTMLElement>("#layer-name"),
  modes: find<HTMLElement>("#modes"),
  note: find<ChangeNote>("change-note"),
  refusal: find<RefusalNote>("refusal-note"),
  figureBox: find<HTMLElement>("#figure-box"),
  figure: find<HTMLElement>("#figure"),
  legend: find<FigureLegend>("figure-legend"),
  picture: find<PictureBox>("picture-view"),
  stack: find<StackPanel>("stack-panel"),
  transport: find<StepTransport>("step-transport"),
  sum: find<SumOfProducts>("sum-of-products"),
  lessons: find<LessonPanel>("lesson-panel"),
  params: find<ParamPanel>("param-panel"),
  formula: find<ShapeFormula>("shape-formula"),
  counts: find<HTMLElement>("#counts"),
  print: find<TorchPrint>("torch-print"),
  tools: find<HTMLElement>("#tools"),
  takeAway: find<TakeAway>("take-away"),
};
const backdrop = new StageBackdrop();
const grids = new Map(ROLES.map((role) => [role, new TensorGrid()]));
const levelGrids: TensorGrid[] = [];

let history: History;
/** Where the mouse is and where the keyboard is; neither is part of the state. */
let hovered: PlacedCell | null = null;
let focused: PlacedCell | null = null;
/** Said over the figure until the next action. */
let complaint: string | null = null;
/** Whether the first numbers are on the screen. */
let settled = false;

/** boot.ts has begun; where that failed, init() tries by itself and says what is wrong. */
async function loadEngine(): Promise<void> {
  const wasm = await globalThis.engineOnItsWay?.catch(() => undefined);
  globalThis.engineOnItsWay = undefined;
  await init({ build: "simd", wasm });
}

async function start(engineReady: Promise<void>): Promise<void> {
  try {
    await engineReady;
    await openAddress();
  } catch (error) {
    page.stage.classList.add("unloaded");
    page.refusal.view = {
      title: "The engine did not load.",
      message: error instanceof Error ? error.message : String(error),
      formula: null,
      actions: [{ id: "load", label: "Try again" }],
    };
    return;
  }
  page.stage.classList.remove("unloaded");
  if (page.figure.childElementCount === 0) {
    page.figure.append(backdrop, ...grids.values());
    listen();
  }
  render();
  // First the numbers; what stands round them, and the next visit, a frame later.
  requestAnimationFrame(() =>
    setTimeout(() => {
      settled = true;
      render();
      keepForLater();
    }),
  );
}

/** Opens without a network the next time. Where that is not possible, nothing is lost. */
function keepForLater(): void {
  navigator.serviceWorker
    ?.register("sw.js")
    .then(() => caches.open(CACHE))
    // It was fetched a moment ago: it does not come over the network again.
    .then(async (cache) => cache.put(ENGINE, await fetch(ENGINE, { cache: "force-cache" })))
    .catch(() => undefined);
}

async function openAddress(): Promise<void> {
  const opened = await fromAddress(location.hash);
  history = begin(opened.state);
  complaint = opened.complaint;
}

// ---------------------------------------------------------------- to the page

/** Draws what differs; every element compares with what it shows. */
function render(): void {
  history = actions.checkLesson(history, pointedCell());
  const state = history.now;
  const { stage, mode, attempt } = state;
  const { layer } = evaluate(stage);
  if (mode === "stack") renderStack(state);
  else renderStage(state);
  hide(page.picture, mode !== "picture" || !seesPictures(stage));
  if (!page.picture.hidden) renderPicture(state);
  if (page.name.textContent !== String(layer)) page.name.textContent = String(layer);
  page.legend.view = figures.legendView(state);
  page.note.view = views.noteView(state, complaint);
  page.refusal.view = views.refusalView(state);
  page.stage.classList.toggle("refused", attempt !== null);
  attribute(page.figure, "aria-disabled", String(attempt !== null));
  page.lessons.view = views.lessonView(state, finished);
  hide(page.transport, mode !== "step");
  if (!page.transport.hidden) renderTransport(state);
  for (const input of modeInputs) input.checked = input.value === (coming ?? mode);
  undoButton.disabled = history.past.length === 0;
  redoButton.disabled = history.future.length === 0;
  if (settled) renderRest(state);
}

function renderTransport(state: State): void {
  if (steps.loaded) page.transport.view = views.transportView(state);
  else void withPart(steps, render);
}

/** What stands beside and below the stage. */
function renderRest(state: State): void {
  page.params.view = views.paramView(state);
  page.formula.view = views.formulaView(state);
  page.print.view = views.printView(state.stage);
  renderCounts(state);
  shareLater();
}

/** One layer: input, weight, bias, output. */
function renderStage(state: State): void {
  const figure = figureOf(state);
  const pointed = pointedCell();
  const pointing = pointed && point(state.stage, pointed);
  showFigure(figure);
  backdrop.view = figures.backdropView(state.stage, figure, pointing);
  for (const [role, grid] of grids) {
    const view = figures.gridView(role, state, figure, pointing);
    hide(grid, view === null);
    if (view) grid.view = view;
  }
  for (const grid of levelGrids) hide(grid, true);
  page.sum.view = views.sumView(state, pointing);
  hide(page.stack, true);
}

/** Several layers: the tensors before, between and after them. */
function renderStack(state: State): void {
  const { stackFigure, stackPanelView, stackViews } = stack.now;
  const figure = stackFigure(state.stage, page.figureBox.clientWidth);
  const shown = stackViews(state, figure, pointedLevel());
  showFigure(figure);
  backdrop.view = shown.backdrop;
  for (const grid of grids.values()) hide(grid, true);
  shown.grids.forEach((view, level) => {
    if (!levelGrids[level]) {
      levelGrids[level] = new TensorGrid();
      page.figure.append(levelGrids[level]);
    }
    hide(levelGrids[level], false);
    levelGrids[level].view = view;
  });
  levelGrids.forEach((grid, level) => hide(grid, level >= shown.grids.length));
  page.sum.view = views.sentenceView(shown.sentence);
  hide(page.stack, false);
  page.stack.view = stackPanelView(state);
}

let sharpen: ReturnType<typeof setTimeout> | undefined;
/** A picture through the layer; its kernel is the figure's. While a value is dragged it is drawn
 *  as fine as the screen shows it, and in full as soon as the hand rests. */
function renderPicture(state: State, moves = dragged): void {
  if (!pictures.loaded) return void withPart(pictures, render);
  const { across } = page.picture;
  const { view, sum } = pictures.now.pictureView(state.stage, moves ? across : Infinity);
  clearTimeout(sharpen);
  if (moves)
    sharpen = setTimeout(() => page.picture.hidden || renderPicture(history.now, false), 100);
  page.picture.view = view;
  if (sum) page.sum.view = sum;
}

function openPicture(file: Blob): Promise<void> {
  return withPart(pictures, async (mode) => {
    const read = await mode.openPicture(file);
    set(history, read ? null : "This file is no picture that the browser can read.");
  });
}

async function useCamera(running: boolean): Promise<void> {
  if (running) pictures.now.closeCamera();
  else if (!(await pictures.now.openCamera(render)))
    return set(history, "There is no camera to be had, or the browser was not allowed to use it.");
  set(history);
}

function showFigure(figure: Layout): void {
  page.figure.style.setProperty("width", `${figure.width}px`);
  page.figure.style.setProperty("height", `${figure.height}px`);
}

function figureOf({ stage }: State): Layout {
  const { output, frame } = evaluate(stage);
  const shapes = {
    input: stage.input.shape,
    weight: stage.weight.shape,
    bias: stage.bias?.shape ?? null,
    output: output.shape,
  };
  return layout({
    args: stage.args,
    shapes,
    frame,
    width: page.figureBox.clientWidth,
    height: Math.max(420, Math.min(innerHeight - 340, 900)),
  });
}

/** Where the person points: by mouse, else where Step mode stands, else by keyboard, else the pin. */
function pointedPlace(): PlacedCell | null {
  const { mode, step, pin } = history.now;
  if (hovered) return hovered;
  if (mode === "step") {
    const role = stepsOf(history.now.stage).noun === "stamp" ? "input" : "output";
    return step > 0 ? { role, offset: step - 1 } : null;
  }
  return focused ?? pin;
}

function pointedCell(): Cell | null {
  const place = pointedPlace();
  return place && ROLES.includes(place.role as Role)
    ? { role: place.role as Role, offset: place.offset }
    : null;
}

function pointedLevel(): LevelCell | null {
  const place = pointedPlace();
  const level = place && levelOf(place.role);
  return place && level !== null ? { level, offset: place.offset } : null;
}

/** What an edit at this place writes to. */
function targetOf(place: Place): Target {
  const own = layerOf(place);
  return own ? own.name : levelOf(place) === 0 ? "input" : (place as Target);
}

/** Whether this place holds numbers of a layer behind the stage's own. */
const isBehind = (place: Place): place is LayerPlace => (layerOf(place)?.layer ?? 0) > 0;

let shownCounts = "";
function renderCounts(state: State): void {
  const counts = views.countsView(state.stage);
  if (String(counts) === shownCounts) return;
  shownCounts = String(counts);
  page.counts.replaceChildren(
    ...counts.flatMap(([term, value, detail]) => [
      h("dt", {}, term),
      h("dd", {}, h("strong", {}, value), " ", h("span", { class: "quiet" }, detail)),
    ]),
  );
}

const undoButton = tool("undo", "Undo (Ctrl Z)", () => set(actions.travel(history, undo)));
const redoButton = tool("redo", "Redo (Ctrl Shift Z)", () => set(actions.travel(history, redo)));
page.tools.append(
  undoButton,
  redoButton,
  tool("link", "Copy a link to this state", () => void copyLink()),
  tool("share", "Take away: code and files, or bring something in", () => void openTakeAway()),
  tool("theme", "Light or dark", switchTheme),
);

/** The mode that was chosen and whose part of the page is on its way. */
let coming: Mode | null = null;
const modeInputs = modeSwitch(page.modes, (mode) => {
  const enter = (): void => {
    if (coming !== mode) return; // another one was chosen meanwhile
    coming = null;
    forget();
    pictures.loaded?.closeCamera();
    set(actions.enterMode(history, mode));
  };
  coming = mode;
  if (mode === "stack") void withPart(stack, enter);
  else if (mode === "picture") void withPart(pictures, enter);
  else enter();
});
/** Whoever is about to choose will not wait for it. */
function foresee(place: HTMLElement, part: { load(): Promise<unknown> }): void {
  for (const type of ["pointerover", "focusin"])
    place.addEventListener(type, () => void part.load().catch(() => null), { once: true });
}
foresee(page.modes, stack);
foresee(page.modes, steps);
foresee(page.modes, pictures);
foresee(page.lessons, later);

// -------------------------------------------------------------- from the page

/** Takes an action's outcome; what was said before is past. */
function set(next: History, say: string | null = null): void {
  history = next;
  complaint = say;
  render();
}

/** Does something with a part of the page: at once if it is there, else when it has come. */
async function withPart<T>(part: Part<T>, act: (module: T) => unknown): Promise<void> {
  try {
    if (!part.loaded) await part.load();
  } catch {
    coming = null;
    return set(history, "This part of the page did not load: without a network, it must be kept.");
  }
  await act(part.now);
}

/** The outcome of an action that may have a problem. */
function take(outcome: History | { problem: string }): void {
  if ("problem" in outcome) set(history, outcome.problem);
  else set(outcome);
}

function forget(): void {
  hovered = focused = null;
  if (steps.loaded) page.transport.stop();
}

const on = <T>(type: string, act: (detail: T) => unknown): void =>
  document.addEventListener(type, (event) => act((event as CustomEvent<T>).detail));

// The way out of a failed start works before there is a state.
on<{ id: string }>("refusal-action", ({ id }) => {
  if (id === "load") return void start(loadEngine());
  const { attempt } = history.now;
  if (!attempt) return;
  if (id === "channels")
    return set(actions.ask(history, attempt.args, views.withChannels(attempt)));
  set(replace(history, { attempt: null }));
  page.params.querySelector<HTMLElement>("input")?.focus();
});

function listen(): void {
  on<CellEvent>("cell-hover", ({ role, offset }) => {
    if (offset < 0 && hovered?.role !== role) return; // the mouse is on another grid already
    hovered = offset < 0 ? null : { role, offset };
    render();
  });
  on<CellEvent>("cell-focus", ({ role, offset }) => {
    focused = { role, offset };
    render();
  });
  page.figure.addEventListener("focusout", (event) => {
    if (!page.figure.contains(event.relatedTarget as Node | null)) focused = null;
  });
  on<CellEvent>("cell-pin", ({ role, offset }) => {
    const { prediction } = history.now;
    if (prediction && !prediction.revealed && role === "output" && offset >= 0) {
      return set(actions.guess(history, offset));
    }
    if (offset < 0) forget();
    history = replace(history, { pin: offset < 0 ? null : { role, offset } });
    render();
  });
  on<EditEvent>("cell-edit", ({ role, offset, value }) => {
    page.figure.classList.remove("dragged");
    set(
      isBehind(role)
        ? actions.editLayer(history, role, [{ offset, value }])
        : actions.applyEdits(history, [{ target: targetOf(role), offset, value }]),
    );
  });
  on<ScrubEvent>("cell-scrub", scrubCell);
  on<PasteEvent>("cell-paste", ({ role, offset, text }) => void pasteAt(role, offset, text));
  on<{ message: string | null }>("cell-complaint", ({ message }) => {
    if (complaint === message) return;
    complaint = message;
    page.note.view = views.noteView(history.now, complaint);
  });
  on<{ text: string }>("cell-refused", ({ text }) =>
    set(history, `“${text}” is not a number; the cell keeps its value.`),
  );
  on<ArgsEvent>("args-change", ({ args, inputShape }) => {
    forget();
    set(actions.ask(history, args, inputShape));
  });
  on<{ id: string }>("note-action", ({ id }) =>
    set(id === "check" ? actions.reveal(history) : replace(history, { prediction: null })),
  );
  on<{ choice: number }>("stack-add", ({ choice }) =>
    take(actions.addFollower(history, stack.now.FOLLOWERS[choice]!.layer)),
  );
  on<{ position: number }>("stack-remove", ({ position }) =>
    take(actions.removeFollower(history, position)),
  );
  on<{ x: number; y: number }>("picture-point", ({ x, y }) => {
    pictures.now.pointAt(x, y);
    render();
  });
  on<{ wanted: boolean }>("picture-colour", ({ wanted }) => {
    pictures.now.showColour(wanted);
    render();
  });
  on<{ live: boolean }>("picture-camera", ({ live }) => void useCamera(live));
  on<{ file: File }>("picture-open", ({ file }) => void openPicture(file));
  on<{ filter: number }>("picture-filter", ({ filter }) => set(actions.useFilter(history, filter)));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) =>
      type.startsWith("image/"),
    );
    if (file && history.now.mode === "picture") void openPicture(file);
  });
  on<{ step: number }>("step-to", ({ step }) => set(actions.stepTo(history, step)));
  on<{ id: string }>("lesson-open", ({ id }) =>
    withPart(later, () => {
      forget();
      set(begin(actions.openedLesson(history.now, id)));
    }),
  );
  on("lesson-close", () => set(replace(history, { lesson: null })));
  on("lesson-next", () =>
    withPart(later, () => {
      forget();
      const next = actions.nextStep(history);
      if (next.finished) {
        finished.add(next.finished);
        store(FINISHED, [...finished].join(","));
      }
      set(next.history);
    }),
  );
  on("lesson-show", () => set(actions.showStep(history)));
  on<{ name: string }>("take-file", ({ name }) => void takeFile(name));
  on<{ text: string }>("paste-in", ({ text }) => void bringIn(text));
  on<{ file: File }>("file-in", ({ file }) => void bringIn(file));
  addEventListener("keydown", onShortcut);
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === shared) return;
    void openAddress().then(render);
  });
  let width = page.figureBox.clientWidth;
  new ResizeObserver(() => {
    if (page.figureBox.clientWidth === width) return;
    width = page.figureBox.clientWidth;
    render();
  }).observe(page.figureBox);
}

/** A value is being dragged: its moves are one step of undo. */
let dragged = false;
function scrubCell({ role, offset, value, phase }: ScrubEvent): void {
  page.figure.classList.add("dragged");
  const one = { target: targetOf(role), offset, value };
  const first = !dragged;
  if (history.now.mode === "predict" && !isBehind(role)) {
    if (phase === "end") set(actions.applyEdits(history, [one]));
    return;
  }
  dragged = phase === "move";
  if (!dragged) render();
  else if (isBehind(role)) set(actions.editLayer(history, role, [{ offset, value }], first));
  else set(actions.scrub(history, one, first));
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
  set(actions.travel(history, key === "y" || event.shiftKey ? redo : undo));
}

const FINISHED = "convscope.finished";
const finished = new Set<string>(stored(FINISHED)?.split(",") ?? []);

// --------------------------------------------------- taking away, bringing in

const openTakeAway = (): Promise<void> =>
  withPart(taking, ({ openDialog }) => {
    share();
    openDialog(page.takeAway, history.now.stage);
  });

const takeFile = (name: string): Promise<void> =>
  withPart(taking, async (part) => {
    const state = history.now;
    const figure = figureOf(state);
    const pointed = pointedCell();
    const pointing = pointed && point(state.stage, pointed);
    const grids = ROLES.map((role) => figures.gridView(role, state, figure, pointing));
    await part.takeFile(name, state.stage, {
      backdrop: figures.backdropView(state.stage, figure, pointing),
      grids: grids.filter((view) => view !== null),
    });
  });

/** Numbers pasted into a tensor of the figure. */
const pasteAt = (role: Place, offset: number, text: string): Promise<void> =>
  withPart(taking, ({ parseNumbers, pasteInto }) => {
    const pasted = parseNumbers(text);
    if ("problem" in pasted) set(history, pasted.problem);
    else take(pasteInto(history, isBehind(role) ? role : targetOf(role), offset, pasted.value));
  });

/** Code of a layer, or numbers for the input: as text, or as a file. */
const bringIn = (from: string | Blob): Promise<void> =>
  withPart(taking, async ({ bringInput, bringLayer, read, readFile }) => {
    const found = typeof from === "string" ? read(from) : await readFile(from);
    if ("problem" in found) return page.takeAway.complain(found.problem);
    forget();
    if ("layer" in found) set(bringLayer(history, found.layer));
    else {
      const next = bringInput(history, found.numbers);
      if ("problem" in next) return page.takeAway.complain(next.problem);
      set(next);
    }
    page.takeAway.close();
  });

// ----------------------------------------------------------------------- link

/** Larger states go into the address only when a link is asked for. */
const MAX_FOLLOWED = 4096;
let shared = "";
let shareTimer: ReturnType<typeof setTimeout> | null = null;

/** The address follows the state, but not every frame of a drag. */
function shareLater(): void {
  if (shareTimer !== null) clearTimeout(shareTimer);
  const { input, weight } = history.now.stage;
  if (input.size + weight.size <= MAX_FOLLOWED) shareTimer = setTimeout(share, 250);
}

function share(): void {
  shareTimer = null;
  const { stage, lesson, mode } = history.now;
  shared = toHash(stage, lesson && { id: lesson.id, step: lesson.step }, mode);
  if (location.hash.slice(1) !== shared) window.history.replaceState(null, "", `#${shared}`);
}

async function copyLink(): Promise<void> {
  share();
  const copied = await navigator.clipboard.writeText(location.href).then(
    () => true,
    () => false,
  );
  set(
    history,
    copied
      ? "The link is in the clipboard."
      : "The address bar holds the link: copy it from there.",
  );
}

if (new URLSearchParams(location.search).has("embed"))
  document.documentElement.classList.add("embed");
void start(ready);
