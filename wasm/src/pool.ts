// Max and average pooling over 1, 2 or 3 axes, of windows or to a given size (pool.h, adaptive_pool.h).
import type { Ints } from "./conv-options.js";
import { Layer, nativeOf, PlainLayer, runForward } from "./layer.js";
import { indicesOf, makeLayer, outputOf } from "./native.js";
import { toTensor, type IntTensor, type Tensor } from "./tensor.js";
import { toBoolean, toInteger, toInts, toOptions, typeError } from "./validate.js";

/** Arguments of {@link MaxPool1d}, {@link MaxPool2d} and {@link MaxPool3d}: torch's, in camelCase. */
export interface MaxPoolOptions<Indices extends boolean = boolean> {
  /** Cells of the window along each axis. */
  readonly kernelSize: Ints;
  /** Cells from one window to the next. Default: `kernelSize`. */
  readonly stride?: Ints | null | undefined;
  /** Cells added on both sides of each axis, at most half the kernel. They are never the largest. Default 0. */
  readonly padding?: Ints | undefined;
  /** Cells from one window cell to the next. Default 1. */
  readonly dilation?: Ints | undefined;
  /** Whether a last window may stick out. Default false. */
  readonly ceilMode?: boolean | undefined;
  /** Whether `forward` gives `[output, indices]`. Default false. */
  readonly returnIndices?: Indices | undefined;
}

/** Arguments of {@link AvgPool1d}: torch's, in camelCase. */
export interface AvgPool1dOptions {
  /** Cells of the window along each axis. */
  readonly kernelSize: Ints;
  /** Cells from one window to the next. Default: `kernelSize`. */
  readonly stride?: Ints | null | undefined;
  /** Cells of 0 added on both sides of each axis, at most half the kernel. Default 0. */
  readonly padding?: Ints | undefined;
  /** Whether a last window may stick out. Default false. */
  readonly ceilMode?: boolean | undefined;
  /** Whether the mean counts padding cells. Default true. */
  readonly countIncludePad?: boolean | undefined;
}

/** Arguments of {@link AvgPool2d} and {@link AvgPool3d}: torch's, in camelCase. */
export interface AvgPoolOptions extends AvgPool1dOptions {
  /** What sums are divided by, instead of the number of cells. */
  readonly divisorOverride?: number | null | undefined;
}

/** A size per axis, or one for all; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

/** Arguments of {@link AdaptiveAvgPool1d} and its like. */
export interface AdaptiveAvgPoolOptions {
  /** The output's size per axis; `null` in a list keeps that axis. */
  readonly outputSize: OutputSize;
}

/** Arguments of {@link AdaptiveMaxPool1d} and its like. */
export interface AdaptiveMaxPoolOptions<
  Indices extends boolean = boolean,
> extends AdaptiveAvgPoolOptions {
  /** Whether `forward` gives `[output, indices]`. Default false. */
  readonly returnIndices?: Indices | undefined;
}

/** What a max pool's `forward` gives: the output, or `[output, indices]` with `returnIndices`. */
export type MaxPoolOutput<Indices extends boolean> = Indices extends true
  ? [output: Tensor, indices: IntTensor]
  : Tensor;

/** The indices are counted within one channel's plane, as in torch. */
function forwardMax<Indices extends boolean>(
  layer: Layer<unknown>,
  returnIndices: boolean,
  x: unknown,
): MaxPoolOutput<Indices> {
  const forward = runForward(layer, nativeOf(layer), toTensor(x, "x"));
  const output = outputOf(forward);
  return (returnIndices ? [output, indicesOf(forward)] : output) as MaxPoolOutput<Indices>;
}

/** What all max pools have in common. */
export abstract class MaxPool<Indices extends boolean> extends Layer<MaxPoolOutput<Indices>> {
  /** Whether `forward` gives `[output, indices]`. */
  readonly returnIndices: boolean;

  /** @internal */
  protected constructor(axes: number, options: MaxPoolOptions<Indices>) {
    const names = ["kernelSize", "stride", "padding", "dilation", "ceilMode", "returnIndices"];
    const given = toOptions(options, "options", names);
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = given;
    const made = makeLayer(
      "makeMaxPool",
      axes,
      toInts(kernelSize, "kernelSize"),
      toOptionalInts(stride, "stride"),
      toInts(padding ?? 0, "padding"),
      toInts(dilation ?? 1, "dilation"),
      toBoolean(ceilMode ?? false, "ceilMode"),
      toBoolean(returnIndices ?? false, "returnIndices"),
    );
    super({ raw: made, options: given });
    this.returnIndices = returnIndices === true;
  }

