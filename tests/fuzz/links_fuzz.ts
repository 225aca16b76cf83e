// Links and pasted texts: any text gives something the page can show or a sentence, and a stage's own link gives that stage.
import assert from "node:assert/strict";
import { init } from "convscope";
import { propose } from "../../demo/src/model.js";
import { notebookStage } from "../../demo/src/notebook.js";
import { parseLayer, parseNumbers } from "../../demo/src/paste.js";
import { stack } from "../../demo/src/parts.js";
import { fromHash } from "../../demo/src/link.js";
import { toHash } from "../../demo/src/share.js";
import { DEFAULT_ARGS, type LayerArgs } from "../../demo/src/state.js";
import { fuzz } from "./mutate.js";

await init();
await stack.load();

const readers: readonly ((text: string) => string)[] = [
  (text) => {
    const link = fromHash(text);
    if (!link) return "no link";
    const hash = toHash(link.stage, link.lesson, link.mode, link.slices);
    const again = fromHash(hash);
    assert.ok(again, `its own link is not read: ${hash}`);
    assert.equal(toHash(again.stage, again.lesson, again.mode, again.slices), hash);
    return `link ${hash.replace(/=[^&]*/gu, "")}`;
  },
  (text) => {
    const pasted = parseNumbers(text);
    if ("problem" in pasted) return pasted.problem;
    const { shape, data } = pasted.value;
    assert.equal(
      shape.reduce((product, size) => product * size, 1),
      data.length,
    );
    return `numbers ${shape.length}`;
  },
  (text) => {
    const pasted = parseLayer(text);
    if (!pasted) return "no layer";
    return "problem" in pasted
      ? pasted.problem
      : `layer ${pasted.value.axes} ${pasted.value.transposed}`;
  },
];

const stages: readonly (readonly [Partial<LayerArgs>, readonly number[]])[] = [
  [{ axes: 1, inChannels: 3, kernelSize: 2 }, [3, 4]],
  [{ kernelSize: [2, 3], stride: [1, 2], padding: "same-upper" as never, dilation: 2 }, [1, 6, 7]],
  [{ kernelSize: 3, padding: "same", paddingMode: "circular", bias: false }, [1, 4, 4]],
  [{ transposed: true, kernelSize: 3, stride: 2, outputPadding: 1 }, [1, 3, 3]],
  [{ axes: 3, kernelSize: 2 }, [1, 2, 3, 3]],
];
const texts: [number, string][] = [
  [1, "[[1, 2.5], [-3e2, nan]]"],
  [1, "tensor([[[ 1., -2.]],\n        [[inf,  4.]]], dtype=torch.float32)"],
  [1, "1\t2\n3\t4"],
  [1, "array([[1. 2.]\n [3. 4.]])"],
  [2, "nn.Conv2d(1, 2, kernel_size=(2, 3), padding=1, padding_mode='reflect')"],
  [2, "new ConvTranspose1d({ inChannels: 1, outChannels: 2, kernelSize: 3, stride: 2 })"],
  [0, "layer=Conv2d&in=1&out=1&k=3&then=ReLU;MaxPool.2&x=1x4x4:1,2,3"],
];
for (const [args, shape] of stages) {
  const made = propose(notebookStage(21), { ...DEFAULT_ARGS, ...args }, shape);
  if ("stage" in made) texts.push([0, toHash(made.stage)]);
}

await fuzz(
  texts.map(([kind, text]) => Uint8Array.from([kind, ...new TextEncoder().encode(text)])),
  (input) =>
    readers[(input[0] ?? 0) % readers.length]!(new TextDecoder().decode(input.subarray(1))),
);
