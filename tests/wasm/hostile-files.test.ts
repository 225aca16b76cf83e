// Broken and hostile files: each is refused in words of ours, before memory is taken for what it claims to hold.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import zlib from "node:zlib";
import { npyOf, safetensorsOf, zipOf } from "./support/archives.js";
import { fresh } from "./support/package.js";
import { Random } from "./support/random.js";

// Files need no engine: nothing here awaits init().
const cs = await fresh("hostile-files");
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const f4 = (shape: string): string =>
  `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
const badNpy: Readonly<Record<string, Uint8Array>> = {
  "an empty file": new Uint8Array(0),
  "another file": text("%PDF-1.7 and so on"),
  "a magic number alone": Uint8Array.from([147, 78, 85, 77, 80, 89]),
  "version 4": npyOf(f4("(0,)"), undefined, 4),
  "a header longer than the file": Uint8Array.from([147, 78, 85, 77, 80, 89, 1, 0, 255, 20, 123]),
  "a header of 4 GB": Uint8Array.from([147, 78, 85, 77, 80, 89, 2, 0, 255, 255, 255, 255, 123]),
  "no header": npyOf(""),
  "a header that is no dictionary": npyOf("[1, 2, 3]"),
  "a header that does not end": npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (2,"),
  "a header without shape": npyOf("{'descr': '<f4', 'fortran_order': False}"),
  "a shape that is a number": npyOf(f4("3")),
  "an order that is a number": npyOf("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}"),
  "code in the header": npyOf("{'descr': __import__('os').system('ls'), 'shape': (1,)}"),
  "fewer values than the shape says": npyOf(f4("(2, 2)"), new Uint8Array(15)),
  "a shape of 2^29 elements": npyOf(f4("(536870912,)"), new Uint8Array(100)),
  text: npyOf("{'descr': '<U5', 'fortran_order': False, 'shape': (1,)}", new Uint8Array(20)),
  objects: npyOf("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", new Uint8Array(20)),
  "complex numbers": npyOf(
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
    new Uint8Array(8),
  ),
  records: npyOf(
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
    new Uint8Array(4),
  ),
  "a type that is none": npyOf(
    "{'descr': '<i3', 'fortran_order': False, 'shape': (1,)}",
    new Uint8Array(4),
  ),
  "a type named like a property": npyOf(
    "{'descr': 'constructor', 'fortran_order': False, 'shape': ()}",
  ),
};
const isFileError = (who: string) => (error: unknown) => {
  assert.ok(error instanceof cs.ConvscopeError, String(error));
  assert.equal(error.code, "file");
  assert.match(error.message, new RegExp(`^${who}: `));
  assert.ok(error.message.length < 300);
  return true;
};
for (const [name, file] of Object.entries(badNpy)) {
  test(`loadNpy refuses ${name}`, () =>
    assert.throws(() => cs.loadNpy(file), isFileError("loadNpy")));
}

test("shapes that no tensor has are a RangeError, before anything is allocated", () => {
  for (const shape of [
    "(1073741824,)",
    "(1073741824, 1073741824)",
    `(${"9".repeat(400)},)`,
    `(${"1, ".repeat(65)})`,
  ]) {
    const file = npyOf(f4(shape), new Uint8Array(8));
    assert.throws(() => cs.loadNpy(file), {
      name: "RangeError",
      message: /^(Expected .*)?loadNpy|for loadNpy/,
    });
  }
  assert.equal(cs.loadNpy(npyOf(f4("(0, 1073741824)"))).size, 0);
});

const good = cs.saveNpy(cs.tensor([1, 2, 3]));
const squeezed = new Uint8Array(zlib.deflateRawSync(good));
const badNpz: Readonly<Record<string, Uint8Array>> = {
  "an empty file": new Uint8Array(0),
  "a .npy file": good,
  "half a file": zipOf(good).subarray(0, 150),
  "a wrong checksum": zipOf(good, { crc: 1 }),
  encryption: zipOf(good, { flags: 1 }),
  "another way of packing": zipOf(good, { method: 12 }),
  "a stored size that differs": zipOf(good, { size: good.length + 1 }),
  "a size of 4 GB": zipOf(good, { method: 8, packed: squeezed, size: 0xfffffffe }),
  "a size beyond what deflate can reach": zipOf(good, {
    method: 8,
    packed: squeezed,
    size: squeezed.length * 1033,
  }),
  zip64: zipOf(good, { size: 0xffffffff }),
  "a member outside the file": zipOf(good, { at: 1_000_000 }),
  "a member where none is": zipOf(good, { at: 7 }),
  "data that ends early": zipOf(good, { method: 8, packed: squeezed.subarray(0, 20) }),
  "data that gives too much": zipOf(good, { method: 8, packed: squeezed, size: good.length - 1 }),
  "data that gives too little": zipOf(good, { method: 8, packed: squeezed, size: good.length + 1 }),
  "a reserved kind of block": zipOf(good, { method: 8, packed: Uint8Array.of(7, 0), size: 10 }),
  "a stored block with a wrong length": zipOf(good, {
    method: 8,
    packed: Uint8Array.of(1, 5, 0, 0, 0),
    size: 5,
  }),
  "a distance before the beginning": zipOf(good, {
    method: 8,
    packed: Uint8Array.of(0x03, 0x02, 0),
    size: 10,
  }),
  "an array that cannot be read": zipOf(
    npyOf("{'descr': '|O', 'fortran_order': False, 'shape': ()}"),
  ),
};
for (const [name, file] of Object.entries(badNpz)) {
  test(`loadNpz refuses ${name}`, () =>
    assert.throws(() => cs.loadNpz(file), isFileError("loadNpz")));
}

test("members that are no arrays are left out, and an empty archive is empty", () => {
  assert.deepEqual(cs.loadNpz(zipOf(text("hello"), { name: "readme.txt" })), {});
  assert.deepEqual(cs.loadNpz(cs.saveNpz({})), {});
});

test("directory entries that share one member cannot make much of a small file", () => {
  const one = zipOf(good);
  const split = 30 + 5 + good.length;
  const entry = one.slice(split, -22);
  const end = one.slice(-22);
  const count = 1000;
  end.set([count & 255, count >> 8, count & 255, count >> 8], 8);
  const bomb = new Uint8Array(
    Buffer.concat([one.slice(0, split), ...Array<Uint8Array>(count).fill(entry), end]),
  );
  assert.throws(() => cs.loadNpz(bomb), isFileError("loadNpz"));
});

const entryOf = (from: number, to: number, shape = [(to - from) / 4]): object => ({
  dtype: "F32",
  shape,
  data_offsets: [from, to],
});
const badSafetensors: Readonly<Record<string, Uint8Array>> = {
  "an empty file": new Uint8Array(0),
  "a .npy file": good,
  "a header of 2^63 bytes": Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125),
  "a header longer than the file": safetensorsOf("{}").subarray(0, 9),
  "a header that is no JSON": safetensorsOf("{'x': 1}"),
  "a header that is no object": safetensorsOf([1, 2]),
  "a header that is null": safetensorsOf("null"),
  "a header that is no text": Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 255, 254),
  "an endless nesting": safetensorsOf(`${"[".repeat(200_000)}`),
  "a tensor that is null": safetensorsOf({ x: null }),
  "a tensor that is a number": safetensorsOf({ x: 3 }),
  "a type that is none": safetensorsOf({ x: { dtype: "F5", shape: [0], data_offsets: [0, 0] } }),
  "a type named like a property": safetensorsOf({
    x: { dtype: "toString", shape: [0], data_offsets: [0, 0] },
  }),
  "an 8-bit float": safetensorsOf(
    { x: { dtype: "F8_E4M3", shape: [1], data_offsets: [0, 1] } },
    new Uint8Array(1),
  ),
  "a shape that is a word": safetensorsOf(
    { x: { dtype: "F32", shape: "3", data_offsets: [0, 12] } },
    new Uint8Array(12),
  ),
  "offsets that are too few": safetensorsOf(
    { x: { dtype: "F32", shape: [1], data_offsets: [0] } },
    new Uint8Array(4),
  ),
  "offsets that do not fit the shape": safetensorsOf({ x: entryOf(0, 8, [3]) }, new Uint8Array(8)),
  "offsets that go back": safetensorsOf({ x: entryOf(8, 4, [1]) }, new Uint8Array(8)),
  "offsets that are negative": safetensorsOf({ x: entryOf(-4, 0, [1]) }, new Uint8Array(8)),
  fractions: safetensorsOf(
    { x: { dtype: "F32", shape: [1], data_offsets: [0.5, 4.5] } },
    new Uint8Array(8),
  ),
  "a gap": safetensorsOf({ x: entryOf(0, 4), y: entryOf(8, 12) }, new Uint8Array(12)),
  "an overlap": safetensorsOf({ x: entryOf(0, 8), y: entryOf(4, 12) }, new Uint8Array(12)),
  "two tensors in one place": safetensorsOf(
    { x: entryOf(0, 8), y: entryOf(0, 8) },
    new Uint8Array(8),
  ),
  "fewer bytes than the offsets say": safetensorsOf({ x: entryOf(0, 8) }, new Uint8Array(7)),
  "bytes that belong to no tensor": safetensorsOf({ x: entryOf(0, 8) }, new Uint8Array(9)),
};
for (const [name, file] of Object.entries(badSafetensors)) {
  test(`loadSafetensors refuses ${name}`, () =>
    assert.throws(() => cs.loadSafetensors(file), isFileError("loadSafetensors")));
}

test("metadata that are no words are refused, in and out", () => {
  assert.throws(
    () => cs.safetensorsMetadata(safetensorsOf({ __metadata__: { a: 1 } })),
    isFileError("safetensorsMetadata"),
  );
  assert.throws(() => cs.saveSafetensors({}, { metadata: { a: 1 } as never }), TypeError);
  assert.throws(() => cs.saveSafetensors({ __metadata__: cs.zeros([1]) }), RangeError);
});

test("values that a type lacks are refused by name and place", () => {
  for (const [dtype, value] of [
    ["int8", 128],
    ["int8", -129],
    ["uint8", -1],
    ["uint16", 65536],
    ["int32", 2 ** 31],
    ["int64", 2 ** 63],
    ["uint64", -1],
    ["bool", 2],
    ["int32", 0.5],
    ["uint8", NaN],
  ] as const) {
    const x = cs.tensor([0, value]);
    const refused = { name: "RangeError", message: `Element 1, ${x.data[1]}, is no ${dtype}` };
    assert.throws(() => cs.saveNpy(x, { dtype }), refused);
    assert.throws(() => cs.saveSafetensors({ x }, { dtype }), refused);
  }
  assert.throws(
    () => cs.saveNpy(cs.zeros([1]), { dtype: "bfloat16" as never }),
    /NumPy has no bfloat16/,
  );
  assert.throws(
    () => cs.saveNpy(cs.zeros([1]), { dtype: "f4" as never }),
    /There is no dtype "f4"/,
  );
});

test("arguments of the wrong kind are refused", () => {
  const odd: unknown[] = [undefined, null, 3, "file.npy", {}, [1, 2], new Date(), Symbol("x")];
  for (const value of odd) {
    for (const call of [cs.loadNpy, cs.loadNpz, cs.loadSafetensors, cs.safetensorsMetadata])
      assert.throws(() => call(value as never), {
        name: "TypeError",
        message: /Expected ArrayBuffer or Uint8Array for bytes/,
      });
    assert.throws(() => cs.saveNpy(value as never), TypeError);
  }
  for (const value of [undefined, null, 3, "x", { x: 1 }, [1]])
    for (const call of [cs.saveNpz, cs.saveSafetensors])
      assert.throws(() => call(value as never), TypeError);
  assert.throws(() => cs.saveNpy(cs.zeros([1]), { order: "F" } as never), /Unknown option "order"/);
  const gone = cs.saveNpy(cs.zeros([2]));
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assert.throws(() => cs.loadNpy(gone), { code: "detached" });
});

const real = JSON.parse(readFileSync("tests/data/files.json", "utf8")) as Readonly<
  Record<"npz" | "safetensors", readonly { readonly file: string }[]>
>;
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

test("files with any byte changed are read or refused in words, never more", () => {
  const random = new Random(77);
  const files: readonly [Uint8Array, (bytes: Uint8Array) => unknown][] = [
    [good, cs.loadNpy],
    [zipOf(good), cs.loadNpz],
    [zipOf(good, { method: 8, packed: squeezed }), cs.loadNpz],
    [bytesOf(real.npz[1]?.file as string), cs.loadNpz],
    [bytesOf(real.safetensors.at(-1)?.file as string), cs.loadSafetensors],
  ];
  for (const [file, read] of files) {
    for (let round = 0; round < 1500; ++round) {
      const changed = random.damaged(file);
      try {
        read(changed);
      } catch (error) {
        const isOurs = error instanceof cs.ConvscopeError || error instanceof RangeError;
        assert.ok(isOurs && !/DataView|array length|call stack/.test(error.message), String(error));
      }
    }
  }
});
