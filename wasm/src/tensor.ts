// Tensors: values in ordinary typed arrays that JavaScript owns. Nothing here lives in WASM memory and nothing must be
// freed; the engine is asked only for prints.
import { ConvscopeError, outOfMemory } from "./errors.js";
import { floats, post, raw, textOf, withCopy } from "./engine.js";
import {
  elementsOf,
  maxRank,
  sameShape,
  toIntegers,
  toNumber,
  toOffset,
  toShape,
  typeError,
} from "./validate.js";

/** Numbers in arrays in arrays …: what `tensor()` reads and `toArray` gives. */
export type Nested = number | readonly Nested[];

type Values = Float32Array | Int32Array;

/** What tensors of one memory share (see {@link Tensor.reshape}). */
class Storage<A extends Values> {
  readonly data: A;
  /** Goes up with every change made through a tensor. */
  version = 0;
  /** True once `data` was handed out: then it may change without a word. */
  exposed = false;

  constructor(data: A) {
    this.data = data;
  }
}

// Package-internal doors into a tensor's private parts; set by the class itself.
let storageOf: <A extends Values>(tensor: BaseTensor<A>) => Storage<A>;
let isTensor: (value: unknown) => value is BaseTensor<Values>;

/** What {@link Tensor} and {@link IntTensor} have in common. */
export abstract class BaseTensor<A extends Float32Array | Int32Array> {
  readonly #storage: Storage<A>;
  /** The sizes, outermost axis first: `[2, 3]`. `[]` for a scalar. */
  readonly shape: readonly number[];
  /** How many elements there are. */
  readonly size: number;

  static {
    storageOf = (tensor) => tensor.#storage;
    isTensor = (value): value is BaseTensor<Values> =>
      typeof value === "object" && value !== null && #storage in value;
  }

  /** @internal */
  constructor(storage: Storage<A>, shape: readonly number[]) {
    if (!(storage instanceof Storage))
      throw new TypeError("tensors are made by tensor(), zeros() and the like");
    this.#storage = storage;
    this.shape = shape;
    this.size = elementsOf(shape);
  }

  /**
   * The values, row-major: the tensor's own array, not a copy. Writing to it changes the tensor, and the layer whose
   * weight the tensor is.
   */
  get data(): A {
    this.#storage.exposed = true;
    return this.#storage.data;
  }

  /**
   * One value.
   *
   * @param index - one number per axis, counted from 0
   * @throws RangeError for an index outside the tensor
   *
   * @example
   * ```ts
   * tensor([[1, -2], [3, -4]]).get([1, 0]); // 3
   * ```
   */
  get(index: readonly number[]): number {
    return attached(this).data[toOffset(this.shape, index, "index")] as number;
  }

  /**
   * Writes one value, rounded to the tensor's type.
   *
   * @param index - one number per axis, counted from 0
   * @throws RangeError for an index outside the tensor
   *
   * @example
   * ```ts
   * const x = zeros([2, 2]);
   * x.set([1, 0], 5);
   * x.toArray(); // [[0, 0], [5, 0]]
   * ```
   */
  set(index: readonly number[], value: number): void {
    const offset = toOffset(this.shape, index, "index");
    const storage = attached(this);
    storage.data[offset] = toNumber(value, "value");
    storage.version++;
  }

  /** The same values, nested as the axes are; a number for a scalar. */
  toArray(): Nested {
    return nest(attached(this).data, this.shape, 0, 0, this.size);
  }

  /** torch's print of the tensor, to the character. Needs `init()`. */
  toString(): string {
    const { data } = attached(this);
    post(this.shape);
    const { floatsText, intsText } = raw();
    const print = data instanceof Float32Array ? floatsText : intsText;
    return withCopy(data, (address) => textOf(() => print(address, this.shape.length)));
  }

  /** @internal */
  protected sameValues(other: unknown): boolean {
    if (!isTensor(other) || !sameShape(this.shape, other.shape)) return false;
    const { data } = attached(other);
    return attached(this).data.every((value, i) => value === data[i]);
  }
}

/**
 * A float32 tensor: a `Float32Array` with a shape. Made by `tensor()` and its like, and by layers.
 *
 * @example
 * ```ts
 * const x = tensor([[1, -2], [3, -4]]);
 * console.log(x.shape); // [2, 2]
 * console.log(String(x));
 * // tensor([[ 1., -2.],
 * //         [ 3., -4.]])
 * ```
 */
export class Tensor extends BaseTensor<Float32Array> {
  /**
   * The same values under another shape: a view, as in torch, that shares the memory.
   *
   * @param shape - as many elements as before; one size may be -1 and is worked out
   * @throws ConvscopeError `"shape"` if the number of elements differs
   *
   * @example
   * ```ts
   * tensor([[1, 2], [3, 4]]).reshape([4]).toArray(); // [1, 2, 3, 4]
   * ```
   */
  reshape(shape: readonly number[]): Tensor {
    return new Tensor(storageOf(this), inferShape(shape, this.size));
  }

