// Tensors in files: what NumPy and the safetensors package wrote is read, and what they would write is written
// (tests/data/make_files.py); broken and hostile files are refused in words.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import zlib from "node:zlib";
import type { NpyOptions, SafetensorsOptions, Tensor } from "convscope";
import { bigZip, npyOf, zipOf } from "./support/archives.js";
import { sameBits, sameValues } from "./support/compare.js";
import { builds, fresh, load } from "./support/package.js";
import { Random } from "./support/random.js";

interface Values {
  readonly shape: readonly number[];
  readonly values: string;
}

interface Case extends Values {
  readonly name: string;
  readonly file: string;
  readonly options: object;
  readonly metadata?: Record<string, string>;
  readonly arrays: Readonly<Record<string, Values>>;
}

const data = JSON.parse(readFileSync("tests/data/files.json", "utf8")) as Readonly<
  Record<"npy" | "npz" | "safetensors" | "npySaved" | "safetensorsSaved", readonly Case[]>
>;

// Files need no engine: nothing here awaits init().
const cs = await fresh("files");

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const floatsOf = (text: string): Float32Array => new Float32Array(bytesOf(text).buffer);
const tensorOf = ({ shape, values }: Values): Tensor => cs.tensor(floatsOf(values), shape);

function same(got: Tensor | undefined, want: Values, what: string): void {
  assert.ok(got !== undefined, `${what} is there`);
  assert.deepEqual(got.shape, want.shape, what);
  // The sign of a NaN is nobody's promise.
  sameValues(got.data, floatsOf(want.values), what);
}

for (const { name, file, ...want } of data.npy) {
  test(`loadNpy reads what NumPy wrote: ${name}`, () =>
    same(cs.loadNpy(bytesOf(file)), want, name));
}

for (const { name, file, options, ...values } of data.npySaved) {
  test(`saveNpy writes NumPy's bytes: ${name}`, () => {
    const got = cs.saveNpy(tensorOf(values), options as NpyOptions);
    assert.equal(Buffer.from(got).toString("base64"), file);
  });
}

for (const { name, file, arrays } of data.npz) {
  test(`loadNpz reads what NumPy's ${name} wrote`, () => {
    const got = cs.loadNpz(bytesOf(file));
    assert.deepEqual(Object.keys(got), Object.keys(arrays));
    for (const key of Object.keys(arrays)) same(got[key], arrays[key] as Values, key);
  });
}

for (const { name, file, arrays, metadata } of data.safetensors) {
  test(`loadSafetensors reads what the reference wrote: ${name}`, () => {
    const got = cs.loadSafetensors(bytesOf(file));
    assert.deepEqual(Object.keys(got).sort(), Object.keys(arrays).sort());
    for (const key of Object.keys(arrays)) same(got[key], arrays[key] as Values, key);
    assert.deepEqual(cs.safetensorsMetadata(bytesOf(file)), metadata ?? {});
  });
}

for (const { name, file, options, arrays } of data.safetensorsSaved) {
  test(`saveSafetensors writes the reference's bytes: ${name}`, () => {
    const tensors = Object.fromEntries(
      Object.entries(arrays).map(([key, values]) => [key, tensorOf(values)]),
    );
    const got = cs.saveSafetensors(tensors, options as SafetensorsOptions);
    assert.equal(Buffer.from(got).toString("base64"), file);
  });
}

test("16-bit floats are the nearest ones, the even one of two as near", () => {
  const random = new Random(16);
  const bits = Uint32Array.from({ length: 20_000 }, () => Math.floor(random.next() * 2 ** 32));
  const values = new Float32Array(bits.buffer).filter((value) => Number.isFinite(value));
  for (const [dtype, places, least, most] of [
    ["bfloat16", 8, 2 ** -133, (2 - 2 ** -7) * 2 ** 127],
    ["float16", 11, 2 ** -24, 65504],
  ] as const) {
    const saved = cs.saveSafetensors({ x: cs.tensor(values) }, { dtype });
    const got = (cs.loadSafetensors(saved)["x"] as Tensor).data;
    for (const [i, value] of values.entries()) {
      const exponent = Math.floor(Math.log2(Math.abs(value)));
      const place = Math.max(2 ** (exponent - places + 1), least);
      const steps = value / place;
      const below = Math.floor(steps);
      const isUp = steps - below > 0.5 || (steps - below === 0.5 && below % 2 !== 0);
      const rounded = (isUp ? below + 1 : below) * place;
      const want = Math.abs(rounded) > most ? Math.sign(value) * Infinity : rounded;
      assert.ok(got[i] === want, `${value} as ${dtype} is ${got[i]} and not ${want}`);
    }
  }
});

