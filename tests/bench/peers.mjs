// The packages under test, each behind the same face:
//
//   await start(address)    loads it; address(path) names a file below node_modules, or of ours below dist
//   prepare(layer, x, w)    a layer with its weights uploaded; throws Unsupported if the package has none such. Returns
//                           call(): from a Float32Array in the package's own layout to another one, as a user would
//                           run(): the same on the package's own tensors, without the copies
//                           output(result of call): the output in PyTorch's layout, for the check
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as litert from "@litertjs/core";
import { convOf, isDepthwise, numbers, product, weightShape } from "./layers.mjs";
import { onnxModel, tfliteModel } from "./models.mjs";

export class Unsupported extends Error {}

function permuted(data, sizes, order) {
  const steps = sizes.map((_, axis) => product(sizes.slice(axis + 1)));
  const to = order.map((axis) => sizes[axis]);
  const made = new Float32Array(data.length);
  const index = to.map(() => 0);
  for (let i = 0; i < made.length; i++) {
    made[i] = data[index.reduce((sum, at, axis) => sum + at * steps[order[axis]], 0)];
    for (let axis = to.length - 1; axis >= 0 && ++index[axis] === to[axis]; axis--) index[axis] = 0;
  }
  return made;
}
const channelsLast = (data, channels) => permuted(data, [channels, data.length / channels], [1, 0]);
const channelsFirst = (data, channels) =>
  permuted(data, [data.length / channels, channels], [1, 0]);

// A layer of one axis as one of two axes, of height 1.
const two = (sizes, fill) => (sizes.length === 1 ? [fill, ...sizes] : sizes);
function asImage(l) {
  const wide = { ...l };
  for (const key of ["size", "output", "kernel", "stride", "dilation"]) wide[key] = two(l[key], 1);
  return { ...wide, padding: two(l.padding, 0) };
}

function convscope(math) {
  let cs;
  return {
    name: math === "fast" ? "convscope fast" : "convscope",
    async start(address) {
      cs = await import(address("dist/index.js"));
      await cs.init();
    },
    prepare(l, x, w) {
      const conv = convOf(cs, l, w, math);
      const shape = [l.inChannels, ...l.size];
      const plan = conv.plan(shape, { math });
      plan.input.set(x);
      const input = cs.tensor(x, shape);
      const gradient = cs.tensor(numbers(plan.output.length, 3), [l.outChannels, ...l.output]);
      return {
        call: () => conv.forward(cs.tensor(x, shape)).data,
        // No other package has this one.
        backward: math === "fast" ? undefined : () => conv.backward(input, gradient),
        run: () => plan.run(),
        output: (result) => result,
        dispose: () => plan.dispose(),
      };
    },
  };
}

