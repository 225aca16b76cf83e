// main: the only file that knows all. Elements' events → new state → new views.
import { init } from "convscope";
import { h, icon, ICONS } from "./elements/dom.js";
import { LessonPanel } from "./elements/lesson-panel.js";
import { ParamPanel, type ArgsEvent } from "./elements/param-panel.js";
import { ShapeFormula } from "./elements/shape-formula.js";
import { StageBackdrop } from "./elements/stage-backdrop.js";
import { SumOfProducts } from "./elements/sum-of-products.js";
import {
  TensorGrid,
  type CellEvent,
  type EditEvent,
  type PasteEvent,
  type ScrubEvent,
} from "./elements/tensor-grid.js";
import { TorchPrint } from "./elements/torch-print.js";
import { layout, type Layout } from "./layout.js";
import { goalCell, lessonNumbers, lessonOf, LESSONS, lessonStart, met } from "./lessons.js";
import { describe, difference, edit, evaluate, joined, point, propose } from "./model.js";
import { fromHash, toHash } from "./share.js";
import {
  amend,
  begin,
  commit,
  initialState,
  redo,
  replace,
  undo,
  update,
  type Cell,
  type Edit,
  type History,
  type Role,
  type State,
  type Target,
} from "./state.js";
import * as views from "./views.js";

customElements.define("lesson-panel", LessonPanel);
customElements.define("param-panel", ParamPanel);
customElements.define("shape-formula", ShapeFormula);
customElements.define("stage-backdrop", StageBackdrop);
customElements.define("sum-of-products", SumOfProducts);
customElements.define("tensor-grid", TensorGrid);
customElements.define("torch-print", TorchPrint);

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const ROLES: readonly Role[] = ["input", "weight", "bias", "output"];

const lessons = find<LessonPanel>("lesson-panel");
const params = find<ParamPanel>("param-panel");
const sum = find<SumOfProducts>("sum-of-products");
const formula = find<ShapeFormula>("shape-formula");
const print = find<TorchPrint>("torch-print");
const figureBox = find<HTMLElement>("#figure-box");
const figureElement = find<HTMLElement>("#figure");
const note = find<HTMLElement>("#note");
const refusal = find<HTMLElement>("#refusal");

const backdrop = new StageBackdrop();
const grids = new Map<Role, TensorGrid>();

let history: History;
/** Where the mouse is and where the keyboard is; neither is part of the state. */
let hovered: Cell | null = null;
let focused: Cell | null = null;
let complaint: string | null = null;
let figure: Layout;

async function start(): Promise<void> {
  try {
    await init();
  } catch (error) {
    return showLoadError(error);
  }
  refusal.hidden = true;
  find("#stage").classList.remove("unloaded");
  history = begin(fromAddress());
  if (figureElement.childElementCount === 0) {
    figureElement.append(backdrop);
    for (const role of ROLES) {
      const grid = new TensorGrid();
      grids.set(role, grid);
      figureElement.append(grid);
    }
    listen();
  }
  render();
}

