// Parts: what the page needs only in some of its modes, each loaded when it is first asked for.
// Once it is there it answers at once: nothing on the page lags behind.

export class Part<T> {
  readonly #import: () => Promise<T>;
  #module: T | null = null;
  #coming: Promise<T> | null = null;

  constructor(load: () => Promise<T>) {
    this.#import = load;
  }

  /** Fails where there is neither a network nor a copy; then it may be tried again. */
  async load(): Promise<T> {
    this.#coming ??= this.#import();
    try {
      return (this.#module = await this.#coming);
    } catch (error) {
      this.#coming = null;
      throw error;
    }
  }

  get loaded(): T | null {
    return this.#module;
  }

  /** The part where nothing leads to but with it loaded. */
  get now(): T {
    if (this.#module === null) throw new Error("a part of the page before it was loaded");
    return this.#module;
  }
}

/** Stack mode. Links with a stack are read only where it is loaded, too. */
export const stack = new Part(() => import("./stack-mode.js"));
/** Picture mode. */
export const pictures = new Part(() => import("./picture-mode.js"));
/** Taking away and bringing in. */
export const taking = new Part(() => import("./taking.js"));
