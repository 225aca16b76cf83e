// ONNX files of others: what the onnx package and PyTorch wrote gives the values of ONNX's reference implementation and of
// PyTorch (tests/data/make_onnx.py, make_onnx_torch.py); what is broken or hostile is refused. That ONNX Runtime agrees is in
// tests/consumers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { within } from "./support/compare.js";
import { attribute, constant, model, node, type Field } from "./support/onnx.js";
import { loadWithOnnx } from "./support/package.js";
import { Random } from "./support/random.js";

const cs = await loadWithOnnx();

interface Foreign {
  readonly name: string;
  readonly model: string;
  /** Of the parts that can be read, the one to compare; not given: all of the model. */
  readonly part?: number | null;
  readonly shape: readonly number[];
  readonly input: string;
  readonly outputShape: readonly number[];
  readonly output: string;
}

const floatsOf = (text: string): Float32Array =>
  new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const read = (name: string): { readonly cases: readonly Foreign[] } =>
  JSON.parse(readFileSync(`tests/data/${name}.json`, "utf8")) as { cases: readonly Foreign[] };
const foreign = [
  ["the onnx package wrote gives its reference's values", read("onnx").cases],
  ["PyTorch exported gives PyTorch's values", read("onnx_torch").cases],
] as const;
const cases = foreign.flatMap(([what, list]) => list.map((each) => ({ what, ...each })));
const bytesOf = (name: string): Buffer =>
  Buffer.from((cases.find((each) => each.name === name) as Foreign).model, "base64");

for (const { what, name, model, part, shape, input, outputShape, output } of cases) {
  test(`a model that ${what}: ${name}`, () => {
    const bytes = Buffer.from(model, "base64");
    const parts = cs.onnxParts(bytes).filter(({ problem }) => problem === null);
    const layer = cs.fromOnnx(bytes, parts[part ?? -1]);
    const got = layer.forward(cs.tensor(floatsOf(input), shape));
    assert.deepEqual(got.shape, outputShape);
    within(got.data, floatsOf(output), (value) => 1e-6 + 1e-5 * Math.abs(value), String(layer));
    if (part != null) return;
    // What can be read as a whole is one part.
    assert.deepEqual(
      cs.onnxParts(bytes).map(({ problem }) => problem),
      [null],
    );
  });
}

const partsOf = (bytes: Uint8Array): string[] =>
  cs.onnxParts(bytes).map(({ input, output, operators, problem }) => {
    const why = problem === null ? "" : ` (${problem})`;
    return `${input} -> ${output}: ${operators.join(" ")}${why}`;
  });

