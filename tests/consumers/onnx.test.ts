// toOnnx as others read it: ONNX Runtime runs the models, and gives the values that PyTorch and our own layers give.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Layer, Tensor } from "convscope";
import { compareWithTorch, termsOf, within } from "../wasm/support/compare.js";
import { makeCall } from "../wasm/support/layers.js";
import { loadWithOnnx } from "../wasm/support/package.js";
import { Random } from "../wasm/support/random.js";
import { readCvec, type JsonObject, type VectorTensor } from "../wasm/support/vectors.js";

interface RuntimeTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

interface Foreign {
  readonly name: string;
  readonly model: string;
  readonly part?: number | null;
  readonly shape: number[];
  readonly input: string;
}

interface Runtime {
  readonly env: { logLevel: string; readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      readonly inputNames: readonly string[];
      run(feeds: Record<string, RuntimeTensor>): Promise<Record<string, RuntimeTensor>>;
      release(): Promise<void>;
    }>;
  };
}

const require = createRequire(path.resolve("tests/consumers/package.json"));
const ort = (await import(pathToFileURL(require.resolve("onnxruntime-web")).href)) as Runtime;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const cs = await loadWithOnnx();

async function run(model: Uint8Array, x: Tensor): Promise<RuntimeTensor> {
  const session = await ort.InferenceSession.create(model);
  try {
    const feeds = { [session.inputNames[0] as string]: new ort.Tensor("float32", x.data, x.shape) };
    return Object.values(await session.run(feeds))[0] as RuntimeTensor;
  } finally {
    await session.release();
  }
}

test("ONNX Runtime gives what PyTorch gives, for every layer of its vectors", async (t) => {
  const cases = (await readCvec(t, "torch/valid.cvec")) ?? [];
  const names = new Set<string>();
  const failures: string[] = [];
  let count = 0;
  for (const c of cases) {
    const tags = (c.json.tags ?? []) as readonly string[];
    const call = (c.json.call ?? {}) as JsonObject;
    // Inf and NaN spread in other ways; outputSize is of a call, not of a layer.
    if (!c.api.startsWith("nn.") || tags.includes("nonfinite") || call.output_size !== undefined)
      continue;
    const { return_indices: _, ...given } = c.given;
    const { layer } = makeCall(cs, c.api, given, {}, c.tensors);
    const input = c.tensors.get("input") as VectorTensor;
    if (input.shape.includes(0)) continue;
    try {
      const model = cs.toOnnx(layer as Layer<unknown>, input.shape);
      const got = await run(model, cs.tensor(input.data, input.shape));
      assert.deepEqual(got.dims, (c.tensors.get("output") as VectorTensor).shape);
      compareWithTorch(c, "output", got.data, termsOf(c, "output"));
    } catch (error) {
      failures.push(`${c.id} ${String(layer)}: ${(error as Error).message.slice(0, 300)}`);
    }
    names.add(c.api);
    ++count;
  }
  t.diagnostic(`${count} cases of ${names.size} layers`);
  assert.deepEqual(failures, []);
});

test("random stacks give ONNX Runtime the values that they give", async (t) => {
  const failures: string[] = [];
  const rounds = 300;
  for (let round = 0; round < rounds; ++round) {
    const random = new Random(round);
    cs.manualSeed(round);
    const axes = random.pick([1, 2, 3] as const);
    const shape = [random.int(1, 3), ...Array.from({ length: axes }, () => random.int(3, 9))];
    const layer = random.stack(cs, axes, shape);
    const batched = random.next() < 0.5 ? [random.int(1, 3), ...shape] : shape;
    const x = cs.randn(batched);
    try {
      const got = await run(cs.toOnnx(layer, batched), x);
      const want = layer.forward(x);
      assert.deepEqual(got.dims, want.shape);
      within(got.data, want.data, (value) => 2e-5 + 2e-5 * Math.abs(value), "output");
    } catch (error) {
      failures.push(
        `${round} [${batched.join()}] ${String(layer)} ${JSON.stringify((layer as Layer).options)}: ${(error as Error).message.slice(0, 300)}`,
      );
    }
  }
  t.diagnostic(`${rounds} stacks`);
  assert.deepEqual(failures, []);
});

test("models of others give ONNX Runtime and fromOnnx's layers the same values", async () => {
  for (const file of ["onnx", "onnx_torch"]) {
    const { cases } = JSON.parse(readFileSync(`tests/data/${file}.json`, "utf8")) as {
      readonly cases: readonly Foreign[];
    };
    for (const { name, model, part, shape, input } of cases) {
      // Of a part, PyTorch's values are in the file; ONNX Runtime gives those of whole models.
      if (part != null) continue;
      const bytes = new Uint8Array(Buffer.from(model, "base64"));
      const x = cs.tensor(
        new Float32Array(new Uint8Array(Buffer.from(input, "base64")).buffer),
        shape,
      );
      const want = cs.fromOnnx(bytes).forward(x);
      let got: RuntimeTensor;
      try {
        got = await run(bytes, x);
      } catch (error) {
        // Kernels that ONNX Runtime lacks for a type of weights.
        if (!/NOT_IMPLEMENTED|Type Error/.test((error as Error).message)) throw error;
        assert.match(name, /FLOAT16|DOUBLE/);
        continue;
      }
      assert.deepEqual(got.dims, want.shape, name);
      within(got.data, want.data, (value) => 1e-5 + 1e-5 * Math.abs(value), name);
    }
  }
});
