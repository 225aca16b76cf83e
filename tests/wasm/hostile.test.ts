// Hostile arguments: every public call with everything that no number, shape or tensor is. Each is refused in words of
// ours, none traps or hangs, and after each the next call works.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  builds,
  load,
  loadWithOnnx,
  type Package,
  type PackageWithOnnx,
} from "./support/package.js";

/** A value nobody should pass, made anew for each call. */
const values: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  NaN: () => NaN,
  Infinity: () => Infinity,
  "-Infinity": () => -Infinity,
  "-1": () => -1,
  "0": () => 0,
  "1.5": () => 1.5,
  "2^30": () => 2 ** 30,
  "2^31": () => 2 ** 31,
  "2^32 + 5": () => 2 ** 32 + 5,
  "2^53 - 1": () => 2 ** 53 - 1,
  "-(2^53 - 1)": () => 1 - 2 ** 53,
  "2^53": () => 2 ** 53,
  "1e308": () => 1e308,
  '"3"': () => "3",
  '""': () => "",
  "a long string": () => "x".repeat(100_000),
  "3n": () => 3n,
  "a symbol": () => Symbol("x"),
  "a function": () => () => 3,
  "a date": () => new Date(),
  "{}": () => ({}),
  "[]": () => [],
  "[-1]": () => [-1],
  "[NaN]": () => [NaN],
  "[2^31, 2^31]": () => [2 ** 31, 2 ** 31],
  "[2^52, 2^52]": () => [2 ** 52, 2 ** 52],
  "[[1], [2]]": () => [[1], [2]],
  '["1", "2"]': () => ["1", "2"],
  "[1, , 3]": () => [1, , 3], // eslint-disable-line no-sparse-arrays
  "[null]": () => [null],
  "a million numbers": () => new Array(1_000_000).fill(1),
  "a thousand levels": () => {
    let nested: unknown = 1;
    for (let i = 0; i < 1000; ++i) nested = [nested];
    return nested;
  },
  "a Float32Array": () => new Float32Array(3),
  "a BigInt64Array": () => new BigInt64Array(3),
  "a detached array": () => {
    const array = new Float32Array(3);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return array;
  },
  "an object that looks like a tensor": () => ({ data: new Float32Array(1), shape: [1], size: 1 }),
};

