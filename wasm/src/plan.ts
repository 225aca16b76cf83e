/// <reference lib="esnext.disposable" preserve="true" />
// Plan: a layer made ready for one input shape (plan.h).
import type { RawPlan } from "./raw.js";
import { floats, post, type MathMode } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import { collectShape, make, nativeOf, sync, type Layer } from "./layer.js";
import { elementsOf } from "./validate.js";

/** Options of a layer's `plan()`. */
export interface PlanOptions {
  /** How sums are rounded. Default: as the layer says. */
  readonly math?: MathMode | undefined;
}

const plans = new FinalizationRegistry<RawPlan>((raw) => raw.delete());

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

  /** @internal */
  constructor(layer: Layer<unknown>, inputShape: readonly number[], math: MathMode) {
    this.#layer = layer;
    this.#version = sync(layer);
    const raw = make(() => {
      post(inputShape);
      return nativeOf(layer).raw.makePlan(inputShape.length, math === "fast");
    });
    this.#raw = raw;
    plans.register(this, raw, this);
    this.math = math;
    this.inputShape = inputShape;
    this.outputShape = collectShape(raw.outputShape());
    this.#input = raw.input();
    this.#output = raw.output();
  }

  /**
   * The input's values, row-major: write here. A view of WASM memory, made anew by each call, because the engine may move
   * that memory: use it and drop it, do not keep it.
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
    const raw = this.#live();
    const version = sync(this.#layer);
    if (version !== this.#version) {
      raw.repack();
      this.#version = version;
    }
    raw.run();
  }

  /** The name of the algorithm that was chosen. */
  get algorithm(): string {
    return this.#live().algorithm() as string;
  }

  /** Bytes of WASM memory held besides input and output. */
  get workspaceBytes(): number {
    return this.#live().workspaceBytes();
  }

  /** Frees the WASM memory. A second time does nothing; any other use afterwards throws. */
  dispose(): void {
    if (this.#raw === null) return;
    plans.unregister(this);
    this.#raw.delete();
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
