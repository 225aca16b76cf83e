// Layer: what every layer answers.
//
// A layer's parameters are JavaScript tensors (parameters.ts); the engine's layer (native.ts) has a copy. Before every
// use the copy is brought up to date, and nothing is done where nothing can have changed.
import { runBackward, type Gradients } from "./backward.js";
import type { RawLayer } from "./bindings.js";
import { answeredCells, type Cells } from "./cells.js";
import {
  check,
  collect,
  defaultMath,
  doubles,
  floats,
  post,
  raw,
  textOf,
  toMath,
  withCopy,
  type MathMode,
} from "./engine.js";
import {
  collectShape,
  forwardOf,
  Native,
  outputOf,
  outputShapeOf,
  postQuestion,
  type Forward,
} from "./native.js";
import { loadState, type NamedParameter, type Parameter } from "./parameters.js";
import { Plan, type PlanOptions } from "./plan.js";
import { dataOf, poke, toTensor, type Tensor } from "./tensor.js";
import { quote, toLayerShape, toOptions, toString, typeError } from "./validate.js";

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

const natives = new FinalizationRegistry<Native>((native) => native.free());

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
    this.#sync();
    return runBackward(this.#native, parametersOf(this), x, gradOutput);
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
    loadState(parametersOf(this), state, String(this).split("(")[0] as string);
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
    const forward = forwardOf(native, x.shape, this.math, version);
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
