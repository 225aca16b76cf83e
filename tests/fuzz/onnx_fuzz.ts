// Broken ONNX models: each is read or refused in words of ours, and every part that is said to be layers prints when read.
import { readFileSync } from "node:fs";
import * as cs from "convscope";
import { fromOnnx, onnxParts } from "convscope/onnx";
import { answerOf, fuzz } from "./mutate.js";

await cs.init();

cs.manualSeed(1);
const net = new cs.Sequential(
  new cs.Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 3, padding: "same" }),
  new cs.ReLU(),
  new cs.MaxPool2d({ kernelSize: 2 }),
);
const up = new cs.ConvTranspose1d({
  inChannels: 2,
  outChannels: 2,
  kernelSize: 2,
  groups: 2,
  stride: 2,
});
const bordered = new cs.Sequential(
  new cs.ReflectionPad2d({ padding: [1, 0, 2, 1] }),
  new cs.Conv2d({ inChannels: 2, outChannels: 4, kernelSize: 2, groups: 2, padding: [0, 1] }),
  new cs.LeakyReLU({ negativeSlope: 0.25 }),
  new cs.ConstantPad2d({ padding: 1, value: -1 }),
  new cs.AvgPool2d({ kernelSize: 2, ceilMode: true, countIncludePad: false }),
  new cs.Softplus({ beta: 2 }),
  new cs.AdaptiveAvgPool2d({ outputSize: 1 }),
);
const models = [
  cs.toOnnx(net, [1, 1, 6, 6]),
  cs.toOnnx(up, [2, 3]),
  cs.toOnnx(bordered, [1, 2, 5, 5]),
];

for (const name of ["onnx", "onnx_torch"]) {
  const { cases } = JSON.parse(readFileSync(`tests/data/${name}.json`, "utf8")) as {
    readonly cases: readonly { readonly model: string }[];
  };
  for (const { model } of cases) models.push(new Uint8Array(Buffer.from(model, "base64")));
}

await fuzz(models, (bytes) =>
  answerOf(() => {
    const parts = onnxParts(bytes).filter(({ problem }) => problem === null);
    const layers = [undefined, ...parts].map((part) => fromOnnx(bytes, part));
    return `model ${layers.join().replace(/\(.*?\)/gsu, "")}`;
  }),
);
