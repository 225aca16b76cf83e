// Layers through the package: parameters, state, padding that torch lacks, and functions.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer, Tensor } from "convscope";
import { sameBits } from "./support/compare.js";
import { builds, load, type Package } from "./support/package.js";

const build = builds[0] as "simd";

/** A Conv1d over one channel with these numbers. */
function conv1d(
  cs: Package,
  weight: number[],
  options: Record<string, unknown> = {},
): InstanceType<Package["Conv1d"]> {
  return new cs.Conv1d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: weight.length,
    weight: cs.tensor([[weight]]),
    biasValues: cs.zeros([1]),
    ...options,
  });
}

const row = (layer: Layer, x: Tensor): unknown => (layer.forward(x).toArray() as unknown[])[0];

test("every way to change a weight shows in the next forward, plan and stack", async () => {
  const cs = await load(build);
  const conv = conv1d(cs, [2, 3]);
  const stack = new cs.Sequential(conv, new cs.ReLU());
  const x = cs.tensor([[1, 10]]);
  const plan = stack.plan([1, 2]);
  plan.input.set([1, 10]);
  const changes: [change: () => void, want: number][] = [
    [() => {}, 32],
    [() => conv.weight.set([0, 0, 0], 4), 34],
    [() => void (conv.weight.data[1] = 5), 54],
    [() => conv.weight.data.fill(1), 11],
    [() => void (conv.weight = cs.tensor([[[7, 0]]])), 7],
    [() => conv.loadStateDict({ weight: cs.tensor([[[0, 9]]]), bias: cs.tensor([1]) }), 91],
    [() => conv.bias?.set([0], 2), 92],
    [() => conv.weight.reshape([2]).set([0], 3), 95],
  ];
  for (const [change, want] of changes) {
    change();
    assert.deepEqual(row(conv, x), [want]);
    assert.deepEqual(row(stack, x), [want]);
    plan.run();
    assert.deepEqual([...plan.output], [want]);
  }
  plan.dispose();
});

test("weights given to a constructor are copied and draw no random numbers", async () => {
  const cs = await load(build);
  const weight = cs.tensor([[[2, 3]]]);
  const draws = (options: Record<string, unknown>): unknown => {
    cs.manualSeed(7);
    new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, ...options });
    return cs.rand([1]).toArray();
  };
  const skipped = (count: number): unknown => {
    cs.manualSeed(7);
    cs.rand([count]);
    return cs.rand([1]).toArray();
  };
  assert.deepEqual(draws({}), skipped(3));
  assert.deepEqual(draws({ weight }), skipped(1));
  assert.deepEqual(draws({ weight, biasValues: cs.zeros([1]) }), skipped(0));
  assert.deepEqual(draws({ bias: false }), skipped(2));
  const refused = { weight: cs.zeros([1]) };
  cs.manualSeed(7);
  assert.throws(() => new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, ...refused }), {
    code: "shape",
  });
  assert.deepEqual(cs.rand([1]).toArray(), skipped(0), "a refused layer drew numbers");
  const conv = conv1d(cs, [2, 3], { weight });
  weight.set([0, 0, 0], 100);
  assert.deepEqual(conv.weight.toArray(), [[[2, 3]]]);
});

test("parameters are shape-checked", async () => {
  const cs = await load(build);
  const conv = conv1d(cs, [2, 3]);
  assert.throws(() => (conv.weight = cs.zeros([1, 2])), {
    code: "shape",
    message: "weight must have the shape [1, 1, 2], but got [1, 2]",
  });
  assert.throws(() => (conv.bias = cs.zeros([2])), { code: "shape" });
  assert.throws(() => (conv.weight = [[[1, 2]]] as never), TypeError);
  const bare = new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 1, bias: false });
  assert.equal(bare.bias, null);
  assert.deepEqual(Object.keys(bare.stateDict()), ["weight"]);
  assert.equal(bare.backward(cs.ones([1, 2]), cs.ones([1, 2])).bias, null);
  assert.throws(() => (bare.bias = cs.zeros([1])), { code: "value" });
  assert.deepEqual(row(conv, cs.tensor([[1, 10]])), [32]);
});

