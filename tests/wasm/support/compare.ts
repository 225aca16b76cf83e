// How results are compared: the rules of the vectors' README.md. Each function throws with the first difference.
import assert from "node:assert/strict";
import type { Case, JsonObject } from "./vectors.js";

type Values = Float32Array | Int32Array;

/** Every bit, those of NaN and of -0 as well. */
export function sameBits(got: Values, want: Values, what: string): void {
  assert.equal(got.length, want.length, `${what}: length`);
  const a = new Uint32Array(got.buffer, got.byteOffset, got.length);
  const b = new Uint32Array(want.buffer, want.byteOffset, want.length);
  for (let i = 0; i < a.length; ++i) {
    if (a[i] !== b[i])
      assert.fail(`${what}: element ${i} is ${got[i]} and not ${want[i]}, bit for bit`);
  }
}

/** 0 equals -0, NaN equals NaN. */
export function sameValue(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

export function sameValues(got: Values, want: Values, what: string): void {
  within(got, want, () => 0, what);
}

/** |got - want| <= allowed(want): infinities must agree, NaN must meet NaN. */
export function within(
  got: Values,
  want: Values,
  allowed: (want: number) => number,
  what: string,
): void {
  assert.equal(got.length, want.length, `${what}: length`);
  for (let i = 0; i < got.length; ++i) {
    const g = got[i] as number;
    const w = want[i] as number;
    if (sameValue(g, w)) continue;
    if (Math.abs(g - w) <= allowed(w)) continue;
    assert.fail(`${what}: element ${i} is ${g} and not ${w}`);
  }
}

/** Tensor `name` of a case against what torch gives. */
export function compareWithTorch(test: Case, name: string, got: Values, terms: number): void {
  const want = test.tensors.get(name)?.data as Values;
  const tags = (test.json.tags ?? []) as readonly string[];
  const exact = (test.json.exact ?? []) as readonly string[];
  if (exact.includes(name) || want instanceof Int32Array) return sameValues(got, want, name);
  if (tags.includes("activation")) return within(got, want, (w) => 1e-6 + 2e-6 * Math.abs(w), name);
  const deviations = (test.json.torch_f32 ?? test.json.torch_f64) as JsonObject;
  const { abs, scale } = deviations[name] as { abs: number; scale: number };
  const allowed = 2 ** -24 * scale * (4 + 2 * Math.sqrt(terms)) + 2 * abs + 2 ** -140;
  within(got, want, () => allowed, name);
}

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

/** How many products are added up in one element of tensor `name`. */
export function termsOf(test: Case, name: string): number {
  const args = test.args as Record<string, unknown>;
  const input = test.tensors.get("input")?.shape as readonly number[];
  const output = test.tensors.get("output")?.shape as readonly number[];
  const kernel = args.kernel_size as readonly number[] | undefined;
  if (args.in_channels !== undefined && kernel !== undefined) {
    const taps = product(kernel);
    const groups = args.groups as number;
    if (name === "output") return (taps * (args.in_channels as number)) / groups;
    if (name === "grad_input") return (taps * (args.out_channels as number)) / groups;
    // Of a parameter: every place that it was used at.
    const used = test.op.includes("transpose") && name === "grad_weight" ? input : output;
    const batch = used.length === kernel.length + 2 ? (used[0] as number) : 1;
    return batch * product(used.slice(-kernel.length));
  }
  if (kernel !== undefined) return product(kernel);
  if (args.output_size !== undefined) {
    // A window, or the windows over a cell: one more than the ratio.
    const [from, to] = name === "output" ? [input, output] : [output, input];
    return product(from.map((size, axis) => Math.ceil(size / (to[axis] as number)) + 1));
  }
  if (args.pad !== undefined)
    return product((args.pad as number[]).map((side) => 1 + Math.max(side, 0)));
  return 1;
}