test("the parts of a classifier are its features, with all that is left out named", () => {
  const bytes = bytesOf("a classifier's features and its pool");
  assert.deepEqual(partsOf(bytes), [
    "input.1 -> /head/head.0/GlobalAveragePool_output_0: Conv BatchNormalization Relu MaxPool Conv Clip GlobalAveragePool",
    '/head/head.0/GlobalAveragePool_output_0 -> 22: Flatten Gemm Softmax (the operator Flatten from "/head/head.0/GlobalAveragePool_output_0" to "/head/head.1/Flatten_output_0" is no layer, or has attributes that no layer has)',
  ]);
  assert.throws(() => cs.fromOnnx(bytes), {
    code: "not-implemented",
    message:
      'fromOnnx: the operator Softmax from "/head/head.2/Gemm_output_0" to "22" is no layer, or has attributes that no layer has; what onnxParts lists can be read: { input: "input.1", output: "/head/head.0/GlobalAveragePool_output_0" } …',
  });
  // Normalisation is a layer of its own; the weights before it are the file's.
  const layer = cs.fromOnnx(bytes, cs.onnxParts(bytes)[0]);
  assert.match(
    String(layer),
    /^Sequential\(\n {2}\(0\): Conv2d\(1, 3, .*bias=False\)\n {2}\(1\): Conv2d\(3, 3, kernel_size=\(1, 1\), stride=\(1, 1\), groups=3\)\n {2}\(2\): ReLU\(\)/,
  );
});

test("the parts of a residual network end and begin at its branches", () => {
  const bytes = bytesOf("a residual network's stem");
  assert.deepEqual(partsOf(bytes), [
    "input.1 -> /stem/stem.3/MaxPool_output_0: Conv BatchNormalization Relu MaxPool",
    "/stem/stem.3/MaxPool_output_0 -> /body/body.4/BatchNormalization_output_0: Conv BatchNormalization Relu Conv BatchNormalization",
    '/stem/stem.3/MaxPool_output_0 -> /Add_output_0: Add (the operator Add from "/stem/stem.3/MaxPool_output_0" to "/Add_output_0" reads 2 values that are no constants)',
    "/Add_output_0 -> 40: BatchNormalization Relu Conv",
  ]);
  assert.throws(() => cs.fromOnnx(bytes), {
    message:
      /^fromOnnx: the operator Add from .* reads 2 values .*; what onnxParts lists can be read: \{ input: "input\.1", output: "\/stem\/stem\.3\/MaxPool_output_0" \} …$/,
  });
});

/** A small model, some way through which comes what no layer is: the last value is softmax of the others. */
const withMore = Buffer.from(
  (JSON.parse(readFileSync("tests/data/onnx.json", "utf8")) as { more: string }).more,
  "base64",
);

test("of a model with more than layers, the parts that are layers are read by their values' names", () => {
  assert.throws(() => cs.fromOnnx(withMore), {
    name: "ConvscopeError",
    code: "not-implemented",
    message:
      'fromOnnx: the operator Softmax from "b" to "c" is no layer, or has attributes that no layer has; what onnxParts lists can be read: { input: "x", output: "b" } …',
  });
  assert.match(
    String(cs.fromOnnx(withMore, { output: "b" })),
    /^Sequential\(\n {2}\(0\): Conv1d.*\n {2}\(1\): ReLU/,
  );
  assert.equal(String(cs.fromOnnx(withMore, { input: "c" })), "Sigmoid()");
  assert.equal(String(cs.fromOnnx(withMore, { input: "a", output: "b" })), "ReLU()");
  assert.equal(String(cs.fromOnnx(withMore, { input: "a", output: "a" })), "Sequential()");
  assert.throws(() => cs.fromOnnx(withMore, { output: "z" }), /no operator gives the value "z"/);
  assert.throws(
    () => cs.fromOnnx(withMore, { input: "z", output: "a" }),
    /none before it reads "z"/,
  );
});

test("scaling and shifting of channels that no layer is, is refused and says why", () => {
  const four = ["s", "b", "m", "v"].map((name) => constant(name, [2], [1, 2]));
  const norm = (...more: Field[]): Uint8Array =>
    model([node("BatchNormalization", "x s b m v", "y", ...more), ...four], [null, 2, null]);
  assert.equal(
    String(cs.fromOnnx(norm())),
    "Conv1d(2, 2, kernel_size=(1,), stride=(1,), groups=2)",
  );
  const by = (op: string, shape: readonly number[], input?: readonly (number | null)[]) =>
    model(
      [
        node(op, "c x", "y"),
        constant("c", shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(2)),
      ],
      input,
    );
  const x = cs.tensor([
    [1, 2],
    [3, 4],
  ]);
  for (const [op, want] of Object.entries({
    Add: [
      [3, 4],
      [5, 6],
    ],
    Sub: [
      [1, 0],
      [-1, -2],
    ],
    Mul: [
      [2, 4],
      [6, 8],
    ],
  }))
    for (const shape of [[], [1], [2, 1], [1, 2, 1]])
      assert.deepEqual(
        cs
          .fromOnnx(by(op, shape, [1, 2, 2]))
          .forward(x)
          .toArray(),
        want,
        op,
      );
  for (const [bytes, why] of [
    [norm(attribute("training_mode", 1)), /is that of training/],
    [
      model([node("BatchNormalization", "x s b m v", "y"), ...four]),
      /a number of axes that the file does not tell/,
    ],
    [model([node("BatchNormalization", "x s b m v", "y"), ...four], [1, 2]), /is of 2 axes/],
    [model([node("BatchNormalization", "x s b m x", "y"), ...four], [1, 2, 3]), /reads 2 values/],
    [
      model([node("BatchNormalization", "x s b m", "y"), ...four], [1, 2, 3]),
      /statistics that are no constants/,
    ],
    [
      model(
        [node("BatchNormalization", "x s b m w", "y"), constant("w", [3], [1, 1, 1]), ...four],
        [1, 2, 3],
      ),
      /statistics of different lengths/,
    ],
    [by("Div", [2, 1], [1, 2, 2]), /divides by a value/],
    [by("Add", [1], [1, null, 2]), /one number for channels that the file does not count/],
    [by("Add", [2], [1, 2, 2]), /a constant of shape \[2\], not one number a channel/],
    [by("Add", [2, 1, 1, 1], [1, 2, 2]), /not one number a channel/],
  ] as const)
    assert.throws(() => cs.fromOnnx(bytes), { code: "not-implemented", message: why });
});

test("weights of 16 bits come in lists and as bytes, and what is between becomes the nearest float32", () => {
  const x = cs.ones([1, 1, 1]);
  for (const values of [
    [
      [2, 10],
      [5, 0x3555],
    ],
    [
      [2, 10],
      [9, Uint8Array.of(0x55, 0x35)],
    ],
  ] as const) {
    const bytes = model([node("Conv", "x w", "y"), constant("w", [1, 1, 1], values)]);
    // 0x3555 is the float16 next to a third: 1365 / 4096.
    assert.equal(cs.fromOnnx(bytes).forward(x).get([0, 0, 0]), 1365 / 4096);
  }
});

test("weights in another file are refused with what to do", () => {
  const bytes = model([
    node("Conv", "x w", "y"),
    constant(
      "w",
      [1, 1, 1],
      [
        [2, 1],
        [14, 1],
      ],
    ),
  ]);
  assert.throws(() => cs.fromOnnx(bytes), {
    code: "file",
    message: /"w" has its values in another file; .*external_data=False/,
  });
  assert.match(cs.onnxParts(bytes)[0]?.problem ?? "", /in another file/);
});

test("a small file that names its weights a thousand times does not fill the memory", () => {
  const chain = Array.from({ length: 1000 }, (_, i) =>
    node("Conv", `${i === 0 ? "x" : `v${i}`} w`, i === 999 ? "y" : `v${i + 1}`),
  );
  const bytes = model([...chain, constant("w", [200, 200, 1], new Array(40000).fill(1))]);
  assert.throws(() => cs.fromOnnx(bytes), {
    code: "file",
    message: /^fromOnnx: a file of \d+ bytes that asks for 40000000 weights$/,
  });
  assert.equal(cs.onnxParts(bytes).length, 1);
});

test("names that every object has are no operators and no modes", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    for (const part of [
      node(name, "x", "y"),
      node("Pad", "x", "y", attribute("pads", [0, 0, 1, 0, 0, 1]), attribute("mode", name)),
      node("Gelu", "x", "y", attribute("approximate", name)),
    ])
      assert.throws(
        () => cs.fromOnnx(model([part])),
        (error: unknown) => error instanceof cs.ConvscopeError,
        name,
      );
    const conv = [
      node("Conv", "x w", "y", attribute("auto_pad", name)),
      constant("w", [1, 1, 1], [1]),
    ];
    assert.equal(
      String(cs.fromOnnx(model(conv))),
      "Conv1d(1, 1, kernel_size=(1,), stride=(1,), bias=False)",
    );
  }
});