test("loadStateDict says what is missing, unexpected or misshapen in torch's words, and then copies nothing", async () => {
  const cs = await load(build);
  const conv = conv1d(cs, [2, 3]);
  const state = conv.stateDict() as { weight: Tensor; bias: Tensor };
  state.weight.set([0, 0, 0], 50);
  assert.deepEqual(conv.weight.toArray(), [[[2, 3]]], "stateDict gives copies");
  assert.throws(() => conv.loadStateDict({ weight: state.weight }), {
    code: "shape",
    message: 'Error(s) in loading state_dict for Conv1d:\n\tMissing key(s) in state_dict: "bias". ',
  });
  assert.throws(() => conv.loadStateDict({ ...state, extra: cs.zeros([1]) }), {
    message:
      'Error(s) in loading state_dict for Conv1d:\n\tUnexpected key(s) in state_dict: "extra". ',
  });
  assert.throws(() => conv.loadStateDict({ ...state, bias: cs.zeros([2]) }), {
    message:
      "Error(s) in loading state_dict for Conv1d:\n\tsize mismatch for bias: copying a param with shape torch.Size([2]) from checkpoint, the shape in current model is torch.Size([1]).",
  });
  assert.deepEqual(conv.weight.toArray(), [[[2, 3]]]);
  const net = new cs.Sequential(new cs.ReLU(), conv, new cs.Sequential(conv1d(cs, [1])));
  assert.deepEqual(Object.keys(net.stateDict()), ["1.weight", "1.bias", "2.0.weight", "2.0.bias"]);
  net.loadStateDict({ ...net.stateDict(), "1.weight": cs.tensor([[[5, 6]]]) });
  assert.deepEqual(conv.weight.toArray(), [[[5, 6]]]);
});

test("padding per side is ours, and causal where all of it comes before", async () => {
  const cs = await load(build);
  const x = cs.tensor([[1, 2, 4]]);
  const causal = conv1d(cs, [1, 10], { padding: [[1, 0]] });
  assert.deepEqual(row(causal, x), [10, 21, 42]);
  assert.deepEqual(causal.receptiveField([1, 3], [0, 0]).toArray(), [[0, 0]]);
  const reflected = conv1d(cs, [1, 10], { padding: [[0, 1]], paddingMode: "reflect" });
  assert.deepEqual(row(reflected, x), [21, 42, 24]);
  assert.throws(
    () =>
      conv1d(cs, [1, 10], {
        padding: [
          [0, 1],
          [0, 1],
        ],
      }),
    { code: "value" },
  );
  assert.throws(() => conv1d(cs, [1, 10], { padding: [[0, 1, 2]] }), RangeError);
});

test('"same-upper" and "same-lower" give ceil(input / stride) outputs, the odd cell after or before', async () => {
  const cs = await load(build);
  // By ONNX's formula: out = 3, total = (3 - 1) * 2 + 2 - 5 = 1.
  const x = cs.tensor([[1, 2, 4, 8, 16]]);
  assert.deepEqual(row(conv1d(cs, [1, 10], { padding: "same-upper", stride: 2 }), x), [21, 84, 16]);
  assert.deepEqual(
    row(conv1d(cs, [1, 10], { padding: "same-lower", stride: 2 }), x),
    [10, 42, 168],
  );
});

test("explain's terms make its value, one by one in float32, and null stands for zero padding", async () => {
  const cs = await load(build);
  const conv = conv1d(cs, [2, 3], { padding: 1, biasValues: cs.tensor([0.5]) });
  assert.deepEqual(conv.explain(cs.tensor([[5, 7]]), [0, 0]), {
    value: 15.5,
    bias: 0.5,
    terms: [
      { input: null, x: 0, weight: [0, 0, 0], w: 2, product: 0 },
      { input: [0, 0], x: 5, weight: [0, 0, 1], w: 3, product: 15 },
    ],
  });
  cs.manualSeed(3);
  const big = new cs.ConvTranspose2d({
    inChannels: 2,
    outChannels: 4,
    kernelSize: 3,
    stride: 2,
    groups: 2,
  });
  const x = cs.rand([2, 3, 3]);
  const output = big.forward(x, { outputSize: [8, 8] });
  for (const index of [
    [0, 0, 0],
    [3, 4, 4],
    [1, 2, 7],
  ]) {
    const { value, bias, terms } = big.explain(x, index, { outputSize: [8, 8] });
    const sum = terms.reduce((at, { product }) => Math.fround(at + product), bias);
    assert.equal(value, sum);
    assert.equal(value, output.get(index));
    for (const { input, x: from, weight, w, product } of terms) {
      assert.equal(from, input === null ? 0 : x.get(input));
      assert.equal(w, big.weight.get(weight));
      assert.equal(product, Math.fround(from * w));
    }
  }
});

