// Convolution and transposed convolution over 1, 2 or 3 axes (conv.h).
import type { RawLayer } from "./bindings.js";
import { check, collect, floats, ints, raw, toMath, withCopy, type MathMode } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import {
  collectShape,
  Layer,
  make,
  makeLayer,
  Native,
  nativeOf,
  outputOf,
  outputShapeOf,
  Parameter,
  PlainLayer,
  postQuestion,
  runBackward,
  runForward,
  sync,
  type Gradients,
} from "./layer.js";
import { dataOf, fromData, sliceFloats, toTensor, type Tensor } from "./tensor.js";
import {
  elementsOf,
  indexAt,
  maxRank,
  rangeError,
  sameShape,
  toBoolean,
  toInteger,
  toIntegers,
  toInts,
  toLayerShape,
  toOptions,
  toString,
  typeError,
} from "./validate.js";

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

/** What {@link Conv.backward} answers. */
export interface ConvGradients extends Gradients {
  /** Of the weight's shape. */
  readonly weight: Tensor;
  /** Of the bias's shape; null for a layer without one. */
  readonly bias: Tensor | null;
}

/** One product of the sum behind an output. */
export interface Term {
  /** The input cell; null for a cell of zero padding. */
  readonly input: number[] | null;
  /** The cell's value; 0 for padding. */
  readonly x: number;
  /** The cell of the weight. */
  readonly weight: number[];
  /** Its value. */
  readonly w: number;
  /** x * w, rounded to float32. */
  readonly product: number;
}

/** An output written out: `value` is `bias` plus the terms' products, added one by one in float32. */
export interface Explanation {
  readonly value: number;
  /** 0 for a layer without bias. */
  readonly bias: number;
  /** In the order of the sum. */
  readonly terms: readonly Term[];
}

