// Padding as a layer (pad.h).
import type { Ints } from "./conv-options.js";
import { PlainLayer } from "./layer.js";
import { makeLayer } from "./native.js";
import { toInts, toNumber, toOptions } from "./validate.js";

/** Arguments of the padding layers. */
export interface PadOptions {
  /**
   * Cells to add: a number for all sides, or torch's list, last axis first: `[left, right, top, bottom, front, back]`.
   * Negative numbers crop.
   */
  readonly padding: Ints;
}

/** Arguments of {@link ConstantPad1d} and its like. */
export interface ConstantPadOptions extends PadOptions {
  /** What the new cells hold. */
  readonly value: number;
}

/** What all padding layers have in common. */
export abstract class Padding extends PlainLayer {
  /** @internal */
  protected constructor(axes: number, mode: string, options: PadOptions) {
    const isConstant = mode === "value";
    const names = isConstant ? ["padding", "value"] : ["padding"];
    const given = toOptions(options, "options", names);
    const sides = toInts(given.padding, "padding");
    const filler = isConstant ? toNumber(given.value, "value") : null;
    super({
      raw: makeLayer("makePad", axes, sides, isConstant ? "constant" : mode, filler),
      options: given,
    });
  }
}

/**
 * torch.nn.ZeroPad1d: adds cells around one axis that hold zeros.
 *
 * @example
 * ```ts
 * new ZeroPad1d({ padding: [1, 2] }).forward(zeros([2, 8])).shape; // [2, 11]
 * ```
 */
export class ZeroPad1d extends Padding {
  constructor(options: PadOptions) {
    super(1, "constant", options);
  }
}

/**
 * torch.nn.ZeroPad2d: adds cells around two axes that hold zeros.
 *
 * @example
 * ```ts
 * new ZeroPad2d({ padding: [1, 2, 0, 1] }).forward(zeros([2, 8, 8])).shape; // [2, 9, 11]
 * ```
 */
export class ZeroPad2d extends Padding {
  constructor(options: PadOptions) {
    super(2, "constant", options);
  }
}

/**
 * torch.nn.ZeroPad3d: adds cells around three axes that hold zeros.
 *
 * @example
 * ```ts
 * new ZeroPad3d({ padding: [1, 2, 0, 1, 1, 0] }).forward(zeros([2, 8, 8, 8])).shape; // [2, 9, 9, 11]
 * ```
 */
export class ZeroPad3d extends Padding {
  constructor(options: PadOptions) {
    super(3, "constant", options);
  }
}

/**
 * torch.nn.ConstantPad1d: adds cells around one axis that hold one value.
 *
 * @example
 * ```ts
 * new ConstantPad1d({ padding: [1, 2], value: 3.5 }).forward(zeros([2, 8])).shape; // [2, 11]
 * ```
 */
export class ConstantPad1d extends Padding {
  constructor(options: ConstantPadOptions) {
    super(1, "value", options);
  }
}

/**
 * torch.nn.ConstantPad2d: adds cells around two axes that hold one value.
 *
 * @example
 * ```ts
 * new ConstantPad2d({ padding: [1, 2, 0, 1], value: 3.5 }).forward(zeros([2, 8, 8])).shape; // [2, 9, 11]
 * ```
 */
export class ConstantPad2d extends Padding {
  constructor(options: ConstantPadOptions) {
    super(2, "value", options);
  }
}

/**
 * torch.nn.ConstantPad3d: adds cells around three axes that hold one value.
 *
 * @example
 * ```ts
 * new ConstantPad3d({ padding: [1, 2, 0, 1, 1, 0], value: 3.5 }).forward(zeros([2, 8, 8, 8])).shape; // [2, 9, 9, 11]
 * ```
 */
export class ConstantPad3d extends Padding {
  constructor(options: ConstantPadOptions) {
    super(3, "value", options);
  }
}

