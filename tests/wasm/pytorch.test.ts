// Layers as PyTorch code: what toPyTorch writes, and fromPyTorch reads.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer, Tensor } from "convscope";
import { sameBits } from "./support/compare.js";
import { makeCall } from "./support/layers.js";
import { builds, load } from "./support/package.js";
import { readCvec, type VectorTensor } from "./support/vectors.js";

const build = builds[0] as "simd";

/** Layers of every kind, as PyTorch code. */
const code = [
  "nn.Conv1d(in_channels=1, out_channels=2, kernel_size=3)",
  'nn.Conv2d(in_channels=4, out_channels=8, kernel_size=(2, 3), padding="same", dilation=2, groups=2, bias=False, padding_mode="circular")',
  "nn.Conv3d(in_channels=1, out_channels=2, kernel_size=2, stride=(1, 2, 1), padding=(0, 1, 0))",
  "nn.ConvTranspose1d(in_channels=2, out_channels=4, kernel_size=3, groups=2, dilation=2)",
  "nn.ConvTranspose2d(in_channels=2, out_channels=1, kernel_size=(2, 3), bias=False)",
  "nn.ConvTranspose3d(in_channels=2, out_channels=2, kernel_size=3, stride=2, padding=1, output_padding=1)",
  "nn.MaxPool1d(kernel_size=2)",
  "nn.MaxPool2d(kernel_size=3, stride=2, padding=1, return_indices=True, ceil_mode=True)",
  "nn.MaxPool3d(kernel_size=2, dilation=2)",
  "nn.AvgPool1d(kernel_size=2, stride=1)",
  "nn.AvgPool2d(kernel_size=(3, 2), padding=1)",
  "nn.AvgPool3d(kernel_size=2, count_include_pad=False, divisor_override=3)",
  "nn.AdaptiveAvgPool1d(output_size=3)",
  "nn.AdaptiveAvgPool2d(output_size=(None, 7))",
  "nn.AdaptiveAvgPool3d(output_size=1)",
  "nn.AdaptiveMaxPool1d(output_size=5)",
  "nn.AdaptiveMaxPool2d(output_size=2)",
  "nn.AdaptiveMaxPool3d(output_size=(1, 2, 3), return_indices=True)",
  ...[1, 2, 3].flatMap((axes) => [
    `nn.ZeroPad${axes}d(padding=1)`,
    `nn.ConstantPad${axes}d(padding=(1, 2${", 0".repeat(2 * axes - 2)}), value=3.5)`,
    `nn.ReflectionPad${axes}d(padding=1)`,
    `nn.ReplicationPad${axes}d(padding=(0, 2${", 1".repeat(2 * axes - 2)}))`,
    `nn.CircularPad${axes}d(padding=2)`,
  ]),
  "nn.Unfold(kernel_size=(2, 3), stride=2)",
  "nn.Fold(output_size=(4, 5), kernel_size=2)",
  "nn.ReLU()",
  "nn.ReLU6()",
  "nn.LeakyReLU(negative_slope=0.2)",
  "nn.ELU(alpha=0.5)",
  "nn.SELU()",
  "nn.CELU(alpha=2)",
  'nn.GELU(approximate="tanh")',
  "nn.SiLU()",
  "nn.Mish()",
  "nn.Sigmoid()",
  "nn.Tanh()",
  "nn.Softplus(beta=2, threshold=10)",
  "nn.Softsign()",
  "nn.Hardswish()",
  "nn.Hardsigmoid()",
  "nn.Hardtanh(min_val=-2, max_val=2)",
  "nn.LogSigmoid()",
  "nn.Sequential(\n    nn.Conv2d(in_channels=1, out_channels=2, kernel_size=3),\n    nn.Sequential(\n        nn.ReLU(),\n    ),\n)",
];

test("PyTorch code becomes a layer and the same code again", async () => {
  const cs = await load(build);
  for (const line of code) assert.equal(cs.toPyTorch(cs.fromPyTorch(line)), line);
  // Every class of layers that the package has is among them.
  const classes = Object.entries(cs).filter(
    ([, value]) => typeof value === "function" && "forward" in (value.prototype ?? {}),
  );
  assert.deepEqual(
    [...new Set(code.map((line) => /^nn\.(\w+)/.exec(line)?.[1]))].sort(),
    classes.map(([name]) => name).sort(),
  );
});

