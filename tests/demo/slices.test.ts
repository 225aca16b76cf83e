// Volumes: one slice of every channel is shown, and which slices go together.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init } from "convscope";
import { edit, describe } from "../../demo/src/edits.js";
import { cellRect } from "../../demo/src/geometry.js";
import { beyond, followed, inSight } from "../../demo/src/slicing.js";
import { cellAt, isShown, placeOf, type Slices } from "../../demo/src/slices.js";
import type { LayerArgs, Role, Stage } from "../../demo/src/state.js";
import { offsetOf } from "../../demo/src/tensors.js";
import { figureOf, stageOf } from "./support/stages.js";

before(() => init());

const volume = (args: Partial<LayerArgs>, shape: readonly number[]): Stage =>
  stageOf({ axes: 3, ...args }, shape);

function blockOf(stage: Stage, role: Role, slices: Slices) {
  const figure = figureOf(stage, 1200, slices, 700);
  return figure.blocks.find((block) => block.role === role)!;
}

test("of a volume every channel shows one slice, named as Python names it", () => {
  const stage = volume({ inChannels: 2, outChannels: 3, kernelSize: 2 }, [2, 4, 3, 3]);
  const captions = (role: Role, slices: Slices) =>
    blockOf(stage, role, slices).boxes.map(({ caption }) => caption);
  assert.deepEqual(captions("input", {}), ["x[0, 0]", "x[1, 0]"]);
  assert.deepEqual(captions("input", { input: 2 }), ["x[0, 2]", "x[1, 2]"]);
  assert.deepEqual(captions("output", { output: 1 }), ["y[0, 1]", "y[1, 1]", "y[2, 1]"]);
  assert.equal(captions("weight", { weight: 1 }).length, 6);
  assert.equal(captions("weight", { weight: 1 })[3], "weight[1, 1, 1]");
});

test("the cells that stand on the page are those of the shown slice, each in its place", () => {
  const stage = volume({ inChannels: 2, kernelSize: 2 }, [2, 4, 3, 3]);
  const block = blockOf(stage, "input", { input: 3 });
  const shown = Array.from({ length: stage.input.size }, (_, offset) => offset).filter((offset) =>
    isShown(block, offset),
  );
  const wanted = [0, 1].flatMap((channel) =>
    Array.from({ length: 9 }, (_, i) =>
      offsetOf([channel, 3, Math.floor(i / 3), i % 3], [2, 4, 3, 3]),
    ),
  );
  assert.deepEqual(shown, wanted);
  shown.forEach((offset, place) => {
    assert.equal(placeOf(block, offset), place);
    assert.equal(cellAt(block, place), offset);
    const { x, y } = cellRect(block, offset);
    const box = block.boxes[Math.floor(place / 9)]!;
    assert.equal(x, box.x + (place % 3) * block.cell.w);
    assert.equal(y, box.y + Math.floor((place % 9) / 3) * block.cell.h);
  });
});

test("a slice beyond a tensor's depth is its last one", () => {
  const stage = volume({ kernelSize: 2 }, [1, 4, 3, 3]);
  assert.equal(blockOf(stage, "input", { input: 99999 }).slice!.at, 3);
  assert.equal(blockOf(stage, "output", { output: 99999 }).slice!.at, 2);
});

test("there is a slider where there is more than one slice, padding's among them", () => {
  const flat = volume({ kernelSize: [1, 2, 2] }, [1, 1, 3, 3]);
  for (const role of ["input", "weight", "output"] as const)
    assert.equal(blockOf(flat, role, {}).slider, null);
  const padded = volume({ kernelSize: [3, 2, 2], padding: [1, 0, 0] }, [1, 1, 3, 3]);
  assert.ok(blockOf(padded, "input", {}).slider);
  assert.ok(blockOf(padded, "weight", {}).slider!.h >= 44);
  assert.equal(blockOf(padded, "output", {}).slider, null);
});

test("a chosen output brings its own slice, one of its window and the kernel's that meets it into sight", () => {
  // y[0, 2] of a kernel of three slices reads x[0, 2], x[0, 3] and x[0, 4].
  const stage = volume({ kernelSize: [3, 2, 2] }, [1, 6, 3, 3]);
  const cell = { role: "output", offset: offsetOf([0, 2, 1, 1], [1, 4, 2, 2]) } as const;
  assert.deepEqual(inSight(stage, cell, {}), { input: 2, weight: 0, output: 2 });
  assert.deepEqual(inSight(stage, cell, { input: 3 }), { input: 3, weight: 1, output: 2 });
  assert.deepEqual(inSight(stage, cell, { input: 5 }), { input: 2, weight: 0, output: 2 });
});

