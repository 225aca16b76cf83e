// ONNX files as toOnnx writes them, and fromOnnx reads them back: the same layers. That ONNX Runtime runs them is in
// tests/consumers, what others wrote in onnx-read.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer } from "convscope";
import { sameBits, within } from "./support/compare.js";
import { makeCall } from "./support/layers.js";
import { loadWithOnnx } from "./support/package.js";
import { Random } from "./support/random.js";
import { readCvec, type JsonObject, type VectorTensor } from "./support/vectors.js";

const cs = await loadWithOnnx();

/** What several operators of ONNX are together is not read back as one layer. */
const isComposed = (layer: Layer<unknown>): boolean =>
  /Adaptive|Unfold|Fold|Softplus\(beta=(?!1\.0, threshold=20)/.test(String(layer)) ||
  layer.options.ceilMode === true ||
  (layer.options.divisorOverride ?? null) !== null;

test("the convolutions, pools, paddings and activations of PyTorch's vectors come back bit for bit", async (t) => {
  let [read, refused] = [0, 0];
  for (const c of (await readCvec(t, "torch/valid.cvec")) ?? []) {
    const input = c.tensors.get("input") as VectorTensor;
    const call = (c.json.call ?? {}) as JsonObject;
    const { return_indices: _, ...given } = c.given;
    if (!c.api.startsWith("nn.") || call.output_size !== undefined) continue;
    const layer = makeCall(cs, c.api, given, {}, c.tensors).layer as Layer;
    const model = cs.toOnnx(layer, input.shape);
    const x = cs.tensor(input.data, input.shape);
    let back: Layer;
    try {
      back = cs.fromOnnx(model);
    } catch (error) {
      assert.ok(
        error instanceof cs.ConvscopeError && error.code === "not-implemented",
        String(error),
      );
      assert.ok(isComposed(layer), `${String(layer)}: ${error.message}`);
      ++refused;
      continue;
    }
    const what = `${c.id}: ${String(layer)} as ${String(back)}`;
    const [got, want] = [back.forward(x).data, layer.forward(x).data];
    // A mean over another number of cells is a mean, and a factor.
    if (isComposed(layer)) within(got, want, (value) => 1e-6 * Math.abs(value), what);
    else sameBits(got, want, what);
    ++read;
  }
  t.diagnostic(`${read} layers read back, ${refused} refused`);
  assert.ok(read > 400);
});

test("random stacks come back bit for bit, from batched and unbatched inputs", (t) => {
  let [read, refused] = [0, 0];
  for (let round = 0; round < 300; ++round) {
    const random = new Random(round);
    const axes = random.pick([1, 2, 3] as const);
    const shape = [random.int(1, 3), ...Array.from({ length: axes }, () => random.int(3, 9))];
    const layer = random.stack(cs, axes, shape);
    const batched = random.next() < 0.5 ? [random.int(1, 3), ...shape] : shape;
    const x = random.tensor(cs, batched);
    const model = cs.toOnnx(layer, batched);
    if (isComposed(layer)) {
      ++refused;
      continue;
    }
    sameBits(
      cs.fromOnnx(model).forward(x).data,
      layer.forward(x).data,
      `${round}: ${String(layer)}`,
    );
    ++read;
  }
  t.diagnostic(`${read} stacks read back, ${refused} left out`);
  assert.ok(read > 100);
});

test("what ONNX cannot say is refused by the layer's name, and what torch refuses in torch's words", () => {
  const pool = new cs.MaxPool2d({ kernelSize: 2, returnIndices: true });
  assert.throws(() => cs.toOnnx(pool, [1, 4, 4]), {
    code: "not-implemented",
    message: /MaxPool2d\(kernel_size=2.*returnIndices: false/,
  });
  const conv = new cs.Conv2d({ inChannels: 3, outChannels: 1, kernelSize: 2 });
  assert.throws(() => cs.toOnnx(conv, [1, 3, 4]), {
    code: "shape",
    message: /Given groups=1, weight of size \[1, 3, 2, 2\]/,
  });
  assert.throws(() => cs.toOnnx({} as never, [1]), TypeError);
  assert.throws(() => cs.toOnnx(conv, "x" as never), TypeError);
  assert.throws(() => cs.fromOnnx("x" as never), TypeError);
  assert.throws(() => cs.fromOnnx(new Uint8Array(3), { name: "x" } as never), TypeError);
});

test("parameters keep their names, and writing leaves the layer as it was", () => {
  const net = new cs.Sequential(
    new cs.Conv1d({ inChannels: 1, outChannels: 2, kernelSize: 2 }),
    new cs.Sequential(new cs.Conv1d({ inChannels: 2, outChannels: 1, kernelSize: 1, bias: false })),
  );
  const before = cs.saveSafetensors(net.stateDict());
  const text = Buffer.from(cs.toOnnx(net, [1, 5])).toString("latin1");
  for (const name of Object.keys(net.stateDict())) assert.ok(text.includes(name), name);
  assert.deepEqual(cs.saveSafetensors(net.stateDict()), before);
});