test("the code of PyTorch's vectors' layers makes layers of the same values", async (t) => {
  const cs = await load(build);
  let count = 0;
  for (const c of (await readCvec(t, "torch/valid.cvec")) ?? []) {
    if (!c.api.startsWith("nn.")) continue;
    const layer = makeCall(cs, c.api, c.given, {}, c.tensors).layer as Layer;
    const text = cs.toPyTorch(layer);
    const twin = cs.fromPyTorch(text) as Layer;
    assert.equal(String(twin), String(layer));
    twin.loadStateDict(layer.stateDict());
    const input = c.tensors.get("input") as VectorTensor;
    const x = cs.tensor(input.data, input.shape);
    const [want, got] = [layer, twin].map((each) => [each.forward(x)].flat() as Tensor[]);
    for (const [i, one] of (want as Tensor[]).entries())
      assert.ok(got?.[i]?.equals(one) || one.data.some(Number.isNaN), `${c.id}: ${text}`);
    ++count;
  }
  t.diagnostic(`${count} layers`);
  assert.ok(count > 400);
});

test("fromPyTorch reads what people write and what torch prints", async () => {
  const cs = await load(build);
  const same = (text: string, want: string): void =>
    assert.equal(String(cs.fromPyTorch(text)), want);
  same("Conv2d(1, 6, 5)", "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))");
  same(
    "conv = torch.nn.Conv1d(in_channels = 3, out_channels = 1, kernel_size = 2)",
    "Conv1d(3, 1, kernel_size=(2,), stride=(1,))",
  );
  same("nn.ReLU(inplace=True)  # in place", "ReLU()");
  same(
    "nn.Conv2d(\n  1, 6, # channels\n  kernel_size=[3, 3],\n)",
    "Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1))",
  );
  for (const value of ["-inf", "-math.inf", 'float("-inf")'])
    same(`nn.ConstantPad1d(2, ${value})`, "ConstantPad1d(padding=(2, 2), value=-inf)");
  same("ConstantPad1d(padding=(2, 2), value=nan)", "ConstantPad1d(padding=(2, 2), value=nan)");
  for (const line of code) {
    const text = String(cs.fromPyTorch(line));
    // Prints leave out some arguments; what they say must come back.
    same(text, text);
  }
});

test("what fromPyTorch cannot read is refused, saying where", async () => {
  const cs = await load(build);
  const texts = [
    "",
    "nn.Conv2d(1, 2",
    "nn.Conv2d(1, 2, 3))",
    "nn.Conv2d(1, 2, 3, colour=4)",
    "nn.Conv2d(1, 2, 3, kernel_size=3)",
    "nn.Linear(3, 4)",
    "nn.Conv(1, 2, 3)",
    "nn.constructor(1)",
    "__import__('os').system('true')",
    "nn.ReLU(1, 2, 3)",
    "nn.Sequential(nn.ReLU() nn.ReLU()",
    "nn.Conv2d(1, 2, ((((3)))))",
    `${"nn.Sequential(".repeat(100)}${")".repeat(100)}`,
    "nn.Conv2d(1, 2, 3) @",
  ];
  for (const text of texts) {
    assert.throws(
      () => cs.fromPyTorch(text),
      { name: "ConvscopeError", code: "value", message: /^fromPyTorch: .* in line \d+$/ },
      text,
    );
  }
  assert.throws(() => cs.fromPyTorch("nn.Conv2d(3, 2, 3, groups=2)"), {
    message: "in_channels must be divisible by groups",
  });
});

test("padding per side becomes a layer of its own in PyTorch code", async () => {
  const cs = await load(build);
  const conv = new cs.Conv2d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: 2,
    padding: [
      [1, 0],
      [2, 3],
    ],
  });
  assert.equal(
    cs.toPyTorch(conv),
    "nn.Sequential(\n    nn.ZeroPad2d(padding=(2, 3, 1, 0)),\n    nn.Conv2d(in_channels=1, out_channels=1, kernel_size=2),\n)",
  );
  const twin = cs.fromPyTorch(cs.toPyTorch(conv)) as Layer;
  twin.loadStateDict({ "1.weight": conv.weight, "1.bias": conv.bias as Tensor });
  const x = cs.rand([1, 4, 4]);
  sameBits(twin.forward(x).data, conv.forward(x).data, "the same numbers");
  const upper = new cs.Conv2d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: 2,
    stride: 2,
    padding: "same-upper",
  });
  assert.throws(() => cs.toPyTorch(upper), { code: "not-implemented" });
});