test("influence of a weight and of a bias are the outputs that read them", async () => {
  const cs = await load(build);
  const conv = new cs.Conv1d({ inChannels: 2, outChannels: 2, kernelSize: 2, padding: 1 });
  assert.deepEqual(conv.influence([2, 2], [1, 0, 0], "weight").toArray(), [
    [1, 1],
    [1, 2],
  ]);
  assert.deepEqual(conv.influence([2, 2], [0], "bias").toArray(), [
    [0, 0],
    [0, 1],
    [0, 2],
  ]);
  const net = new cs.Sequential(
    conv,
    new cs.Conv1d({ inChannels: 2, outChannels: 1, kernelSize: 1 }),
  );
  assert.deepEqual(net.influence([2, 2], [1, 0, 0], "0.weight").toArray(), [
    [0, 1],
    [0, 2],
  ]);
  assert.throws(() => conv.influence([2, 2], [0, 0, 0], "wieght"), RangeError);
  assert.throws(() => conv.influence([2, 2], [2, 0, 0], "weight"), { code: "index" });
});

test("sets keep their structure: lists per axis, holes and all", async () => {
  const cs = await load(build);
  const conv = new cs.Conv2d({ inChannels: 2, outChannels: 1, kernelSize: 2, dilation: 2 });
  const cells = conv.receptiveField([2, 5, 5], [0, 1, 0]);
  assert.deepEqual(
    cells.parts.map(({ axes }) => axes.map((list) => [...list])),
    [
      [
        [0, 1],
        [1, 3],
        [0, 2],
      ],
    ],
  );
  assert.equal(cells.size, 8);
  assert.ok(cells.has([1, 3, 2]) && !cells.has([1, 2, 2]) && !cells.has([1, 3]));
  assert.deepEqual([...cells], cells.toArray());
  // A window of a huge input costs what the window costs.
  assert.equal(conv.receptiveField([2, 16000, 16000], [0, 1000, 1000]).size, 8);
  const everything = new cs.AdaptiveAvgPool2d({ outputSize: 1 }).receptiveField(
    [1, 16000, 16000],
    [0, 0, 0],
  );
  assert.equal(everything.size, 16000 * 16000);
  assert.ok(everything.has([0, 15999, 0]));
  assert.throws(() => everything.toArray(), { name: "RangeError", message: /too many to list/ });
});

test("the figures of a receptive field grow layer by layer", async () => {
  const cs = await load(build);
  const net = new cs.Sequential(
    new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 3, padding: 1 }),
    new cs.MaxPool1d({ kernelSize: 2 }),
    new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 3, dilation: 2 }),
  );
  const steps = net.receptiveFieldSteps([1, 16]);
  assert.deepEqual(
    steps.map(({ outputShape }) => outputShape),
    [
      [1, 16],
      [1, 8],
      [1, 4],
    ],
  );
  // By hand: 3; then 3 + 1; then 4 + 2 taps further by 2 * 2 each.
  assert.deepEqual(
    steps.map(({ axes }) => [axes[0]?.size, axes[0]?.jump]),
    [
      [3, 1],
      [4, 2],
      [12, 2],
    ],
  );
  assert.match(steps[1]?.layer ?? "", /^MaxPool1d\(/);
});