/**
 * torch.nn.ReflectionPad1d: adds cells around one axis that hold the mirror image, without the border cell.
 *
 * @example
 * ```ts
 * new ReflectionPad1d({ padding: [1, 2] }).forward(zeros([2, 8])).shape; // [2, 11]
 * ```
 */
export class ReflectionPad1d extends Padding {
  constructor(options: PadOptions) {
    super(1, "reflect", options);
  }
}

/**
 * torch.nn.ReflectionPad2d: adds cells around two axes that hold the mirror image, without the border cell.
 *
 * @example
 * ```ts
 * new ReflectionPad2d({ padding: [1, 2, 0, 1] }).forward(zeros([2, 8, 8])).shape; // [2, 9, 11]
 * ```
 */
export class ReflectionPad2d extends Padding {
  constructor(options: PadOptions) {
    super(2, "reflect", options);
  }
}

/**
 * torch.nn.ReflectionPad3d: adds cells around three axes that hold the mirror image, without the border cell.
 *
 * @example
 * ```ts
 * new ReflectionPad3d({ padding: [1, 2, 0, 1, 1, 0] }).forward(zeros([2, 8, 8, 8])).shape; // [2, 9, 9, 11]
 * ```
 */
export class ReflectionPad3d extends Padding {
  constructor(options: PadOptions) {
    super(3, "reflect", options);
  }
}

/**
 * torch.nn.ReplicationPad1d: adds cells around one axis that hold the border cell, again and again.
 *
 * @example
 * ```ts
 * new ReplicationPad1d({ padding: [1, 2] }).forward(zeros([2, 8])).shape; // [2, 11]
 * ```
 */
export class ReplicationPad1d extends Padding {
  constructor(options: PadOptions) {
    super(1, "replicate", options);
  }
}

/**
 * torch.nn.ReplicationPad2d: adds cells around two axes that hold the border cell, again and again.
 *
 * @example
 * ```ts
 * new ReplicationPad2d({ padding: [1, 2, 0, 1] }).forward(zeros([2, 8, 8])).shape; // [2, 9, 11]
 * ```
 */
export class ReplicationPad2d extends Padding {
  constructor(options: PadOptions) {
    super(2, "replicate", options);
  }
}

/**
 * torch.nn.ReplicationPad3d: adds cells around three axes that hold the border cell, again and again.
 *
 * @example
 * ```ts
 * new ReplicationPad3d({ padding: [1, 2, 0, 1, 1, 0] }).forward(zeros([2, 8, 8, 8])).shape; // [2, 9, 9, 11]
 * ```
 */
export class ReplicationPad3d extends Padding {
  constructor(options: PadOptions) {
    super(3, "replicate", options);
  }
}

/**
 * torch.nn.CircularPad1d: adds cells around one axis that hold the other end.
 *
 * @example
 * ```ts
 * new CircularPad1d({ padding: [1, 2] }).forward(zeros([2, 8])).shape; // [2, 11]
 * ```
 */
export class CircularPad1d extends Padding {
  constructor(options: PadOptions) {
    super(1, "circular", options);
  }
}

/**
 * torch.nn.CircularPad2d: adds cells around two axes that hold the other end.
 *
 * @example
 * ```ts
 * new CircularPad2d({ padding: [1, 2, 0, 1] }).forward(zeros([2, 8, 8])).shape; // [2, 9, 11]
 * ```
 */
export class CircularPad2d extends Padding {
  constructor(options: PadOptions) {
    super(2, "circular", options);
  }
}

/**
 * torch.nn.CircularPad3d: adds cells around three axes that hold the other end.
 *
 * @example
 * ```ts
 * new CircularPad3d({ padding: [1, 2, 0, 1, 1, 0] }).forward(zeros([2, 8, 8, 8])).shape; // [2, 9, 9, 11]
 * ```
 */
export class CircularPad3d extends Padding {
  constructor(options: PadOptions) {
    super(3, "circular", options);
  }
}
