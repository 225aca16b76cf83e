// torch.nn.functional: layers for one call. A layer that was made for a call is kept for the next one with the same
// arguments, so that a repeated call costs no more than a layer's forward().
import * as activations from "./activation.js";
import {
  toConvArguments,
  type ConvArguments,
  type Ints,
  type PaddingName,
  type PaddingSides,
} from "./conv-options.js";
import { toMath, type MathMode } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import { Fold, Unfold, type FoldOptions, type UnfoldOptions } from "./fold.js";
import { Layer, PlainLayer } from "./layer.js";
import { makeLayer } from "./native.js";
import { Parameter } from "./parameters.js";
import * as pools from "./pool.js";
import { zeros } from "./creation.js";
import { toTensor, type Tensor } from "./tensor.js";
import { toIntegers, toNumber, toOptions, toString } from "./validate.js";

/** Options of {@link F.conv1d}, {@link F.conv2d} and {@link F.conv3d}. */
export interface FConvOptions {
  /** [outChannels]. Default: none. */
  readonly bias?: Tensor | null | undefined;
  /** Cells from one window to the next. Default 1. */
  readonly stride?: Ints | undefined;
  /** Cells of 0 added on both sides of each axis. Default 0. */
  readonly padding?: Ints | PaddingSides | PaddingName | undefined;
  /** Cells from one kernel cell to the next. Default 1. */
  readonly dilation?: Ints | undefined;
  /** Groups of channels that keep to themselves. Default 1. */
  readonly groups?: number | undefined;
  /** How sums are rounded. Default: what `init()` says. */
  readonly math?: MathMode | undefined;
}

/** Options of {@link F.convTranspose1d}, {@link F.convTranspose2d} and {@link F.convTranspose3d}. */
export interface FConvTransposeOptions extends Omit<FConvOptions, "padding"> {
  /** Cells that the output loses on both sides of each axis. Default 0. */
  readonly padding?: Ints | undefined;
  /** Cells that the output gains at the end of each axis. Default 0. */
  readonly outputPadding?: Ints | undefined;
}

/** Options of {@link F.pad}. */
export interface FPadOptions {
  /** What the new cells hold. Default `"constant"`. */
  readonly mode?: "constant" | "reflect" | "replicate" | "circular" | undefined;
  /** The constant. Default 0. */
  readonly value?: number | null | undefined;
}

/** Layers kept for the next call, the one used longest ago first. */
const kept = new Map<string, Layer<unknown>>();
const mostKept = 64;

function keep<L extends Layer<unknown>>(key: string | null, build: () => L): L {
  if (key === null) return build();
  const found = kept.get(key) as L | undefined;
  const layer = found ?? build();
  kept.delete(key);
  kept.set(key, layer);
  if (kept.size > mostKept) kept.delete(kept.keys().next().value as string);
  return layer;
}

/** A call as a key; null where an argument is of a kind that no layer takes: it will say so. */
function keyOf(name: string, args: Readonly<Record<string, unknown>>): string | null {
  let key = name;
  for (const option of Object.keys(args)) {
    const text = textOf(args[option], 0);
    if (text === null) return null;
    key += `;${option}=${text}`;
  }
  return key;
}

function textOf(value: unknown, depth: number): string | null {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "boolean" || value === null || value === undefined) return String(value);
  if (!Array.isArray(value) || value.length > 64 || depth > 1) return null;
  let text = "[";
  for (const entry of value as readonly unknown[]) {
    const inner = textOf(entry, depth + 1);
    if (inner === null) return null;
    text += `${inner},`;
  }
  return `${text}]`;
}

// --- Convolutions -----------------------------------------------------------

/** A convolution that takes its numbers with each call. */
class FunctionalConv extends PlainLayer {
  readonly #parameters: readonly Parameter[];

  constructor(
    axes: number,
    transposed: boolean,
    weightShape: readonly number[],
    bias: boolean,
    options: ConvCall,
  ) {
    const [first, second] = weightShape as [number, number];
    const groups = options.settings.groups;
    const parameters = [new Parameter("weight", weightShape, nothing)];
    if (bias)
      parameters.push(new Parameter("bias", [transposed ? second * groups : first], nothing));
    const made = makeLayer(
      "makeConv",
      axes,
      transposed,
      transposed ? first : second * groups,
      transposed ? second * groups : first,
      weightShape.slice(2),
      bias,
      "zeros",
      false,
      ...Object.values(options.settings),
    );
    super({ raw: made, math: options.math, parameters });
    this.#parameters = parameters;
  }

