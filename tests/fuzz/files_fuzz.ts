// Broken files and code: each is read or refused in words of ours, and what was read can be written and read again.
import assert from "node:assert/strict";
import * as cs from "convscope";
import { npyOf, safetensorsOf, zipOf } from "../wasm/support/archives.js";
import { answerOf, fuzz } from "./mutate.js";

await cs.init();

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const x = cs.tensor([
  [1, -2.5, NaN],
  [Infinity, 0, -0],
]);
const header = (descr: string, shape: string): string =>
  `{'descr': '${descr}', 'fortran_order': True, 'shape': ${shape}, }`;

/** What reads a file, by the byte that goes before it. */
const readers: readonly ((bytes: Uint8Array) => string)[] = [
  (bytes) => {
    const read = cs.loadNpy(bytes);
    assert.ok(cs.loadNpy(cs.saveNpy(read)).equals(read) || hasNaN(read));
    return `npy ${read.shape.length}`;
  },
  (bytes) => tensors(cs.loadNpz(bytes), (map) => cs.loadNpz(cs.saveNpz(map))),
  // Its sums are right, so that what lies within is reached.
  (bytes) => tensors(cs.loadNpz(zipOf(bytes)), (map) => map),
  (bytes) =>
    tensors(cs.loadSafetensors(bytes), (map) => cs.loadSafetensors(cs.saveSafetensors(map))),
  (bytes) => {
    const code = new TextDecoder().decode(bytes);
    const layer = cs.fromPyTorch(code);
    const again = cs.fromPyTorch(cs.toPyTorch(layer));
    assert.equal(String(again), String(layer));
    return `layer ${layer.constructor.name}`;
  },
];

type Tensors = Readonly<Record<string, cs.Tensor>>;
function hasNaN(read: cs.Tensor): boolean {
  return read.data.some(Number.isNaN);
}
function tensors(read: Tensors, again: (map: Tensors) => Tensors): string {
  assert.deepEqual(Object.keys(again(read)).sort(), Object.keys(read).sort());
  return `tensors ${Object.keys(read).length}`;
}

const files: readonly (readonly [number, Uint8Array])[] = [
  [0, cs.saveNpy(x)],
  [0, npyOf(header("<f8", "(2, 1)"), new Uint8Array(16))],
  [0, npyOf(header(">i2", "(3,)"), new Uint8Array(6))],
  [0, npyOf(header("|b1", "()"), new Uint8Array(1))],
  [1, cs.saveNpz({ x, y: cs.tensor([1]) })],
  [2, cs.saveNpy(x)],
  [3, cs.saveSafetensors({ "0.weight": x, bias: cs.tensor([1]) })],
  [3, safetensorsOf({ a: { dtype: "BF16", shape: [2], data_offsets: [0, 4] } }, new Uint8Array(4))],
  [
    4,
    text(
      "nn.Sequential(nn.Conv2d(1, 2, kernel_size=(3, 3), padding='same', bias=False), nn.ReLU())",
    ),
  ],
  [4, text("ConvTranspose1d(2, 4, 3, stride=2, output_padding=1, groups=2, dilation=2)")],
  [4, text("nn.MaxPool2d(2, ceil_mode=True)")],
  [4, text("torch.nn.ConstantPad2d((1, -1, 0, 2), 3.5)")],
  [4, text("nn.AdaptiveAvgPool3d((1, None, 2)), nn.Softplus(beta=2.0, threshold=1e3)")],
];

await fuzz(
  files.map(([kind, file]) => Uint8Array.from([kind, ...file])),
  (input) => {
    const read = readers[(input[0] ?? 0) % readers.length]!;
    return answerOf(() => read(input.subarray(1)));
  },
);