/** The state that the address names, or the first lesson. */
function fromAddress(): State {
  const hash = location.hash.slice(1);
  const link = hash === "" ? null : fromHash(decoded(hash));
  if (!link) {
    if (hash !== "") complaint = "This link does not hold a valid state, so here is the first lesson.";
    return openedLesson(initialState(lessonStart(LESSONS[0]!)), LESSONS[0]!.id);
  }
  const state = initialState(link.stage);
  const lesson = link.lesson && lessonOf(link.lesson.id);
  return lesson && link.lesson!.step < lesson.steps.length
    ? update(state, { lesson: { id: lesson.id, step: link.lesson!.step, done: false } })
    : state;
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

function openedLesson(state: State, id: string): State {
  const lesson = lessonOf(id)!;
  return update(initialState(lessonStart(lesson)), {
    lesson: { id, step: 0, done: false },
    pin: null,
    mode: state.mode === "step" ? "explore" : state.mode,
  });
}

function showLoadError(error: unknown): void {
  const again = h("button", { type: "button", class: "primary" }, "Try again");
  again.addEventListener("click", () => void start());
  refusal.replaceChildren(
    h("strong", {}, "The engine did not load."),
    h("p", { class: "message" }, error instanceof Error ? error.message : String(error)),
    h("div", { class: "refusal-buttons" }, again),
  );
  refusal.hidden = false;
  find("#stage").classList.add("unloaded");
}

// ---------------------------------------------------------------- to the page

function render(): void {
  checkLesson();
  const state = history.now;
  const { stage } = state;
  const { output, frame } = evaluate(stage);
  figure = layout({
    args: stage.args,
    shapes: {
      input: stage.input.shape,
      weight: stage.weight.shape,
      bias: stage.bias?.shape ?? null,
      output: output.shape,
    },
    frame,
    width: figureBox.clientWidth,
    height: 560,
  });
  figureElement.style.setProperty("width", `${figure.width}px`);
  figureElement.style.setProperty("height", `${figure.height}px`);
  const pointed = pointedCell();
  const pointing = pointed && point(stage, pointed);
  backdrop.view = views.backdropView(stage, figure, pointing);
  for (const role of ROLES) {
    const grid = grids.get(role)!;
    const view = views.gridView(role, state, figure, pointing);
    grid.hidden = view === null;
    if (view) grid.view = view;
  }
  sum.view = views.sumView(state, pointing);
  formula.view = views.formulaView(state);
  print.view = views.printView(stage);
  params.view = views.paramView(state);
  lessons.view = views.lessonView(state, finished);
  renderHead(state);
  renderCounts(state);
  renderNote(state);
  renderRefusal(state);
  renderTools();
  renderTransport(state);
  shareLater();
}

function pointedCell(): Cell | null {
  const { mode, step, pin } = history.now;
  if (hovered) return hovered;
  if (mode === "step") return step > 0 ? { role: "output", offset: step - 1 } : null;
  return focused ?? pin;
}

function renderHead(state: State): void {
  const { layer } = evaluate(state.stage);
  const name = find("#layer-name");
  if (name.textContent !== String(layer)) name.textContent = String(layer);
}

function renderCounts(state: State): void {
  find("#counts").replaceChildren(
    ...views
      .countsView(state.stage)
      .flatMap(([term, value, detail]) => [
        h("dt", {}, term),
        h("dd", {}, h("strong", {}, value), " ", h("span", { class: "quiet" }, detail)),
      ]),
  );
}

function renderNote(state: State): void {
  const { change, prediction, mode, stage } = state;
  const parts: (Node | string)[] = [];
  let kind = "";
  if (complaint !== null) {
    kind = "complaint";
    parts.push(complaint);
  } else if (prediction && !prediction.revealed) {
    kind = "predicting";
    const n = prediction.guesses.size;
    parts.push(
      `Which outputs will change? Mark them (click, or Space), then check. ${n === 0 ? "None marked yet." : `${n} marked.`}`,
    );
  } else if (prediction?.revealed && change) {
    kind = "scored";
    parts.push(`${views.scoreText(prediction.guesses, change)} ${describe(stage, change)}`);
  } else if (change) {
    kind = change.changed.size > 0 ? "changed" : "unchanged";
    parts.push(describe(stage, change));
  } else if (mode === "predict") {
    kind = "predicting";
    parts.push(
      "Edit a cell of the input, a weight or the bias. The outcome stays hidden until you have made your guess.",
    );
  } else if (mode === "step") {
    const { output } = evaluate(stage);
    parts.push(`${state.step} of ${output.size} outputs computed.`);
  } else {
    parts.push("Edit a number: click it and type, or drag it sideways.");
  }
  const text = parts.join("");
  note.className = `note ${kind}`;
  if (note.dataset.text !== text + kind) {
    note.dataset.text = text + kind;
    note.replaceChildren(h("span", {}, text));
    if (prediction && !prediction.revealed) {
      const check = h("button", { type: "button", class: "primary" }, "Check");
      check.addEventListener("click", reveal);
      const cancel = h("button", { type: "button", class: "secondary" }, "Cancel");
      cancel.addEventListener("click", () => set(replace(history, { prediction: null })));
      note.append(check, cancel);
    }
  }
}

function renderRefusal(state: State): void {
  const { attempt } = state;
  find("#stage").classList.toggle("refused", attempt !== null);
  refusal.hidden = attempt === null;
  if (!attempt) {
    refusal.replaceChildren();
    refusal.dataset.text = "";
    return;
  }
  const back = views.wayBack(state);
  const text = attempt.message + back;
  if (refusal.dataset.text === text) return;
  refusal.dataset.text = text;
  const button = h("button", { type: "button", class: "primary" }, back);
  button.addEventListener("click", () => {
    set(replace(history, { attempt: null }));
    params.querySelector<HTMLElement>("input")?.focus();
  });
  const buttons = h("div", { class: "refusal-buttons" }, button);
  // An input that the layer would take is the other way out.
  if (attempt.args.inChannels !== attempt.inputShape[0]) {
    const shape = attempt.inputShape.map((size, axis) => (axis === 0 ? attempt.args.inChannels : size));
    if ("stage" in propose(state.stage, attempt.args, shape)) {
      const other = h(
        "button",
        { type: "button", class: "secondary" },
        `Give the input ${shape[0]} channels`,
      );
      other.addEventListener("click", () => ask(attempt.args, shape));
      buttons.append(other);
    }
  }
  refusal.replaceChildren(
    h("strong", {}, "This layer cannot run. PyTorch says:"),
    h("p", { class: "message" }, attempt.message),
    buttons,
  );
}

const tool = (name: keyof typeof ICONS, label: string, act: () => void): HTMLButtonElement => {
  const button = h(
    "button",
    { type: "button", class: "tool", "aria-label": label, title: label },
    icon(ICONS[name]),
  );
  button.addEventListener("click", act);
  return button;
};
const undoButton = tool("undo", "Undo (Ctrl Z)", () => travel(undo));
const redoButton = tool("redo", "Redo (Ctrl Shift Z)", () => travel(redo));
const linkButton = tool("link", "Copy a link to this state", () => void copyLink());
const themeButton = tool("theme", "Light or dark", switchTheme);
find("#tools").append(undoButton, redoButton, linkButton, themeButton);

function renderTools(): void {
  undoButton.disabled = history.past.length === 0;
  redoButton.disabled = history.future.length === 0;
}

const MODES = [
  ["explore", "Explore"],
  ["predict", "Predict"],
  ["step", "Step"],
] as const;
const modeInputs = MODES.map(([mode, text]) => {
  const input = h("input", { type: "radio", name: "mode", value: mode, checked: mode === "explore" });
  input.addEventListener("change", () => {
    stop();
    set(replace(history, { mode, prediction: null, change: null, step: 0 }));
  });
  return { mode, input, label: h("label", {}, input, h("span", {}, text)) };
});
find("#modes").append(
  h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": "Mode" },
    ...modeInputs.map(({ label }) => label),
  ),
);