/** Public calls, each with one argument replaced. `any` is what TypeScript would not let pass. */
function callsOf(cs: Package): Record<string, (value: never) => unknown> {
  const conv = new cs.Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
  const transposed = new cs.ConvTranspose2d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: 2,
    stride: 2,
  });
  const x = cs.ones([1, 3, 4]);
  const calls: Record<string, (value: never) => unknown> = {
    manualSeed: (v) => cs.manualSeed(v),
    tensor: (v) => cs.tensor(v),
    "tensor, shape": (v) => cs.tensor(new Float32Array(6), v),
    zeros: (v) => cs.zeros(v),
    ones: (v) => cs.ones(v),
    full: (v) => cs.full(v, 1),
    "full, value": (v) => cs.full([2], v),
    "arange, end": (v) => (v === 2 ** 31 ? 0 : cs.arange(v)),
    "arange, step": (v) => cs.arange(0, 10, v),
    rand: (v) => cs.rand(v),
    randn: (v) => cs.randn(v),
    "Tensor.get": (v) => x.get(v),
    "Tensor.set, index": (v) => cs.ones([1]).set(v, 1),
    "Tensor.set, value": (v) => cs.ones([1]).set([0], v),
    "Tensor.reshape": (v) => x.reshape(v),
    "Tensor.equals": (v) => x.equals(v),
    "new Tensor": (v) => new cs.Tensor(v, [1]),
    forward: (v) => conv.forward(v),
    outputShape: (v) => conv.outputShape(v),
    "backward, x": (v) => conv.backward(v, cs.ones([1, 2, 3])),
    "backward, gradOutput": (v) => conv.backward(x, v),
    "receptiveField, shape": (v) => conv.receptiveField(v, [0, 0, 0]),
    "receptiveField, index": (v) => conv.receptiveField([1, 3, 4], v),
    "influence, shape": (v) => conv.influence(v, [0, 0, 0]),
    "influence, index": (v) => conv.influence([1, 3, 4], v),
    "influence, target": (v) => conv.influence([1, 3, 4], [0, 0, 0], v),
    receptiveFieldSteps: (v) => conv.receptiveFieldSteps(v),
    "explain, x": (v) => conv.explain(v, [0, 0, 0]),
    "explain, index": (v) => conv.explain(x, v),
    "plan, shape": (v) => conv.plan(v).dispose(),
    "plan, options": (v) => conv.plan([1, 3, 4], v).dispose(),
    "plan, math": (v) => conv.plan([1, 3, 4], { math: v }).dispose(),
    "weight =": (v) => {
      conv.weight = v;
    },
    "bias =": (v) => {
      conv.bias = v;
    },
    loadStateDict: (v) => conv.loadStateDict(v),
    "loadStateDict, weight": (v) => conv.loadStateDict({ weight: v, bias: cs.zeros([1]) }),
    "forward, outputSize": (v) => transposed.forward(cs.ones([1, 2, 2]), { outputSize: v }),
    "forward, options": (v) => transposed.forward(cs.ones([1, 2, 2]), v),
    "watch, layer": (v) => cs.watch(v, x),
    "watch, x": (v) => cs.watch(conv, v),
    "Cells.has": (v) => conv.receptiveField([1, 3, 4], [0, 0, 0]).has(v),
    Sequential: (v) => new cs.Sequential(v),
    toPyTorch: (v) => cs.toPyTorch(v),
    fromPyTorch: (v) => cs.fromPyTorch(v),
    "toOnnx, layer": (v) => cs.toOnnx(v, [1, 3, 4]),
    "toOnnx, shape": (v) => cs.toOnnx(conv, v),
    "F.conv2d, x": (v) => cs.F.conv2d(v, cs.ones([1, 1, 2, 2])),
    "F.conv2d, weight": (v) => cs.F.conv2d(x, v),
    "F.conv2d, options": (v) => cs.F.conv2d(x, cs.ones([1, 1, 2, 2]), v),
    "F.pad, pad": (v) => cs.F.pad(x, v),
    "F.pad, mode": (v) => cs.F.pad(x, [1, 1], { mode: v }),
    "F.pad, value": (v) => cs.F.pad(x, [1, 1], { value: v }),
    "F.unfold": (v) => cs.F.unfold(x, v),
    "F.fold": (v) => cs.F.fold(cs.ones([4, 6]), v, 2),
    "F.maxPool2d": (v) => cs.F.maxPool2d(x, v),
    "F.avgPool2d": (v) => cs.F.avgPool2d(x, v),
    "F.adaptiveAvgPool2d": (v) => cs.F.adaptiveAvgPool2d(x, v),
    "F.relu": (v) => cs.F.relu(v),
    "F.softplus": (v) => cs.F.softplus(x, v),
    init: (v) => cs.init(v).catch((error: unknown) => checkRefusal(cs, error)),
  };
  const w = cs.watch(conv, x);
  Object.assign(calls, {
    "Watch.set, target": (v: never) => w.set(v, [0, 0, 0], 1),
    "Watch.set, index": (v: never) => w.set("input", v, 1),
    "Watch.set, value": (v: never) => w.set("input", [0, 0, 0], v),
    "Watch.setMany": (v: never) => w.setMany(v),
    "Watch.setMany, edit": (v: never) => w.setMany([v]),
    "Watch.whyKept": (v: never) => w.whyKept(v),
    "Watch.replace": (v: never) => w.replace(v),
    "Watch.values": (v: never) => w.values(v),
  });
  const withOption = (
    name: string,
    required: Record<string, unknown>,
    keys: readonly string[],
  ): void => {
    const type = (cs as unknown as Record<string, unknown>)[name] as new (
      options: unknown,
    ) => typeof conv;
    calls[name] = (v) => new type(v);
    for (const key of keys) {
      calls[`${name}, ${key}`] = (v: never) => new type({ ...required, [key]: v }).forward(x);
    }
  };
  const window = ["kernelSize", "stride", "padding", "dilation"];
  const sizes = { inChannels: 1, outChannels: 1, kernelSize: 2 };
  withOption("Conv2d", sizes, [
    ...[
      "inChannels",
      "outChannels",
      ...window,
      "groups",
      "bias",
      "paddingMode",
      "weight",
      "biasValues",
      "math",
    ],
  ]);
  withOption("ConvTranspose2d", sizes, [...window, "outputPadding", "groups"]);
  withOption("MaxPool2d", { kernelSize: 2 }, [...window, "ceilMode", "returnIndices"]);
  withOption("AvgPool2d", { kernelSize: 2 }, [
    "kernelSize",
    "stride",
    "padding",
    "countIncludePad",
    "divisorOverride",
  ]);
  withOption("AdaptiveAvgPool2d", {}, ["outputSize"]);
  withOption("AdaptiveMaxPool2d", { outputSize: 1 }, ["outputSize", "returnIndices"]);
  withOption("ReflectionPad2d", {}, ["padding"]);
  withOption("CircularPad2d", {}, ["padding"]);
  withOption("ConstantPad2d", { padding: 1, value: 0 }, ["padding", "value"]);
  withOption("Unfold", { kernelSize: 2 }, window);
  withOption("Fold", { kernelSize: 2, outputSize: 3 }, ["outputSize", ...window]);
  withOption("LeakyReLU", {}, ["negativeSlope"]);
  withOption("GELU", {}, ["approximate"]);
  withOption("Softplus", {}, ["beta", "threshold"]);
  withOption("Hardtanh", {}, ["minVal", "maxVal"]);
  return calls;
}

