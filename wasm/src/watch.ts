/// <reference lib="esnext.disposable" preserve="true" />
// Watch: edit a cell, and learn exactly which outputs changed (watch.h).
import type { RawWatch } from "./bindings.js";
import { Cells, checkListable } from "./cells.js";
import { check, collect, ints, post, raw, textOf, withCopy } from "./engine.js";
import { ConvscopeError } from "./errors.js";
import {
  nativeOf,
  noteEdit,
  parametersOf,
  sync,
  toLayer,
  toTarget,
  versionOf,
  type Layer,
} from "./layer.js";
import { collectShape, make } from "./native.js";
import type { NamedParameter } from "./parameters.js";
import { dataOf, fromData, isUntouched, sliceFloats, toTensor, type Tensor } from "./tensor.js";
import {
  elementsOf,
  indicesAt,
  rangeError,
  toInteger,
  toLayerShape,
  toNumber,
  toOffset,
  typeError,
} from "./validate.js";

/** What an edit writes to: `"input"`, or a parameter: `"weight"`, `"bias"`; in a Sequential `"0.weight"`. */
export type Target = string;

/** One cell to write: where, and its new value. */
export type Edit = readonly [target: Target, index: readonly number[], value: number];

/** Some cells of a tensor, listed. */
class ListedCells {
  /** The shape of the tensor that the cells belong to. */
  readonly shape: readonly number[];
  /** How many there are. */
  readonly size: number;
  // Their offsets, then as many numbers of each further kind.
  readonly #numbers: Int32Array;
  #offsets: Int32Array | null = null;
  #indices: number[][] | null = null;

  /** @internal */
  constructor(shape: readonly number[], size: number, numbers: Int32Array) {
    this.shape = shape;
    this.size = size;
    this.#numbers = numbers;
  }

  /** Row-major offsets, ascending. */
  get offsets(): Int32Array {
    this.#offsets ??= this.#numbers.slice(0, this.size);
    return this.#offsets;
  }

  /** The cells' indices, in the order of `offsets`. */
  get indices(): number[][] {
    checkListable(this.size);
    this.#indices ??= indicesAt(this.shape, this.#numbers.subarray(0, this.size));
    return this.#indices;
  }

  /** The numbers of kind `kind`, counted from 0, behind the offsets. */
  protected floats(kind: number): Float32Array {
    const { buffer, byteOffset } = this.#numbers;
    const begin = byteOffset + 4 * this.size * (kind + 1);
    return new Float32Array(buffer.slice(begin, begin + 4 * this.size));
  }
}

/** Cells whose value is another number now. 0 counts as -0, NaN as NaN. */
export class ChangedCells extends ListedCells {
  #before: Float32Array | null = null;
  #after: Float32Array | null = null;

  /** The values before, in the order of `offsets`. */
  get before(): Float32Array {
    this.#before ??= this.floats(0);
    return this.#before;
  }

  /** The values after. */
  get after(): Float32Array {
    this.#after ??= this.floats(1);
    return this.#after;
  }
}

/** The input cells that an output reads, and how much it changes with each. */
export class Sensitivity extends ListedCells {
  #derivatives: Float32Array | null = null;

  /** The output's derivative with respect to each cell, in the order of `offsets`. */
  get derivatives(): Float32Array {
    this.#derivatives ??= this.floats(0);
    return this.#derivatives;
  }
}

/** What an edit did to the output. */
export interface Change {
  /** Every output that reads an edited cell, by structure. */
  readonly reached: Cells;
  /** Those that are now another number. */
  readonly changed: ChangedCells;
}

/** What another layer did to the output (see {@link Watch.replace}); cells of the same index are compared. */
export interface Replacement {
  /** The output's shape before. */
  readonly beforeShape: readonly number[];
  /** The output's shape now. */
  readonly afterShape: readonly number[];
  /** The cells of both shapes whose value differs. */
  readonly changed: ChangedCells;
  /** How many cells of both shapes have the same value. */
  readonly kept: number;
  /** How many cells only the new shape has. */
  readonly added: number;
  /** How many cells only the old shape had. */
  readonly removed: number;
}

const watches = new FinalizationRegistry<RawWatch>((held) => raw().deleteWatch(held));

/**
 * Watches a layer or a stack: edits its input, weight or bias, and answers which outputs changed. Only what an edit
 * reaches is computed anew.
 *
 * @param layer - a layer or {@link Sequential}; edits of parameters are its own
 * @param x - the input; the watch holds a copy
 * @throws ConvscopeError with torch's text if torch refuses the input
 *
 * @example
 * ```ts
 * const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
 * const w = watch(conv, tensor([[1, -2, 3, -4]]));
 * const change = w.set("input", [0, 0], 5);
 * change.reached.toArray(); // [[0, 0]]
 * change.changed.before; // the value that output had
 * w.undo();
 * w.dispose();
 * ```
 */
export function watch<Output>(layer: Layer<Output>, x: Tensor): Watch {
  return new Watch(toLayer(layer, "layer"), toTensor(x, "x"));
}

