// Unfold and Fold: an image as a matrix of its sliding blocks, and back (fold.h).
import type { Ints } from "./conv-options.js";
import { PlainLayer } from "./layer.js";
import { makeLayer } from "./native.js";
import { toInts, toOptions } from "./validate.js";

/** Arguments of {@link Unfold}: torch's, in camelCase. One number or `[height, width]`. */
export interface UnfoldOptions {
  /** Cells of the block. */
  readonly kernelSize: Ints;
  /** Cells from one block cell to the next. Default 1. */
  readonly dilation?: Ints | undefined;
  /** Cells of 0 added on both sides. Default 0. */
  readonly padding?: Ints | undefined;
  /** Cells from one block to the next. Default 1. */
  readonly stride?: Ints | undefined;
}

/** Arguments of {@link Fold}: torch's, in camelCase. */
export interface FoldOptions extends UnfoldOptions {
  /** The image's height and width. */
  readonly outputSize: Ints;
}

const names = ["kernelSize", "dilation", "padding", "stride"];

function toArguments(given: Readonly<Record<string, unknown>>): readonly (number | number[])[] {
  const { kernelSize, dilation, padding, stride } = given;
  return [
    toInts(kernelSize, "kernelSize"),
    toInts(dilation ?? 1, "dilation"),
    toInts(padding ?? 0, "padding"),
    toInts(stride ?? 1, "stride"),
  ];
}

/**
 * torch.nn.Unfold: lays every window of the image `(N, C, H, W)` or `(C, H, W)` out as a column.
 *
 * @example
 * ```ts
 * new Unfold({ kernelSize: [2, 3] }).forward(zeros([2, 4, 5])).shape; // [12, 9]
 * ```
 */
export class Unfold extends PlainLayer {
  constructor(options: UnfoldOptions) {
    const given = toOptions(options, "options", names);
    super({ raw: makeLayer("makeUnfold", ...toArguments(given)), options: given });
  }
}

/**
 * torch.nn.Fold: adds every column back into the image where its block was taken, `(N, C * kernel, L)` or
 * `(C * kernel, L)`.
 *
 * @example
 * ```ts
 * new Fold({ outputSize: [4, 5], kernelSize: [2, 3] }).forward(zeros([12, 9])).shape; // [2, 4, 5]
 * ```
 */
export class Fold extends PlainLayer {
  constructor(options: FoldOptions) {
    const given = toOptions(options, "options", ["outputSize", ...names]);
    const outputSize = toInts(given.outputSize, "outputSize");
    super({ raw: makeLayer("makeFold", ...toArguments(given), outputSize), options: given });
  }
}
