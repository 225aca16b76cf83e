// A long scrub, and queries at the edge of memory. `CONVSCOPE_SCRUB=1000000 npm test -- wasm` scrubs longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Watch } from "convscope";
import { builds, fresh, load, type Package } from "./support/package.js";

const edits = Number(process.env["CONVSCOPE_SCRUB"] ?? 100_000);
const settled = 1000;

function memory(cs: Package): number {
  using plan = new cs.ReLU().plan([1]);
  return plan.input.buffer.byteLength;
}

/** JavaScript's own memory once everything that can go has gone. */
async function heap(): Promise<number> {
  for (let i = 0; i < 3; ++i) {
    (globalThis as unknown as { gc(): void }).gc();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().heapUsed;
}

/** Edits of every kind, several at a time, and steps back and forth. */
function scrub(w: Watch, from: number, to: number): void {
  for (let i = from; i < to; ++i) {
    const value = ((i * 7919) % 1000) / 64 - 7;
    const kind = i % 16;
    if (kind === 0) w.undo();
    else if (kind === 1) w.redo();
    else if (kind === 2) w.set("0.weight", [i % 4, i % 3, 1, 1], value);
    else if (kind === 3) w.set("0.bias", [i % 4], value);
    else if (kind === 4)
      w.setMany([
        ["input", [0, 1, 1], value],
        ["input", [2, 9, i % 12], -value],
      ]);
    else w.set("input", [i % 3, (i >> 3) % 12, (i >> 5) % 12], value);
  }
}

for (const build of builds) {
  test(`${edits} edits hold no more memory than ${settled}, and end with a full run's bits (${build})`, async (t) => {
    const cs = await load(build);
    cs.manualSeed(1);
    const conv = new cs.Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 3, padding: 1 });
    const layer = new cs.Sequential(conv, new cs.ReLU(), new cs.MaxPool2d({ kernelSize: 2 }));
    const w = cs.watch(layer, cs.zeros([3, 12, 12]));
    scrub(w, 0, settled);
    const before = memory(cs);
    const heapBefore = await heap();
    scrub(w, settled, edits);
    assert.equal(memory(cs), before);
    const grown = (await heap()) - heapBefore;
    t.diagnostic(
      `WebAssembly ${before} bytes at both ends; JavaScript's heap grew by ${grown} bytes`,
    );
    assert.ok(grown < 2 ** 21, `JavaScript's heap grew by ${grown} bytes`);
    assert.deepEqual(
      new Uint32Array(w.output.data.slice().buffer),
      new Uint32Array(layer.forward(w.input).data.slice().buffer),
    );
    w.dispose();
  });

  test(`a query that finds no memory for its lists is refused, and the next one is answered (${build})`, async () => {
    const cs = await fresh(`${build}-full`);
    await cs.init({ build });
    const pool = new cs.AdaptiveAvgPool1d({ outputSize: 1 });
    const length = 2 ** 24;
    const small = (): void =>
      assert.deepEqual(pool.receptiveField([1, 3], [0, 0]).toArray(), [
        [0, 0],
        [0, 1],
        [0, 2],
      ]);
    small();
    // All memory but for some megabytes, in pieces.
    const plans: { dispose(): void }[] = [];
    for (let size = 2 ** 27; size >= 2 ** 20; size /= 2) {
      for (;;) {
        try {
          plans.push(new cs.ReLU().plan([size]));
        } catch (error) {
          assert.ok(error instanceof cs.ConvscopeError && error.code === "memory", String(error));
          break;
        }
      }
    }
    assert.throws(() => pool.receptiveField([1, length], [0, 0]).size, {
      name: "ConvscopeError",
      code: "memory",
      message: /^out of memory/u,
    });
    small();
    plans.forEach((plan) => plan.dispose());
    small();
    assert.equal(pool.receptiveField([1, length], [0, 0]).size, length);
  });
}
