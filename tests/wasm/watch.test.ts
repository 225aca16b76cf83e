// Watches: exactly the outputs that an edit reaches, to the bit.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cells, Layer, Tensor } from "convscope";
import { sameBits, sameValue } from "./support/compare.js";
import { builds, load, type Package } from "./support/package.js";
import { Random } from "./support/random.js";

/** The row-major offsets of cells. */
function offsetsOf(cells: Iterable<readonly number[]>, shape: readonly number[]): Set<number> {
  const offsets = new Set<number>();
  for (const index of cells)
    offsets.add(index.reduce((at, n, axis) => at * (shape[axis] as number) + n, 0));
  return offsets;
}

/** Brute force: an output is reached by an input if the input lies in the output's receptive field. */
function readersOf(
  layer: Layer,
  inputShape: readonly number[],
  index: readonly number[],
): Set<number> {
  const output = layer.outputShape(inputShape);
  const readers = new Set<number>();
  const size = output.reduce((product, n) => product * n, 1);
  for (let offset = 0; offset < size; ++offset) {
    const at: number[] = [];
    for (
      let rest = offset, axis = output.length;
      axis-- > 0;
      rest = Math.floor(rest / (output[axis] as number))
    ) {
      at[axis] = rest % (output[axis] as number);
    }
    if (layer.receptiveField(inputShape, at).has(index)) readers.add(offset);
  }
  return readers;
}

function checkStory(cs: Package, seed: number): void {
  const random = new Random(seed);
  const axes = random.pick([1, 2, 2, 3] as const);
  const shape = [
    random.int(1, 3),
    ...Array.from({ length: axes }, () => random.int(2, axes === 3 ? 4 : 7)),
  ];
  const layer = random.stack(cs, axes, shape);
  const story = `seed ${seed}: ${String(layer)} on [${shape.join()}]`;
  const w = cs.watch(layer, random.tensor(cs, shape));
  sameBits(w.output.data, layer.forward(w.input).data, `${story}: at first`);
  const states: {
    readonly input: Tensor;
    readonly output: Tensor;
    readonly parameters: Record<string, Tensor>;
  }[] = [];
  const note = (): void =>
    void states.push({ input: w.input, output: w.output, parameters: layer.stateDict() });
  note();
  for (let step = 0; step < 6; ++step) {
    const edits = random.edits(layer, shape);
    const before = w.output.clone();
    const canUndo = w.canUndo;
    const change = w.setMany(edits);
    const after = w.output;
    sameBits(after.data, layer.forward(w.input).data, `${story}: output after edit ${step}`);
    const reached = offsetsOf(change.reached, after.shape);
    assert.equal(change.reached.size, reached.size, `${story}: size of reached`);
    const changed: number[] = [];
    after.data.forEach((value, i) => {
      if (!sameValue(value, before.data[i] as number)) changed.push(i);
      if (!reached.has(i))
        assert.ok(Object.is(value, before.data[i]), `${story}: output ${i} was not reached`);
    });
    assert.deepEqual([...change.changed.offsets], changed, `${story}: changed`);
    changed.forEach((offset, i) => {
      assert.ok(reached.has(offset), `${story}: a changed output was not reached`);
      assert.ok(Object.is(change.changed.before[i], before.data[offset]));
      assert.ok(Object.is(change.changed.after[i], after.data[offset]));
    });
    if (edits.every(([target]) => target === "input")) {
      const want = new Set(edits.flatMap(([, index]) => [...readersOf(layer, shape, index)]));
      // An edit that changes no bit reaches nothing.
      for (const offset of reached) assert.ok(want.has(offset), `${story}: reached too much`);
      if (step === 0 && w.canUndo && edits.length === 1)
        assert.deepEqual(reached, want, `${story}: reached`);
    }
    if (w.canUndo && (!canUndo || changed.length > 0)) note();
    else
      states[states.length - 1] = {
        input: w.input,
        output: w.output,
        parameters: layer.stateDict(),
      };
  }
  const last = w.output.clone();
  const parameters = layer.stateDict();
  let undone = 0;
  while (w.undo() !== null) ++undone;
  const first = states[0];
  assert.ok(first !== undefined);
  sameBits(w.input.data, first.input.data, `${story}: input after undo`);
  sameBits(w.output.data, first.output.data, `${story}: output after undo`);
  for (const [name, tensor] of Object.entries(layer.stateDict())) {
    sameBits(tensor.data, (first.parameters[name] as Tensor).data, `${story}: ${name} after undo`);
  }
  sameBits(layer.forward(w.input).data, w.output.data, `${story}: forward after undo`);
  let redone = 0;
  while (w.redo() !== null) ++redone;
  assert.equal(redone, undone);
  sameBits(w.output.data, last.data, `${story}: output after redo`);
  for (const [name, tensor] of Object.entries(layer.stateDict())) {
    sameBits(tensor.data, (parameters[name] as Tensor).data, `${story}: ${name} after redo`);
  }
  w.dispose();
}