// Step mode's transport.
const transport = find<HTMLElement>("#transport");
const scrub = h("input", { type: "range", min: 0, "aria-label": "Window" });
const play = tool("play", "Play", () => (timer === null ? run() : stop()));
transport.append(
  tool("first", "Back to the start", () => stepTo(0)),
  tool("back", "One window back", () => stepTo(history.now.step - 1)),
  play,
  tool("next", "One window on", () => stepTo(history.now.step + 1)),
  scrub,
);
scrub.addEventListener("input", () => stepTo(Number(scrub.value)));
let timer: ReturnType<typeof setInterval> | null = null;

function renderTransport(state: State): void {
  for (const { mode, input } of modeInputs) input.checked = mode === state.mode;
  transport.hidden = state.mode !== "step";
  scrub.max = String(evaluate(state.stage).output.size);
  scrub.value = String(state.step);
  const label = timer === null ? "Play" : "Pause";
  if (play.getAttribute("aria-label") !== label) {
    play.setAttribute("aria-label", label);
    play.title = label;
    play.replaceChildren(icon(timer === null ? ICONS.play : ICONS.pause));
  }
}

function stepTo(step: number): void {
  const last = evaluate(history.now.stage).output.size;
  set(replace(history, { step: Math.max(0, Math.min(step, last)) }));
}

function run(): void {
  const last = evaluate(history.now.stage).output.size;
  if (history.now.step >= last) stepTo(0);
  timer = setInterval(() => {
    stepTo(history.now.step + 1);
    if (history.now.step >= evaluate(history.now.stage).output.size) stop();
  }, 700);
  stepTo(history.now.step + 1);
}

