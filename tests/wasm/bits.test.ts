// Native and WebAssembly give the same bits: each case's checksum against the one that the native tests wrote and compare
// with, tests/data/bits.json.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import type { Tensor } from "convscope";
import { gradientsOf, makeCall } from "./support/layers.js";
import { builds, load, type Package } from "./support/package.js";
import { readBytes, readCvec, runCases, type Case, type JsonObject } from "./support/vectors.js";

/** FNV-1a, a word at a time. */
function checksum(words: Iterable<number>): string {
  let state = 2166136261;
  for (const word of words) state = Math.imul(state ^ word, 16777619);
  return (state >>> 0).toString(16).padStart(8, "0");
}

/** Output and gradients, in the order of their names. */
function resultsOf(cs: Package, c: Case): Float32Array[] {
  const tensorOf = (name: string): Tensor | null => {
    const found = c.tensors.get(name);
    return found === undefined ? null : cs.tensor(found.data, found.shape);
  };
  const x = tensorOf("input");
  assert.ok(x !== null);
  const options = (c.json.call ?? {}) as JsonObject;
  const { forward, layer } = makeCall(cs, c.api, c.given, options, c.tensors);
  const output = forward(x);
  const results = new Map([["output", Array.isArray(output) ? output[0] : output]]);
  const grad = tensorOf("grad_output");
  if (grad !== null) {
    for (const [name, tensor] of gradientsOf(cs, c, layer, x, grad)) results.set(name, tensor);
  }
  return [...results].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, tensor]) => tensor.data);
}

interface Bits {
  readonly vectors: string;
  readonly cases: Readonly<Record<string, string>>;
}

for (const build of builds) {
  test(`WebAssembly gives the bits of the native build, for every case (${build})`, async (t) => {
    const cs = await load(build);
    const name = "torch/valid.cvec";
    const bytes = await readBytes(t, name);
    const cases = await readCvec(t, name);
    if (bytes === null || cases === null) return;
    const bits = JSON.parse(await readFile(path.resolve("tests/data/bits.json"), "utf8")) as Bits;
    if (bits.vectors !== checksum(bytes)) {
      t.skip(`bits.json belongs to another ${name}`);
      return;
    }
    runCases(
      t,
      `bits.json (${build})`,
      cases,
      ({ id }) => id,
      (c) => {
        const words = resultsOf(cs, c).flatMap((data) => [
          ...new Uint32Array(data.buffer, data.byteOffset, data.length),
        ]);
        assert.equal(checksum(words), bits.cases[c.id]);
      },
    );
  });
}
