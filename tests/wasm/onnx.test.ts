// ONNX files read back: what toOnnx wrote gives the same layers, what others wrote the values of ONNX's reference
// implementation (tests/data/make_onnx.py). That ONNX Runtime runs our files is in tests/consumers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Layer } from "convscope";
import { sameBits, within } from "./support/compare.js";
import { makeCall } from "./support/layers.js";
import { builds, load } from "./support/package.js";
import { Random } from "./support/random.js";
import { readCvec, type JsonObject, type VectorTensor } from "./support/vectors.js";

const cs = await load(builds[0] as "simd");

/** What several operators of ONNX are together is not read back as one layer. */
const isComposed = (layer: Layer<unknown>): boolean =>
  /Adaptive|LogSigmoid|Unfold|Fold|Mish|Softplus\(beta=(?!1\.0, threshold=20)/.test(
    String(layer),
  ) ||
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
    sameBits(
      back.forward(x).data,
      layer.forward(x).data,
      `${c.id}: ${String(layer)} as ${String(back)}`,
    );
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

interface Foreign {
  readonly name: string;
  readonly model: string;
  readonly shape: readonly number[];
  readonly input: string;
  readonly outputShape: readonly number[];
  readonly output: string;
}

const floatsOf = (text: string): Float32Array =>
  new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const foreign = JSON.parse(readFileSync("tests/data/onnx.json", "utf8")) as {
  readonly cases: readonly Foreign[];
};

for (const { name, model, shape, input, outputShape, output } of foreign.cases) {
  test(`a model that the onnx package wrote gives its reference's values: ${name}`, () => {
    const layer = cs.fromOnnx(Buffer.from(model, "base64"));
    const got = layer.forward(cs.tensor(floatsOf(input), shape));
    assert.deepEqual(got.shape, outputShape);
    within(got.data, floatsOf(output), (value) => 1e-6 + 1e-5 * Math.abs(value), String(layer));
  });
}

/** A small model, some way through which comes what no layer is: the last value is softmax of the others. */
const withMore = Buffer.from(
  (JSON.parse(readFileSync("tests/data/onnx.json", "utf8")) as { more: string }).more,
  "base64",
);

test("of a model with more than layers, the parts that are layers are read by their values' names", () => {
  assert.throws(() => cs.fromOnnx(withMore), {
    name: "ConvscopeError",
    code: "not-implemented",
    message:
      'fromOnnx: the operator Softmax from "b" to "c" is no layer, or has attributes that no layer has; the part before it can be read with { output: "b" }, the part after it with { input: "c" }',
  });
  assert.match(
    String(cs.fromOnnx(withMore, { output: "b" })),
    /^Sequential\(\n {2}\(0\): Conv1d.*\n {2}\(1\): ReLU/,
  );
  assert.equal(String(cs.fromOnnx(withMore, { input: "c" })), "Sigmoid()");
  assert.equal(String(cs.fromOnnx(withMore, { input: "a", output: "b" })), "ReLU()");
  assert.equal(String(cs.fromOnnx(withMore, { input: "a", output: "a" })), "Sequential()");
  assert.throws(() => cs.fromOnnx(withMore, { output: "z" }), /no operator gives the value "z"/);
  assert.throws(
    () => cs.fromOnnx(withMore, { input: "z", output: "a" }),
    /none before it reads "z"/,
  );
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

test("models with any byte changed are read or refused in words, never more", () => {
  const random = new Random(5);
  const net = cs.fromPyTorch(
    "nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode='reflect'), nn.SiLU(), nn.ConvTranspose2d(2, 1, 2, stride=2), nn.MaxPool2d(2))",
  );
  const files = [
    cs.toOnnx(net, [1, 1, 6, 6]),
    new Uint8Array(withMore),
    ...foreign.cases.map(({ model }) => new Uint8Array(Buffer.from(model, "base64"))),
  ];
  for (let round = 0; round < 6000; ++round) {
    const file = random.pick(files);
    const changed = file.slice(0, random.next() < 0.2 ? random.int(0, file.length) : undefined);
    for (let n = random.int(1, 3); n > 0 && changed.length > 0; --n)
      changed[random.int(0, changed.length - 1)] = random.pick([
        0,
        1,
        127,
        128,
        255,
        random.int(0, 255),
      ]);
    try {
      cs.fromOnnx(changed);
    } catch (error) {
      const isOurs =
        error instanceof cs.ConvscopeError ||
        error instanceof RangeError ||
        error instanceof TypeError;
      assert.ok(
        isOurs &&
          !/undefined|DataView|array length|call stack|of null|not a function/.test(error.message),
        String((error as Error).stack),
      );
    }
  }
});

test("what claims to be large, endless or circular is refused at once", () => {
  const circle = Buffer.from(
    "3a2c0a0a0a0178120178220452656c750a0a0a01791201782204" + "52656c755a030a01696203",
    "hex",
  );
  for (const file of [
    new Uint8Array(0),
    Buffer.from("GIF89a"),
    Uint8Array.from({ length: 1000 }, () => 255),
    // A graph of 2^62 bytes.
    Uint8Array.of(58, 255, 255, 255, 255, 255, 255, 255, 255, 63, 1),
    circle,
  ]) {
    assert.throws(() => cs.fromOnnx(file), {
      name: "ConvscopeError",
      code: "file",
      message: /^fromOnnx: /,
    });
  }
});
