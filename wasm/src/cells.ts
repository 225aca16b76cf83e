// Sets of tensor cells that keep their structure, as the core answers them (cells.h).
import { collect, ints, post, raw, survive, withCopy } from "./engine.js";
import { indexAt } from "./validate.js";

/** Every combination of one index list per axis, holes of dilation and stride included. */
export interface Product {
  /** One ascending list per axis. */
  readonly axes: readonly Int32Array[];
}

/**
 * A set of tensor cells: which inputs an output reads, which outputs read an input. It is kept as index lists per axis;
 * single cells are made only when asked for.
 *
 * @example
 * ```ts
 * const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, dilation: 2 });
 * const cells = conv.receptiveField([1, 5], [0, 1]);
 * cells.size; // 2
 * cells.has([0, 2]); // false: a hole
 * cells.toArray(); // [[0, 1], [0, 3]]
 * ```
 */
export class Cells implements Iterable<number[]> {
  /** The shape of the tensor that the cells belong to. */
  readonly shape: readonly number[];
  #parts: readonly Product[] | null = null;
  readonly #numbers: Int32Array;
  #offsets: Int32Array | null = null;

  /** @internal */
  constructor(shape: readonly number[], numbers: Int32Array) {
    this.shape = shape;
    this.#numbers = numbers;
  }

  /** The set is the union of these products, which may overlap; for most layers it is one. */
  get parts(): readonly Product[] {
    this.#parts ??= decode(this.shape.length, this.#numbers);
    return this.#parts;
  }

  /** How many cells there are. */
  get size(): number {
    if (this.parts.length > 1) return this.#rowMajor().length;
    let size = this.parts.length;
    for (const { axes } of this.parts) for (const list of axes) size *= list.length;
    return size;
  }

  /** Whether the cell at `index` is one of them. */
  has(index: readonly number[]): boolean {
    if (!Array.isArray(index) || index.length !== this.shape.length) return false;
    return this.parts.some(({ axes }) => axes.every((list, axis) => holds(list, index[axis])));
  }

  /**
   * The cells' indices, in row-major order.
   *
   * @throws RangeError above four million cells: go through them one by one, or through `parts`
   */
  toArray(): number[][] {
    checkListable(this.size);
    return Array.from(this);
  }

  /** The indices one after another, in row-major order. */
  *[Symbol.iterator](): Iterator<number[]> {
    const [first] = this.parts;
    if (this.parts.length === 1 && first !== undefined) yield* combinations(first.axes, 0, []);
    else for (const offset of this.#rowMajor()) yield indexAt(this.shape, offset);
  }

  // Which cells overlapping products have in common is the core's to say.
  #rowMajor(): Int32Array {
    if (this.parts.length === 0) return new Int32Array(0);
    if (this.#offsets !== null) return this.#offsets;
    const count = withCopy(this.#numbers, (address) => {
      post(this.shape);
      return survive(() => raw().cellOffsets(address, this.shape.length));
    });
    const [address] = collect(1) as [number];
    this.#offsets = ints().slice(address / 4, address / 4 + count);
    return this.#offsets;
  }
}

/** The cells that the engine's last call answered with: address, length and rank come first in the mailbox. */
export function answeredCells(): Cells {
  const [address, length, rank] = collect(3) as [number, number, number];
  const shape = Object.freeze(collect(rank, 3));
  return new Cells(shape, ints().slice(address / 4, address / 4 + length));
}

/** Refuses lists of indices that would fill the memory. */
export function checkListable(count: number): void {
  if (count > 2 ** 22)
    throw new RangeError(`${count} cells are too many to list: at most ${2 ** 22}`);
}

function decode(rank: number, numbers: Int32Array): Product[] {
  let at = 1;
  return Array.from({ length: numbers[0] as number }, () => ({
    axes: Array.from({ length: rank }, () => {
      const begin = at + 1;
      at = begin + (numbers[at] as number);
      return numbers.subarray(begin, at);
    }),
  }));
}

/** Binary search in an ascending list. */
function holds(list: Int32Array, index: number | undefined): boolean {
  if (typeof index !== "number") return false;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) < index) low = middle + 1;
    else high = middle;
  }
  return list[low] === index;
}

function* combinations(
  axes: readonly Int32Array[],
  axis: number,
  index: number[],
): Generator<number[]> {
  const list = axes[axis];
  if (list === undefined) {
    yield index;
    return;
  }
  for (const at of list) yield* combinations(axes, axis + 1, [...index, at]);
}
