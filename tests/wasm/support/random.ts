// Random layers, tensors, edits and broken files from a seed: a failing case can be had again.
import type { Edit, Layer, Tensor } from "convscope";
import type { Package } from "./package.js";

/** A small generator of our own (mulberry32): torch's is under test. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** Mostly ordinary numbers; now and then one that sums do not like. */
  value(): number {
    if (this.next() < 0.08) return this.pick([0, -0, NaN, Infinity, -Infinity, 1e38, -1e38, 1e-42]);
    return (this.next() * 2 - 1) * this.pick([1, 1, 10, 1000]);
  }

  /** A copy of a file with one to three of its bytes changed; now and then its end is cut off first. */
  damaged(file: Uint8Array): Uint8Array {
    const bytes = file.slice(0, this.next() < 0.2 ? this.int(0, file.length) : undefined);
    for (let n = this.int(1, 3); n > 0 && bytes.length > 0; --n)
      bytes[this.int(0, bytes.length - 1)] = this.pick([0, 1, 127, 128, 255, this.int(0, 255)]);
    return bytes;
  }

  tensor(cs: Package, shape: readonly number[]): Tensor {
    const size = shape.reduce((product, n) => product * n, 1);
    return cs.tensor(
      Float32Array.from({ length: size }, () => this.value()),
      shape,
    );
  }

  /** One of the layers that take an input of this shape (unbatched, `axes` spatial axes), or a refusal by torch. */
  layer(cs: Package, axes: 1 | 2 | 3, shape: readonly number[]): Layer {
    const channels = shape[0] as number;
    const list = (low: number, high: number): number[] =>
      Array.from({ length: axes }, () => this.int(low, high));
    const named = <T>(name: string): T =>
      (cs as unknown as Record<string, unknown>)[`${name}${axes}d`] as T;
    const kind = this.pick([
      "conv",
      "conv",
      "conv",
      "transposed",
      "max",
      "avg",
      "adaptive",
      "pad",
      "activation",
    ]);
    switch (kind) {
      case "conv":
      case "transposed": {
        const groups = this.pick([1, 1, channels]);
        const bias = this.next() < 0.8;
        const shared = {
          inChannels: channels,
          outChannels: groups * this.int(1, 2),
          kernelSize: list(1, 3),
          dilation: list(1, 2),
          groups,
          bias,
        };
        if (kind === "transposed") {
          return new (named<Package["ConvTranspose2d"]>("ConvTranspose"))({
            ...shared,
            stride: list(1, 3),
            padding: list(0, 1),
          });
        }
        const paddingMode = this.pick(["zeros", "reflect", "replicate", "circular"] as const);
        const padding = this.pick(["valid", "same", "same-upper", "sides", "numbers"] as const);
        return new (named<Package["Conv2d"]>("Conv"))({
          ...shared,
          paddingMode,
          stride: padding === "same" ? 1 : list(1, 3),
          padding:
            padding === "sides"
              ? Array.from({ length: axes }, (): [number, number] => [
                  this.int(0, 2),
                  this.int(0, 2),
                ])
              : padding === "numbers"
                ? list(0, 2)
                : padding,
        });
      }
      case "max":
        return new (named<Package["MaxPool2d"]>("MaxPool"))({
          kernelSize: list(2, 3),
          stride: list(1, 2),
          padding: 1,
        });
      case "avg":
        return new (named<Package["AvgPool2d"]>("AvgPool"))({
          kernelSize: list(2, 3),
          stride: list(1, 2),
          padding: 1,
        });
      case "adaptive":
        return new (named<Package["AdaptiveAvgPool2d"]>(
          this.pick(["AdaptiveAvgPool", "AdaptiveMaxPool"]),
        ))({
          outputSize: list(1, 4),
        });
      case "pad":
        return new (named<Package["ReflectionPad2d"]>(
          this.pick(["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]),
        ))({
          padding: Array.from({ length: 2 * axes }, () => this.int(0, 2)),
        });
      default: {
        const name = this.pick([
          "ReLU",
          "LeakyReLU",
          "Sigmoid",
          "Hardtanh",
          "Tanh",
          "SiLU",
        ] as const);
        return new cs[name]();
      }
    }
  }

  /** A layer or a stack that takes this shape; layers that torch refuses for it are drawn again. */
  stack(cs: Package, axes: 1 | 2 | 3, shape: readonly number[]): Layer {
    const layers: Layer[] = [];
    let at = shape;
    const depth = this.int(1, 4);
    while (layers.length < depth) {
      const layer = this.layer(cs, axes, at);
      let next: readonly number[];
      try {
        next = layer.outputShape(at);
      } catch (error) {
        if (error instanceof cs.ConvscopeError) continue;
        throw error;
      }
      if (next.reduce((product, n) => product * n, 1) > 3000) continue;
      at = next;
      layers.push(layer);
    }
    const [only] = layers;
    return layers.length === 1 && only !== undefined ? only : new cs.Sequential(layers);
  }

  /** One to three edits of the input or of a parameter. */
  edits(layer: Layer, inputShape: readonly number[]): Edit[] {
    const targets = Object.entries(layer.stateDict()).map(
      ([name, { shape }]) => [name, shape] as const,
    );
    return Array.from({ length: this.int(1, 3) }, (): Edit => {
      const [target, shape] =
        targets.length > 0 && this.next() < 0.4
          ? this.pick(targets)
          : (["input", inputShape] as const);
      return [target, shape.map((size) => this.int(0, size - 1)), this.value()];
    });
  }
}
