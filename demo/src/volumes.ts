// Volumes: what the sliders below a volume's tensors do, and which slices come into sight with
// them. Pointing by mouse moves no slice: the sliders count what lies elsewhere. Loaded with the
// first volume.
import type { CellEvent, SliceEvent } from "./elements/grid-view.js";
import { SliceSlider } from "./elements/slice-slider.js";
import { stack } from "./parts.js";
import { chosenPlace, on, render, session, stageCell } from "./session.js";
import { followed, inSight } from "./slicing.js";
import type { Slices } from "./slices.js";
import { replace, type PlacedCell } from "./state.js";

export { beyond } from "./slicing.js";
export { SliceSlider };

customElements.define("slice-slider", SliceSlider);

on<SliceEvent>("slice-to", ({ role, at }) => {
  const { stage, slices } = session.history.now;
  const moved = { ...slices, [role]: at };
  const cell = stageCell(chosenPlace());
  const joined = role === "input" || role === "weight" || role === "output";
  show(cell && joined ? followed(stage, cell, role, moved) : moved);
});
on<CellEvent>("cell-focus", (cell) => {
  if (session.history.now.mode !== "step") bring(cell);
});
on("step-to", () => bring(chosenPlace()));
on("args-change", () => bring(chosenPlace()));
if (Object.keys(session.history.now.slices).length === 0) bring(chosenPlace());

/** Brings a chosen cell into sight, with what belongs to it. */
function bring(place: PlacedCell | null): void {
  const { stage, slices } = session.history.now;
  if (!place || stage.args.axes !== 3) return;
  const cell = stageCell(place);
  show(cell ? inSight(stage, cell, slices) : stack.now.lineageSlices(stage, place, slices));
}

function show(slices: Slices): void {
  if (JSON.stringify(slices) === JSON.stringify(session.history.now.slices)) return;
  session.history = replace(session.history, { slices });
  render();
}