test("models with any byte changed are read or refused in words, never more", () => {
  const random = new Random(5);
  const net = cs.fromPyTorch(
    "nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode='reflect'), nn.SiLU(), nn.ConvTranspose2d(2, 1, 2, stride=2), nn.MaxPool2d(2))",
  );
  const files = [
    cs.toOnnx(net, [1, 1, 6, 6]),
    new Uint8Array(withMore),
    ...cases.map(({ model }) => new Uint8Array(Buffer.from(model, "base64"))),
  ];
  for (let round = 0; round < 6000; ++round) {
    const changed = random.damaged(random.pick(files));
    try {
      for (const part of [undefined, ...cs.onnxParts(changed)])
        if (part?.problem == null) cs.fromOnnx(changed, part);
    } catch (error) {
      const isOurs =
        error instanceof cs.ConvscopeError ||
        error instanceof RangeError ||
        error instanceof TypeError;
      assert.ok(
        isOurs &&
          !/undefined|DataView|array length|call stack|of null|not a function/.test(error.message),
        String((error as Error).stack),
      );
    }
  }
});

test("what claims to be large, endless or circular is refused at once", () => {
  const circle = Buffer.from(
    "3a2c0a0a0a0178120178220452656c750a0a0a01791201782204" + "52656c755a030a01696203",
    "hex",
  );
  for (const file of [
    new Uint8Array(0),
    Buffer.from("GIF89a"),
    Uint8Array.from({ length: 1000 }, () => 255),
    // A graph of 2^62 bytes.
    Uint8Array.of(58, 255, 255, 255, 255, 255, 255, 255, 255, 63, 1),
    circle,
  ]) {
    assert.throws(() => cs.fromOnnx(file), {
      name: "ConvscopeError",
      code: "file",
      message: /^fromOnnx: /,
    });
  }
});
