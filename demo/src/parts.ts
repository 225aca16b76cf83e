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

/** The lessons after the first. */
export const later = new Part(() => import("./later-lessons.js"));
/** Reading links. */
export const link = new Part(() => import("./link.js"));
/** Step mode's buttons. */
export const steps = new Part(() => import("./elements/step-transport.js"));
/** Drawing tensors of many cells as pictures. */
export const canvases = new Part(() => import("./elements/cell-canvas.js"));
/** Choosing a volume's slices. */
export const volumes = new Part(() => styled("volumes.css", import("./volumes.js")));
/** What of Stack mode is on the page. */
export const stackPage = new Part(() => styled("stack.css", import("./stack-page.js")));
/** Stack mode. Links with a stack are read only where it is loaded, too. */
export const stack = new Part(async () => {
  const mode = import("./stack-mode.js");
  // Links are read without a page, too.
  if ("document" in globalThis) await stackPage.load();
  return mode;
});
/** Picture mode. */
export const pictures = new Part(() => styled("picture.css", import("./picture-mode.js")));
/** Taking away and bringing in. */
export const taking = new Part(() => styled("taking.css", import("./taking.js")));

/** A part that has a style of its own: it is there once both are. */
async function styled<T>(sheet: string, part: Promise<T>): Promise<T> {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = sheet;
  const loaded = new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = reject;
  });
  document.head.append(link);
  return (await Promise.all([part, loaded]))[0];
}
