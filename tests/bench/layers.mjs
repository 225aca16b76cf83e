// The layers that are timed: float32, batch 1, no bias. A layer is plain data, the same for every package:
// sizes per spatial axis as arrays, padding the same on both sides, weights in PyTorch's order.

const PER_AXIS = { kernel: 1, stride: 1, padding: 0, dilation: 1 };

function layer(family, name, inChannels, outChannels, size, options = {}) {
  const axes = size.length;
  const made = {
    family,
    name,
    axes,
    inChannels,
    outChannels,
    size,
    groups: options.groups ?? 1,
    transposed: options.transposed ?? false,
  };
  for (const [key, fallback] of Object.entries(PER_AXIS)) {
    const value = options[key] ?? fallback;
    made[key] = Array.isArray(value) ? value : Array(axes).fill(value);
  }
  made.output = size.map((n, i) => {
    const reach = made.dilation[i] * (made.kernel[i] - 1);
    return made.transposed
      ? (n - 1) * made.stride[i] - 2 * made.padding[i] + reach + 1
      : Math.floor((n + 2 * made.padding[i] - reach - 1) / made.stride[i]) + 1;
  });
  return made;
}

const square = (n) => [n, n];
const dense = (name, from, to, n, kernel, stride = 1, padding = 0, more = {}) =>
  layer(
    kernel === 1 ? "1x1" : (more.family ?? (stride === 1 ? "3x3" : "strided")),
    name,
    from,
    to,
    square(n),
    { kernel, stride, padding, ...more },
  );
const depthwise = (name, channels, n, kernel, stride = 1) =>
  layer("depthwise", name, channels, channels, square(n), {
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    groups: channels,
  });
const audio = (name, from, to, length, kernel, stride, padding = 0, dilation = 1) =>
  layer("audio", name, from, to, [length], { kernel, stride, padding, dilation });

export const layers = [
  dense("ResNet stem 7x7/2, 3-64 @224", 3, 64, 224, 7, 2, 3, { family: "stem" }),
  dense("ResNet 3x3, 64-64 @56", 64, 64, 56, 3, 1, 1),
  dense("ResNet 3x3, 128-128 @28", 128, 128, 28, 3, 1, 1),
  dense("ResNet 3x3, 256-256 @14", 256, 256, 14, 3, 1, 1),
  dense("ResNet 3x3, 512-512 @7", 512, 512, 7, 3, 1, 1),
  dense("VGG 3x3, 64-64 @224", 64, 64, 224, 3, 1, 1),
  dense("DeepLab 3x3 dilated by 2, 256-256 @28", 256, 256, 28, 3, 1, 2, { dilation: 2 }),
  dense("5x5, 32-64 @28", 32, 64, 28, 5, 1, 2, { family: "5x5" }),
  dense("ResNet 3x3/2, 128-128 @56", 128, 128, 56, 3, 2, 1),
  dense("ResNet 1x1, 64-256 @56", 64, 256, 56, 1),
  dense("ResNet 1x1, 256-64 @56", 256, 64, 56, 1),
  dense("ResNet 1x1, 512-128 @28", 512, 128, 28, 1),
  dense("ResNet 1x1, 1024-256 @14", 1024, 256, 14, 1),
  dense("ResNet 1x1, 2048-512 @7", 2048, 512, 7, 1),
  dense("MobileNet 1x1, 16-96 @112", 16, 96, 112, 1),
  dense("MobileNet 1x1, 960-160 @7", 960, 160, 7, 1),
  dense("MobileNet stem 3x3/2, 3-32 @224", 3, 32, 224, 3, 2, 1, { family: "stem" }),
  depthwise("MobileNet depthwise 3x3, 32 @112", 32, 112, 3),
  depthwise("MobileNet depthwise 3x3/2, 96 @112", 96, 112, 3, 2),
  depthwise("MobileNet depthwise 3x3, 144 @56", 144, 56, 3),
  depthwise("MobileNet depthwise 3x3, 384 @14", 384, 14, 3),
  depthwise("MobileNet depthwise 3x3, 960 @7", 960, 7, 3),
  depthwise("EfficientNet depthwise 5x5, 240 @28", 240, 28, 5),
  depthwise("EfficientNet depthwise 5x5, 672 @14", 672, 14, 5),
  dense("ResNeXt 3x3, 128-128 in 32 groups @56", 128, 128, 56, 3, 1, 1, {
    groups: 32,
    family: "grouped",
  }),
  audio("Whisper k3, 80-384, 3000", 80, 384, 3000, 3, 1, 1),
  audio("Whisper k3/2, 384-384, 3000", 384, 384, 3000, 3, 2, 1),
  audio("wav2vec2 k10/5, 1-512, 16000", 1, 512, 16000, 10, 5),
  audio("wav2vec2 k3/2, 512-512, 3199", 512, 512, 3199, 3, 2),
  audio("WaveNet k2 dilated by 512, 64-128, 16000", 64, 128, 16000, 2, 1, 0, 512),
  dense("transposed 4x4/2, 128-64 @28", 128, 64, 28, 4, 2, 1, {
    transposed: true,
    family: "transposed",
  }),
  dense("transposed 2x2/2, 64-32 @56", 64, 32, 56, 2, 2, 0, {
    transposed: true,
    family: "transposed",
  }),
  layer("tiny", "the notebook's 2x2, 1-1 @3x4", 1, 1, [3, 4], { kernel: 2 }),
  layer("small", "MNIST 3x3, 1-8 @28", 1, 8, square(28), { kernel: 3 }),
  layer("small", "CIFAR 3x3, 3-16 @32", 3, 16, square(32), { kernel: 3, padding: 1 }),
  layer("image filter", "5x5 filter, 1080x1920", 1, 1, [1080, 1920], { kernel: 5, padding: 2 }),
  layer("image filter", "3x3 filter, 3 channels @512", 3, 3, square(512), {
    kernel: 3,
    padding: 1,
    groups: 3,
  }),
];

