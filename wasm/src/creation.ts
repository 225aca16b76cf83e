// How tensors come about: from JavaScript's numbers, filled, or drawn (torch's "creation ops").
import { isEngineMemory, raw, withMemory } from "./engine.js";
import { ConvscopeError, outOfMemory } from "./errors.js";
import { fromData, fromShared, sliceFloats, type Nested, type Tensor } from "./tensor.js";
import { elementsOf, maxElements, maxRank, toNumber, toShape, typeError } from "./validate.js";

/**
 * A tensor of these values.
 *
 * A `Float32Array` becomes the tensor's own array, as with torch.from_numpy: no copy, so writing to one changes the other
 * (`tensor(values.slice(), shape)` has its own). All else is copied, as by torch.tensor; so is what may shrink or vanish
 * under its owner's hands: views of the engine's memory (`plan.output`), shared and resizable buffers.
 *
 * @param values - numbers nested in arrays, one level per axis; or a flat array or typed array, with a shape
 * @param shape - the sizes of `values` when flat. Default: what the nesting says
 * @throws ConvscopeError `"value"` for ragged arrays, with torch's text; `"shape"` if values and shape do not fit
 * @throws TypeError for what is no number
 *
 * @example
 * ```ts
 * tensor([[1, -2], [3, -4]]).shape; // [2, 2]
 * tensor(new Float32Array([1, 2, 3, 4]), [2, 2]).get([1, 0]); // 3
 * tensor(new Float32Array([1]), []).shape; // []
 * ```
 */
export function tensor(values: Nested | NumberArray, shape?: readonly number[]): Tensor {
  if (isNumberArray(values)) {
    const fit = (size: number): readonly number[] =>
      shape === undefined ? toShape([size], "values") : fitShape(shape, size);
    if (isAdoptable(values)) {
      return fromShared(values, fit(values.length));
    }
    const data = copyNumbers(values);
    return fromData(data, fit(data.length));
  }
  const nested = nestedShape(values);
  const data = new Float32Array(elementsOf(nested));
  flatten(values, nested, 0, data, 0);
  return fromData(data, shape === undefined ? nested : fitShape(shape, data.length));
}

/** A typed array whose elements are numbers. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

function isNumberArray(value: unknown): value is NumberArray {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  );
}

/** Whether the array is good for as long as someone holds it. */
function isAdoptable(values: NumberArray): values is Float32Array<ArrayBuffer> {
  if (!(values instanceof Float32Array)) return false;
  if (values.length === 0 || values.length >= maxElements) return false;
  if (!(values.buffer instanceof ArrayBuffer) || isEngineMemory(values.buffer)) return false;
  return (values.buffer as { readonly resizable?: boolean }).resizable !== true;
}

function copyNumbers(values: NumberArray): Float32Array {
  if (values.length >= maxElements) {
    throw new RangeError(`values has too many elements: fewer than 2^30 are possible`);
  }
  try {
    // Throws on a detached buffer, whose arrays otherwise look empty.
    new Uint8Array(values.buffer);
    return new Float32Array(values);
  } catch (cause) {
    if (values.length > 0) throw outOfMemory(values.length, cause);
    throw new ConvscopeError("detached", "values is gone: its buffer was transferred elsewhere", {
      cause,
    });
  }
}

function fitShape(given: unknown, size: number): readonly number[] {
  const shape = toShape(given, "shape");
  if (elementsOf(shape) !== size) {
    throw new ConvscopeError(
      "shape",
      `shape '[${shape.join(", ")}]' is invalid for input of size ${size}`,
    );
  }
  return shape;
}

/** The sizes that the first elements show; flatten() holds all others against them. */
function nestedShape(values: unknown): readonly number[] {
  const shape: number[] = [];
  let at = values;
  while (Array.isArray(at)) {
    if (shape.length === maxRank)
      throw new RangeError(`values is nested too deeply: at most ${maxRank} axes`);
    shape.push(at.length);
    at = (at as readonly unknown[])[0];
    if (shape[shape.length - 1] === 0) break;
  }
  return toShape(shape, "values");
}