function stop(): void {
  if (timer !== null) clearInterval(timer);
  timer = null;
  renderTransport(history.now);
}

// -------------------------------------------------------------- from the page

function set(next: History): void {
  history = next;
  render();
}

function listen(): void {
  const on = <T>(type: string, act: (detail: T) => void): void =>
    document.addEventListener(type, (event) => act((event as CustomEvent<T>).detail));
  on<CellEvent>("cell-hover", ({ role, offset }) => {
    hovered = offset < 0 ? null : { role, offset };
    render();
  });
  on<CellEvent>("cell-focus", ({ role, offset }) => {
    focused = { role, offset };
    render();
  });
  figureElement.addEventListener("focusout", (event) => {
    if (figureElement.contains(event.relatedTarget as Node | null)) return;
    focused = null;
  });
  on<CellEvent>("cell-pin", ({ role, offset }) => {
    const { prediction } = history.now;
    if (prediction && !prediction.revealed && role === "output" && offset >= 0) return guess(offset);
    if (offset < 0) focused = hovered = null;
    set(replace(history, { pin: offset < 0 ? null : { role, offset } }));
  });
  on<EditEvent>("cell-edit", ({ role, offset, value }) =>
    applyEdits([{ target: role as Target, offset, value }]),
  );
  on<ScrubEvent>("cell-scrub", ({ role, offset, value, phase }) =>
    scrubCell(role as Target, offset, value, phase),
  );
  on<PasteEvent>("cell-paste", () => undefined);
  on<{ message: string | null }>("cell-complaint", ({ message }) => {
    if (complaint === message) return;
    complaint = message;
    renderNote(history.now);
  });
  on<{ text: string }>("cell-refused", ({ text }) => {
    complaint = `“${text}” is not a number; the cell keeps its value.`;
    renderNote(history.now);
  });
  on<ArgsEvent>("args-change", ({ args, inputShape }) => ask(args, inputShape));
  on<{ id: string }>("lesson-open", ({ id }) => openLesson(id));
  on("lesson-close", () => set(replace(history, { lesson: null })));
  on("lesson-next", nextStep);
  on("lesson-show", showStep);
  addEventListener("keydown", onShortcut);
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === shared) return;
    set(begin(fromAddress()));
  });
  new ResizeObserver(() => render()).observe(figureBox);
}

function applyEdits(edits: readonly Edit[]): void {
  complaint = null;
  if (history.now.mode === "predict") {
    return set(
      replace(history, { change: null, prediction: { edits, guesses: new Set(), revealed: false } }),
    );
  }
  const { stage, change } = edit(history.now.stage, edits);
  set(commit(history, { stage, change, attempt: null, prediction: null }));
}

let scrubbing = false;
function scrubCell(target: Target, offset: number, value: number, phase: ScrubEvent["phase"]): void {
  if (history.now.mode === "predict") {
    if (phase === "end") applyEdits([{ target, offset, value }]);
    return;
  }
  if (phase === "start") {
    complaint = null;
    scrubbing = false;
    return;
  }
  if (phase === "end") return;
  const { stage, change } = edit(history.now.stage, [{ target, offset, value }]);
  if (scrubbing) return set(amend(history, { stage, change: joined(history.now.change, change) }));
  scrubbing = true; // the first move is the step that undo takes back
  set(commit(history, { stage, change, attempt: null, prediction: null }));
}

function guess(offset: number): void {
  const { prediction } = history.now;
  const guesses = new Set(prediction!.guesses);
  if (!guesses.delete(offset)) guesses.add(offset);
  set(replace(history, { prediction: { ...prediction!, guesses } }));
}

function reveal(): void {
  const prediction = history.now.prediction!;
  const { stage, change } = edit(history.now.stage, prediction.edits);
  set(commit(history, { stage, change, prediction: { ...prediction, revealed: true } }));
}