  call(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
    const [own, ownBias] = this.#parameters as [Parameter, Parameter?];
    try {
      own.tensor = weight;
      if (ownBias !== undefined && bias !== null) ownBias.tensor = bias;
      return this.forward(x);
    } finally {
      // What is the caller's is not kept.
      for (const parameter of this.#parameters) {
        parameter.tensor = nothing;
        parameter.mark.set(nothing);
      }
    }
  }
}

/** Stands for a parameter between calls. */
const nothing = zeros([0]);

interface ConvCall {
  readonly settings: ConvArguments;
  readonly math: MathMode | undefined;
}

function convolve(
  axes: number,
  transposed: boolean,
  x: unknown,
  weight: unknown,
  options: unknown,
): Tensor {
  const names = ["bias", "stride", "padding", "dilation", "groups", "math"];
  if (transposed) names.push("outputPadding");
  const given = toOptions(options, "options", names);
  const input = toTensor(x, "x");
  const kernel = toTensor(weight, "weight");
  const bias =
    given.bias === undefined || given.bias === null ? null : toTensor(given.bias, "bias");
  const call: ConvCall = { settings: toConvArguments(given), math: toMath(given.math) };
  if (kernel.shape.length < 3) {
    throw new ConvscopeError("shape", "weight should have at least three dimensions");
  }
  const channels = transposed
    ? (kernel.shape[1] as number) * Math.max(call.settings.groups, 1)
    : (kernel.shape[0] as number);
  if (bias !== null && (bias.shape.length !== 1 || bias.size !== channels)) {
    throw new ConvscopeError(
      "shape",
      `Given weight of size [${kernel.shape.join(", ")}], expected bias to be 1-dimensional with ${channels} elements, but got bias of size [${bias.shape.join(", ")}] instead`,
    );
  }
  const key = keyOf(`conv${axes}${transposed ? "transposed" : ""}${bias === null ? "" : "bias"}`, {
    ...call.settings,
    shape: kernel.shape,
    math: call.math,
  });
  const layer = keep(
    key,
    () => new FunctionalConv(axes, transposed, kernel.shape, bias !== null, call),
  );
  return layer.call(input, kernel, bias);
}

// --- The rest ---------------------------------------------------------------

class FunctionalPad extends PlainLayer {
  constructor(padding: number | number[], mode: string, value: number | null) {
    super({ raw: makeLayer("makePad", 0, padding, mode, value) });
  }
}

function padWith(x: unknown, padding: unknown, options: unknown): Tensor {
  const { mode = "constant", value = null } = toOptions(options, "options", ["mode", "value"]);
  const input = toTensor(x, "x");
  const sides = toIntegers(padding, "pad", 2 * 64);
  const word = toString(mode, "mode").slice(0, 100);
  const filler = value === null ? null : toNumber(value, "value");
  return keep(
    keyOf("pad", { sides, word, filler }),
    () => new FunctionalPad(sides, word, filler),
  ).forward(input);
}

/** A layer's forward for a call: `fixed` are its arguments by position, `options` the rest. */
function apply<Output>(
  name: string,
  type: new (options: never) => Layer<Output>,
  x: unknown,
  fixed: Readonly<Record<string, unknown>>,
  options: unknown,
): Output {
  const input = toTensor(x, "x");
  // The layer's constructor knows which options there are.
  const rest = toOptions(options, "options", null);
  const settings = { ...rest, ...fixed };
  const layer = keep(keyOf(name, settings), () => new type(settings as never));
  return layer.forward(input);
}

/**
 * torch.nn.functional: layers for one call, torch's required arguments by position, the rest in an option object.
 *
 * @example
 * ```ts
 * F.conv1d(tensor([[1, 2, 3]]), tensor([[[1, -1]]])).toArray(); // [[-1, -1]]
 * F.relu(tensor([-1, 2])).toArray(); // [0, 2]
 * ```
 */
