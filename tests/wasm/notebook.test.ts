// notebook.json: the notebook run again through the package, from its seed to its last edit.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer, Tensor } from "convscope";
import { sameBits, sameValues } from "./support/compare.js";
import { makeLayer } from "./support/layers.js";
import { builds, load, type Package } from "./support/package.js";
import { readJson, runCases, type JsonObject } from "./support/vectors.js";

interface Values {
  readonly shape: number[];
  readonly data: number[];
}

interface Edit {
  readonly compared_with_cell: number;
  readonly edited_input_indices: number[][] | null;
  readonly to?: number[];
  readonly changed_output_indices: number[][];
}

interface Cell {
  readonly cell: number;
  readonly kind: "shape" | "forward" | "output_shape";
  readonly input_cell: number;
  readonly layer_cell?: number;
  readonly input?: Values;
  readonly layer?: {
    readonly class: string;
    readonly args: JsonObject;
    readonly weight: Values;
    readonly bias: Values;
    readonly first_draw: number;
  };
  readonly printed: string;
  readonly edit?: Edit;
}

interface Notebook {
  readonly rng: {
    readonly seed: number;
    readonly hidden_gaps: readonly { readonly first_draw: number; readonly draws: number }[];
  };
  readonly cells: readonly Cell[];
  readonly failing_case: {
    readonly layer: { readonly class: string; readonly args: JsonObject };
    readonly input: Values;
    readonly error: { readonly type: string; readonly message: string };
  };
  readonly equivalence: { readonly cases: readonly Equivalence[] };
}

interface Equivalence {
  readonly R: number;
  readonly C: number;
  readonly input: number[];
  readonly weight: number[];
  readonly bias: number[];
  readonly output: number[];
  readonly conv1d_weight_shape: number[];
  readonly conv2d_weight_shape: number[];
  readonly conv1d_output_shape: number[];
  readonly conv2d_output_shape: number[];
}

/** "tensor([[1.]], grad_fn=<SqueezeBackward1>)" without what is torch's alone. */
const withoutGradient = (text: string): string => text.replace(/, grad_fn=<\w+>/, "");
const torchSize = (shape: readonly number[]): string => `torch.Size([${shape.join(", ")}])`;

/** Runs the cells in their order, as the notebook did. */
class Replay {
  readonly #cs: Package;
  readonly #file: Notebook;
  readonly #inputs = new Map<number, Tensor>();
  readonly #layers = new Map<number, Layer>();
  readonly #before = new Map<number, { readonly input: Tensor; readonly output: Tensor }>();
  #drawn = 0;

  constructor(cs: Package, file: Notebook) {
    this.#cs = cs;
    this.#file = file;
    cs.manualSeed(file.rng.seed);
  }

