// Stages and figures for the tests of the page's own logic.
import assert from "node:assert/strict";
import { layout, type Layout } from "../../../demo/src/layout.js";
import { evaluate, propose } from "../../../demo/src/model.js";
import { notebookStage } from "../../../demo/src/notebook.js";
import type { Slices } from "../../../demo/src/slices.js";
import { DEFAULT_ARGS, type LayerArgs, type Stage } from "../../../demo/src/state.js";

/** The stage of a layer with these arguments, which must be possible. */
export function stageOf(args: Partial<LayerArgs>, inputShape: readonly number[]): Stage {
  const made = propose(notebookStage(21), { ...DEFAULT_ARGS, ...args }, inputShape);
  assert.ok("stage" in made, JSON.stringify(made));
  return made.stage;
}

/** The stage's figure in so much room. */
export function figureOf(stage: Stage, width: number, slices: Slices = {}, height = 560): Layout {
  const { output, frame } = evaluate(stage);
  const shapes = {
    input: stage.input.shape,
    weight: stage.weight.shape,
    bias: stage.bias?.shape ?? null,
    output: output.shape,
  };
  return layout({ args: stage.args, shapes, frame, slices, width, height });
}