export const F = {
  /** torch.nn.functional.conv1d. weight: [outChannels, inChannels / groups, …kernel]. */
  conv1d(x: Tensor, weight: Tensor, options?: FConvOptions): Tensor {
    return convolve(1, false, x, weight, options);
  },
  /** torch.nn.functional.conv2d. weight: [outChannels, inChannels / groups, …kernel]. */
  conv2d(x: Tensor, weight: Tensor, options?: FConvOptions): Tensor {
    return convolve(2, false, x, weight, options);
  },
  /** torch.nn.functional.conv3d. weight: [outChannels, inChannels / groups, …kernel]. */
  conv3d(x: Tensor, weight: Tensor, options?: FConvOptions): Tensor {
    return convolve(3, false, x, weight, options);
  },
  /** torch.nn.functional.conv_transpose1d. weight: [inChannels, outChannels / groups, …kernel]. */
  convTranspose1d(x: Tensor, weight: Tensor, options?: FConvTransposeOptions): Tensor {
    return convolve(1, true, x, weight, options);
  },
  /** torch.nn.functional.conv_transpose2d. weight: [inChannels, outChannels / groups, …kernel]. */
  convTranspose2d(x: Tensor, weight: Tensor, options?: FConvTransposeOptions): Tensor {
    return convolve(2, true, x, weight, options);
  },
  /** torch.nn.functional.conv_transpose3d. weight: [inChannels, outChannels / groups, …kernel]. */
  convTranspose3d(x: Tensor, weight: Tensor, options?: FConvTransposeOptions): Tensor {
    return convolve(3, true, x, weight, options);
  },
  /** torch.nn.functional.pad: `pad` is torch's list, last axis first. */
  pad(x: Tensor, pad: readonly number[], options?: FPadOptions): Tensor {
    return padWith(x, pad, options);
  },
  /** torch.nn.functional.unfold (see {@link Unfold}). */
  unfold(x: Tensor, kernelSize: Ints, options?: Omit<UnfoldOptions, "kernelSize">): Tensor {
    return apply("unfold", Unfold, x, { kernelSize }, options);
  },
  /** torch.nn.functional.fold (see {@link Fold}). */
  fold(
    x: Tensor,
    outputSize: Ints,
    kernelSize: Ints,
    options?: Omit<FoldOptions, "outputSize" | "kernelSize">,
  ): Tensor {
    return apply("fold", Fold, x, { outputSize, kernelSize }, options);
  },
  /** torch.nn.functional.max_pool1d (see {@link pools.MaxPool1d | MaxPool1d}). */
  maxPool1d<Indices extends boolean = false>(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.MaxPoolOptions<Indices>, "kernelSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("maxPool1d", pools.MaxPool1d<Indices>, x, { kernelSize }, options);
  },
  /** torch.nn.functional.max_pool2d (see {@link pools.MaxPool2d | MaxPool2d}). */
  maxPool2d<Indices extends boolean = false>(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.MaxPoolOptions<Indices>, "kernelSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("maxPool2d", pools.MaxPool2d<Indices>, x, { kernelSize }, options);
  },
  /** torch.nn.functional.max_pool3d (see {@link pools.MaxPool3d | MaxPool3d}). */
  maxPool3d<Indices extends boolean = false>(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.MaxPoolOptions<Indices>, "kernelSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("maxPool3d", pools.MaxPool3d<Indices>, x, { kernelSize }, options);
  },
  /** torch.nn.functional.avg_pool1d. */
  avgPool1d(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.AvgPool1dOptions, "kernelSize">,
  ): Tensor {
    return apply("avgPool1d", pools.AvgPool1d, x, { kernelSize }, options);
  },
  /** torch.nn.functional.avg_pool2d. */
  avgPool2d(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.AvgPoolOptions, "kernelSize">,
  ): Tensor {
    return apply("avgPool2d", pools.AvgPool2d, x, { kernelSize }, options);
  },
  /** torch.nn.functional.avg_pool3d. */
  avgPool3d(
    x: Tensor,
    kernelSize: Ints,
    options?: Omit<pools.AvgPoolOptions, "kernelSize">,
  ): Tensor {
    return apply("avgPool3d", pools.AvgPool3d, x, { kernelSize }, options);
  },
  /** torch.nn.functional.adaptive_avg_pool1d. */
  adaptiveAvgPool1d(x: Tensor, outputSize: pools.OutputSize): Tensor {
    return apply("adaptiveAvgPool1d", pools.AdaptiveAvgPool1d, x, { outputSize }, undefined);
  },
  /** torch.nn.functional.adaptive_avg_pool2d. */
  adaptiveAvgPool2d(x: Tensor, outputSize: pools.OutputSize): Tensor {
    return apply("adaptiveAvgPool2d", pools.AdaptiveAvgPool2d, x, { outputSize }, undefined);
  },
  /** torch.nn.functional.adaptive_avg_pool3d. */
  adaptiveAvgPool3d(x: Tensor, outputSize: pools.OutputSize): Tensor {
    return apply("adaptiveAvgPool3d", pools.AdaptiveAvgPool3d, x, { outputSize }, undefined);
  },
  /** torch.nn.functional.adaptive_max_pool1d. */
  adaptiveMaxPool1d<Indices extends boolean = false>(
    x: Tensor,
    outputSize: pools.OutputSize,
    options?: Omit<pools.AdaptiveMaxPoolOptions<Indices>, "outputSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("adaptiveMaxPool1d", pools.AdaptiveMaxPool1d<Indices>, x, { outputSize }, options);
  },
  /** torch.nn.functional.adaptive_max_pool2d. */
  adaptiveMaxPool2d<Indices extends boolean = false>(
    x: Tensor,
    outputSize: pools.OutputSize,
    options?: Omit<pools.AdaptiveMaxPoolOptions<Indices>, "outputSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("adaptiveMaxPool2d", pools.AdaptiveMaxPool2d<Indices>, x, { outputSize }, options);
  },
  /** torch.nn.functional.adaptive_max_pool3d. */
  adaptiveMaxPool3d<Indices extends boolean = false>(
    x: Tensor,
    outputSize: pools.OutputSize,
    options?: Omit<pools.AdaptiveMaxPoolOptions<Indices>, "outputSize">,
  ): pools.MaxPoolOutput<Indices> {
    return apply("adaptiveMaxPool3d", pools.AdaptiveMaxPool3d<Indices>, x, { outputSize }, options);
  },
  /** torch.nn.functional.relu (see {@link activations.ReLU | ReLU}). */
  relu(x: Tensor): Tensor {
    return apply("relu", activations.ReLU, x, {}, undefined);
  },
  /** torch.nn.functional.relu6 (see {@link activations.ReLU6 | ReLU6}). */
  relu6(x: Tensor): Tensor {
    return apply("relu6", activations.ReLU6, x, {}, undefined);
  },
  /** torch.nn.functional.leaky_relu (see {@link activations.LeakyReLU | LeakyReLU}). */
  leakyRelu(x: Tensor, options?: activations.LeakyReLUOptions): Tensor {
    return apply("leakyRelu", activations.LeakyReLU, x, {}, options);
  },
  /** torch.nn.functional.elu (see {@link activations.ELU | ELU}). */
  elu(x: Tensor, options?: activations.ELUOptions): Tensor {
    return apply("elu", activations.ELU, x, {}, options);
  },
  /** torch.nn.functional.selu (see {@link activations.SELU | SELU}). */
  selu(x: Tensor): Tensor {
    return apply("selu", activations.SELU, x, {}, undefined);
  },
  /** torch.nn.functional.celu (see {@link activations.CELU | CELU}). */
  celu(x: Tensor, options?: activations.CELUOptions): Tensor {
    return apply("celu", activations.CELU, x, {}, options);
  },
  /** torch.nn.functional.gelu (see {@link activations.GELU | GELU}). */
  gelu(x: Tensor, options?: activations.GELUOptions): Tensor {
    return apply("gelu", activations.GELU, x, {}, options);
  },
  /** torch.nn.functional.silu (see {@link activations.SiLU | SiLU}). */
  silu(x: Tensor): Tensor {
    return apply("silu", activations.SiLU, x, {}, undefined);
  },
  /** torch.nn.functional.mish (see {@link activations.Mish | Mish}). */
  mish(x: Tensor): Tensor {
    return apply("mish", activations.Mish, x, {}, undefined);
  },
  /** torch.nn.functional.sigmoid (see {@link activations.Sigmoid | Sigmoid}). */
  sigmoid(x: Tensor): Tensor {
    return apply("sigmoid", activations.Sigmoid, x, {}, undefined);
  },
  /** torch.nn.functional.tanh (see {@link activations.Tanh | Tanh}). */
  tanh(x: Tensor): Tensor {
    return apply("tanh", activations.Tanh, x, {}, undefined);
  },
  /** torch.nn.functional.softplus (see {@link activations.Softplus | Softplus}). */
  softplus(x: Tensor, options?: activations.SoftplusOptions): Tensor {
    return apply("softplus", activations.Softplus, x, {}, options);
  },
  /** torch.nn.functional.softsign (see {@link activations.Softsign | Softsign}). */
  softsign(x: Tensor): Tensor {
    return apply("softsign", activations.Softsign, x, {}, undefined);
  },
  /** torch.nn.functional.hardswish (see {@link activations.Hardswish | Hardswish}). */
  hardswish(x: Tensor): Tensor {
    return apply("hardswish", activations.Hardswish, x, {}, undefined);
  },
  /** torch.nn.functional.hardsigmoid (see {@link activations.Hardsigmoid | Hardsigmoid}). */
  hardsigmoid(x: Tensor): Tensor {
    return apply("hardsigmoid", activations.Hardsigmoid, x, {}, undefined);
  },
  /** torch.nn.functional.hardtanh (see {@link activations.Hardtanh | Hardtanh}). */
  hardtanh(x: Tensor, options?: activations.HardtanhOptions): Tensor {
    return apply("hardtanh", activations.Hardtanh, x, {}, options);
  },
  /** torch.nn.functional.logsigmoid (see {@link activations.LogSigmoid | LogSigmoid}). */
  logsigmoid(x: Tensor): Tensor {
    return apply("logsigmoid", activations.LogSigmoid, x, {}, undefined);
  },
} as const;
