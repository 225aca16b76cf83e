// Native: what a layer holds in WASM memory: the engine's layer, and the buffers of its last forward().
//
// It goes with the layer (FinalizationRegistry, layer.ts); forward()'s buffers also go when all layers together hold too
// much, and where the engine needs their memory for something else.
import type { Maker, RawLayer, RawPlan } from "./bindings.js";
import {
  collect,
  floats,
  ints,
  lastError,
  post,
  postArguments,
  raw,
  survive,
  type Argument,
  type MathMode,
} from "./engine.js";
import { copyOut, fromData, fromInts, type IntTensor, type Tensor } from "./tensor.js";
import { elementsOf, maxLayerRank, sameShape, toIntegers, toLayerShape } from "./validate.js";

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

/** The buffers for an input of this shape, with the parameters of this version; those of the last time if they fit. */
export function forwardOf(
  native: Native,
  shape: readonly number[],
  math: MathMode,
  version: number,
): Forward {
  let { forward } = native;
  if (forward === null || forward.math !== math || !sameShape(forward.inputShape, shape)) {
    if (forward !== null) forget(forward);
    forward = makeForward(native, toLayerShape(shape, "x"), math, version);
  } else if (forward.version !== version) {
    raw().planRepack(forward.raw);
    forward.version = version;
  }
  forward.lastUse = ++clock;
  return forward;
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
