// Layer: what every layer answers, and how its parameters and its memory in WebAssembly are kept.
//
// A layer's parameters are JavaScript tensors; the engine's layer has a copy. Before every use the copy is brought up to
// date, and nothing is done where nothing can have changed. What one layer holds in WASM memory goes with it
// (FinalizationRegistry) and, for forward()'s buffers, also when all layers together hold too much.
import type { Maker, RawLayer, RawPlan } from "./bindings.js";
import { answeredCells, type Cells } from "./cells.js";
import { ConvscopeError } from "./errors.js";
import {
  check,
  collect,
  defaultMath,
  doubles,
  floats,
  ints,
  lastError,
  post,
  postArguments,
  raw,
  survive,
  textOf,
  toMath,
  withCopy,
  type Argument,
  type MathMode,
} from "./engine.js";
import { Plan, type PlanOptions } from "./plan.js";
import {
  ChangeMark,
  copyOut,
  dataOf,
  fromData,
  fromInts,
  overwrite,
  poke,
  sliceFloats,
  toTensor,
  type IntTensor,
  type Tensor,
} from "./tensor.js";
import {
  elementsOf,
  maxLayerRank,
  quote,
  sameShape,
  toIntegers,
  toLayerShape,
  toOptions,
  toString,
  typeError,
} from "./validate.js";

/** What {@link Layer.backward} answers: the gradient of the input, and of each parameter under its name. */
export interface Gradients {
  /** The gradient of the input, of the input's shape. */
  readonly input: Tensor;
  /** The gradients of parameters: `weight` and `bias`; in a Sequential `"0.weight"` … */
  readonly [parameter: string]: Tensor | null;
}

/** How one output sees the input along one spatial axis, the input thought endless. */
export interface AxisField {
  /** Cells from the first to the last that an output reads. After a transposed layer: the largest. */
  readonly size: number;
  /** Cells from one output's field to the next one's; a fraction after a transposed layer. */
  readonly jump: number;
  /** Where the first output's field has its middle; 0 is the middle of the first cell, and the padding is negative. */
  readonly firstCenter: number;
  /** Whether the field skips cells: `size` is then a hull, and `receptiveField` tells the cells. */
  readonly hasHoles: boolean;
}

/** A layer of a stack and the field of its outputs in the stack's input. */
export interface FieldStep {
  /** The layer's print. */
  readonly layer: string;
  readonly outputShape: readonly number[];
  /** One per spatial axis, outermost first. */
  readonly axes: readonly AxisField[];
}

/** The buffers of a layer's last forward(). */
export interface Forward {
  readonly raw: RawPlan;
  readonly owner: Native;
  readonly math: MathMode;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Indices into the memory as floats. */
  readonly input: number;
  readonly output: number;
  readonly outputEnd: number;
  /** 0 without indices. */
  readonly indices: number;
  readonly bytes: number;
  /** The version of the parameters that the plan has packed. */
  version: number;
  lastUse: number;
}

/** What a layer holds in WASM memory. It knows nothing of the layer, which can so be collected. */
export class Native {
  readonly raw: RawLayer;
  forward: Forward | null = null;

  constructor(layer: RawLayer) {
    this.raw = layer;
  }

  free(): void {
    if (this.forward !== null) forget(this.forward);
    raw().deleteLayer(this.raw);
  }
}

const natives = new FinalizationRegistry<Native>((native) => native.free());

/** Bytes that forward() keeps for all layers together; beyond, the one used longest ago goes. */
const maxForwardBytes = 64 * 2 ** 20;
const forwards = new Set<Forward>();
let forwardBytes = 0;
let clock = 0;

function forget(forward: Forward): void {
  forwards.delete(forward);
  forwardBytes -= forward.bytes;
  forward.owner.forward = null;
  raw().deletePlan(forward.raw);
}

function makeRoom(limit: number, except: Forward | null): void {
  while (forwardBytes > limit) {
    let oldest: Forward | null = null;
    for (const forward of forwards) {
      if (forward !== except && (oldest === null || forward.lastUse < oldest.lastUse))
        oldest = forward;
    }
    if (oldest === null) return;
    forget(oldest);
  }
}

/** A parameter: the user's tensor, and what of it the engine has. */
export class Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  tensor: Tensor;
  readonly mark = new ChangeMark();

  constructor(name: string, shape: readonly number[], tensor: Tensor) {
    this.name = name;
    this.shape = shape;
    this.tensor = tensor;
  }
}