  override forward(x: Tensor): MaxPoolOutput<Indices> {
    return forwardMax<Indices>(this, this.returnIndices, x);
  }
}

/** What all average pools have in common. */
export abstract class AvgPool extends PlainLayer {
  /** @internal */
  protected constructor(axes: number, options: AvgPoolOptions) {
    const names = ["kernelSize", "stride", "padding", "ceilMode", "countIncludePad"];
    if (axes > 1) names.push("divisorOverride");
    const given = toOptions(options, "options", names);
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = given;
    const made = makeLayer(
      "makeAvgPool",
      axes,
      toInts(kernelSize, "kernelSize"),
      toOptionalInts(stride, "stride"),
      toInts(padding ?? 0, "padding"),
      toBoolean(ceilMode ?? false, "ceilMode"),
      toBoolean(countIncludePad ?? true, "countIncludePad"),
      (divisorOverride ?? null) === null ? null : toInteger(divisorOverride, "divisorOverride"),
    );
    super({ raw: made, options: given });
  }
}

/** What all adaptive average pools have in common. */
export abstract class AdaptiveAvgPool extends PlainLayer {
  /** @internal */
  protected constructor(axes: number, options: AdaptiveAvgPoolOptions) {
    const given = toOptions(options, "options", ["outputSize"]);
    const size = toOutputSize(given.outputSize);
    super({ raw: makeLayer("makeAdaptivePool", axes, false, size, false), options: given });
  }
}

/** What all adaptive max pools have in common. */
export abstract class AdaptiveMaxPool<Indices extends boolean> extends Layer<
  MaxPoolOutput<Indices>
> {
  /** Whether `forward` gives `[output, indices]`. */
  readonly returnIndices: boolean;

  /** @internal */
  protected constructor(axes: number, options: AdaptiveMaxPoolOptions<Indices>) {
    const given = toOptions(options, "options", ["outputSize", "returnIndices"]);
    const size = toOutputSize(given.outputSize);
    const returnIndices = toBoolean(given.returnIndices ?? false, "returnIndices");
    super({
      raw: makeLayer("makeAdaptivePool", axes, true, size, returnIndices),
      options: given,
    });
    this.returnIndices = returnIndices;
  }

  override forward(x: Tensor): MaxPoolOutput<Indices> {
    return forwardMax<Indices>(this, this.returnIndices, x);
  }
}

function toOptionalInts(value: unknown, name: string): number | number[] | null {
  return value === undefined || value === null ? null : toInts(value, name);
}

/** For the engine NaN stands for null. */
function toOutputSize(value: unknown): number | number[] {
  if (value === null) return [NaN];
  if (!Array.isArray(value)) return toInts(value, "outputSize");
  if (value.length > 16) throw typeError("at most 16 sizes", "outputSize", value);
  return Array.from(value as readonly unknown[], (size, i) =>
    size === null ? NaN : toInteger(size, `outputSize[${i}]`),
  );
}

/**
 * torch.nn.MaxPool1d: the largest cell of each window over one axis: `(N, C, L)` or `(C, L)`. Of equal cells the first counts, and of
 * cells that are not a number the last.
 *
 * @example
 * ```ts
 * new MaxPool1d({ kernelSize: 2 }).forward(zeros([2, 8])).shape; // [2, 4]
 * ```
 */
export class MaxPool1d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(options: MaxPoolOptions<Indices>) {
    super(1, options);
  }
}

/**
 * torch.nn.MaxPool2d: the largest cell of each window over two axes: `(N, C, H, W)` or `(C, H, W)`. Of equal cells the first counts, and of
 * cells that are not a number the last.
 *
 * @example
 * ```ts
 * new MaxPool2d({ kernelSize: 2 }).forward(zeros([2, 8, 8])).shape; // [2, 4, 4]
 * ```
 */
export class MaxPool2d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(options: MaxPoolOptions<Indices>) {
    super(2, options);
  }
}

/**
 * torch.nn.MaxPool3d: the largest cell of each window over three axes: `(N, C, D, H, W)` or `(C, D, H, W)`. Of equal cells the first counts, and of
 * cells that are not a number the last.
 *
 * @example
 * ```ts
 * new MaxPool3d({ kernelSize: 2 }).forward(zeros([2, 8, 8, 8])).shape; // [2, 4, 4, 4]
 * ```
 */
