// Convolution and transposed convolution over 1, 2 or 3 axes (conv.h).
import { runBackward, type Gradients } from "./backward.js";
import type { RawLayer } from "./bindings.js";
import {
  optionNames,
  toConvArguments,
  type ConvOptions,
  type ConvTransposeOptions,
  type OutputSizeOptions,
} from "./conv-options.js";
import { raw, toMath } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import { explainOutput, type Explanation } from "./explain.js";
import { nativeOf, parametersOf, PlainLayer, runForward, sync } from "./layer.js";
import {
  collectShape,
  make,
  makeLayer,
  Native,
  outputOf,
  outputShapeOf,
  postQuestion,
} from "./native.js";
import { Parameter } from "./parameters.js";
import { fromData, sliceFloats, toTensor, type Tensor } from "./tensor.js";
import {
  elementsOf,
  sameShape,
  toBoolean,
  toInteger,
  toIntegers,
  toInts,
  toLayerShape,
  toOptions,
  toString,
} from "./validate.js";

/** What {@link Conv.backward} answers. */
export interface ConvGradients extends Gradients {
  /** Of the weight's shape. */
  readonly weight: Tensor;
  /** Of the bias's shape; null for a layer without one. */
  readonly bias: Tensor | null;
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
    sync(this);
    return explainOutput(nativeOf(this).raw, this.#weight.shape, x, outputIndex);
  }
}

function withBias(gradients: Gradients): ConvGradients {
  return { ...gradients, weight: gradients.weight as Tensor, bias: gradients.bias ?? null };
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
    sync(this);
    const native = this.#native(input.shape, options);
    return withBias(runBackward(native, parametersOf(this), input, gradOutput));
  }

  /** The sum behind one output (see {@link Conv1d.explain}): the inputs that stamp it. */
  override explain(
    x: Tensor,
    outputIndex: readonly number[],
    options?: OutputSizeOptions,
  ): Explanation {
    const input = toTensor(x, "x");
    sync(this);
    return explainOutput(
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