/** A parameter of a layer or of a part of it. */
export interface NamedParameter {
  /** `"weight"`, `"bias"`; in a Sequential `"0.weight"`. */
  readonly name: string;
  readonly parameter: Parameter;
  readonly owner: Layer<unknown>;
}

/** What a layer is made of. */
export interface Made {
  readonly raw: RawLayer;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly math?: MathMode | undefined;
  readonly parameters?: readonly Parameter[];
  readonly parts?: readonly Layer<unknown>[];
}

// Package-internal doors into a layer's private parts; set by the class itself.
export let nativeOf: (layer: Layer<unknown>) => Native;
export let parametersOf: (layer: Layer<unknown>) => readonly NamedParameter[];
/** Brings the engine's parameters up to date; a number that changes whenever they do. */
export let sync: (layer: Layer<unknown>) => number;
/** The number that sync() gave last. */
export let versionOf: (layer: Layer<unknown>) => number;
/** Writes a value that the engine's parameter already has. */
export let noteEdit: (parameter: NamedParameter, offset: number, value: number) => void;
/** Runs a layer's (or its variant's) forward; the output is then in the answer's buffers. */
export let runForward: (layer: Layer<unknown>, native: Native, x: Tensor) => Forward;
let isLayer: (value: unknown) => value is Layer<unknown>;

