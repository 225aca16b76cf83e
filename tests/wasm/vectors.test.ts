// The vectors through the packed package, as a user calls it: what PyTorch gives, value for value and text for text.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layer, Tensor } from "convscope";
import { compareWithTorch, sameBits, termsOf } from "./support/compare.js";
import { makeCall, makeLayer, gradientsOf } from "./support/layers.js";
import { builds, load, type Package } from "./support/package.js";
import {
  readCvec,
  readJson,
  runCases,
  type Case,
  type JsonObject,
  type VectorTensor,
} from "./support/vectors.js";

const isPair = (value: unknown): value is [Tensor, { readonly data: Int32Array }] =>
  Array.isArray(value);

/** Where torch itself gives the one or the other (see the README): there any value will do. */
function leaveOutNaNs(
  op: string,
  input: VectorTensor,
  want: VectorTensor,
  got: Float32Array,
): Float32Array {
  if (!["elu", "selu", "celu"].includes(op)) return got;
  return got.map((value, i) => (Number.isNaN(input.data[i]) ? (want.data[i] as number) : value));
}

/** The layer between the paddings that the WebNN suite writes around it. */
function withPads(
  cs: Package,
  json: JsonObject,
  forward: (x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  const pad = (x: Tensor, list: string, value: string): Tensor => {
    if (json[list] === undefined) return x;
    const filler = json[value] === "-inf" ? -Infinity : ((json[value] ?? 0) as number);
    return cs.F.pad(x, json[list] as number[], { value: filler });
  };
  return (x) => pad(forward(pad(x, "pre_pad", "pre_pad_value")), "post_pad", "post_pad_value");
}

function checkValid(cs: Package, c: Case): void {
  const input = c.tensors.get("input") as VectorTensor;
  const output = c.tensors.get("output") as VectorTensor;
  const x = cs.tensor(input.data, input.shape);
  const options = (c.json.call ?? {}) as JsonObject;
  const call = makeCall(cs, c.api, c.given, options, c.tensors);
  const got = new Map<string, Float32Array | Int32Array>();
  const forward = withPads(cs, c.json, (value) => {
    const result = call.forward(value);
    if (!isPair(result)) return result as Tensor;
    got.set("indices", result[1].data);
    return result[0];
  });
  const result = forward(x);
  assert.deepEqual(result.shape, output.shape);
  got.set("output", result.data);
  const inFull = withPads(cs, c.json, (value) => {
    const answer = makeCall(cs, c.api, c.args, options, c.tensors).forward(value);
    return isPair(answer) ? answer[0] : (answer as Tensor);
  });
  sameBits(inFull(x).data, result.data, "the same call with all arguments written out");
  const gradOutput = c.tensors.get("grad_output");
  if (gradOutput !== undefined) {
    const gradients = gradientsOf(
      cs,
      c,
      call.layer,
      x,
      cs.tensor(gradOutput.data, gradOutput.shape),
    );
    for (const [name, tensor] of gradients) got.set(name, tensor.data);
  }
  for (const [name, want] of c.tensors) {
    if (["input", "weight", "bias", "grad_output"].includes(name)) continue;
    let values = got.get(name);
    assert.ok(values !== undefined, `there is no ${name}`);
    if (name === "grad_input") values = leaveOutNaNs(c.op, input, want, values as Float32Array);
    compareWithTorch(c, name, values, termsOf(c, name));
  }
}

interface Invalid {
  readonly id: string;
  readonly api: string;
  readonly args: JsonObject;
  readonly call?: JsonObject;
  readonly input_shape: readonly number[];
  readonly error: { readonly type: string; readonly message: string };
  readonly set_order_varies?: boolean;
  readonly other_backend_message?: string;
  readonly accidental?: boolean;
}

/** The words between the braces of a printed Python set, in order. */
function withSortedSet(text: string): string {
  return text.replace(
    /\{([^}]*)\}/,
    (_, words: string) => `{${words.split(", ").sort().join(", ")}}`,
  );
}

function checkInvalid(cs: Package, c: Invalid): void {
  let refusal: unknown = null;
  try {
    makeCall(cs, c.api, c.args, c.call).forward(cs.zeros(c.input_shape));
  } catch (error) {
    refusal = error;
  }
  assert.ok(refusal instanceof Error, "was accepted");
  if (c.accidental === true) return;
  assert.ok(refusal instanceof cs.ConvscopeError, `is a ${refusal.name}: ${refusal.message}`);
  const { message } = refusal;
  const { error } = c;
  const says = `says "${message}" where torch says "${error.message}"`;
  if (c.set_order_varies === true)
    assert.equal(withSortedSet(message), withSortedSet(error.message), says);
  else if (message !== c.other_backend_message) assert.equal(message, error.message, says);
  assert.equal(refusal.exception, error.type);
}

interface Init {
  readonly seed: number;
  readonly layers: readonly { readonly api: string; readonly given: JsonObject }[];
}

