// The page's model against the library, without a page.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init, tensor } from "convscope";
import { notebookStage } from "../../demo/src/notebook.js";
import { difference, edit, joined } from "../../demo/src/edits.js";
import { evaluate, propose } from "../../demo/src/model.js";
import { point, unread } from "../../demo/src/pointing.js";
import { count } from "../../demo/src/tensors.js";
import type { Stage } from "../../demo/src/state.js";
import { stageOf } from "./support/stages.js";

before(() => init());

test("an edit gives a new stage and leaves the old one as it was", () => {
  const stage = notebookStage(5);
  const { stage: next, change } = edit(stage, [{ target: "input", offset: 4, value: 5 }]);
  assert.equal(stage.input.data[4], 1);
  assert.equal(next.input.data[4], 5);
  assert.deepEqual([...change.changed.offsets], [0]);
  assert.equal(change.outputs, 4);
  assert.deepEqual(change.edited, [{ target: "input", offset: 4, before: 1 }]);
});

test("the output after edits is the layer's own output for the edited numbers", () => {
  let stage = stageOf({ kernelSize: 2, outChannels: 2, padding: 1, stride: 2 }, [1, 4, 5]);
  for (const [target, offset, value] of [
    ["input", 7, 2.5],
    ["weight", 3, 0],
    ["bias", 1, -1],
  ] as const) {
    stage = edit(stage, [{ target, offset, value }]).stage;
    const alone: Stage = { ...stage };
    assert.ok(evaluate(stage).output.equals(evaluate(alone).output));
  }
});

test("the difference between two stages is the edit that leads from one to the other", () => {
  const from = notebookStage(5);
  const { stage: to } = edit(from, [
    { target: "input", offset: 4, value: 5 },
    { target: "bias", offset: 0, value: 0 },
  ]);
  assert.deepEqual(difference(from, to), [
    { target: "input", offset: 4, value: 5 },
    { target: "bias", offset: 0, value: 0 },
  ]);
  assert.equal(difference(from, notebookStage(9)), null);
});

test("two changes join into one, and what came back to its old value is no change", () => {
  const first = edit(notebookStage(5), [{ target: "input", offset: 4, value: 5 }]);
  const second = edit(first.stage, [{ target: "input", offset: 4, value: 7 }]);
  const both = joined(first.change, second.change);
  assert.equal(both.changed.get(0)!.before, first.change.changed.get(0)!.before);
  assert.equal(both.changed.get(0)!.after, second.change.changed.get(0)!.after);
  const third = edit(second.stage, [{ target: "input", offset: 4, value: 1 }]);
  assert.equal(joined(both, third.change).changed.size, 0);
});

test("an output's window includes the padding under it", () => {
  const stage = stageOf({ kernelSize: 3, padding: 1 }, [1, 3, 4]);
  const pointing = point(stage, { role: "output", offset: 0 })!;
  assert.deepEqual([...pointing.input], [0, 1, 4, 5]);
  assert.deepEqual([...pointing.ghosts], [0, 1, 2, 6, 12], "in a frame of 5 × 6 cells");
  assert.equal(pointing.sum!.terms.filter(({ input }) => input === null).length, 5);
});

test("padding that copies names the cell it copies", () => {
  const stage = stageOf({ kernelSize: 3, padding: 1, paddingMode: "reflect" }, [1, 3, 4]);
  const { frame } = evaluate(stage);
  assert.deepEqual([...frame.sources()!.slice(0, 6)], [5, 4, 5, 6, 7, 6]);
  const corner = point(stage, { role: "input", offset: 5 })!;
  assert.deepEqual([...corner.ghosts].slice(0, 2), [0, 2], "the ghosts that copy x[0, 1, 1]");
});

test('"same" puts the odd cell at the end', () => {
  const { frame } = evaluate(stageOf({ kernelSize: [2, 4], padding: "same" }, [1, 3, 4]));
  assert.deepEqual(
    [frame.before, frame.after],
    [
      [0, 1],
      [1, 2],
    ],
  );
});

test("a transposed layer's frame is what padding cuts off", () => {
  const stage = stageOf({ transposed: true, kernelSize: 3, stride: 2, padding: 1 }, [1, 2, 2]);
  const { frame, output } = evaluate(stage);
  assert.deepEqual(output.shape, [1, 3, 3]);
  assert.deepEqual(frame.shape, [1, 5, 5]);
  assert.equal(frame.role, "output");
});

test("cells between strides and beyond the last window are read by nobody", () => {
  assert.deepEqual([...unread(notebookStage(30))], [3, 7, 11]);
  assert.deepEqual([...unread(stageOf({ kernelSize: 1, stride: 2 }, [1, 3, 3]))], [1, 3, 4, 5, 7]);
});

test("a refused layer answers with the library's words, and nothing else changes", () => {
  const stage = notebookStage(21);
  const answer = propose(stage, { ...stage.args, inChannels: 3 }, [1, 3, 4]);
  assert.ok("attempt" in answer);
  assert.match(answer.attempt.message, /expected input\[1, 1, 3, 4\] to have 3 channels/);
});

test("a layer that would take the tab's time is refused before it is built", () => {
  const stage = notebookStage(21);
  for (const args of [{ outChannels: 100_000 }, { kernelSize: 60_000, padding: 60_000 }]) {
    const answer = propose(stage, { ...stage.args, ...args }, [1, 3, 4]);
    assert.ok("attempt" in answer && /up to/.test(answer.attempt.message));
  }
});

test("a layer that torch runs without a single cell is refused in words", () => {
  const stage = notebookStage(21);
  const answer = propose(stage, { ...stage.args, inChannels: 0 }, [0, 3, 4]);
  assert.ok("attempt" in answer);
  assert.match(answer.attempt.message, /at least one cell/);
});

test("a volume's planes count like its offsets", () => {
  const stage = stageOf({ axes: 3, kernelSize: 2 }, [1, 3, 3, 3]);
  assert.equal(evaluate(stage).output.size, 8);
  assert.equal(count(evaluate(stage).frame.shape), 27);
  assert.equal(tensor(new Float32Array(8), [1, 2, 2, 2]).size, 8);
});
