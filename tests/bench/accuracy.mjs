// What fast math costs in accuracy: npm --prefix tests/bench run accuracy
//
// The largest error of both maths against sums in float64, as a multiple of 2^-24 times the sum of the magnitudes of the
// products behind the outputs (so 1 is half a unit in the last place of a sum that nothing cancels): over all convolutions
// of PyTorch's vectors, and over outputs of every layer that is timed.
import fs from "node:fs";
import path from "node:path";
import { convOf, layers, numbers, product, spotChecks, weightShape } from "./layers.mjs";

const cs = await import(path.join(import.meta.dirname, "../../dist/index.js"));
await cs.init();
const MATHS = ["reproducible", "fast"];
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

// Every convolution with finite numbers of valid.cvec: the name of what computes it, and both errors.
function vectorErrors() {
  const bytes = fs.readFileSync(path.join(import.meta.dirname, "../data/vectors/torch/valid.cvec"));
  const start = 16 + bytes.readUInt32LE(12);
  const { cases } = JSON.parse(bytes.toString("utf8", 16, start));
  const elements = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  const errors = [];
  for (const { api, op, args, call, tensors, torch_f32, tags } of cases) {
    if (!op.startsWith("conv") || tags.includes("nonfinite")) continue;
    const read = (name) => {
      const { shape, offset } = tensors[name];
      return cs.tensor(elements.slice(offset, offset + product(shape)), shape);
    };
    const options = Object.fromEntries(
      Object.entries(args).map(([key, value]) => [camel(key), value]),
    );
    const { scale } = torch_f32.output;
    if (product(tensors.output.shape) === 0 || !(scale > 0)) continue;
    const expected = read("output").data;
    errors.push(
      MATHS.map((math) => {
        const layer = new cs[api.slice(3)]({
          ...options,
          weight: read("weight"),
          ...(tensors.bias ? { biasValues: read("bias") } : {}),
          math,
        });
        const { data } = layer.forward(
          read("input"),
          call?.output_size ? { outputSize: call.output_size } : undefined,
        );
        return (
          (data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0) /
            scale) *
          2 ** 24
        );
      }),
    );
  }
  return errors;
}

function layerErrors(l) {
  const x = numbers(product([l.inChannels, ...l.size]), 1),
    w = numbers(product(weightShape(l)), 2);
  const checks = spotChecks(l, x, w, 2000);
  // Of all outputs that are looked at, as the vectors' scale is.
  const scale = checks.reduce((most, [, , magnitude]) => Math.max(most, magnitude), 0);
  let algorithm = "";
  const errors = MATHS.map((math) => {
    const conv = convOf(cs, l, w, math);
    const plan = conv.plan([l.inChannels, ...l.size], { math });
    plan.input.set(x);
    plan.run();
    algorithm = plan.algorithm;
    const { output } = plan;
    const error = checks.reduce(
      (worst, [offset, value]) => Math.max(worst, Math.abs(output[offset] - value)),
      0,
    );
    plan.dispose();
    return (error / scale) * 2 ** 24;
  });
  return { algorithm, errors };
}

const digits = (value) => value.toPrecision(3);
console.log(`Errors in units of 2^-24 of the sum of magnitudes (${cs.engine().build} build).\n`);
console.log("| | by | reproducible | fast |\n| --- | --- | ---: | ---: |");
const vectors = vectorErrors();
const worst = (math) => digits(Math.max(...vectors.map((errors) => errors[math])));
console.log(
  `| ${vectors.length} convolutions of PyTorch's vectors, the worst | | ${worst(0)} | ${worst(1)} |`,
);
for (const l of layers) {
  const { algorithm, errors } = layerErrors(l);
  console.log(`| ${l.name} | ${algorithm} | ${errors.map(digits).join(" | ")} |`);
}
