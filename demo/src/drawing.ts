// Drawing: from the session to the elements. Every element is given its whole view and writes
// only what differs from what it shows.
import { checkLesson } from "./actions.js";
import { attribute, h, hide } from "./elements/dom.js";
import { StageBackdrop } from "./elements/stage-backdrop.js";
import { TensorGrid } from "./elements/tensor-grid.js";
import * as figures from "./figure-views.js";
import { shareLater } from "./following.js";
import { layout, type Layout } from "./layout.js";
import { evaluate } from "./model.js";
import { page } from "./page.js";
import { pictures, stackPage, steps, volumes } from "./parts.js";
import { point } from "./pointing.js";
import { pointedCell, render, ROLES, session, withPart } from "./session.js";
import { modeInputs, redoButton, undoButton } from "./shell.js";
import { seesPictures, type State } from "./state.js";
import { store, stored } from "./theme.js";
import * as views from "./views.js";

customElements.define("stage-backdrop", StageBackdrop);
customElements.define("tensor-grid", TensorGrid);

const backdrop = new StageBackdrop();
const grids = new Map(ROLES.map((role) => [role, new TensorGrid()]));
/** Whether the first numbers are on the screen. */
let settled = false;

/** Puts the figure's elements on the page; false if they are there. */
export function furnish(): boolean {
  if (page.figure.childElementCount > 0) return false;
  page.figure.append(backdrop, ...grids.values());
  return true;
}

/** The first numbers are on the screen: from now on, what stands round them, too. */
export function settle(): void {
  settled = true;
  render();
}

export function draw(): void {
  session.history = checkLesson(session.history, pointedCell());
  const state = session.history.now;
  const { stage, mode, attempt } = state;
  const name = String(evaluate(stage).layer);
  if (mode === "stack") {
    for (const grid of grids.values()) hide(grid, true);
    stackPage.now.drawStack(state, showFigure);
  } else drawStage(state);
  if (stage.args.axes === 3 && !volumes.loaded) void withPart(volumes, render);
  hide(page.picture, mode !== "picture" || !seesPictures(stage));
  if (!page.picture.hidden) {
    if (pictures.loaded) pictures.now.drawPicture(state);
    else void withPart(pictures, render);
  }
  if (page.name.textContent !== name) page.name.textContent = name;
  page.legend.view = figures.legendView(state);
  page.note.view = views.noteView(state, session.complaint);
  page.refusal.view = views.refusalView(state);
  page.stage.classList.toggle("refused", attempt !== null);
  attribute(page.figure, "aria-disabled", String(attempt !== null));
  page.lessons.view = views.lessonView(state, finished);
  hide(page.transport, mode !== "step");
  if (!page.transport.hidden) drawTransport(state);
  for (const input of modeInputs) input.checked = input.value === (session.coming ?? mode);
  undoButton.disabled = session.history.past.length === 0;
  redoButton.disabled = session.history.future.length === 0;
  if (settled) drawRest(state);
}

/** One layer: input, weight, bias, output. */
function drawStage(state: State): void {
  const { figure, backdrop: behind, grids: shown } = figureView(state);
  showFigure(figure);
  backdrop.view = behind.view;
  for (const [role, grid] of grids) {
    const view = shown.find((one) => one.role === role);
    hide(grid, !view);
    if (view) grid.view = view;
  }
  stackPage.loaded?.hideStack();
  if (settled) page.sum.view = views.sumView(state, behind.pointing); // words wait for the numbers
}

/** What the figure of one layer shows: beside a picture, the kernel that goes over it. */
export function figureView(state: State) {
  const figure = figureOf(state);
  const pointed = pointedCell();
  const pointing = pointed && point(state.stage, pointed);
  const grids = ROLES.map((role) => figures.gridView(role, state, figure, pointing));
  return {
    figure,
    backdrop: { view: figures.backdropView(state.stage, figure, pointing), pointing },
    grids: grids.filter((view) => view !== null),
  };
}

function figureOf({ stage, mode, slices }: State): Layout {
  const { output, frame } = evaluate(stage);
  const pictured = mode === "picture" && seesPictures(stage);
  const shapes = {
    input: pictured ? null : stage.input.shape,
    weight: stage.weight.shape,
    bias: stage.bias?.shape ?? null,
    output: pictured ? null : output.shape,
  };
  return layout({
    args: stage.args,
    shapes,
    frame,
    slices,
    width: page.figureBox.clientWidth,
    height: Math.max(420, Math.min(innerHeight - 340, 900)),
  });
}

function showFigure(figure: Layout): void {
  page.figure.style.setProperty("width", `${figure.width}px`);
  page.figure.style.setProperty("height", `${figure.height}px`);
}

function drawTransport(state: State): void {
  if (steps.loaded) page.transport.view = views.transportView(state);
  else void withPart(steps, render);
}

/** What stands beside and below the stage. */
function drawRest(state: State): void {
  page.params.view = views.paramView(state);
  page.formula.view = views.formulaView(state);
  page.print.view = views.printView(state);
  drawCounts(state);
  shareLater();
}

let shownCounts = "";
function drawCounts(state: State): void {
  const counts = views.countsView(state);
  if (String(counts) === shownCounts) return;
  shownCounts = String(counts);
  page.counts.replaceChildren(
    ...counts.flatMap(([term, value, detail]) => [
      h("dt", {}, term),
      h("dd", {}, h("strong", {}, value), " ", h("span", { class: "quiet" }, detail)),
    ]),
  );
}

const FINISHED = "convscope.finished";
const finished = new Set<string>(stored(FINISHED)?.split(",") ?? []);

/** Notes that a lesson came to its end, for this visit and the next. */
export function finish(lesson: string): void {
  finished.add(lesson);
  store(FINISHED, [...finished].join(","));
}