const optionNames = [
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

function makeRaw(
  axes: number,
  transposed: boolean,
  options: Readonly<Record<string, unknown>>,
): RawLayer {
  const { inChannels, outChannels, kernelSize, bias = true, paddingMode = "zeros" } = options;
  return makeLayer(
    "makeConv",
    axes,
    transposed,
    toInteger(inChannels, "inChannels"),
    toInteger(outChannels, "outChannels"),
    toInts(kernelSize, "kernelSize"),
    toBoolean(bias, "bias"),
    toString(paddingMode, "paddingMode").slice(0, 100),
    true,
    ...Object.values(toConvArguments(options)),
  );
}

/** The engine's layer and its parameters, drawn where they were not given. */
function build(
  axes: number,
  transposed: boolean,
  options: Readonly<Record<string, unknown>>,
): { readonly raw: RawLayer; readonly parameters: readonly Parameter[] } {
  const weight = toOptionalTensor(options.weight, "weight");
  const biasValues = toOptionalTensor(options.biasValues, "biasValues");
  const made = makeRaw(axes, transposed, options);
  try {
    return { raw: made, parameters: makeParameters(made, weight, biasValues) };
  } catch (error) {
    raw().deleteLayer(made);
    throw error;
  }
}

function toOptionalTensor(value: unknown, name: string): Tensor | null {
  return value === undefined || value === null ? null : toTensor(value, name);
}

function makeParameters(
  made: RawLayer,
  weight: Tensor | null,
  biasValues: Tensor | null,
): Parameter[] {
  const engine = raw();
  const shapes = Array.from({ length: engine.parameterCount(made) }, (_, p) =>
    collectShape(engine.parameterShape(made, p)),
  );
  const [weightShape, biasShape] = shapes as [readonly number[], ...(readonly number[])[]];
  if (weight !== null) checkShape("weight", weight, weightShape);
  if (biasValues !== null) {
    if (biasShape === undefined)
      throw new TypeError("biasValues was given together with bias: false");
    checkShape("biasValues", biasValues, biasShape);
  }
  engine.draw(made, weight === null, biasValues === null && biasShape !== undefined);
  const parameter = (
    name: string,
    p: number,
    shape: readonly number[],
    given: Tensor | null,
  ): Parameter => {
    if (given !== null) return new Parameter(name, shape, given.clone());
    const drawn = new Parameter(
      name,
      shape,
      fromData(sliceFloats(engine.parameterAddress(made, p), elementsOf(shape)), shape),
    );
    drawn.mark.set(drawn.tensor);
    return drawn;
  };
  const parameters = [parameter("weight", 0, weightShape, weight)];
  if (biasShape !== undefined) parameters.push(parameter("bias", 1, biasShape, biasValues));
  return parameters;
}

/** What was asked for, less the numbers. */
function describe(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const apart: readonly string[] = ["weight", "biasValues", "math"];
  return Object.fromEntries(
    Object.entries(given).filter(([key, value]) => value !== undefined && !apart.includes(key)),
  );
}

function checkShape(name: string, tensor: Tensor, shape: readonly number[]): void {
  if (sameShape(tensor.shape, shape)) return;
  throw new ConvscopeError(
    "shape",
    `${name} must have the shape [${shape.join(", ")}], but got [${tensor.shape.join(", ")}]`,
  );
}

/** What all convolutions have in common. */
export abstract class Conv extends PlainLayer {
  readonly #weight: Parameter;
  readonly #bias: Parameter | null;

  /** @internal */
  protected constructor(
    axes: number,
    transposed: boolean,
    options: ConvOptions | ConvTransposeOptions,
  ) {
    const names = transposed ? optionNames : optionNames.filter((name) => name !== "outputPadding");
    const given = toOptions(options, "options", names);
    const math = toMath(given.math);
    const { raw: made, parameters } = build(axes, transposed, given);
    super({ raw: made, options: describe(given), math, parameters });
    this.#weight = parameters[0] as Parameter;
    this.#bias = parameters[1] ?? null;
  }

  /** The weight: the layer's own tensor. Writing to it changes the layer; so does assigning another of the same shape. */
  get weight(): Tensor {
    return this.#weight.tensor;
  }

  set weight(tensor: Tensor) {
    checkShape("weight", toTensor(tensor, "weight"), this.#weight.shape);
    this.#weight.tensor = tensor;
  }

  /** The bias as `weight` is; null for a layer without one. */
  get bias(): Tensor | null {
    return this.#bias === null ? null : this.#bias.tensor;
  }

  set bias(tensor: Tensor | null) {
    if (this.#bias === null) {
      if (tensor === null) return;
      throw new ConvscopeError("value", "the layer was made with bias: false and takes none");
    }
    checkShape("bias", toTensor(tensor, "bias"), this.#bias.shape);
    this.#bias.tensor = tensor as Tensor;
  }

  override backward(x: Tensor, gradOutput: Tensor): ConvGradients {
    return withBias(super.backward(x, gradOutput));
  }

  /**
   * The sum behind one output, term by term: the numbers, and where they come from.
   *
   * @param x - the input
   * @param outputIndex - one number per axis of the output
   * @throws ConvscopeError `"index"` for a cell outside the output
   *
   * @example
   * ```ts
   * const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, weight: tensor([[[2, 3]]]), biasValues: zeros([1]) });
   * conv.explain(tensor([[1, 5, 7]]), [0, 1]).value; // 31: 5 * 2 + 7 * 3
   * ```
   */
  explain(x: Tensor, outputIndex: readonly number[]): Explanation {
    return explainWith(this, nativeOf(this).raw, this.#weight.shape, x, outputIndex);
  }
}

function withBias(gradients: Gradients): ConvGradients {
  return { ...gradients, weight: gradients.weight as Tensor, bias: gradients.bias ?? null };
}

function explainWith(
  layer: Layer<unknown>,
  made: RawLayer,
  weightShape: readonly number[],
  x: unknown,
  outputIndex: readonly number[],
): Explanation {
  const input = toTensor(x, "x");
  sync(layer);
  const shape = postQuestion(input.shape, outputIndex, "outputIndex");
  check(() =>
    withCopy(dataOf(input), (address) =>
      raw().explain(made, shape.length, outputIndex.length, address),
    ),
  );
  const [value, bias, count, offsetsAt, numbersAt] = collect(5) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const offsets = ints().slice(offsetsAt / 4, offsetsAt / 4 + 2 * count);
  const numbers = floats().slice(numbersAt / 4, numbersAt / 4 + 3 * count);
  const terms = Array.from({ length: count }, (_, t): Term => {
    const from = offsets[2 * t] as number;
    return {
      input: from < 0 ? null : indexAt(shape, from),
      x: numbers[3 * t] as number,
      weight: indexAt(weightShape, offsets[2 * t + 1] as number),
      w: numbers[3 * t + 1] as number,
      product: numbers[3 * t + 2] as number,
    };
  });
  return { value, bias, terms };
}

/** The layer that a transposed one is for a given outputSize; it shares its parameters. */
class Variant {
  readonly key: string;
  readonly native: Native;

  constructor(key: string, made: RawLayer) {
    this.key = key;
    this.native = new Native(made);
  }
}

const variants = new FinalizationRegistry<Native>((native) => native.free());

/** What all transposed convolutions have in common: they may be told the size of their output. */
export abstract class ConvTranspose extends Conv {
  #variant: Variant | null = null;

  /** @internal */
  protected constructor(axes: number, options: ConvTransposeOptions) {
    super(axes, true, options);
  }

  /**
   * What the layer gives for an input.
   *
   * @param options - `outputSize`: the output's size per axis, or its full shape, instead of `outputPadding`
   */
  override forward(x: Tensor, options?: OutputSizeOptions): Tensor {
    const input = toTensor(x, "x");
    return outputOf(runForward(this, this.#native(input.shape, options), input));
  }

  override outputShape(shape: readonly number[], options?: OutputSizeOptions): readonly number[] {
    const sizes = toLayerShape(shape, "shape");
    return outputShapeOf(this.#native(sizes, options).raw, sizes);
  }

  override backward(x: Tensor, gradOutput: Tensor, options?: OutputSizeOptions): ConvGradients {
    const input = toTensor(x, "x");
    return withBias(runBackward(this, this.#native(input.shape, options), input, gradOutput));
  }

  /** The sum behind one output (see {@link Conv1d.explain}): the inputs that stamp it. */
  override explain(
    x: Tensor,
    outputIndex: readonly number[],
    options?: OutputSizeOptions,
  ): Explanation {
    const input = toTensor(x, "x");
    return explainWith(
      this,
      this.#native(input.shape, options).raw,
      this.weight.shape,
      input,
      outputIndex,
    );
  }

  #native(shape: readonly number[], options: unknown): Native {
    const { outputSize } = toOptions(options, "options", ["outputSize"]);
    const own = nativeOf(this);
    if (outputSize === undefined || outputSize === null) return own;
    const inputShape = toLayerShape(shape, "x");
    const sizes = toIntegers(outputSize, "outputSize", inputShape.length + 16);
    const key = `${inputShape.join()}:${sizes.join()}`;
    if (this.#variant?.key === key) return this.#variant.native;
    postQuestion(inputShape, sizes, "outputSize");
    const variant = new Variant(
      key,
      make(() => raw().forOutputSize(own.raw, inputShape.length, sizes.length)),
    );
    if (this.#variant !== null) {
      variants.unregister(this.#variant);
      this.#variant.native.free();
    }
    variants.register(variant, variant.native, variant);
    this.#variant = variant;
    return variant.native;
  }
}

/**
 * torch.nn.Conv1d: slides a kernel over one axis: `(N, C, L)` or `(C, L)`, and gives one weighted sum per position. It is the "convolution" of
 * deep learning, a cross-correlation: nothing is flipped.
 *
 * @example
 * ```ts
 * const conv = new Conv1d({ inChannels: 3, outChannels: 1, kernelSize: 2 });
 * conv.forward(zeros([3, 4])).shape; // [1, 3]
 * ```
 */
export class Conv1d extends Conv {
  constructor(options: ConvOptions) {
    super(1, false, options);
  }
}

/**
 * torch.nn.Conv2d: slides a kernel over two axes: `(N, C, H, W)` or `(C, H, W)`, and gives one weighted sum per position. It is the "convolution" of
 * deep learning, a cross-correlation: nothing is flipped.
 *
 * @example
 * ```ts
 * const conv = new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: [2, 3] });
 * conv.forward(zeros([1, 3, 4])).shape; // [2, 2, 2]
 * ```
 */
export class Conv2d extends Conv {
  constructor(options: ConvOptions) {
    super(2, false, options);
  }
}

/**
 * torch.nn.Conv3d: slides a kernel over three axes: `(N, C, D, H, W)` or `(C, D, H, W)`, and gives one weighted sum per position. It is the "convolution" of
 * deep learning, a cross-correlation: nothing is flipped.
 *
 * @example
 * ```ts
 * const conv = new Conv3d({ inChannels: 1, outChannels: 2, kernelSize: 2 });
 * conv.forward(zeros([1, 4, 4, 4])).shape; // [2, 3, 3, 3]
 * ```
 */
export class Conv3d extends Conv {
  constructor(options: ConvOptions) {
    super(3, false, options);
  }
}

/**
 * torch.nn.ConvTranspose1d: every input of one axis: `(N, C, L)` or `(C, L)` stamps the kernel, times its value, on the output, `stride` cells
 * from one to the next; where stamps overlap they add up.
 *
 * @example
 * ```ts
 * const conv = new ConvTranspose1d({ inChannels: 3, outChannels: 1, kernelSize: 2, stride: 2 });
 * conv.forward(zeros([3, 4])).shape; // [1, 8]
 * ```
 */
export class ConvTranspose1d extends ConvTranspose {
  constructor(options: ConvTransposeOptions) {
    super(1, options);
  }
}

/**
 * torch.nn.ConvTranspose2d: every input of two axes: `(N, C, H, W)` or `(C, H, W)` stamps the kernel, times its value, on the output, `stride` cells
 * from one to the next; where stamps overlap they add up.
 *
 * @example
 * ```ts
 * const conv = new ConvTranspose2d({ inChannels: 1, outChannels: 2, kernelSize: 2, stride: 2 });
 * conv.forward(zeros([1, 3, 4])).shape; // [2, 6, 8]
 * ```
 */
export class ConvTranspose2d extends ConvTranspose {
  constructor(options: ConvTransposeOptions) {
    super(2, options);
  }
}

/**
 * torch.nn.ConvTranspose3d: every input of three axes: `(N, C, D, H, W)` or `(C, D, H, W)` stamps the kernel, times its value, on the output, `stride` cells
 * from one to the next; where stamps overlap they add up.
 *
 * @example
 * ```ts
 * const conv = new ConvTranspose3d({ inChannels: 1, outChannels: 2, kernelSize: 2, stride: 2 });
 * conv.forward(zeros([1, 2, 2, 2])).shape; // [2, 4, 4, 4]
 * ```
 */
export class ConvTranspose3d extends ConvTranspose {
  constructor(options: ConvTransposeOptions) {
    super(3, options);
  }
}