function ask(args: ArgsEvent["args"], inputShape: readonly number[]): void {
  complaint = null;
  stop();
  const { stage, lesson } = history.now;
  const numbers = lesson && lessonNumbers(lessonOf(lesson.id)!, args);
  const answer = propose(stage, args, inputShape, numbers ?? undefined);
  if ("attempt" in answer) return set(replace(history, { attempt: answer.attempt }));
  focused = hovered = null;
  set(
    commit(history, {
      stage: answer.stage,
      attempt: null,
      change: null,
      prediction: null,
      step: 0,
      pin: history.now.pin?.role === "output" ? { role: "output", offset: 0 } : null,
    }),
  );
}

function travel(how: (history: History) => History): void {
  const from = history.now.stage;
  const next = how(history);
  if (next === history) return;
  complaint = null;
  const edits = difference(from, next.now.stage);
  history = next;
  if (edits && edits.length > 0 && edits.length <= 4096) {
    history = replace(history, { change: edit(from, edits).change });
  }
  render();
}

function onShortcut(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
  if (typing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  travel(key === "y" || event.shiftKey ? redo : undo);
}

// -------------------------------------------------------------------- lessons

const FINISHED = "convscope.finished";
const finished = new Set<string>(stored(FINISHED)?.split(",") ?? []);

function openLesson(id: string): void {
  complaint = null;
  focused = hovered = null;
  stop();
  set(begin(openedLesson(history.now, id)));
}

function checkLesson(): void {
  const { lesson, stage } = history.now;
  const step = lesson && lessonOf(lesson.id)?.steps[lesson.step];
  if (!lesson || !step || lesson.done || step.goal.kind === "read") return;
  if (met(step.goal, history.now, pointedCell(), evaluate(stage).output.shape)) {
    history = replace(history, { lesson: { ...lesson, done: true } });
  }
}

function nextStep(): void {
  const { lesson } = history.now;
  if (!lesson) return;
  const { steps } = lessonOf(lesson.id)!;
  if (lesson.step + 1 < steps.length) {
    return set(replace(history, { pin: null, lesson: { ...lesson, step: lesson.step + 1, done: false } }));
  }
  finished.add(lesson.id);
  store(FINISHED, [...finished].join(","));
  const next = LESSONS[LESSONS.findIndex(({ id }) => id === lesson.id) + 1];
  if (next) openLesson(next.id);
  else set(replace(history, { lesson: null }));
}

function showStep(): void {
  const { lesson, stage } = history.now;
  const goal = lesson && lessonOf(lesson.id)!.steps[lesson.step]?.goal;
  if (!goal) return;
  const cell = goalCell(goal, stage, evaluate(stage).output.shape);
  switch (goal.kind) {
    case "edit":
      if (cell) {
        set(replace(history, { mode: "explore", prediction: null, pin: cell }));
        applyEdits([{ target: goal.target, offset: cell.offset, value: goal.value }]);
      }
      break;
    case "point":
      set(replace(history, { pin: cell }));
      break;
    case "args":
    case "refused":
      ask({ ...stage.args, ...goal.args }, stage.input.shape);
      break;
    case "inputShape":
      ask(stage.args, goal.shape);
      break;
    case "back":
      set(replace(history, { attempt: null }));
      break;
    case "read":
      break;
  }
}

// ------------------------------------------------------------- link and theme

let shared = "";
let shareTimer: ReturnType<typeof setTimeout> | null = null;

/** The address follows the state, but not every frame of a scrub. */
function shareLater(): void {
  if (shareTimer !== null) clearTimeout(shareTimer);
  shareTimer = setTimeout(share, 250);
}

function share(): void {
  shareTimer = null;
  const { stage, lesson } = history.now;
  shared = toHash(stage, lesson && { id: lesson.id, step: lesson.step });
  if (location.hash.slice(1) !== shared) window.history.replaceState(null, "", `#${shared}`);
}

async function copyLink(): Promise<void> {
  share();
  try {
    await navigator.clipboard.writeText(location.href);
    complaint = "The link is in the clipboard.";
  } catch {
    complaint = "The address bar holds the link: copy it from there.";
  }
  renderNote(history.now);
  complaint = null;
}

function switchTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  store("convscope.theme", root.dataset.theme);
}

/** Storage may be forbidden; the page then simply does not remember. */
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not remembered.
  }
}

const theme = stored("convscope.theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
void start();