/**
 * A watched layer; made by {@link watch}. Its promises: `output` is bit for bit the reproducible `layer.forward(input)` at
 * every moment; no output outside `reached` changes a bit; `changed` lies in `reached`; the cost of an edit follows the
 * size of `reached`, not of the tensor.
 *
 * It reads the layer's parameters when it is made. While it lives they are changed through it, or `refresh()` is called.
 */
export class Watch {
  #layer: Layer<unknown>;
  #raw: RawWatch | null;
  #parameters: readonly NamedParameter[];
  #shapes: readonly (readonly number[])[];
  #version: number;
  /** Copies of values that were asked for, until they change. */
  readonly #copies = new Map<number, Tensor>();

  /** @internal */
  constructor(layer: Layer<unknown>, x: Tensor) {
    const shape = toLayerShape(x.shape, "x");
    this.#layer = layer;
    this.#version = sync(layer);
    const held = withCopy(dataOf(x), (address) =>
      make(() => {
        post(shape);
        return raw().makeWatch(nativeOf(layer).raw, shape.length, address);
      }),
    );
    this.#raw = held;
    watches.register(this, held, this);
    this.#parameters = parametersOf(layer);
    this.#shapes = shapesOf(held);
  }

  /** The layer that is watched. */
  get layer(): Layer<unknown> {
    return this.#layer;
  }

  /** The input as it now is: a copy. */
  get input(): Tensor {
    return this.values(0);
  }