test("math: fast stays close, and never enters a watch", async () => {
  const cs = await load(build);
  cs.manualSeed(11);
  const options = { inChannels: 16, outChannels: 16, kernelSize: 3, padding: 1 };
  const slow = new cs.Conv2d(options);
  const fast = new cs.Conv2d({
    ...options,
    weight: slow.weight,
    biasValues: slow.bias,
    math: "fast",
  });
  assert.equal(fast.math, "fast");
  const x = cs.randn([16, 20, 20]);
  const [a, b] = [slow.forward(x).data, fast.forward(x).data];
  // 144 terms of size 1/12 and inputs below 4: float32 sums differ by far less than 1e-4.
  a.forEach((value, i) => assert.ok(Math.abs(value - (b[i] as number)) < 1e-4));
  const w = cs.watch(fast, x);
  sameBits(w.output.data, a, "the watch");
  w.dispose();
  assert.equal(new cs.Sequential(fast, new cs.ReLU()).math, "fast");
});

test("functions of F give what layers give, and repeated calls do not mix up their arguments", async () => {
  const cs = await load(build);
  cs.manualSeed(5);
  const x = cs.randn([2, 6, 7]);
  for (let i = 0; i < 3; ++i) {
    for (const groups of [1, 2]) {
      for (const stride of [1, [2, 1]]) {
        const layer = new cs.Conv2d({
          inChannels: 2,
          outChannels: 4,
          kernelSize: [2, 3],
          groups,
          stride,
          padding: 1,
        });
        const { weight, bias } = layer;
        sameBits(
          cs.F.conv2d(x, weight, { bias, groups, stride, padding: 1 }).data,
          layer.forward(x).data,
          "conv2d",
        );
        const bare = new cs.Conv2d({ ...layer.options, bias: false, weight } as never);
        sameBits(
          cs.F.conv2d(x, weight, { groups, stride, padding: 1 }).data,
          bare.forward(x).data,
          "without bias",
        );
      }
    }
  }
  const transposed = new cs.ConvTranspose2d({
    inChannels: 2,
    outChannels: 3,
    kernelSize: 2,
    stride: 2,
    outputPadding: 1,
  });
  const { weight, bias } = transposed;
  sameBits(
    cs.F.convTranspose2d(x, weight, { bias, stride: 2, outputPadding: 1 }).data,
    transposed.forward(x).data,
    "convTranspose2d",
  );
  assert.deepEqual(cs.F.pad(cs.tensor([[1, 2]]), [1, 0], { value: -0.5 }).toArray(), [
    [-0.5, 1, 2],
  ]);
  assert.deepEqual(cs.F.pad(cs.tensor([[1, 2]]), [1, 0], { mode: "replicate" }).toArray(), [
    [1, 1, 2],
  ]);
  assert.deepEqual(cs.F.leakyRelu(cs.tensor([-2]), { negativeSlope: 0.5 }).toArray(), [-1]);
  assert.deepEqual(cs.F.leakyRelu(cs.tensor([-2]), { negativeSlope: 0.25 }).toArray(), [-0.5]);
  assert.throws(() => cs.F.conv2d(x, weight, { bias: cs.zeros([3]) }), {
    code: "shape",
    message:
      "Given weight of size [2, 3, 2, 2], expected bias to be 1-dimensional with 2 elements, but got bias of size [3] instead",
  });
  assert.throws(() => cs.F.softplus(x, { bta: 1 } as never), {
    name: "TypeError",
    message: /Unknown option "bta"/,
  });
});

test("options that nobody knows are refused by name", async () => {
  const cs = await load(build);
  assert.throws(() => new cs.Conv2d({ inChannels: 1, outChannels: 1, kernel_size: 3 } as never), {
    name: "TypeError",
    message:
      /^Unknown option "kernel_size" in options: there are inChannels, outChannels, kernelSize/,
  });
  assert.throws(() => new cs.AvgPool1d({ kernelSize: 2, divisorOverride: 3 } as never), TypeError);
  assert.throws(() => new cs.Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 2.5 }), {
    name: "RangeError",
    message: "Expected integer for kernelSize but received 2.5 of type number",
  });
  assert.throws(() => new cs.Conv2d({ inChannels: "1" as never, outChannels: 1, kernelSize: 2 }), {
    name: "TypeError",
    message: 'Expected integer for inChannels but received "1" of type string',
  });
});