const tfjs = {
  name: "TensorFlow.js",
  async start(address) {
    setWasmPaths(address("node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
    await tf.setBackend("wasm");
  },
  prepare(layer, x, w) {
    const l = asImage(layer);
    if (l.groups > 1 && !isDepthwise(l)) throw new Unsupported("no groups");
    const sizes = weightShape(l);
    const weight = tf.tensor(
      permuted(w, sizes, isDepthwise(l) ? [2, 3, 0, 1] : [2, 3, 1, 0]),
      (isDepthwise(l) ? [2, 3, 0, 1] : [2, 3, 1, 0]).map((axis) => sizes[axis]),
    );
    const [ph, pw] = l.padding;
    const pad = [
      [0, 0],
      [ph, ph],
      [pw, pw],
      [0, 0],
    ];
    const convolve = (t) => {
      if (l.transposed)
        return tf.conv2dTranspose(t, weight, [1, ...l.output, l.outChannels], l.stride, pad);
      const f = isDepthwise(l) ? tf.depthwiseConv2d : tf.conv2d;
      return f(t, weight, l.stride, pad, "NHWC", l.dilation);
    };
    const own = channelsLast(x, l.inChannels),
      shape = [1, ...l.size, l.inChannels];
    const kept = tf.tensor(own, shape);
    return {
      call() {
        const from = tf.tensor(own, shape),
          to = convolve(from),
          result = to.dataSync();
        from.dispose();
        to.dispose();
        return result;
      },
      run: () => convolve(kept).dispose(),
      output: (result) => channelsFirst(result, l.outChannels),
      dispose() {
        weight.dispose();
        kept.dispose();
      },
    };
  },
};

let ort;
const onnxruntime = {
  name: "onnxruntime-web",
  async start(address) {
    ort = await import(address("node_modules/onnxruntime-web/dist/ort.wasm.min.mjs"));
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = address("node_modules/onnxruntime-web/dist/");
  },
  async prepare(l, x, w) {
    const from = [1, l.inChannels, ...l.size],
      to = [1, l.outChannels, ...l.output];
    const attributes = {
      kernel_shape: l.kernel,
      strides: l.stride,
      dilations: l.dilation,
      group: l.groups,
      pads: [...l.padding, ...l.padding],
    };
    const model = onnxModel(
      l.transposed ? "ConvTranspose" : "Conv",
      attributes,
      from,
      weightShape(l),
      to,
      w,
    );
    const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    const kept = { x: new ort.Tensor("float32", x, from) };
    return {
      call: async () => (await session.run({ x: new ort.Tensor("float32", x, from) })).y.data,
      run: () => session.run(kept),
      output: (result) => result,
      dispose: () => session.release(),
    };
  },
};

const LITERT = {
  conv: { code: 3, type: 1 },
  depthwise: { code: 4, type: 2 },
  pad: { code: 34, type: 22 },
  transposed: { code: 67, type: 49 },
};
const liteRt = {
  name: "LiteRT.js",
  async start(address) {
    // Its log goes nowhere, and neither does its warning that WebGPU is missing.
    globalThis.Module = { print() {}, printErr() {} };
    const { warn } = console;
    console.warn = () => {};
    await litert.loadLiteRt(address("node_modules/@litertjs/core/wasm/"), { threads: false });
    console.warn = warn;
  },
  async prepare(layer, x, w) {
    const l = asImage(layer);
    const SAME = 0,
      VALID = 1;
    const from = [1, ...l.size, l.inChannels],
      to = [1, ...l.output, l.outChannels];
    const tensors = [{ shape: from }, { shape: to }];
    const operators = [];
    const add = (tensor) => tensors.push(tensor) - 1;
    let input = 0,
      padding = VALID;
    const isPadded = l.padding.some((p) => p > 0);
    if (l.transposed && isPadded) {
      if (l.output.some((n, i) => n !== l.size[i] * l.stride[i])) throw new Unsupported("padding");
      padding = SAME;
    } else if (isPadded) {
      // What converters write for explicit padding. It is folded into the convolution.
      const [h, wide] = l.padding;
      const amounts = add({ shape: [4, 2], data: Int32Array.from([0, 0, h, h, wide, wide, 0, 0]) });
      input = add({ shape: [1, l.size[0] + 2 * h, l.size[1] + 2 * wide, l.inChannels] });
      operators.push({
        code: LITERT.pad.code,
        options: { type: LITERT.pad.type, fields: [] },
        inputs: [0, amounts],
        outputs: [input],
      });
    }
    const sizes = weightShape(l);
    const reordered = (order) =>
      add({ shape: order.map((axis) => sizes[axis]), data: permuted(w, sizes, order) });
    const steps = [
      [0, "Int8", padding],
      [1, "Int32", l.stride[1]],
      [2, "Int32", l.stride[0]],
    ];
    const NONE = 0;
    if (l.transposed) {
      const weight = reordered([1, 2, 3, 0]),
        shape = add({ shape: [4], data: Int32Array.from(to) });
      const fields = [...steps, [3, "Int8", NONE]];
      operators.push({
        code: LITERT.transposed.code,
        options: { type: LITERT.transposed.type, fields },
        inputs: [shape, weight, input],
        outputs: [1],
      });
    } else {
      const kind = isDepthwise(l) ? "depthwise" : "conv";
      const weight = reordered(isDepthwise(l) ? [1, 2, 3, 0] : [0, 2, 3, 1]);
      const bias = add({ shape: [l.outChannels], data: new Float32Array(l.outChannels) });
      const dilation = (slot) => [
        [slot, "Int32", l.dilation[1]],
        [slot + 1, "Int32", l.dilation[0]],
      ];
      const fields = isDepthwise(l)
        ? [...steps, [3, "Int32", l.outChannels / l.inChannels], [4, "Int8", NONE], ...dilation(5)]
        : [...steps, [3, "Int8", NONE], ...dilation(4)];
      operators.push({
        code: LITERT[kind].code,
        version: isDepthwise(l) ? 2 : 1,
        options: { type: LITERT[kind].type, fields },
        inputs: [input, weight, bias],
        outputs: [1],
      });
    }
    const model = await litert.loadAndCompile(tfliteModel(tensors, operators), {
      accelerator: "wasm",
      cpuOptions: { numThreads: 1 },
    });
    const own = channelsLast(x, l.inChannels),
      kept = new litert.Tensor(own, from);
    return {
      async call() {
        const tensor = new litert.Tensor(own, from),
          [made] = await model.run([tensor]),
          result = await made.data();
        tensor.delete();
        made.delete();
        return result;
      },
      run: async () => (await model.run([kept]))[0].delete(),
      output: (result) => channelsFirst(result, l.outChannels),
      dispose() {
        kept.delete();
        model.delete();
      },
    };
  },
};

let cv;
const openCv = {
  name: "OpenCV.js",
  async start(address) {
    const script = Object.assign(document.createElement("script"), {
      src: address("node_modules/@techstark/opencv-js/dist/opencv.js"),
    });
    await new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    cv = await globalThis.cv;
    if (!cv.Mat) await new Promise((resolve) => (cv.onRuntimeInitialized = resolve));
  },
  prepare(l, x, w) {
    if (l.family !== "image filter") throw new Unsupported("filters of single channels only");
    const [h, wide] = l.size,
      channels = l.groups,
      plane = h * wide,
      taps = product(l.kernel);
    const matrix = (rows, columns, data) => cv.matFromArray(rows, columns, cv.CV_32F, data);
    const planes = Array.from({ length: channels }, (_, c) => ({
      from: matrix(h, wide, x.subarray(c * plane, (c + 1) * plane)),
      kernel: matrix(...l.kernel, w.subarray(c * taps, (c + 1) * taps)),
      to: new cv.Mat(h, wide, cv.CV_32F),
    }));
    const centre = new cv.Point(-1, -1);
    const run = () => {
      for (const { from, kernel, to } of planes)
        cv.filter2D(from, to, -1, kernel, centre, 0, cv.BORDER_CONSTANT);
    };
    return {
      call() {
        planes.forEach(({ from }, c) => from.data32F.set(x.subarray(c * plane, (c + 1) * plane)));
        run();
        const result = new Float32Array(x.length);
        planes.forEach(({ to }, c) => result.set(to.data32F, c * plane));
        return result;
      },
      run,
      output: (result) => result,
      dispose: () => planes.forEach((p) => Object.values(p).forEach((mat) => mat.delete())),
    };
  },
};

export const packages = [
  convscope("reproducible"),
  convscope("fast"),
  liteRt,
  tfjs,
  onnxruntime,
  openCv,
];