  /** The output as it now is: a copy. */
  get output(): Tensor {
    return this.values(this.#shapes.length - 1);
  }

  /** How many layers run one after another: 1, or a stack's. */
  get depth(): number {
    return this.#shapes.length - 1;
  }

  /**
   * The values that layer number `level` of a stack reads, counted from 0: 0 is the input, `depth` the output. A copy.
   */
  values(level: number): Tensor {
    const held = this.#live();
    const shape = this.#shapes[toInteger(level, "level")];
    if (shape === undefined) throw rangeError(`integer from 0 to ${this.depth}`, "level", level);
    const copy = this.#copies.get(level);
    // A copy that someone wrote to is theirs.
    if (copy !== undefined && isUntouched(copy)) return copy;
    const fresh = fromData(sliceFloats(raw().watchLevel(held, level), elementsOf(shape)), shape);
    this.#copies.set(level, fresh);
    return fresh;
  }

  /**
   * Writes one cell.
   *
   * @param target - `"input"`, or a parameter: `"weight"`, `"bias"`; in a Sequential `"0.weight"`
   * @param index - one number per axis of the target
   * @param value - rounded to float32
   * @returns what that did to the output
   * @throws RangeError for a target or cell that does not exist; then nothing happened
   */
  set(target: Target, index: readonly number[], value: number): Change {
    return this.setMany([[target, index, value]]);
  }

  /**
   * Writes several cells at once, as one step for `undo()`; the last of several edits of one cell holds.
   *
   * @example
   * ```ts
   * w.setMany([["input", [0, 0], 1], ["weight", [0, 0, 0], 2]]);
   * ```
   */
  setMany(edits: readonly Edit[]): Change {
    const held = this.#live();
    if (!Array.isArray(edits)) throw typeError("array of [target, index, value]", "edits", edits);
    const checked = Array.from(edits as readonly unknown[], (edit) => this.#toEdit(edit));
    this.#catchUp(held);
    for (const [target, offset, value] of checked) raw().watchAdd(held, target, offset, value);
    check(() => raw().watchApply(held));
    return this.#answer(held);
  }

  /** Whether there is a step to take back. */
  get canUndo(): boolean {
    return raw().watchCanUndo(this.#live()) !== 0;
  }

  /** Whether there is a step to make again. */
  get canRedo(): boolean {
    return raw().watchCanRedo(this.#live()) !== 0;
  }

  /** Takes the last step back; null if there is none. An edit that changed no bit of its target is no step. */
  undo(): Change | null {
    const held = this.#live();
    if (raw().watchCanUndo(held) === 0) return null;
    this.#catchUp(held);
    check(() => raw().watchUndo(held));
    return this.#answer(held);
  }

  /** Makes the last step taken back again; null if there is none. */
  redo(): Change | null {
    const held = this.#live();
    if (raw().watchCanRedo(held) === 0) return null;
    this.#catchUp(held);
    check(() => raw().watchRedo(held));
    return this.#answer(held);
  }

  /** Computes everything anew, from the layer's parameters as they now are. */
  refresh(): void {
    const held = this.#live();
    sync(this.#layer);
    this.#catchUp(held);
  }

  /**
   * Why an output that the last edit reached kept its value, in a few words: `"weight is 0"`, `"ReLU cut it"`,
   * `"another cell is the maximum"`, `"rounded away"`. Empty for an output that changed or was not reached.
   *
   * @param index - one number per axis of the output
   */
  whyKept(index: readonly number[]): string {
    const held = this.#live();
    const output = this.#shapes[this.depth] as readonly number[];
    toOffset(output, index, "index");
    post(index);
    return textOf(() => raw().watchWhyKept(held, index.length));
  }

  /**
   * How much an output changes with each input cell that it reads: its derivatives at the numbers as they now are, by the
   * chain rule, at the cost of the windows behind it.
   *
   * @param index - one number per axis of the output
   * @throws RangeError for an output that does not exist
   *
   * @example
   * ```ts
   * const weight = tensor([[[2, -1]]]);
   * const w = watch(new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, weight }), tensor([[1, -2, 3, -4]]));
   * const { indices, derivatives } = w.sensitivity([0, 1]);
   * indices; // [[0, 1], [0, 2]]
   * derivatives; // Float32Array [2, -1]
   * ```
   */
  sensitivity(index: readonly number[]): Sensitivity {
    const held = this.#live();
    this.#catchUp(held);
    toOffset(this.#shapes[this.depth] as readonly number[], index, "index");
    post(index);
    check(() => raw().watchSensitivity(held, index.length));
    const [address, count] = collect(2) as [number, number];
    return new Sensitivity(
      this.#shapes[0] as readonly number[],
      count,
      sliceInts(address, 2 * count),
    );
  }

  /**
   * Watches another layer from now on, with the same input: another stride, another kernel, another stack. Steps for
   * `undo()` are forgotten.
   *
   * @throws ConvscopeError with torch's text if torch refuses the input; then the watch is as it was
   */
  replace(layer: Layer<unknown>): Replacement {
    const held = this.#live();
    const next = toLayer(layer, "layer");
    const version = sync(next);
    const beforeShape = this.#shapes[this.depth] as readonly number[];
    check(() => raw().watchReplace(held, nativeOf(next).raw));
    const answer = collect(5) as [number, number, number, number, number];
    const [address, count, kept, added, removed] = answer;
    this.#layer = next;
    this.#version = version;
    this.#parameters = parametersOf(next);
    this.#copies.clear();
    const cells = sliceInts(address, 3 * count);
    this.#shapes = shapesOf(held);
    const afterShape = this.#shapes[this.depth] as readonly number[];
    return {
      beforeShape,
      afterShape,
      changed: new ChangedCells(afterShape, count, cells),
      kept,
      added,
      removed,
    };
  }

  /** Frees the watch's memory. A second time does nothing; any other use afterwards throws. */
  dispose(): void {
    if (this.#raw === null) return;
    watches.unregister(this);
    raw().deleteWatch(this.#raw);
    this.#raw = null;
    this.#copies.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): RawWatch {
    if (this.#raw === null)
      throw new ConvscopeError("disposed", "the watch was disposed of: make a new one");
    return this.#raw;
  }

  #toEdit(edit: unknown): readonly [target: number, offset: number, value: number] {
    if (!Array.isArray(edit) || edit.length !== 3)
      throw typeError("[target, index, value]", "an edit", edit);
    const [target, index, value] = edit as [unknown, unknown, unknown];
    const t = toTarget(this.#layer, target);
    const shape = t === 0 ? this.#shapes[0] : this.#parameters[t - 1]?.parameter.shape;
    return [
      t,
      toOffset(shape as readonly number[], index, `index of "${String(target)}"`),
      toNumber(value, "value"),
    ];
  }

  /** Someone else changed the engine's parameters: what is held no longer follows from them. */
  #catchUp(held: RawWatch): void {
    const version = versionOf(this.#layer);
    if (version === this.#version) return;
    check(() => raw().watchRefresh(held));
    this.#version = version;
    this.#copies.clear();
  }

  #answer(held: RawWatch): Change {
    const shape = this.#shapes[this.depth] as readonly number[];
    const answer = collect(4) as [number, number, number, number];
    const [address, reached, changed, edits] = answer;
    this.#copies.clear();
    // One copy for all; what is never asked for stays there.
    const numbers = sliceInts(address, reached + 3 * changed);
    const change = {
      reached: new Cells(shape, numbers.subarray(0, reached)),
      changed: new ChangedCells(shape, changed, numbers.subarray(reached)),
    };
    this.#noteEdits(held, edits);
    return change;
  }

  /** The layer's tensors get what the engine's parameters have. */
  #noteEdits(held: RawWatch, edits: number): void {
    for (let i = 0; i < edits; ++i) {
      raw().watchEdit(held, i);
      const [target, offset, value] = collect(3) as [number, number, number];
      if (target !== 0) noteEdit(this.#parameters[target - 1] as NamedParameter, offset, value);
    }
    this.#version = versionOf(this.#layer);
  }
}

function shapesOf(held: RawWatch): readonly (readonly number[])[] {
  return Array.from({ length: raw().watchLevels(held) }, (_, level) =>
    collectShape(raw().watchLevelShape(held, level)),
  );
}

function sliceInts(address: number, count: number): Int32Array {
  return ints().slice(address / 4, address / 4 + count);
}
