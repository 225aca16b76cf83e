// Tensors: values in JavaScript, shapes, and what torch says about both.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, load } from "./support/package.js";

const build = builds[0] as "simd";

test("nested arrays give their shape, flat ones take it", async () => {
  const cs = await load(build);
  assert.deepEqual(
    cs.tensor([
      [1, -2],
      [3, -4],
    ]).shape,
    [2, 2],
  );
  assert.deepEqual(
    [
      ...cs.tensor([
        [1, -2],
        [3, -4],
      ]).data,
    ],
    [1, -2, 3, -4],
  );
  assert.deepEqual(cs.tensor(5).shape, []);
  assert.equal(cs.tensor(5).toArray(), 5);
  assert.deepEqual(cs.tensor([]).shape, [0]);
  assert.deepEqual(cs.tensor([[], []]).shape, [2, 0]);
  assert.deepEqual(cs.tensor([[], []]).toArray(), [[], []]);
  assert.deepEqual(cs.tensor([1, 2, 3, 4], [2, 2]).toArray(), [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(cs.tensor(new Float32Array([1, 2]), [2, 1]).toArray(), [[1], [2]]);
  assert.deepEqual(cs.tensor(new Float32Array([1]), []).shape, []);
  assert.deepEqual(cs.tensor(new Float32Array(0), [0, 1, 4, 4]).shape, [0, 1, 4, 4]);
  assert.deepEqual(cs.tensor(new Uint8Array([0, 255])).toArray(), [0, 255]);
  assert.equal(cs.tensor([0.1]).get([0]), Math.fround(0.1));
});

test("ragged arrays and what is no number are refused, in torch's words where it has some", async () => {
  const cs = await load(build);
  assert.throws(
    () =>
      cs.tensor([
        [1, 2, 3],
        [4, 5],
      ]),
    {
      name: "ConvscopeError",
      code: "value",
      exception: "ValueError",
      message: "expected sequence of length 3 at dim 1 (got 2)",
    },
  );
  assert.throws(() => cs.tensor([[[1], [2]], [[1]]]), {
    message: "expected sequence of length 2 at dim 1 (got 1)",
  });
  assert.throws(() => cs.tensor([[1, 2], 3] as never), { name: "ConvscopeError", code: "type" });
  assert.throws(() => cs.tensor([1, [2]] as never), { name: "ConvscopeError", code: "value" });
  for (const value of ["1", null, undefined, true, 1n, {}, () => 1]) {
    assert.throws(() => cs.tensor(value as never), TypeError);
    assert.throws(() => cs.tensor([value] as never), TypeError);
    assert.throws(() => cs.tensor([[1], [value]] as never), TypeError);
  }
  assert.throws(() => cs.tensor(new Float32Array(3), [2, 2]), {
    code: "shape",
    message: "shape '[2, 2]' is invalid for input of size 3",
  });
});

test("a Float32Array becomes the tensor's own array, and a layer sees what is written to it", async () => {
  const cs = await load(build);
  const values = new Float32Array([1, 2, 3, 4]);
  const x = cs.tensor(values, [2, 2]);
  assert.equal(x.data, values);
  values[0] = 9;
  assert.equal(x.get([0, 0]), 9);
  const weight = new Float32Array([1]);
  const conv = new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 1, bias: false });
  conv.weight = cs.tensor(weight, [1, 1, 1]);
  assert.deepEqual(conv.forward(cs.tensor([[5]])).toArray(), [[5]]);
  weight[0] = 2;
  assert.deepEqual(conv.forward(cs.tensor([[5]])).toArray(), [[10]]);
  // What a layer is made with it copies, as it draws what it is not given.
  const made = new cs.Conv1d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: 1,
    bias: false,
    weight: cs.tensor(weight, [1, 1, 1]),
  });
  weight[0] = 3;
  assert.deepEqual(made.forward(cs.tensor([[5]])).toArray(), [[10]]);
});

test("a tensor copies an array that may vanish: a plan's output, a shared or resizable buffer", async () => {
  const cs = await load(build);
  const plan = new cs.ReLU().plan([2]);
  plan.input.set([1, 2]);
  plan.run();
  const x = cs.tensor(plan.output, [2]);
  plan.input.set([3, 4]);
  plan.run();
  assert.deepEqual(x.toArray(), [1, 2]);
  plan.dispose();
  const shared = new Float32Array(new SharedArrayBuffer(8)).fill(5);
  const y = cs.tensor(shared, [2]);
  shared[0] = 6;
  assert.deepEqual(y.toArray(), [5, 5]);
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  const buffer = new Resizable(8, { maxByteLength: 16 });
  const z = cs.tensor(new Float32Array(buffer), [2]);
  buffer.resize(0);
  assert.deepEqual(z.toArray(), [0, 0]);
});

