// Stack page: Stack mode's figure and panel, drawn and listened to. Loaded with the mode.
import { addFollower, removeFollower } from "./actions.js";
import { hide } from "./elements/dom.js";
import { StackPanel } from "./elements/stack-panel.js";
import { StageBackdrop } from "./elements/stage-backdrop.js";
import { TensorGrid } from "./elements/tensor-grid.js";
import type { Layout } from "./layout.js";
import { page } from "./page.js";
import { stack } from "./parts.js";
import { on, pointedLevel, session, take } from "./session.js";
import type { State } from "./state.js";
import { sentenceView } from "./views.js";

customElements.define("stack-panel", StackPanel);

on<{ choice: number }>("stack-add", ({ choice }) =>
  take(addFollower(session.history, stack.now.FOLLOWERS[choice]!.layer)),
);
on<{ position: number }>("stack-remove", ({ position }) =>
  take(removeFollower(session.history, position)),
);

/** The tensors before, between and after the layers, and the layers' numbers. */
const grids: TensorGrid[] = [];

export function drawStack(state: State, showFigure: (figure: Layout) => void): void {
  const { stackFigure, stackPanelView, stackViews } = stack.now;
  const figure = stackFigure(state, page.figureBox.clientWidth);
  const shown = stackViews(state, figure, pointedLevel());
  showFigure(figure);
  page.figure.querySelector<StageBackdrop>("stage-backdrop")!.view = shown.backdrop;
  shown.grids.forEach((view, i) => {
    if (!grids[i]) page.figure.append((grids[i] = new TensorGrid()));
    hide(grids[i], false);
    grids[i].view = view;
  });
  for (const grid of grids.slice(shown.grids.length)) hide(grid, true);
  page.sum.view = sentenceView(shown.sentence);
  hide(page.stack, false);
  page.stack.view = stackPanelView(state);
}

export function hideStack(): void {
  for (const grid of grids) hide(grid, true);
  hide(page.stack, true);
}