const conv = (cs: Package): Layer & { weight: Tensor } =>
  new cs.Conv1d({
    inChannels: 1,
    outChannels: 1,
    kernelSize: 2,
    weight: cs.tensor([[[2, 3]]]),
    biasValues: cs.tensor([0.5]),
  });

for (const build of builds) {
  test(`after random edits of random stacks, a watch holds what forward gives, bit for bit (${build})`, async () => {
    const cs = await load(build);
    cs.manualSeed(1);
    for (let seed = 1; seed <= 150; ++seed) checkStory(cs, seed);
  });

  test(`influence is receptiveField read backwards, for random stacks (${build})`, async () => {
    const cs = await load(build);
    for (let seed = 1000; seed < 1040; ++seed) {
      const random = new Random(seed);
      const shape = [random.int(1, 2), random.int(3, 6), random.int(3, 6)];
      const layer = random.stack(cs, 2, shape);
      const output = layer.outputShape(shape);
      for (let i = 0; i < 3; ++i) {
        const index = shape.map((size) => random.int(0, size - 1));
        const cells: Cells = layer.influence(shape, index);
        assert.deepEqual(
          offsetsOf(cells, output),
          readersOf(layer, shape, index),
          `seed ${seed}: ${String(layer)}`,
        );
      }
    }
  });

  test(`a sensitivity is the gradient of one output with respect to what it reads (${build})`, async () => {
    const cs = await load(build);
    cs.manualSeed(2);
    const shape = [2, 6, 6];
    const layer = new cs.Sequential(
      new cs.Conv2d({ inChannels: 2, outChannels: 3, kernelSize: 3, stride: 2, padding: 1 }),
      new cs.Tanh(),
      new cs.ConvTranspose2d({ inChannels: 3, outChannels: 1, kernelSize: 2, stride: 2 }),
    );
    const x = cs.randn(shape);
    const w = cs.watch(layer, x);
    const one = cs.zeros(w.output.shape);
    one.set([0, 3, 2], 1);
    const whole = layer.backward(x, one).input;
    const { indices, derivatives } = w.sensitivity([0, 3, 2]);
    assert.deepEqual(indices, layer.receptiveField(shape, [0, 3, 2]).toArray());
    const got = cs.zeros(shape);
    indices.forEach((index, i) => got.set(index, derivatives[i] as number));
    got.data.forEach((value, i) =>
      assert.ok(Math.abs(value - (whole.data[i] as number)) < 1e-6, `cell ${i}`),
    );
    assert.throws(() => w.sensitivity([0, 6, 0]), RangeError);
    w.dispose();
  });

  test(`an edited weight is the layer's own (${build})`, async () => {
    const cs = await load(build);
    const layer = conv(cs);
    const plan = layer.plan([1, 3]);
    plan.input.set([1, 10, 100]);
    const w = cs.watch(layer, cs.tensor([[1, 10, 100]]));
    const change = w.set("weight", [0, 0, 1], 4);
    assert.deepEqual(change.changed.indices, [
      [0, 0],
      [0, 1],
    ]);
    assert.deepEqual(layer.stateDict().weight?.toArray(), [[[2, 4]]]);
    assert.equal(layer.weight.get([0, 0, 1]), 4);
    assert.deepEqual(layer.forward(cs.tensor([[1, 10, 100]])).toArray(), [[42.5, 420.5]]);
    plan.run();
    assert.deepEqual([...plan.output], [42.5, 420.5]);
    w.undo();
    assert.deepEqual(layer.weight.toArray(), [[[2, 3]]]);
    plan.dispose();
    w.dispose();
  });

  test(`refresh reads the layer's parameters anew (${build})`, async () => {
    const cs = await load(build);
    const layer = conv(cs);
    const w = cs.watch(layer, cs.tensor([[1, 10]]));
    layer.weight.set([0, 0, 0], 5);
    w.refresh();
    assert.deepEqual(w.output.toArray(), [[35.5]]);
    layer.weight.data[1] = 1;
    w.refresh();
    assert.deepEqual(w.output.toArray(), [[15.5]]);
    w.dispose();
  });

  test(`two watches of one layer stay right while both edit its weight (${build})`, async () => {
    const cs = await load(build);
    const layer = conv(cs);
    const a = cs.watch(layer, cs.tensor([[1, 10]]));
    const b = cs.watch(layer, cs.tensor([[2, 20]]));
    a.set("weight", [0, 0, 0], 7);
    b.set("input", [0, 0], 3);
    sameBits(b.output.data, layer.forward(b.input).data, "b");
    b.set("weight", [0, 0, 1], 8);
    a.set("input", [0, 1], 4);
    sameBits(a.output.data, layer.forward(a.input).data, "a");
    a.dispose();
    b.dispose();
  });

  test(`an edit that changes no bit is no step, and the last of several edits of one cell holds (${build})`, async () => {
    const cs = await load(build);
    const w = cs.watch(conv(cs), cs.tensor([[1, 10]]));
    assert.equal(w.set("input", [0, 0], 1).changed.size, 0);
    assert.equal(w.canUndo, false);
    assert.equal(w.undo(), null);
    assert.equal(w.redo(), null);
    w.setMany([
      ["input", [0, 0], 5],
      ["input", [0, 0], 6],
    ]);
    assert.deepEqual(w.input.toArray(), [[6, 10]]);
    w.undo();
    assert.deepEqual(w.input.toArray(), [[1, 10]]);
    assert.equal(w.undo(), null);
    w.dispose();
  });

  test(`a ReLU stops the ripple: reached, but not changed, and the reason is told (${build})`, async () => {
    const cs = await load(build);
    const net = new cs.Sequential(
      new cs.Conv1d({
        inChannels: 1,
        outChannels: 1,
        kernelSize: 1,
        weight: cs.tensor([[[1]]]),
        biasValues: cs.tensor([0]),
      }),
      new cs.ReLU(),
    );
    const w = cs.watch(net, cs.tensor([[-3, 2]]));
    const change = w.set("input", [0, 0], -1);
    assert.deepEqual(change.reached.toArray(), [[0, 0]]);
    assert.equal(change.changed.size, 0);
    assert.equal(w.whyKept([0, 0]), "ReLU cut it");
    assert.deepEqual(w.values(1).toArray(), [[-1, 2]]);
    w.dispose();
  });

  test(`a target or cell that does not exist is refused, and nothing happens (${build})`, async () => {
    const cs = await load(build);
    const w = cs.watch(conv(cs), cs.tensor([[1, 10]]));
    assert.throws(() => w.set("wieght", [0], 1), {
      name: "RangeError",
      message: 'There is no target "wieght"; there are "input", "weight", "bias"',
    });
    for (const index of [[0, 2], [0, -1], [0], [0, 0, 0]]) {
      assert.throws(() => w.set("input", index, 1), RangeError);
    }
    assert.throws(() => w.set("input", [0, 0.5], 1), RangeError);
    assert.throws(() => w.set("input", [0, "0"] as unknown as number[], 1), TypeError);
    assert.throws(
      () =>
        w.setMany([
          ["input", [0, 0], 9],
          ["input", [0, 9], 9],
        ]),
      RangeError,
    );
    assert.deepEqual(w.input.toArray(), [[1, 10]]);
    assert.equal(w.canUndo, false);
    w.dispose();
  });

  test(`another layer under the same input tells what it changed (${build})`, async () => {
    const cs = await load(build);
    const w = cs.watch(conv(cs), cs.tensor([[1, 10, 100]]));
    const stride = new cs.Conv1d({
      inChannels: 1,
      outChannels: 1,
      kernelSize: 2,
      stride: 2,
      weight: cs.tensor([[[2, 3]]]),
      biasValues: cs.tensor([0.5]),
    });
    const replacement = w.replace(stride);
    assert.deepEqual(replacement.beforeShape, [1, 2]);
    assert.deepEqual(replacement.afterShape, [1, 1]);
    assert.equal(replacement.changed.size, 0);
    assert.equal(replacement.kept, 1);
    assert.equal(replacement.removed, 1);
    assert.deepEqual(w.output.toArray(), [[32.5]]);
    const wide = new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 9 });
    assert.throws(() => w.replace(wide), { code: "shape" });
    assert.deepEqual(w.output.toArray(), [[32.5]]);
    w.dispose();
  });

  test(`a disposed watch refuses every use, and to dispose of it again does nothing (${build})`, async () => {
    const cs = await load(build);
    const w = cs.watch(conv(cs), cs.tensor([[1, 10]]));
    w.dispose();
    w.dispose();
    w[Symbol.dispose]();
    const uses: (() => unknown)[] = [
      () => w.input,
      () => w.output,
      () => w.set("input", [0, 0], 1),
      () => w.undo(),
      () => w.redo(),
      () => w.refresh(),
      () => w.canUndo,
      () => w.whyKept([0, 0]),
      () => w.values(0),
      () => w.replace(conv(cs)),
    ];
    for (const use of uses) assert.throws(use, { name: "ConvscopeError", code: "disposed" });
  });
}