function checkInit(cs: Package, c: Case): void {
  const { seed, layers } = c.json as unknown as Init;
  cs.manualSeed(seed);
  for (const [i, { api, given }] of layers.entries()) {
    const state = makeLayer(cs, api.replace("nn.", ""), given).stateDict();
    for (const name of ["weight", "bias"]) {
      const want = c.tensors.get(`${name}${i}`);
      const got = state[name];
      assert.equal(got === undefined, want === undefined, `${name}${i}`);
      if (want === undefined || got === undefined) continue;
      assert.deepEqual(got.shape, want.shape);
      sameBits(got.data, want.data, `${name}${i}`);
    }
  }
}

interface Text {
  readonly tensors: readonly {
    readonly shape: number[];
    readonly values: (number | string)[];
    readonly text: string;
  }[];
  readonly layers: readonly {
    readonly class: string;
    readonly args: JsonObject | string;
    readonly text: string;
  }[];
}

/** A stack's arguments stand in the file as Python writes them. */
function printedLayer(cs: Package, name: string, args: JsonObject | string): Layer<unknown> {
  return typeof args === "string" ? cs.fromPyTorch(`${name}(${args})`) : makeLayer(cs, name, args);
}

const numbers: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const toFloats = (values: readonly (number | string)[]): Float32Array =>
  Float32Array.from(values, (value) =>
    typeof value === "string" ? (numbers[value] as number) : value,
  );

interface Influence {
  readonly id: number;
  readonly layers: readonly { readonly class: string; readonly args: JsonObject }[];
  readonly input_shape: number[];
  readonly output_shape: number[];
  readonly sources: readonly { readonly output: number[]; readonly inputs: number[][] }[];
  readonly dependents: readonly { readonly input: number[]; readonly outputs: number[][] }[];
}

const inOrder = (cells: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  [...cells].sort((a, b) => {
    const axis = a.findIndex((at, i) => at !== b[i]);
    return axis < 0 ? 0 : (a[axis] as number) - (b[axis] as number);
  });

function checkInfluence(cs: Package, c: Influence): void {
  const layers = c.layers.map((layer) => makeLayer(cs, layer.class, layer.args) as Layer);
  const [only] = layers;
  const layer = layers.length === 1 && only !== undefined ? only : new cs.Sequential(layers);
  assert.deepEqual(layer.outputShape(c.input_shape), c.output_shape);
  for (const { output, inputs } of c.sources) {
    const cells = layer.receptiveField(c.input_shape, output);
    assert.deepEqual(cells.toArray(), inOrder(inputs), `sources of [${output.join()}]`);
    assert.equal(cells.size, inputs.length);
    for (const index of inputs) assert.ok(cells.has(index));
  }
  for (const { input, outputs } of c.dependents) {
    const cells = layer.influence(c.input_shape, input);
    assert.deepEqual(cells.toArray(), inOrder(outputs), `dependents of [${input.join()}]`);
    assert.equal(cells.size, outputs.length);
  }
}

for (const build of builds) {
  const cvec = (promise: string, name: string, check: (cs: Package, c: Case) => void): void => {
    test(`${promise} (${build})`, async (t) => {
      const cs = await load(build);
      const cases = await readCvec(t, name);
      if (cases !== null)
        runCases(
          t,
          `${name} (${build})`,
          cases,
          ({ id }) => id,
          (c) => check(cs, c),
        );
    });
  };
  cvec("every layer has torch's values and gradients", "torch/valid.cvec", checkValid);
  cvec("the WebNN suite's convolutions and pools come out", "wpt/wpt.cvec", checkValid);
  cvec("a seed gives new layers torch's weights, bit for bit", "torch/init.cvec", checkInit);

  test(`what torch refuses is refused in torch's words (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<{ readonly cases: readonly Invalid[] }>(t, "torch/invalid.json");
    if (file === null) return;
    runCases(
      t,
      `torch/invalid.json (${build})`,
      file.cases,
      ({ id }) => id,
      (c) => checkInvalid(cs, c),
    );
  });

  test(`tensors and layers print as torch prints them (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<Text>(t, "torch/text.json");
    if (file === null) return;
    const cases = [
      ...file.tensors.map((c) => ({
        ...c,
        print: () => String(cs.tensor(toFloats(c.values), c.shape)),
      })),
      ...file.layers.map((c) => ({ ...c, print: () => String(printedLayer(cs, c.class, c.args)) })),
    ];
    runCases(
      t,
      `torch/text.json (${build})`,
      cases,
      ({ text }) => text.slice(0, 60),
      (c) => assert.equal(c.print(), c.text),
    );
  });

  test(`sources and dependents are exactly torch's (${build})`, async (t) => {
    const cs = await load(build);
    const file = await readJson<{ readonly cases: readonly Influence[] }>(
      t,
      "torch/influence.json",
    );
    if (file === null) return;
    runCases(
      t,
      `torch/influence.json (${build})`,
      file.cases,
      ({ id }) => `case ${id}`,
      (c) => checkInfluence(cs, c),
    );
  });
}
