// Links: every state survives the trip, and no text a stranger writes does harm.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init } from "convscope";
import { edit } from "../../demo/src/edits.js";
import { propose } from "../../demo/src/model.js";
import { notebookStage } from "../../demo/src/notebook.js";
import { stack } from "../../demo/src/parts.js";
import { fromHash } from "../../demo/src/link.js";
import { toHash } from "../../demo/src/share.js";
import { DEFAULT_ARGS, sameArgs, type LayerArgs, type Stage } from "../../demo/src/state.js";

before(async () => {
  await init();
  await stack.load();
});

const layers: readonly (readonly [Partial<LayerArgs>, readonly number[]])[] = [
  [{ axes: 1, inChannels: 3, kernelSize: 2 }, [3, 4]],
  [{ kernelSize: [2, 3], stride: [1, 2], padding: [1, 0], dilation: 2 }, [1, 6, 7]],
  [{ kernelSize: 3, padding: "same", paddingMode: "circular", bias: false }, [1, 4, 4]],
  [{ inChannels: 4, outChannels: 4, groups: 2, kernelSize: 1 }, [4, 2, 2]],
  [{ transposed: true, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }, [1, 3, 3]],
  [{ axes: 3, kernelSize: 2, padding: "valid" }, [1, 2, 3, 3]],
];

for (const [args, shape] of layers) {
  test(`the link of ${JSON.stringify(args)} gives the same stage`, () => {
    const made = propose(notebookStage(21), { ...DEFAULT_ARGS, ...args }, shape);
    assert.ok("stage" in made, JSON.stringify(made));
    const stage = edit(made.stage, [
      { target: "input", offset: 0, value: Math.fround(0.1) },
      { target: "input", offset: 1, value: NaN },
      { target: "weight", offset: 0, value: -0 },
      { target: "weight", offset: 1, value: Math.fround(1e-42) },
    ]).stage;
    const link = fromHash(toHash(stage, { id: "padding", step: 1 }))!;
    assert.ok(sameArgs(link.stage.args, stage.args));
    for (const part of ["input", "weight", "bias"] as const) {
      assert.deepEqual(link.stage[part]?.shape, stage[part]?.shape);
      assert.deepEqual(link.stage[part]?.data, stage[part]?.data, part);
    }
    assert.deepEqual(link.lesson, { id: "padding", step: 1 });
  });
}

test("a volume's link shows the same slices, and no others that a stranger made up", () => {
  const made = propose(
    notebookStage(21),
    { ...DEFAULT_ARGS, axes: 3, kernelSize: 2 },
    [1, 4, 3, 3],
  );
  assert.ok("stage" in made);
  const slices = { input: 3, weight: 1, output: 2 };
  const hash = toHash(made.stage, null, "explore", slices);
  assert.deepEqual(fromHash(hash)!.slices, slices);
  const hostile = "at=input:1,__proto__:1,level9999999:1,weight:-1,output:1e9,bias:2";
  assert.deepEqual(fromHash(hash.replace(/at=[^&]*/u, hostile))!.slices, { input: 1 });
});

/** A small generator of its own, so that a failure can be run again. */
function noise(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
}

test("any damage to a link gives a valid stage or none, and never throws", () => {
  const good = toHash(notebookStage(41));
  const random = noise(1);
  const letters = "0123456789x,.:&=-abNeCdnvTr%<";
  let valid = 0;
  for (let round = 0; round < 3000; ++round) {
    const text = [...good];
    for (let hits = 1 + Math.floor(random() * 4); hits > 0; --hits) {
      const at = Math.floor(random() * text.length);
      const letter = letters[Math.floor(random() * letters.length)]!;
      const kind = random();
      if (kind < 0.4) text[at] = letter;
      else if (kind < 0.7) text.splice(at, 1);
      else text.splice(at, 0, letter);
    }
    const link = fromHash(text.join(""));
    if (link) {
      valid += 1;
      const stage: Stage = link.stage;
      assert.ok(stage.input.size <= 65536);
    }
  }
  assert.ok(valid > 0 && valid < 3000, `${valid} were valid`);
});

test("sizes in a link are bounded before anything is built", () => {
  for (const hash of [
    "layer=Conv2d&in=99999&out=99999&k=99999&x=1x1x1:1&w=99999x99999x99999x99999:1",
    "layer=Conv2d&k=1&x=99999x99999x99999:1&w=1x1x1x1:1",
    "layer=Conv2d&k=1&p=99999&x=1x1x1:1&w=1x1x1x1:1",
    "layer=ConvTranspose2d&k=1&s=99999&x=1x2x2:1,1,1,1&w=1x1x1x1:1",
    "x".repeat(2_000_000),
  ]) {
    assert.equal(fromHash(hash), null);
  }
});