/** What every layer has; see its subclasses. `Output` is what `forward` gives: a tensor, or `[output, indices]`. */
export abstract class Layer<Output = Tensor> {
  /** What the layer was made with, as given; less its numbers. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly #native: Native;
  readonly #math: MathMode | null;
  readonly #parameters: readonly Parameter[];
  readonly #parts: readonly Layer<unknown>[];
  #version = 0;

  static {
    nativeOf = (layer) => layer.#native;
    isLayer = (value): value is Layer<unknown> =>
      typeof value === "object" && value !== null && #native in value;
    parametersOf = (layer) => [
      ...layer.#parameters.map((parameter) => ({ name: parameter.name, parameter, owner: layer })),
      ...layer.#parts.flatMap((part, i) =>
        parametersOf(part).map((named) => ({ ...named, name: `${i}.${named.name}` })),
      ),
    ];
    sync = (layer) => layer.#sync();
    versionOf = (layer) => {
      let version = layer.#version;
      for (const part of layer.#parts) version += versionOf(part);
      return version;
    };
    noteEdit = ({ owner, parameter: { mark, tensor } }, offset, value) => {
      const isKnown = !mark.mayHaveChanged(tensor);
      poke(tensor, offset, value);
      if (isKnown) mark.set(tensor);
      owner.#version++;
    };
    runForward = (layer, native, x) => layer.#run(native, x);
  }

  /** @internal */
  protected constructor({ raw: made, options = {}, math, parameters = [], parts = [] }: Made) {
    this.#native = new Native(made);
    this.options = Object.freeze(
      Object.fromEntries(Object.entries(options).map(([key, value]) => [key, copyOf(value)])),
    );
    this.#math = math ?? null;
    this.#parameters = parameters;
    this.#parts = parts;
    natives.register(this, this.#native);
  }

  /**
   * How this layer's sums are rounded: what its options said, else what `init()` said. A stack is `"fast"` if one of its
   * parts is.
   */
  get math(): MathMode {
    if (this.#math !== null) return this.#math;
    return this.#parts.some((part) => part.math === "fast") ? "fast" : defaultMath();
  }

  /**
   * What the layer gives for an input of any values.
   *
   * @param x - of a shape that {@link outputShape} accepts; batched or not is decided by its rank, as in torch
   * @throws ConvscopeError with torch's text if torch refuses the call
   */
  abstract forward(x: Tensor): Output;

  /**
   * The shape that an input of shape `shape` gives.
   *
   * @throws ConvscopeError with torch's text if torch refuses such an input
   *
   * @example
   * ```ts
   * new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 2 }).outputShape([1, 3, 4]); // [2, 2, 3]
   * ```
   */
  outputShape(shape: readonly number[]): readonly number[] {
    return outputShapeOf(this.#native.raw, toLayerShape(shape, "shape"));
  }

  /**
   * The gradients of sum(output * gradOutput).
   *
   * @param x - the input
   * @param gradOutput - of the output's shape
   * @returns `input`, and for each parameter its gradient under its name; `bias` is null for a layer without one
   *
   * @example
   * ```ts
   * const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
   * conv.backward(zeros([1, 3]), ones([1, 2])).bias; // tensor([2.])
   * ```
   */
  backward(x: Tensor, gradOutput: Tensor): Gradients {
    return runBackward(this, this.#native, x, gradOutput);
  }

  /**
   * The input cells that an output cell reads, by structure alone. A padding cell that copies an input (reflect,
   * replicate, circular) makes the output read that input; a zero padding cell reads nothing.
   *
   * @param inputShape - the input's sizes
   * @param outputIndex - one number per axis of the output
   * @throws ConvscopeError `"index"` for a cell outside the output
   *
   * @example
   * ```ts
   * const conv = new Conv1d({ inChannels: 2, outChannels: 1, kernelSize: 2 });
   * conv.receptiveField([2, 4], [0, 1]).toArray(); // [[0, 1], [0, 2], [1, 1], [1, 2]]
   * ```
   */
  receptiveField(inputShape: readonly number[], outputIndex: readonly number[]): Cells {
    const shape = postQuestion(inputShape, outputIndex, "outputIndex");
    check(() => raw().reads(this.#native.raw, shape.length, outputIndex.length));
    return answeredCells();
  }

  /**
   * The output cells that read an input cell, or a cell of a parameter, by structure alone.
   *
   * @param inputShape - the input's sizes
   * @param index - one number per axis of the target
   * @param target - `"input"` (default), or a parameter: `"weight"`, `"bias"`; in a Sequential `"0.weight"`
   * @throws ConvscopeError `"index"` for a cell outside its tensor
   *
   * @example
   * ```ts
   * const conv = new Conv1d({ inChannels: 2, outChannels: 1, kernelSize: 2 });
   * conv.influence([2, 4], [1, 1]).toArray(); // [[0, 0], [0, 1]]
   * ```
   */
  influence(inputShape: readonly number[], index: readonly number[], target = "input"): Cells {
    const p = toTarget(this, target);
    const shape = postQuestion(inputShape, index, "index");
    check(() => raw().readBy(this.#native.raw, p - 1, shape.length, index.length));
    return answeredCells();
  }

  /**
   * The usual figures of the receptive field, layer by layer: its size, the step from one output's field to the next
   * one's, and where the first one has its middle.
   *
   * @param inputShape - the input's sizes
   * @throws ConvscopeError `"not-implemented"` for Unfold and Fold, which are no product of axes
   *
   * @example
   * ```ts
   * const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 3, dilation: 2 });
   * conv.receptiveFieldSteps([1, 9])[0]?.axes; // [{ size: 5, jump: 1, firstCenter: 2, hasHoles: true }]
   * ```
   */
  receptiveFieldSteps(inputShape: readonly number[]): FieldStep[] {
    const shape = toLayerShape(inputShape, "inputShape");
    const engine = raw();
    post(shape);
    check(() => engine.fieldSteps(this.#native.raw, shape.length));
    const [steps, axes, address] = collect(3) as [number, number, number];
    const figures = doubles().slice(address / 8, address / 8 + 4 * steps * axes);
    return Array.from({ length: steps }, (_, step) => ({
      layer: textOf(() => engine.fieldLayer(step)),
      outputShape: collectShape(engine.fieldShape(step)),
      axes: Array.from({ length: axes }, (__, axis): AxisField => {
        const [size, jump, firstCenter, holes] = figures.subarray(
          4 * (step * axes + axis),
        ) as unknown as number[];
        return {
          size: size as number,
          jump: jump as number,
          firstCenter: firstCenter as number,
          hasHoles: holes === 1,
        };
      }),
    }));
  }

  /**
   * The fast path: the layer made ready for one input shape, with its buffers in WASM memory.
   *
   * @param inputShape - the input's sizes
   * @param options - `math`: default the layer's
   *
   * @example
   * ```ts
   * using plan = conv.plan([1, 3, 4]);
   * plan.input.set([1, -2, 3, -4, 1, -2, 3, -4, 1, -2, 3, -4]);
   * plan.run();
   * console.log(plan.output);
   * ```
   */
  plan(inputShape: readonly number[], options?: PlanOptions): Plan {
    const { math } = toOptions(options, "plan options", ["math"]);
    return new Plan(this, toLayerShape(inputShape, "inputShape"), toMath(math) ?? this.math);
  }

  /**
   * The parameters by name, as copies: `{ weight, bias }`; in a Sequential `"0.weight"` ….
   *
   * @example
   * ```ts
   * Object.keys(conv.stateDict()); // ["weight", "bias"]
   * ```
   */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries(
      parametersOf(this).map(({ name, parameter }) => [name, parameter.tensor.clone()]),
    );
  }

  /**
   * Copies values into the parameters. Every parameter must be there, and nothing else.
   *
   * @throws ConvscopeError `"shape"` with torch's text for missing and unexpected keys and for shapes that differ; then
   * nothing was copied
   */
  loadStateDict(state: Readonly<Record<string, Tensor>>): void {
    loadState(this, state);
  }

  /** torch's print of the layer: `Conv2d(1, 2, kernel_size=(2, 3), stride=(1, 1))`. */
  toString(): string {
    return textOf(() => raw().layerText(this.#native.raw));
  }

  #sync(): number {
    for (let p = 0; p < this.#parameters.length; ++p) {
      const parameter = this.#parameters[p] as Parameter;
      if (parameter.mark.mayHaveChanged(parameter.tensor)) this.#upload(p, parameter);
    }
    let version = this.#version;
    for (const part of this.#parts) version += sync(part);
    return version;
  }

  #upload(p: number, parameter: Parameter): void {
    const tensor = toTensor(parameter.tensor, parameter.name);
    const values = dataOf(tensor);
    if (withCopy(values, (address) => raw().setParameter(this.#native.raw, p, address)) !== 0)
      this.#version++;
    parameter.mark.set(tensor);
  }

  #run(native: Native, x: Tensor): Forward {
    const version = this.#sync();
    let forward = native.forward;
    const math = this.math;
    if (forward === null || forward.math !== math || !sameShape(forward.inputShape, x.shape)) {
      if (forward !== null) forget(forward);
      forward = makeForward(native, toLayerShape(x.shape, "x"), math, version);
    } else if (forward.version !== version) {
      raw().planRepack(forward.raw);
      forward.version = version;
    }
    forward.lastUse = ++clock;
    floats().set(dataOf(x), forward.input);
    raw().planRun(forward.raw);
    return forward;
  }
}

/** A layer that gives one tensor: all but a max pool asked for indices. */
export abstract class PlainLayer extends Layer {
  override forward(x: Tensor): Tensor {
    return outputOf(runForward(this, nativeOf(this), toTensor(x, "x")));
  }
}

// --- Package-internal -------------------------------------------------------

/** Lists within options are the user's, and may change. */
function copyOf(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze(value.map(copyOf)) : value;
}

export function toLayer(value: unknown, name: string): Layer<unknown> {
  if (!isLayer(value)) throw typeError("layer", name, value);
  return value;
}

/** A parameter's place: 0 is the input, p + 1 the layer's parameter p. */
export function toTarget(layer: Layer<unknown>, target: unknown): number {
  const name = toString(target, "target");
  if (name === "input") return 0;
  const names = parametersOf(layer).map((parameter) => parameter.name);
  const p = names.indexOf(name);
  if (p < 0) {
    throw new RangeError(
      `There is no target ${quote(name)}; there are ${["input", ...names].map(quote).join(", ")}`,
    );
  }
  return p + 1;
}

export function outputShapeOf(layer: RawLayer, shape: readonly number[]): readonly number[] {
  post(shape);
  return collectShape(raw().outputShape(layer, shape.length));
}

/** The shape that the engine answered with from number `begin` of the mailbox on; a negative rank is a refusal. */
export function collectShape(rank: number, begin = 0): readonly number[] {
  if (rank < 0) throw lastError();
  return Object.freeze(collect(rank, begin));
}

/** Posts the input's shape and an index. */
export function postQuestion(inputShape: unknown, index: unknown, name: string): readonly number[] {
  const shape = toLayerShape(inputShape, "inputShape");
  post(shape, toIntegers(index, name, maxLayerRank));
  return shape;
}

/** What the engine makes; where memory is short, once more without the buffers that can be had again. */
export function make<Handle extends number>(attempt: () => Handle): Handle {
  const made = survive(attempt) || retry(attempt);
  if (made === 0) throw lastError();
  return made;
}

function retry<Handle extends number>(attempt: () => Handle): Handle | 0 {
  if (forwards.size === 0 || lastError().code !== "memory") return 0;
  makeRoom(-1, null);
  return survive(attempt);
}

/** The engine's layer for arguments in the order of wasm/bindings/make.cc. */
export function makeLayer(maker: Maker, ...values: readonly Argument[]): RawLayer {
  return make(() => {
    postArguments(values);
    return raw()[maker]();
  });
}

/** A plan and where its buffers are. */
export interface MadePlan {
  readonly plan: RawPlan;
  readonly outputShape: readonly number[];
  readonly buffers: readonly [
    input: number,
    output: number,
    indices: number,
    workspaceBytes: number,
  ];
}

export function makePlan(native: Native, inputShape: readonly number[], math: MathMode): MadePlan {
  const plan = make(() => {
    post(inputShape);
    return raw().makePlan(native.raw, inputShape.length, math === "fast");
  });
  const outputShape = collectShape(raw().planBuffers(plan), 4);
  return { plan, outputShape, buffers: collect(4) as [number, number, number, number] };
}

function makeForward(
  native: Native,
  inputShape: readonly number[],
  math: MathMode,
  version: number,
): Forward {
  const { plan, buffers, outputShape } = makePlan(native, inputShape, math);
  const [input, outputAt, indices, workspaceBytes] = buffers;
  const outputSize = elementsOf(outputShape);
  const output = outputAt / 4;
  const forward: Forward = {
    raw: plan,
    owner: native,
    math,
    inputShape,
    outputShape,
    input: input / 4,
    output,
    outputEnd: output + outputSize,
    indices: indices / 4,
    bytes: workspaceBytes + 4 * (elementsOf(inputShape) + outputSize),
    version,
    lastUse: 0,
  };
  native.forward = forward;
  forwards.add(forward);
  forwardBytes += forward.bytes;
  makeRoom(maxForwardBytes, forward);
  return forward;
}

export function outputOf(forward: Forward): Tensor {
  return fromData(copyOut(floats(), forward.output, forward.outputEnd), forward.outputShape);
}

export function indicesOf(forward: Forward): IntTensor {
  const count = forward.outputEnd - forward.output;
  return fromInts(copyOut(ints(), forward.indices, forward.indices + count), forward.outputShape);
}

export function runBackward(
  layer: Layer<unknown>,
  native: Native,
  x: unknown,
  gradOutput: unknown,
): Gradients {
  const input = toTensor(x, "x");
  const grad = toTensor(gradOutput, "gradOutput");
  const shape = toLayerShape(input.shape, "x");
  sync(layer);
  const engine = raw();
  const backward = make(() => {
    post(shape);
    return engine.makeBackward(native.raw, shape.length);
  });
  try {
    const outputShape = collectShape(engine.backwardBuffers(backward), 3);
    const [inputAt, gradAt, gradInput] = collect(3) as [number, number, number];
    if (!sameShape(outputShape, grad.shape)) {
      throw new ConvscopeError(
        "shape",
        `Mismatch in shape: grad_output[0] has a shape of ${torchSize(grad.shape)} and output[0] has a shape of ${torchSize(outputShape)}.`,
      );
    }
    floats().set(dataOf(input), inputAt / 4);
    floats().set(dataOf(grad), gradAt / 4);
    check(() => engine.backwardRun(backward));
    const gradients: Record<string, Tensor | null> = {};
    for (const [p, { name, parameter }] of parametersOf(layer).entries()) {
      gradients[name] = fromData(
        sliceFloats(engine.backwardParameter(backward, p), parameter.tensor.size),
        parameter.shape,
      );
    }
    return { ...gradients, input: fromData(sliceFloats(gradInput, input.size), shape) };
  } finally {
    engine.deleteBackward(backward);
  }
}

function loadState(layer: Layer<unknown>, state: unknown): void {
  if (typeof state !== "object" || state === null) throw typeError("object", "state", state);
  const given = new Map(
    Object.entries(state).map(([name, value]) => [name, toTensor(value, name)]),
  );
  const parameters = parametersOf(layer);
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  const missing = parameters.map(({ name }) => name).filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter(
    (name) => !parameters.some((own) => own.name === name),
  );
  const complaints: string[] = [];
  if (missing.length > 0) complaints.push(`Missing key(s) in state_dict: ${quoted(missing)}. `);
  if (unexpected.length > 0)
    complaints.push(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `);
  for (const { name, parameter } of parameters) {
    const tensor = given.get(name);
    if (tensor === undefined || sameShape(tensor.shape, parameter.shape)) continue;
    complaints.push(
      `size mismatch for ${name}: copying a param with shape ${torchSize(tensor.shape)} from checkpoint, the shape in current model is ${torchSize(parameter.shape)}.`,
    );
  }
  if (complaints.length > 0) {
    const kind = String(layer).split("(")[0];
    throw new ConvscopeError(
      "shape",
      `Error(s) in loading state_dict for ${kind}:\n\t${complaints.join("\n\t")}`,
    );
  }
  for (const { name, parameter } of parameters)
    overwrite(parameter.tensor, given.get(name) as Tensor);
}

/** How torch writes a shape in its messages. */
export function torchSize(shape: readonly number[]): string {
  return `torch.Size([${shape.join(", ")}])`;
}