  run(cell: Cell): void {
    if (cell.input !== undefined) {
      this.#inputs.set(
        cell.input_cell,
        this.#cs.tensor(Float32Array.from(cell.input.data), cell.input.shape),
      );
    }
    const want = withoutGradient(cell.printed);
    if (cell.kind === "shape") {
      // The first cells give the shape of an input that only later cells spell out.
      const input = this.#file.cells.find(
        (c) => c.input_cell === cell.input_cell && c.input !== undefined,
      );
      assert.equal(
        torchSize(this.#cs.tensor(input?.input?.data ?? [], input?.input?.shape).shape),
        want,
      );
      return;
    }
    const input = this.#inputs.get(cell.input_cell) as Tensor;
    const layer = this.#layerOf(cell);
    if (cell.kind === "output_shape") {
      assert.equal(torchSize(layer.outputShape(input.shape)), want);
      return;
    }
    const output = layer.forward(input);
    assert.equal(String(output), want);
    if (cell.edit !== undefined) this.#checkEdit(cell.edit, layer, input, output);
    this.#before.set(cell.cell, { input, output });
  }

  /** Built when its cell comes, so that the random stream runs as it did there. */
  #layerOf(cell: Cell): Layer {
    const known = this.#layers.get(cell.layer_cell as number);
    if (known !== undefined) return known;
    const json = cell.layer as NonNullable<Cell["layer"]>;
    for (const { first_draw, draws } of this.#file.rng.hidden_gaps) {
      if (first_draw !== this.#drawn) continue;
      this.#cs.rand([draws]);
      this.#drawn += draws;
    }
    assert.equal(this.#drawn, json.first_draw);
    const layer = makeLayer(this.#cs, json.class, json.args) as Layer;
    for (const [name, tensor] of Object.entries(layer.stateDict())) {
      const want = json[name as "weight" | "bias"];
      assert.deepEqual(tensor.shape, want.shape);
      sameBits(tensor.data, Float32Array.from(want.data), name);
      this.#drawn += tensor.size;
    }
    this.#layers.set(cell.layer_cell as number, layer);
    return layer;
  }

  /** Makes the edit on a watch of the cell before, and compares what it says and holds with the cell after. */
  #checkEdit(edit: Edit, layer: Layer, input: Tensor, output: Tensor): void {
    const before = this.#before.get(edit.compared_with_cell);
    assert.ok(before !== undefined);
    if (edit.edited_input_indices === null) {
      // Another shape, and not one output with another value.
      assert.ok(before.output.equals(output));
      return;
    }
    const w = this.#cs.watch(layer, before.input);
    const change = w.setMany(
      edit.edited_input_indices.map((index, i) => ["input", index, edit.to?.[i] as number]),
    );
    assert.deepEqual(change.changed.indices, edit.changed_output_indices);
    for (const index of edit.changed_output_indices) assert.ok(change.reached.has(index));
    sameBits(w.output.data, output.data, "the watch's output");
    assert.ok(w.input.equals(input));
    w.undo();
    sameBits(w.output.data, before.output.data, "the output after undo");
    w.dispose();
  }
}

function checkEquivalence(cs: Package, c: Equivalence): void {
  const output = (
    make: (weight: Tensor, bias: Tensor) => Layer,
    weightShape: number[],
    inputShape: number[],
    outputShape: number[],
  ): void => {
    const weight = cs.tensor(c.weight, weightShape);
    const got = make(weight, cs.tensor(c.bias)).forward(cs.tensor(c.input, inputShape));
    assert.deepEqual(got.shape, outputShape);
    sameValues(got.data, Float32Array.from(c.output), "output");
  };
  const options = (
    weight: Tensor,
    biasValues: Tensor,
  ): ConstructorParameters<Package["Conv1d"]>[0] => ({
    inChannels: weight.shape[1] as number,
    outChannels: weight.shape[0] as number,
    kernelSize: weight.shape.slice(2),
    weight,
    biasValues,
  });
  output(
    (w, b) => new cs.Conv1d(options(w, b)),
    c.conv1d_weight_shape,
    [c.R, c.C],
    c.conv1d_output_shape,
  );
  output(
    (w, b) => new cs.Conv2d(options(w, b)),
    c.conv2d_weight_shape,
    [1, c.R, c.C],
    c.conv2d_output_shape,
  );
}

for (const build of builds) {
  test(`the notebook prints what it printed, and edits change what they did (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<Notebook>(t, "notebook.json");
    if (file === null) return;
    const replay = new Replay(cs, file);
    runCases(
      t,
      `notebook.json (${build})`,
      file.cells,
      ({ cell }) => `cell ${cell}`,
      (cell) => replay.run(cell),
    );
  });

  test(`the notebook's failing cell fails in torch's words, and the next call works (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<Notebook>(t, "notebook.json");
    if (file === null) return;
    const { layer, input, error } = file.failing_case;
    const x = cs.tensor(input.data, input.shape);
    const failing = makeLayer(cs, layer.class, layer.args);
    assert.throws(() => failing.forward(x), {
      name: "ConvscopeError",
      code: "shape",
      message: error.message,
    });
    const working = makeLayer(cs, layer.class, { ...layer.args, in_channels: 1 }) as Layer;
    assert.deepEqual(working.forward(x).shape, [1, 2, 3]);
  });

  test(`a Conv1d over (R, C) is a Conv2d over (1, R, C) (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<Notebook>(t, "notebook.json");
    if (file === null) return;
    const { cases } = file.equivalence;
    runCases(
      t,
      `notebook.json, equivalence (${build})`,
      cases,
      ({ R, C }) => `${R} x ${C}`,
      (c) => checkEquivalence(cs, c),
    );
  });
}