export class MaxPool3d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(options: MaxPoolOptions<Indices>) {
    super(3, options);
  }
}

/**
 * torch.nn.AvgPool1d: the mean of each window over one axis: `(N, C, L)` or `(C, L)`.
 *
 * @example
 * ```ts
 * new AvgPool1d({ kernelSize: 2 }).forward(zeros([2, 8])).shape; // [2, 4]
 * ```
 */
export class AvgPool1d extends AvgPool {
  constructor(options: AvgPool1dOptions) {
    super(1, options);
  }
}

/**
 * torch.nn.AvgPool2d: the mean of each window over two axes: `(N, C, H, W)` or `(C, H, W)`.
 *
 * @example
 * ```ts
 * new AvgPool2d({ kernelSize: 2 }).forward(zeros([2, 8, 8])).shape; // [2, 4, 4]
 * ```
 */
export class AvgPool2d extends AvgPool {
  constructor(options: AvgPoolOptions) {
    super(2, options);
  }
}

/**
 * torch.nn.AvgPool3d: the mean of each window over three axes: `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * @example
 * ```ts
 * new AvgPool3d({ kernelSize: 2 }).forward(zeros([2, 8, 8, 8])).shape; // [2, 4, 4, 4]
 * ```
 */
export class AvgPool3d extends AvgPool {
  constructor(options: AvgPoolOptions) {
    super(3, options);
  }
}

/**
 * torch.nn.AdaptiveAvgPool1d: means of as many windows as the output has cells, over one axis: `(N, C, L)` or `(C, L)`.
 *
 * @example
 * ```ts
 * new AdaptiveAvgPool1d({ outputSize: 4 }).forward(zeros([2, 8])).shape; // [2, 4]
 * ```
 */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(options: AdaptiveAvgPoolOptions) {
    super(1, options);
  }
}

/**
 * torch.nn.AdaptiveAvgPool2d: means of as many windows as the output has cells, over two axes: `(N, C, H, W)` or `(C, H, W)`.
 *
 * @example
 * ```ts
 * new AdaptiveAvgPool2d({ outputSize: 4 }).forward(zeros([2, 8, 8])).shape; // [2, 4, 4]
 * ```
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(options: AdaptiveAvgPoolOptions) {
    super(2, options);
  }
}

/**
 * torch.nn.AdaptiveAvgPool3d: means of as many windows as the output has cells, over three axes: `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * @example
 * ```ts
 * new AdaptiveAvgPool3d({ outputSize: 4 }).forward(zeros([2, 8, 8, 8])).shape; // [2, 4, 4, 4]
 * ```
 */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(options: AdaptiveAvgPoolOptions) {
    super(3, options);
  }
}

/**
 * torch.nn.AdaptiveMaxPool1d: the largest cells of as many windows as the output has cells, over one axis: `(N, C, L)` or `(C, L)`.
 *
 * @example
 * ```ts
 * new AdaptiveMaxPool1d({ outputSize: 4 }).forward(zeros([2, 8])).shape; // [2, 4]
 * ```
 */
export class AdaptiveMaxPool1d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(options: AdaptiveMaxPoolOptions<Indices>) {
    super(1, options);
  }
}

/**
 * torch.nn.AdaptiveMaxPool2d: the largest cells of as many windows as the output has cells, over two axes: `(N, C, H, W)` or `(C, H, W)`.
 *
 * @example
 * ```ts
 * new AdaptiveMaxPool2d({ outputSize: 4 }).forward(zeros([2, 8, 8])).shape; // [2, 4, 4]
 * ```
 */
export class AdaptiveMaxPool2d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(options: AdaptiveMaxPoolOptions<Indices>) {
    super(2, options);
  }
}

/**
 * torch.nn.AdaptiveMaxPool3d: the largest cells of as many windows as the output has cells, over three axes: `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * @example
 * ```ts
 * new AdaptiveMaxPool3d({ outputSize: 4 }).forward(zeros([2, 8, 8, 8])).shape; // [2, 4, 4, 4]
 * ```
 */
export class AdaptiveMaxPool3d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(options: AdaptiveMaxPoolOptions<Indices>) {
    super(3, options);
  }
}
