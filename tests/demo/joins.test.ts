// Joins: what belongs to a weight, and which weights to an input, against every output's own sum.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init } from "convscope";
import { evaluate } from "../../demo/src/model.js";
import { point, sumOf } from "../../demo/src/pointing.js";
import type { LayerArgs } from "../../demo/src/state.js";
import { stageOf } from "./support/stages.js";

before(() => init());

const layers: readonly (readonly [Partial<LayerArgs>, readonly number[]])[] = [
  [{ axes: 1, inChannels: 3, outChannels: 2, kernelSize: 3, stride: 2, padding: 1 }, [3, 7]],
  [
    { inChannels: 2, outChannels: 3, kernelSize: [2, 3], stride: [1, 2], padding: [1, 2] },
    [2, 4, 5],
  ],
  [{ kernelSize: 3, padding: "same", dilation: 2 }, [1, 5, 5]],
  [{ kernelSize: 3, padding: 2, paddingMode: "reflect" }, [1, 4, 4]],
  [{ kernelSize: 3, padding: 2, paddingMode: "circular" }, [1, 4, 3]],
  [{ kernelSize: 3, padding: 1, paddingMode: "replicate" }, [1, 3, 4]],
  [{ inChannels: 4, outChannels: 6, groups: 2, kernelSize: 2 }, [4, 3, 3]],
  [
    {
      transposed: true,
      inChannels: 2,
      outChannels: 3,
      kernelSize: 3,
      stride: 2,
      padding: 1,
      outputPadding: 1,
    },
    [2, 3, 3],
  ],
  [
    { transposed: true, inChannels: 4, outChannels: 6, groups: 2, kernelSize: 2, dilation: 2 },
    [4, 2, 3],
  ],
  [{ axes: 3, inChannels: 2, kernelSize: [2, 1, 2], padding: [1, 0, 1] }, [2, 3, 2, 3]],
];

for (const [args, shape] of layers) {
  test(`${JSON.stringify(args)}: each weight's pairs and each input's weights are those of the sums`, () => {
    const stage = stageOf(args, shape);
    const { output } = evaluate(stage);
    const pairs = new Map<number, string[]>();
    const weights = new Map<number, Set<number>>();
    for (let offset = 0; offset < output.size; ++offset) {
      for (const { input, weight } of sumOf(stage, offset).terms) {
        pairs.set(weight, [...(pairs.get(weight) ?? []), `${input}→${offset}`]);
        if (input !== null) weights.set(input, (weights.get(input) ?? new Set()).add(weight));
      }
    }
    for (let offset = 0; offset < stage.weight.size; ++offset) {
      const found = point(stage, { role: "weight", offset })!;
      const wanted = pairs.get(offset) ?? [];
      assert.equal(found.joined, wanted.length);
      assert.deepEqual(
        found.pairs.map(({ input, output }) => `${input}→${output}`),
        wanted.slice(0, found.pairs.length),
      );
      assert.equal(found.output.size, new Set(wanted.map((pair) => pair.split("→")[1])).size);
    }
    for (let offset = 0; offset < stage.input.size; ++offset) {
      const found = point(stage, { role: "input", offset })!;
      assert.deepEqual(
        [...found.weight].sort((a, b) => a - b),
        [...(weights.get(offset) ?? [])].sort((a, b) => a - b),
      );
    }
  });
}

test("a weight of a layer with thousands of outputs joins as many pairs", () => {
  const stage = stageOf({ kernelSize: 5 }, [1, 64, 64]);
  const found = point(stage, { role: "weight", offset: 12 })!;
  assert.equal(found.joined, 3600);
  assert.equal(found.output.size, 3600);
  assert.equal(found.input.size, 3600);
  assert.equal(found.sentence, "weight[0, 0, 2, 2] joins 3,600 pairs of an input and an output.");
});
