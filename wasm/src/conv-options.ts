// What a convolution is made with: torch's arguments, and the engine's.
import type { MathMode } from "./engine.js";
import type { Tensor } from "./tensor.js";
import { maxRank, rangeError, toInteger, toIntegers, toInts, typeError } from "./validate.js";

/** What lies beyond the border: zeros, the mirror image, the border cell again, or the other end. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/**
 * Padding by rule. `"valid"`: none. `"same"`: dilation * (kernel - 1) in all, the odd cell at the end; stride 1 only, as
 * in torch. `"same-upper"`, `"same-lower"`: as much as makes the output ceil(input / stride) long, the odd cell at the end
 * or at the beginning, as ONNX and TensorFlow have it.
 */
export type PaddingName = "valid" | "same" | "same-upper" | "same-lower";

/** Cells before and after, per axis: ours, torch has no such argument. */
export type PaddingSides = readonly (readonly [before: number, after: number])[];

/** One number for all axes, or one per axis. */
export type Ints = number | readonly number[];

/** Arguments of {@link Conv1d}, {@link Conv2d} and {@link Conv3d}: torch's, in camelCase. */
export interface ConvOptions {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Cells of the kernel along each axis. */
  readonly kernelSize: Ints;
  /** Cells from one window to the next. Default 1. */
  readonly stride?: Ints | undefined;
  /** Cells added on both sides of each axis. Default 0. */
  readonly padding?: Ints | PaddingSides | PaddingName | undefined;
  /** Cells from one kernel cell to the next; 1 means none between. Default 1. */
  readonly dilation?: Ints | undefined;
  /** Groups of channels that keep to themselves. Default 1. */
  readonly groups?: number | undefined;
  /** Whether a number per output channel is added. Default true. */
  readonly bias?: boolean | undefined;
  /** What the padding holds. Default `"zeros"`. */
  readonly paddingMode?: PaddingMode | undefined;
  /** The first weight, copied: [outChannels, inChannels / groups, …kernelSize]. Default: drawn as torch draws it. */
  readonly weight?: Tensor | null | undefined;
  /** The first bias, copied: [outChannels]. Default: drawn as torch draws it. */
  readonly biasValues?: Tensor | null | undefined;
  /** How sums are rounded. Default: what `init()` says. */
  readonly math?: MathMode | undefined;
}

/** Arguments of {@link ConvTranspose1d}, {@link ConvTranspose2d} and {@link ConvTranspose3d}: torch's, in camelCase. */
export interface ConvTransposeOptions extends Omit<ConvOptions, "padding"> {
  /** Cells that the output loses on both sides of each axis. Default 0. */
  readonly padding?: Ints | undefined;
  /** Cells that the output gains at the end of each axis; less than stride or dilation. Default 0. */
  readonly outputPadding?: Ints | undefined;
  /** The first weight, copied: [inChannels, outChannels / groups, …kernelSize]. Default: drawn as torch draws it. */
  readonly weight?: Tensor | null | undefined;
}

/** Options of a transposed layer's `forward` and `backward`. */
export interface OutputSizeOptions {
  /** The output's size per axis, or its full shape: instead of `outputPadding`, as in torch. */
  readonly outputSize?: readonly number[] | undefined;
}

/** The options' names; a plain convolution has no outputPadding. */
export const optionNames = [
  "inChannels",
  "outChannels",
  "kernelSize",
  "stride",
  "padding",
  "outputPadding",
  "dilation",
  "groups",
  "bias",
  "paddingMode",
  "weight",
  "biasValues",
  "math",
] as const;

/** Convolution's arguments in the order of the engine, less what a layer and a functional call say differently. */
export interface ConvArguments {
  readonly stride: number | number[];
  readonly paddingName: string;
  readonly padding: number | number[];
  readonly paddingSides: number[] | null;
  readonly outputPadding: number | number[];
  readonly dilation: number | number[];
  readonly groups: number;
}

export function toConvArguments(options: Readonly<Record<string, unknown>>): ConvArguments {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
  const sides = toPaddingSides(padding);
  const isName = typeof padding === "string";
  return {
    stride: toInts(stride, "stride"),
    paddingName: isName ? nameOf(padding) : "",
    padding: isName || sides !== null ? 0 : toInts(padding, "padding"),
    paddingSides: sides,
    outputPadding: toInts(outputPadding, "outputPadding"),
    dilation: toInts(dilation, "dilation"),
    groups: toInteger(groups, "groups"),
  };
}

/** A word that the core will judge; it takes the empty one for "numbers". */
function nameOf(padding: string): string {
  return padding === "" ? " " : padding.slice(0, 100);
}

function toPaddingSides(padding: unknown): number[] | null {
  if (!Array.isArray(padding) || !padding.some((entry) => Array.isArray(entry))) return null;
  if (padding.length > maxRank) throw rangeError(`at most ${maxRank} pairs`, "padding", padding);
  return padding.flatMap((entry: unknown, axis) => {
    const sides = toIntegers(entry, `padding[${axis}]`, 2);
    if (sides.length !== 2) throw typeError("[before, after]", `padding[${axis}]`, entry);
    return sides;
  });
}