  /** A copy that shares nothing. */
  clone(): Tensor {
    return fromData(attached(this).data.slice(), this.shape);
  }

  /** Same shape and equal values, as torch.equal: 0 equals -0, NaN equals nothing. */
  equals(other: Tensor): boolean {
    return this.sameValues(other);
  }
}

/** An int32 tensor: the indices of a max pool, counted within one channel's plane. */
export class IntTensor extends BaseTensor<Int32Array> {
  /** Same shape and equal values. */
  equals(other: IntTensor): boolean {
    return this.sameValues(other);
  }
}

/** A storage whose array is still where it was. */
function attached<A extends Values>(tensor: BaseTensor<A>): Storage<A> {
  const storage = storageOf(tensor);
  if (storage.data.length !== tensor.size) {
    throw new ConvscopeError(
      "detached",
      "the tensor's values are gone: its data buffer was transferred elsewhere",
    );
  }
  return storage;
}

function nest(
  data: Values,
  shape: readonly number[],
  axis: number,
  begin: number,
  end: number,
): Nested {
  if (axis === shape.length) return data[begin] as number;
  if (axis === shape.length - 1) return Array.from(data.subarray(begin, end));
  const step = (end - begin) / (shape[axis] as number);
  return Array.from({ length: shape[axis] as number }, (_, i) =>
    nest(data, shape, axis + 1, begin + i * step, begin + (i + 1) * step),
  );
}

function inferShape(given: unknown, size: number): readonly number[] {
  const shape = toIntegers(given, "shape", maxRank);
  const refuse = (): ConvscopeError =>
    new ConvscopeError(
      "shape",
      `shape '[${shape.join(", ")}]' is invalid for input of size ${size}`,
    );
  const free = shape.indexOf(-1);
  if (free >= 0) {
    if (shape.includes(-1, free + 1))
      throw new ConvscopeError("shape", "only one dimension can be inferred");
    const rest = shape.reduce((product, n) => product * n, -1);
    if (rest === 0) {
      throw new ConvscopeError(
        "shape",
        `cannot reshape tensor of ${size} elements into shape [${shape.join(", ")}] because the unspecified dimension size -1 can be any value and is ambiguous`,
      );
    }
    if (!Number.isInteger(size / rest)) throw refuse();
    const inferred = size / rest;
    return toShape(
      shape.map((n, axis) => (axis === free ? inferred : n)),
      "shape",
    );
  }
  const checked = toShape(shape, "shape");
  if (elementsOf(checked) !== size) throw refuse();
  return checked;
}

// --- Package-internal -------------------------------------------------------

/** A tensor of this array, which is the tensor's from now on; the shape is a checked one. */
export function fromData(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor(new Storage(data), shape);
}

/** As fromData(), of an array that its giver may write to without a word. */
export function fromShared(data: Float32Array, shape: readonly number[]): Tensor {
  const storage = new Storage(data);
  storage.exposed = true;
  return new Tensor(storage, shape);
}

export function fromInts(data: Int32Array, shape: readonly number[]): IntTensor {
  return new IntTensor(new Storage(data), shape);
}

/** A copy of part of the WASM memory, or an error of ours. */
export function copyOut<A extends Values>(memory: A, begin: number, end: number): A {
  try {
    return memory.slice(begin, end) as A;
  } catch (cause) {
    throw outOfMemory(end - begin, cause);
  }
}

/** A copy of the `count` floats at an address of the WASM memory. */
export function sliceFloats(address: number, count: number): Float32Array {
  return copyOut(floats(), address / 4, address / 4 + count);
}

/** The value as a float tensor whose values are there. */
export function toTensor(value: unknown, name: string): Tensor {
  if (!(value instanceof Tensor) || !isTensor(value)) throw typeError("Tensor", name, value);
  attached(value);
  return value;
}

/** The values of a tensor that toTensor() let pass, without counting as handed out. */
export function dataOf(tensor: Tensor): Float32Array {
  return storageOf(tensor).data;
}

/** True while nobody can have written to the tensor. */
export function isUntouched(tensor: Tensor): boolean {
  const storage = storageOf(tensor);
  return !storage.exposed && storage.version === 0;
}

/** Tells whether a tensor's values may have changed since it was last asked. */
export class ChangeMark {
  #tensor: Tensor | null = null;
  #version = 0;

  mayHaveChanged(tensor: Tensor): boolean {
    const storage = storageOf(tensor);
    return storage.exposed || tensor !== this.#tensor || storage.version !== this.#version;
  }

  /** Counts the tensor as known from here on. */
  set(tensor: Tensor): void {
    this.#tensor = tensor;
    this.#version = storageOf(tensor).version;
  }
}

/** Copies the values of a tensor of the same shape. */
export function overwrite(tensor: Tensor, values: Tensor): void {
  const storage = attached(tensor);
  storage.data.set(attached(values).data);
  storage.version++;
}

/** Writes one value. */
export function poke(tensor: Tensor, offset: number, value: number): void {
  const storage = storageOf(tensor);
  storage.data[offset] = value;
  storage.version++;
}
