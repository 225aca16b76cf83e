/// <reference lib="esnext.disposable" preserve="true" />
// Plan: a layer made ready for one input shape (plan.h).
import type { RawPlan } from "./bindings.js";
import { floats, raw, textOf, type MathMode } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import { nativeOf, sync, type Layer } from "./layer.js";
import { makePlan } from "./native.js";
import { elementsOf } from "./validate.js";

/** Options of a layer's `plan()`. */
export interface PlanOptions {
  /** How sums are rounded. Default: as the layer says. */
  readonly math?: MathMode | undefined;
}

const plans = new FinalizationRegistry<RawPlan>((plan) => raw().deletePlan(plan));

/**
 * The fast path: weights packed once, input and output kept in WASM memory, nothing copied or allocated in `run()`. Made
 * by a layer's `plan()`. It holds WASM memory until `dispose()`.
 *
 * @example
 * ```ts
 * const plan = conv.plan([1, 3, 4], { math: "fast" });
 * plan.input.fill(1);
 * plan.run();
 * plan.output.slice(); // a copy to keep
 * plan.dispose();
 * ```
 */
export class Plan {
  /** The input's sizes. */
  readonly inputShape: readonly number[];
  /** The output's sizes. */
  readonly outputShape: readonly number[];
  /** How sums are rounded. */
  readonly math: MathMode;
  readonly #layer: Layer<unknown>;
  #raw: RawPlan | null;
  #version: number;
  readonly #input: number;
  readonly #output: number;
  readonly #workspaceBytes: number;

  /** @internal */
  constructor(layer: Layer<unknown>, inputShape: readonly number[], math: MathMode) {
    this.#layer = layer;
    this.#version = sync(layer);
    const { plan, buffers, outputShape } = makePlan(nativeOf(layer), inputShape, math);
    this.#raw = plan;
    plans.register(this, plan, this);
    this.math = math;
    this.inputShape = inputShape;
    this.outputShape = outputShape;
    [this.#input, this.#output, , this.#workspaceBytes] = buffers;
  }

  /**
   * The input's values, row-major: write here. A view of WASM memory, made anew by each call, because the engine may move
   * that memory: use it and drop it, do not keep it. What the values come from goes first, if it asks the engine for
   * memory, too: `const x = randn(shape); plan.input.set(x.data)`.
   */
  get input(): Float32Array {
    this.#live();
    return new Float32Array(floats().buffer, this.#input, elementsOf(this.inputShape));
  }

  /** The output's values after `run()`. A view as `input` is: `slice()` it to keep them. */
  get output(): Float32Array {
    this.#live();
    return new Float32Array(floats().buffer, this.#output, elementsOf(this.outputShape));
  }

  /** Computes the output, with the layer's parameters as they now are. */
  run(): void {
    const plan = this.#live();
    const version = sync(this.#layer);
    if (version !== this.#version) {
      raw().planRepack(plan);
      this.#version = version;
    }
    raw().planRun(plan);
  }

  /** The name of the algorithm that was chosen. */
  get algorithm(): string {
    const plan = this.#live();
    return textOf(() => raw().planAlgorithm(plan));
  }

  /** Bytes of WASM memory held besides input and output. */
  get workspaceBytes(): number {
    this.#live();
    return this.#workspaceBytes;
  }

  /** Frees the WASM memory. A second time does nothing; any other use afterwards throws. */
  dispose(): void {
    if (this.#raw === null) return;
    plans.unregister(this);
    raw().deletePlan(this.#raw);
    this.#raw = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): RawPlan {
    if (this.#raw === null)
      throw new ConvscopeError("disposed", "the plan was disposed of: make a new one");
    return this.#raw;
  }
}