test("a chosen output whose window begins in padding shows a slice of the input", () => {
  const stage = volume({ kernelSize: 3, padding: 1 }, [1, 3, 3, 3]);
  assert.deepEqual(inSight(stage, { role: "output", offset: 0 }, {}), {
    input: 0,
    weight: 1,
    output: 0,
  });
});

test("a chosen input brings an output that reads it into sight", () => {
  const stage = volume({ kernelSize: [3, 1, 1], stride: [2, 1, 1] }, [1, 7, 2, 2]);
  // x[0, 3] is read by y[0, 1] alone, as the middle of its window.
  const cell = { role: "input", offset: offsetOf([0, 3, 0, 0], [1, 7, 2, 2]) } as const;
  assert.deepEqual(inSight(stage, cell, { output: 0 }), { input: 3, weight: 1, output: 1 });
});

test("the bias brings nothing along, nor does an input that no output reads", () => {
  const stage = volume({ kernelSize: 1, stride: 2 }, [1, 3, 3, 3]);
  assert.deepEqual(inSight(stage, { role: "bias", offset: 0 }, { input: 1 }), { input: 1 });
  const unread = { role: "input", offset: offsetOf([0, 1, 0, 0], [1, 3, 3, 3]) } as const;
  assert.deepEqual(inSight(stage, unread, { output: 1 }), { input: 1, output: 1 });
});

test("transposed, a chosen output brings the input that stamps it into sight", () => {
  const stage = volume(
    { transposed: true, kernelSize: [2, 1, 1], stride: [2, 1, 1] },
    [1, 3, 2, 2],
  );
  // y[0, 5] is stamped by x[0, 2] through the kernel's slice 1.
  const cell = { role: "output", offset: offsetOf([0, 5, 0, 0], [1, 6, 2, 2]) } as const;
  assert.deepEqual(inSight(stage, cell, {}), { input: 2, weight: 1, output: 5 });
});

test("along the input's slider the kernel follows, along the kernel's the input", () => {
  const stage = volume({ kernelSize: [3, 2, 2] }, [1, 6, 3, 3]);
  const cell = { role: "output", offset: offsetOf([0, 2, 0, 0], [1, 4, 2, 2]) } as const;
  const shown = { input: 4, weight: 0, output: 2 };
  assert.deepEqual(followed(stage, cell, "input", shown), { ...shown, weight: 2 });
  assert.deepEqual(followed(stage, cell, "weight", { ...shown, weight: 1 }), {
    input: 3,
    weight: 1,
    output: 2,
  });
  // Outside of the window nothing follows.
  assert.deepEqual(followed(stage, cell, "input", { ...shown, input: 0 }), { ...shown, input: 0 });
});

test("padding's slices say what they hold", () => {
  const texts = (args: Partial<LayerArgs>, role: Role = "input") => {
    const stage = volume({ kernelSize: 3, padding: 1, ...args }, [1, 4, 3, 3]);
    return beyond(stage, blockOf(stage, role, {}), null).map(({ text }) => text);
  };
  assert.deepEqual(texts({}), ["all 0", "all 0"]);
  assert.deepEqual(texts({ paddingMode: "reflect" }), ["=1", "=2"]);
  assert.deepEqual(texts({ paddingMode: "replicate" }), ["=0", "=3"]);
  assert.deepEqual(texts({ paddingMode: "circular" }), ["=3", "=0"]);
  assert.deepEqual(texts({ transposed: true }, "output"), ["✂", "✂"]);
});

test("an edit's words say in which slices outputs changed", () => {
  const stage = volume({ kernelSize: 2 }, [1, 3, 2, 2]);
  const offset = offsetOf([0, 1, 0, 0], [1, 3, 2, 2]);
  const { stage: next, change } = edit(stage, [{ target: "input", offset, value: 1000 }]);
  assert.equal(describe(next, change), "2 outputs changed of 2: 1 in slice 0 and 1 in slice 1.");
});