test("data is the tensor's own array; clone shares nothing; reshape shares everything", async () => {
  const cs = await load(build);
  const x = cs.tensor([1, 2, 3, 4]).reshape([2, 2]);
  x.data[1] = 7;
  assert.equal(x.get([0, 1]), 7);
  const copy = x.clone();
  const view = x.reshape([-1]);
  x.set([1, 1], 5);
  assert.equal(copy.get([1, 1]), 4);
  assert.equal(view.get([3]), 5);
  assert.deepEqual(view.shape, [4]);
  assert.throws(() => x.reshape([3]), {
    code: "shape",
    message: "shape '[3]' is invalid for input of size 4",
  });
  assert.throws(() => x.reshape([-1, -1]), {
    code: "shape",
    message: "only one dimension can be inferred",
  });
  assert.throws(() => (x.shape as number[]).push(1), TypeError);
});

test("equals is torch.equal: shapes and values, 0 is -0, NaN equals nothing", async () => {
  const cs = await load(build);
  assert.ok(cs.tensor([0, 1]).equals(cs.tensor([-0, 1])));
  assert.ok(!cs.tensor([NaN]).equals(cs.tensor([NaN])));
  assert.ok(!cs.tensor([1, 2]).equals(cs.tensor([[1, 2]])));
  assert.ok(!cs.tensor([1, 2]).equals(cs.tensor([1, 3])));
  assert.ok(!cs.tensor([1]).equals([1] as never));
});

test("indices outside a tensor are RangeErrors that name axis and size", async () => {
  const cs = await load(build);
  const x = cs.zeros([2, 3]);
  assert.throws(() => x.get([0, 3]), {
    name: "RangeError",
    message: "index: index 3 is out of bounds for dimension 1 with size 3",
  });
  assert.throws(() => x.get([-1, 0]), RangeError);
  assert.throws(() => x.get([0]), RangeError);
  assert.throws(() => x.get([0, 0.5]), RangeError);
  assert.throws(() => x.set([0, 0], "1" as never), TypeError);
  assert.equal(x.get([1, 2]), 0);
});

test("zeros, ones, full and arange are torch's", async () => {
  const cs = await load(build);
  assert.deepEqual(cs.zeros([2, 1]).toArray(), [[0], [0]]);
  assert.deepEqual(cs.ones([2]).toArray(), [1, 1]);
  assert.deepEqual(cs.full([2], -0.5).toArray(), [-0.5, -0.5]);
  assert.deepEqual(cs.arange(4).toArray(), [0, 1, 2, 3]);
  assert.deepEqual(cs.arange(2, 5).toArray(), [2, 3, 4]);
  assert.deepEqual(cs.arange(1, 2, 0.5).toArray(), [1, 1.5]);
  assert.deepEqual(cs.arange(3, 0, -1).toArray(), [3, 2, 1]);
  assert.deepEqual(cs.arange(0).shape, [0]);
  assert.throws(() => cs.arange(1, 0), {
    message: "upper bound and lower bound inconsistent with step sign",
  });
  assert.throws(() => cs.arange(0, 1, 0), { message: "step must be nonzero" });
});

test("shapes of 2^30 elements or more are refused at once", async () => {
  const cs = await load(build);
  for (const shape of [[2 ** 30], [2 ** 15, 2 ** 15], [2 ** 52, 2 ** 52], [1, 2 ** 40]]) {
    assert.throws(() => cs.zeros(shape), {
      name: "RangeError",
      message: /fewer than 2\^30 are possible/,
    });
  }
  assert.deepEqual(cs.zeros([0, 2 ** 40]).toArray(), []);
  assert.throws(() => cs.zeros([-1]), RangeError);
  assert.throws(() => cs.zeros([NaN]), RangeError);
  assert.throws(() => cs.zeros(["2"] as never), TypeError);
});

test("a seed counts modulo 2^32, and negative ones are taken as torch takes them", async () => {
  const cs = await load(build);
  const draw = (seed: number): unknown => {
    cs.manualSeed(seed);
    return cs.rand([4]).toArray();
  };
  assert.deepEqual(draw(5), draw(5 + 2 ** 32));
  assert.deepEqual(draw(-1), draw(2 ** 32 - 1));
  assert.notDeepEqual(draw(5), draw(6));
  const x = (draw(0), cs.rand([1000]));
  assert.ok(x.data.every((value) => value >= 0 && value < 1));
});

test("max pools give indices as a tensor of integers", async () => {
  const cs = await load(build);
  const pool = new cs.MaxPool2d({ kernelSize: 2, returnIndices: true });
  const [output, indices] = pool.forward(
    cs.tensor([
      [
        [1, 2],
        [4, 3],
      ],
    ]),
  );
  assert.deepEqual(output.toArray(), [[[4]]]);
  assert.ok(indices instanceof cs.IntTensor && indices.data instanceof Int32Array);
  assert.deepEqual(indices.toArray(), [[[2]]]);
  assert.equal(String(indices), "tensor([[[2]]])");
  const [, functional] = cs.F.maxPool2d(
    cs.tensor([
      [
        [1, 2],
        [4, 3],
      ],
    ]),
    2,
    { returnIndices: true },
  );
  assert.ok(indices.equals(functional));
  assert.throws(() => new cs.ReLU().forward(indices as never), TypeError);
  assert.throws(() => new cs.Sequential(pool as never), {
    name: "TypeError",
    message: /returnIndices: false/,
  });
});
