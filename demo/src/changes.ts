// Changes: the cells that an edit changed and their values before and after, in the arrays
// that the library filled. An edit of one weight changes thousands, in every frame of a drag:
// hence arrays in the order of the cells, and not an object for each.

export interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

export class Changes {
  /** Row-major, ascending. */
  readonly offsets: Int32Array;
  /** Values in the order of `offsets`. */
  readonly before: Float32Array;
  readonly after: Float32Array;

  static readonly none = new Changes(new Int32Array(0), new Float32Array(0), new Float32Array(0));

  constructor(offsets: Int32Array, before: Float32Array, after: Float32Array) {
    this.offsets = offsets;
    this.before = before;
    this.after = after;
  }

  get size(): number {
    return this.offsets.length;
  }

  has(offset: number): boolean {
    return this.#place(offset) >= 0;
  }

  get(offset: number): BeforeAfter | undefined {
    const at = this.#place(offset);
    return at < 0 ? undefined : { before: this.before[at]!, after: this.after[at]! };
  }

  /** The largest finite |after - before|. */
  get largest(): number {
    let largest = 0;
    for (let i = 0; i < this.size; ++i) {
      const size = Math.abs(this.after[i]! - this.before[i]!);
      if (size > largest && size < Infinity) largest = size;
    }
    return largest;
  }

  #place(offset: number): number {
    let low = 0;
    let high = this.size - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.offsets[middle]!;
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** These changes and then `next`, as one: what came back to its old value did not change. */
  then(next: Changes): Changes {
    const most = this.size + next.size;
    const offsets = new Int32Array(most);
    const before = new Float32Array(most);
    const after = new Float32Array(most);
    let [i, j, n] = [0, 0, 0];
    while (i < this.size || j < next.size) {
      const mine = i < this.size ? this.offsets[i]! : Infinity;
      const its = j < next.size ? next.offsets[j]! : Infinity;
      const start = mine <= its ? this.before[i]! : next.before[j]!;
      const end = its <= mine ? next.after[j]! : this.after[i]!;
      if (mine <= its) ++i;
      if (its <= mine) ++j;
      if (start === end || (Number.isNaN(start) && Number.isNaN(end))) continue;
      offsets[n] = Math.min(mine, its);
      before[n] = start;
      after[n++] = end;
    }
    return new Changes(offsets.subarray(0, n), before.subarray(0, n), after.subarray(0, n));
  }
}
