// Who owns WebAssembly memory: cycles and scrubs leave it as it was, dropped objects give it back, and running out of it is
// an error like others. The memory never shrinks, so its size after a warm-up is what must stay.
import assert from "node:assert/strict";
import { setImmediate as tick } from "node:timers/promises";
import { test } from "node:test";
import type { Plan } from "convscope";
import { builds, fresh, load, type Package } from "./support/package.js";

const bytesOf = (plan: Plan): number => plan.input.buffer.byteLength;

/** The size of the WebAssembly memory, seen through a small plan's view. */
function memory(cs: Package): number {
  using plan = new cs.ReLU().plan([1]);
  return bytesOf(plan);
}

/** Lets finalisers run. */
async function collect(): Promise<void> {
  for (let i = 0; i < 6; ++i) {
    (globalThis as unknown as { gc(): void }).gc();
    await tick();
  }
}

const options = { inChannels: 4, outChannels: 4, kernelSize: 3, padding: 1 };

for (const build of builds) {
  test(`forward over changing shapes leaves the memory as it was (${build})`, async () => {
    const cs = await load(build);
    const conv = new cs.Conv2d(options);
    const round = (): void => {
      for (let size = 3; size < 60; ++size) conv.forward(cs.zeros([4, size, 70 - size]));
    };
    round();
    const before = memory(cs);
    for (let i = 0; i < 20; ++i) round();
    assert.equal(memory(cs), before);
  });

  test(`plans and watches that are disposed of leave the memory as it was (${build})`, async () => {
    const cs = await load(build);
    const conv = new cs.Conv2d(options);
    const x = cs.ones([4, 64, 64]);
    const round = (): void => {
      const plan = conv.plan([4, 64, 64]);
      plan.run();
      plan.dispose();
      const w = cs.watch(conv, x);
      w.set("input", [0, 1, 1], 2);
      w.dispose();
    };
    for (let i = 0; i < 20; ++i) round();
    const before = memory(cs);
    for (let i = 0; i < 500; ++i) round();
    assert.equal(memory(cs), before);
  });

  test(`layers, plans, watches and gradients that are dropped give their memory back (${build})`, async () => {
    const cs = await load(build);
    const round = async (): Promise<void> => {
      for (let i = 0; i < 40; ++i) {
        const conv = new cs.ConvTranspose2d({ ...options, stride: 2, padding: 0 });
        const x = cs.zeros([4, 40, 40]);
        conv.forward(x, { outputSize: [82, 82] });
        conv.plan([4, 40, 40]).run();
        cs.watch(new cs.Sequential(conv, new cs.ReLU()), x).set("0.weight", [0, 0, 0, 0], i);
        conv.backward(x, cs.zeros([4, 81, 81]));
        cs.F.conv2d(x, cs.zeros([4, 4, 1 + (i % 3), 1]));
      }
      await collect();
    };
    for (let i = 0; i < 3; ++i) await round();
    const before = memory(cs);
    for (let i = 0; i < 12; ++i) await round();
    assert.ok(memory(cs) <= before * 1.25, `${before} bytes became ${memory(cs)}`);
  });

  test(`a scrub allocates nothing that stays (${build})`, async () => {
    const cs = await load(build);
    const w = cs.watch(new cs.Conv2d(options), cs.zeros([4, 32, 32]));
    const scrub = (edits: number): void => {
      for (let i = 0; i < edits; ++i)
        w.set(i % 5 === 0 ? "weight" : "input", i % 5 === 0 ? [1, 1, 1, 1] : [1, 5, 5], i);
    };
    scrub(3000);
    const before = memory(cs);
    scrub(30_000);
    assert.equal(memory(cs), before);
    w.dispose();
  });

  test(`a layer that is used stays right while others come and go (${build})`, async () => {
    const cs = await load(build);
    const conv = new cs.Conv1d({
      inChannels: 1,
      outChannels: 1,
      kernelSize: 1,
      weight: cs.tensor([[[2]]]),
      biasValues: cs.zeros([1]),
    });
    const plan = conv.plan([1, 2]);
    for (let i = 0; i < 30; ++i) {
      // 16 MB each: the buffers that forward() keeps are given up in turn.
      new cs.ReLU().forward(cs.zeros([4 * 2 ** 20]));
      assert.deepEqual(conv.forward(cs.tensor([[i, 1]])).toArray(), [[2 * i, 2]]);
      plan.input.set([i, 1]);
      plan.run();
      assert.deepEqual([...plan.output], [2 * i, 2]);
    }
    plan.dispose();
  });

  test(`a disposed plan refuses every use, and to dispose of it again does nothing (${build})`, async () => {
    const cs = await load(build);
    const plan = new cs.ReLU().plan([1]);
    plan.dispose();
    plan.dispose();
    plan[Symbol.dispose]();
    for (const use of [
      () => plan.input,
      () => plan.output,
      () => plan.run(),
      () => plan.algorithm,
      () => plan.workspaceBytes,
    ]) {
      assert.throws(use, {
        name: "ConvscopeError",
        code: "disposed",
        message: "the plan was disposed of: make a new one",
      });
    }
  });

  test(`views stay good until the memory moves, and the getters then give new ones (${build})`, async () => {
    const cs = await fresh(`${build}-views`);
    await cs.init({ build });
    const plan = new cs.ReLU().plan([2]);
    const { input } = plan;
    input.set([-1, 3]);
    new cs.ReLU().plan([32 * 2 ** 20]).dispose();
    assert.equal(input.length, 0);
    plan.run();
    assert.deepEqual([...plan.output], [0, 3]);
    plan.dispose();
  });

  test(`out of memory is an error like others, and what came before goes on working (${build})`, async () => {
    const cs = await fresh(`${build}-memory`);
    await cs.init({ build });
    const conv = new cs.Conv1d({
      inChannels: 1,
      outChannels: 1,
      kernelSize: 1,
      weight: cs.tensor([[[2]]]),
      biasValues: cs.zeros([1]),
    });
    const w = cs.watch(conv, cs.tensor([[1, 2]]));
    const huge: readonly (() => unknown)[] = [
      // Input and output of 2 GB each are more than there is.
      () => new cs.ReLU().plan([2 ** 29]),
      () => new cs.ReLU().plan([2 ** 30 - 1]),
      () => new cs.Conv1d({ inChannels: 1, outChannels: 2 ** 30 - 1, kernelSize: 1, bias: false }),
    ];
    for (const attempt of huge) {
      assert.throws(attempt, {
        name: "ConvscopeError",
        code: "memory",
        message: /^out of memory: could not allocate \d+ bytes$/,
      });
      assert.deepEqual(conv.forward(cs.tensor([[1, 2]])).toArray(), [[2, 4]]);
      w.set("input", [0, 0], 5);
      assert.deepEqual(w.output.toArray(), [[10, 4]]);
      w.undo();
    }
    // What is made now lies beyond 2 GB, where addresses no longer fit a signed number.
    const half = new cs.ReLU().plan([2 ** 28]);
    const beyond = new cs.ReLU().plan([2 ** 26]);
    beyond.input[2 ** 26 - 1] = 7;
    beyond.run();
    assert.equal(beyond.output[2 ** 26 - 1], 7);
    half.dispose();
    beyond.dispose();
  });
}