function flatten(
  values: unknown,
  shape: readonly number[],
  axis: number,
  out: Float32Array,
  at: number,
): number {
  if (axis === shape.length) {
    if (Array.isArray(values)) {
      throw new ConvscopeError(
        "value",
        `too many dimensions: the first elements of values have ${axis}`,
      );
    }
    out[at] = toNumber(values, "a value of the tensor");
    return at + 1;
  }
  if (!Array.isArray(values)) throw raggedError(values, shape, axis);
  if (values.length !== shape[axis]) {
    throw new ConvscopeError(
      "value",
      `expected sequence of length ${shape[axis]} at dim ${axis} (got ${values.length})`,
    );
  }
  for (const entry of values as readonly unknown[]) at = flatten(entry, shape, axis + 1, out, at);
  return at;
}

function raggedError(value: unknown, shape: readonly number[], axis: number): Error {
  if (typeof value !== "number")
    return typeError("number or array of numbers", "a value of the tensor", value);
  return new ConvscopeError(
    "type",
    axis === 0
      ? "expected a sequence"
      : `expected sequence of length ${shape[axis]} at dim ${axis} (got a number)`,
  );
}

/** A fresh array, or an error of ours: the engine's text stays inside. */
function allocate(elements: number): Float32Array {
  try {
    return new Float32Array(elements);
  } catch (cause) {
    throw outOfMemory(elements, cause);
  }
}

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * zeros([2, 2]).toArray(); // [[0, 0], [0, 0]]
 * ```
 */
export function zeros(shape: readonly number[]): Tensor {
  const sizes = toShape(shape, "shape");
  return fromData(allocate(elementsOf(sizes)), sizes);
}

/** A tensor of ones. */
export function ones(shape: readonly number[]): Tensor {
  return full(shape, 1);
}

/**
 * A tensor that holds one value everywhere.
 *
 * @example
 * ```ts
 * full([3], 0.5).toArray(); // [0.5, 0.5, 0.5]
 * ```
 */
export function full(shape: readonly number[], value: number): Tensor {
  const sizes = toShape(shape, "shape");
  return fromData(allocate(elementsOf(sizes)).fill(toNumber(value, "value")), sizes);
}

/**
 * Numbers at equal steps, as torch.arange: from `start` (default 0) up to but not including `end`, `step` (default 1, not
 * 0) apart.
 *
 * @throws ConvscopeError `"shape"` with torch's text if `step` leads away from `end`
 *
 * @example
 * ```ts
 * arange(4).toArray(); // [0, 1, 2, 3]
 * arange(1, 2, 0.5).toArray(); // [1, 1.5]
 * ```
 */
export function arange(end: number): Tensor;
export function arange(start: number, end: number, step?: number): Tensor;
export function arange(first: number, second?: number, step = 1): Tensor {
  const start = second === undefined ? 0 : toFinite(first, "start");
  const end = second === undefined ? toFinite(first, "end") : toFinite(second, "end");
  if (toFinite(step, "step") === 0) throw new ConvscopeError("shape", "step must be nonzero");
  if ((end - start) / step < 0) {
    throw new ConvscopeError("shape", "upper bound and lower bound inconsistent with step sign");
  }
  const shape = toShape([Math.ceil((end - start) / step)], "arange");
  const data = allocate(shape[0] as number);
  return fromData(
    data.map((_, i) => start + i * step),
    shape,
  );
}

function toFinite(value: unknown, name: string): number {
  const number = toNumber(value, name);
  if (!Number.isFinite(number))
    throw new RangeError(`Expected a finite number for ${name} but received ${number}`);
  return number;
}

/**
 * Random numbers, uniform in [0, 1), from torch's generator (see {@link manualSeed}). Needs `init()`.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * rand([3]); // torch.rand(3) after torch.manual_seed(0)
 * ```
 */
export function rand(shape: readonly number[]): Tensor {
  return random(shape, (address, count) => raw().fillRand(address, count));
}

/**
 * Random numbers of the standard normal distribution, from torch's generator: torch.randn's own, bit for bit, on x86 with
 * AVX2. Needs `init()`.
 */
export function randn(shape: readonly number[]): Tensor {
  return random(shape, (address, count) => raw().fillRandn(address, count));
}

function random(shape: readonly number[], fill: (address: number, count: number) => void): Tensor {
  const sizes = toShape(shape, "shape");
  const count = elementsOf(sizes);
  return withMemory(count * 4, (address) => {
    fill(address, count);
    return fromData(sliceFloats(address, count), sizes);
  });
}