function onnxCallsOf(cs: PackageWithOnnx): Record<string, (value: never) => unknown> {
  const model = cs.toOnnx(new cs.ReLU(), [1]);
  return {
    fromOnnx: (v) => cs.fromOnnx(v),
    "fromOnnx, options": (v) => cs.fromOnnx(model, v),
    "fromOnnx, input": (v) => cs.fromOnnx(model, { input: v }),
    onnxParts: (v) => cs.onnxParts(v),
  };
}

/** Words that only the engine, Emscripten or a bug of ours would say. */
const foreign =
  /memory access|unreachable|BindingError|Invalid (typed )?array|is not a function|Cannot (read|convert|mix|destructure)|undefined is not|is not iterable|call stack|Aborted|null function|private member|table index|could not be cloned|Cannot pass/i;

function checkRefusal(cs: Package, error: unknown): void {
  assert.ok(error instanceof Error, `threw ${String(error)}`);
  const isOurs =
    error instanceof cs.ConvscopeError || error instanceof TypeError || error instanceof RangeError;
  assert.ok(isOurs, `threw a ${error.name}: ${error.message}`);
  assert.ok(!foreign.test(error.message), `says "${error.message}"\n${error.stack ?? ""}`);
  assert.ok(error.message.length < 2000, `says ${error.message.length} characters`);
}

for (const build of builds) {
  test(`no argument traps, hangs or is answered in the engine's words, and the next call works (${build})`, async (t) => {
    const own = build === "simd" ? await loadWithOnnx() : null;
    const cs = own ?? (await load(build));
    const calls = { ...callsOf(cs), ...(own && onnxCallsOf(own)) };
    const control = new cs.Conv1d({
      inChannels: 1,
      outChannels: 1,
      kernelSize: 2,
      weight: cs.tensor([[[2, 3]]]),
      biasValues: cs.tensor([0.5]),
    });
    const input = cs.tensor([[1, 10, 100]]);
    const failures: string[] = [];
    let refused = 0;
    let accepted = 0;
    for (const [callName, call] of Object.entries(calls)) {
      for (const [valueName, value] of Object.entries(values)) {
        try {
          await call(value() as never);
          ++accepted;
        } catch (error) {
          ++refused;
          try {
            checkRefusal(cs, error);
          } catch (fault) {
            failures.push(`${callName} with ${valueName}: ${(fault as Error).message}`);
          }
        }
      }
      assert.deepEqual(
        control.forward(input).toArray(),
        [[32.5, 320.5]],
        `forward after ${callName}`,
      );
    }
    t.diagnostic(`${refused} refused, ${accepted} accepted (${build})`);
    assert.deepEqual(failures, []);
  });

  test(`tensors whose memory was given away are refused everywhere (${build})`, async () => {
    const cs = await load(build);
    const detached = (): InstanceType<Package["Tensor"]> => {
      const tensor = cs.ones([1, 3, 4]);
      structuredClone(tensor.data.buffer, { transfer: [tensor.data.buffer as ArrayBuffer] });
      return tensor;
    };
    const conv = new cs.Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
    const uses: (() => unknown)[] = [
      () => conv.forward(detached()),
      () => conv.backward(detached(), cs.ones([1, 2, 3])),
      () => conv.explain(detached(), [0, 0, 0]),
      () => cs.watch(conv, detached()),
      () => String(detached()),
      () => detached().get([0, 0, 0]),
      () => detached().set([0, 0, 0], 1),
      () => detached().toArray(),
      () => detached().clone(),
      () => detached().equals(cs.ones([1, 3, 4])),
      () => cs.ones([1, 3, 4]).equals(detached()),
      () => {
        const { weight } = conv;
        structuredClone(weight.data.buffer, { transfer: [weight.data.buffer as ArrayBuffer] });
        conv.forward(cs.ones([1, 3, 4]));
      },
    ];
    for (const use of uses)
      assert.throws(use, { name: "ConvscopeError", code: "detached" }, String(use));
    conv.weight = cs.ones([1, 1, 2, 2]);
    conv.bias = cs.zeros([1]);
    assert.deepEqual(conv.forward(cs.ones([1, 2, 2])).toArray(), [[[4]]]);
  });
}
