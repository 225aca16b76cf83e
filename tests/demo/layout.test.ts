// The figure's rectangles: nothing overlaps, everything fits.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init } from "convscope";
import { ghostRects } from "../../demo/src/geometry.js";
import { stackLayout } from "../../demo/src/stack-layout.js";
import { evaluate, insideFrame } from "../../demo/src/model.js";
import { DEFAULT_ARGS, type LayerArgs } from "../../demo/src/state.js";
import { figureOf, stageOf } from "./support/stages.js";

before(() => init());

const stages: readonly (readonly [Partial<LayerArgs>, readonly number[]])[] = [
  [{ axes: 1, inChannels: 3, outChannels: 3, kernelSize: 1 }, [3, 4]],
  [{ kernelSize: 3, padding: 1 }, [1, 3, 4]],
  [{ inChannels: 3, outChannels: 4, kernelSize: 3, padding: 2 }, [3, 5, 5]],
  [{ transposed: true, kernelSize: 3, stride: 2, padding: 1 }, [1, 3, 3]],
  [{ axes: 3, kernelSize: 2 }, [1, 3, 3, 3]],
  [{ kernelSize: 5 }, [1, 40, 40]],
];

for (const [args, shape] of stages) {
  for (const width of [328, 640, 800, 1200]) {
    test(`${JSON.stringify(args)} on ${shape.join("×")} fits into ${width} px without overlap`, () => {
      const figure = figureOf(stageOf(args, shape), width);
      assert.ok(figure.width <= width, `${figure.width} px`);
      const boxes = figure.blocks.flatMap((block) =>
        block.boxes.map((box) => ({
          left: box.x - block.ring.left * block.cell.w,
          top: box.y - block.ring.top * block.cell.h,
          right: box.x + box.w + block.ring.right * block.cell.w,
          bottom: box.y + box.h + block.ring.bottom * block.cell.h,
        })),
      );
      boxes.forEach((a, i) => {
        assert.ok(
          a.left >= 0 && a.right <= figure.width && a.top >= 0 && a.bottom <= figure.height,
        );
        for (const b of boxes.slice(i + 1)) {
          const apart =
            a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
          assert.ok(apart, JSON.stringify([a, b]));
        }
      });
    });
  }
}

test("every ghost cell of the frame has one place outside its plane", () => {
  const stage = stageOf({ inChannels: 2, kernelSize: 3, padding: [1, 2] }, [2, 3, 4]);
  const figure = figureOf(stage, 1200);
  const { frame } = evaluate(stage);
  const input = figure.blocks.find(({ role }) => role === "input")!;
  const ghosts = ghostRects(input, frame);
  const outside = Array.from({ length: frame.values().length }, (_, offset) => offset).filter(
    (offset) => insideFrame(frame, offset, stage.input.shape) < 0,
  );
  assert.deepEqual(
    [...ghosts.keys()].sort((a, b) => a - b),
    outside,
  );
  assert.equal(new Set([...ghosts.values()].map(({ x, y }) => `${x},${y}`)).size, outside.length);
});

for (const outChannels of [2, 3, 5, 8]) {
  test(`in a stack each bias of ${outChannels} stands beside its own kernel, or in its place in the list`, () => {
    for (const kernelSize of [1, 5]) {
      const args = {
        ...DEFAULT_ARGS,
        axes: 1,
        inChannels: 3,
        outChannels,
        kernelSize,
      } as LayerArgs;
      for (const width of [328, 760, 1200]) {
        const { blocks } = stackLayout({
          args,
          shapes: [
            [3, 6],
            [outChannels, 6],
          ],
          links: [{ name: "Conv1d", weight: [outChannels, 3, kernelSize], bias: [outChannels] }],
          slices: {},
          width,
        });
        const [weight, bias] = ["layer0.weight", "layer0.bias"].map((role) =>
          blocks.find((block) => block.role === role)!,
        );
        for (const box of bias!.boxes) {
          const before = bias!.boxes.filter(({ number }) => number < box.number);
          for (const { x, y } of before) assert.ok(y < box.y || (y === box.y && x < box.x));
          const kernel = weight!.boxes[box.number]!;
          const inLine = bias!.planes.down === weight!.planes.down;
          assert.ok(!inLine || (box.y >= kernel.y - 20 && box.y < kernel.y + kernel.h + 20));
        }
      }
    }
  });
}