test("what is saved is loaded again, NaN and -0 bit for bit", () => {
  const x = cs.tensor(new Float32Array([NaN, -0, Infinity, 1e-45, 3.4e38, 0.1]), [3, 1, 2]);
  for (const fortranOrder of [false, true])
    sameBits(cs.loadNpy(cs.saveNpy(x, { fortranOrder })).data, x.data, "npy");
  const tensors = { x, "": cs.zeros([0]), __proto__x: cs.tensor(1 as never) };
  for (const got of [
    cs.loadNpz(cs.saveNpz(tensors)),
    cs.loadSafetensors(cs.saveSafetensors(tensors)),
  ]) {
    assert.deepEqual(Object.keys(got).sort(), ["", "__proto__x", "x"]);
    sameBits((got["x"] as Tensor).data, x.data, "x");
    assert.deepEqual(got["__proto__x"]?.shape, []);
  }
  const odd = Object.fromEntries([["__proto__", x]]);
  assert.deepEqual(Object.keys(cs.loadNpz(cs.saveNpz(odd))), ["__proto__"]);
  assert.deepEqual(Object.keys(cs.loadSafetensors(cs.saveSafetensors(odd))), ["__proto__"]);
});

test("a layer's parameters go through a file and come back", async () => {
  const own = await load(builds[0] as "simd");
  const options = { inChannels: 2, outChannels: 3, kernelSize: 2 };
  const [from, to] = [new own.Conv1d(options), new own.Conv1d(options)];
  to.loadStateDict(own.loadSafetensors(own.saveSafetensors(from.stateDict())));
  sameBits(to.weight.data, from.weight.data, "weight");
  const [, indices] = new own.MaxPool1d({ kernelSize: 2, returnIndices: true }).forward(
    own.tensor([[1, 5, 3, 2]]),
  );
  assert.match(Buffer.from(own.saveNpy(indices)).toString("latin1"), /'<i4'/);
  assert.deepEqual(own.loadNpy(own.saveNpy(indices)).toArray(), [[1, 2]]);
});

test("loading copies: the file's bytes may be used again, at any offset and in any view", () => {
  const file = cs.saveNpy(cs.tensor([1, 2, 3]));
  const shifted = new Uint8Array(file.length + 3);
  shifted.set(file, 3);
  const x = cs.loadNpy(shifted.subarray(3));
  shifted.fill(0);
  assert.deepEqual(x.toArray(), [1, 2, 3]);
  assert.deepEqual(cs.loadNpy(file.buffer).toArray(), [1, 2, 3]);
  assert.deepEqual(cs.loadNpy(new DataView(file.buffer)).toArray(), [1, 2, 3]);
  assert.deepEqual(cs.loadNpy(Buffer.from(file)).toArray(), [1, 2, 3]);
});

test("headers in Python 2's manner, in another order and without blanks are read", () => {
  const four = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  for (const header of [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L), }\n",
    "{'shape':(2,2),'descr':'<f4','fortran_order':False}",
    '{"fortran_order": False,\n "shape": (2, 2), "descr": "<f4"}   \n',
  ]) {
    assert.deepEqual(cs.loadNpy(npyOf(header, four)).toArray(), [
      [1, 2],
      [3, 4],
    ]);
  }
});

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = zlib.constants;

test("members are read however zlib packed them: every level and strategy, many kinds of content", () => {
  const random = new Random(8);
  const kinds = [
    (_: number) => random.int(0, 255),
    (i: number) => i & 3,
    (_: number) => Math.floor(random.next() ** 4 * 256),
    (i: number) => (random.next() < 0.02 ? random.int(0, 255) : (i * i) >> 5),
    (_: number) => 0,
  ];
  for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
    for (const level of [0, 1, 6, 9]) {
      for (const kind of kinds) {
        const values = Uint8Array.from({ length: random.pick([0, 1, 300, 5000, 70_000]) }, (_, i) =>
          kind(i),
        );
        const content = cs.saveNpy(cs.tensor(values), { dtype: "uint8" });
        const packed = zlib.deflateRawSync(content, {
          level,
          strategy,
          memLevel: random.int(1, 9),
        });
        const got = cs.loadNpz(zipOf(content, { method: 8, packed }))["x"] as Tensor;
        sameValues(got.data, Float32Array.from(values), `level ${level}, strategy ${strategy}`);
      }
    }
  }
});

test("a large compressed archive takes no more than a moment", () => {
  const values = Float32Array.from({ length: 1_000_000 }, (_, i) =>
    Math.round(Math.sin(i / 50) * 100),
  );
  const content = cs.saveNpy(cs.tensor(values));
  const packed = zlib.deflateRawSync(content);
  const file = bigZip(content, packed);
  sameValues((cs.loadNpz(file)["x"] as Tensor).data, values, "values");
});