export const product = (numbers) => numbers.reduce((a, b) => a * b, 1);
export const weightShape = (l) =>
  l.transposed
    ? [l.inChannels, l.outChannels / l.groups, ...l.kernel]
    : [l.outChannels, l.inChannels / l.groups, ...l.kernel];
export const isDepthwise = (l) => l.groups > 1 && l.groups === l.inChannels && !l.transposed;
// Multiplications, those with padding zeros included, as everybody counts them.
export const multiplications = (l) =>
  product(weightShape(l)) * product(l.transposed ? l.size : l.output);

// Numbers in [-1, 1), the same in every run.
export function numbers(count, seed) {
  const made = new Float32Array(count);
  let state = (seed + 1) * 0x9e3779b9;
  for (let i = 0; i < count; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    made[i] = (state >> 8) / 2 ** 23;
  }
  return made;
}

// Some outputs by the definition, in double precision: [offset, value, sum of magnitudes].
export function spotChecks(l, input, weight, count) {
  const outPlane = product(l.output),
    inPlane = product(l.size),
    taps = product(l.kernel);
  const outGroup = l.outChannels / l.groups,
    inGroup = l.inChannels / l.groups;
  const at = (offset, sizes) =>
    sizes.map((n, i) => Math.floor(offset / product(sizes.slice(i + 1))) % n);
  const total = l.outChannels * outPlane;
  const checks = [];
  for (let i = 0; i < count; i++) {
    const offset = Math.floor(((i + 0.5) / count) * total);
    const channel = Math.floor(offset / outPlane),
      group = Math.floor(channel / outGroup);
    const place = at(offset % outPlane, l.output);
    let sum = 0,
      magnitude = 0;
    for (let tap = 0; tap < taps; tap++) {
      const where = at(tap, l.kernel).map((k, axis) => {
        if (!l.transposed)
          return place[axis] * l.stride[axis] - l.padding[axis] + k * l.dilation[axis];
        return (place[axis] + l.padding[axis] - k * l.dilation[axis]) / l.stride[axis];
      });
      if (where.some((w, axis) => !Number.isInteger(w) || w < 0 || w >= l.size[axis])) continue;
      const inside = where.reduce((sum, w, axis) => sum * l.size[axis] + w, 0);
      for (let c = 0; c < inGroup; c++) {
        const from = group * inGroup + c;
        const pair = l.transposed ? from * outGroup + (channel % outGroup) : channel * inGroup + c;
        const term = input[from * inPlane + inside] * weight[pair * taps + tap];
        sum += term;
        magnitude += Math.abs(term);
      }
    }
    checks.push([offset, sum, magnitude]);
  }
  return checks;
}

/** The layer as the package `cs` has it. */
export function convOf(cs, l, weight, math) {
  return new cs[`Conv${l.transposed ? "Transpose" : ""}${l.axes}d`]({
    inChannels: l.inChannels,
    outChannels: l.outChannels,
    kernelSize: l.kernel,
    stride: l.stride,
    padding: l.padding,
    dilation: l.dilation,
    groups: l.groups,
    bias: false,
    weight: cs.tensor(weight, weightShape(l)),
    math,
  });
}
