// Boot: what need not wait for the page's modules. The theme, before anything is painted in the
// other one; and the engine, on its way and compiling while the modules still load.
import { restoreTheme } from "./theme.js";

declare global {
  /** The compiled engine; rejects like any fetch, and then init() says in words what is wrong. */
  var engineOnItsWay: Promise<WebAssembly.Module> | undefined;
}

restoreTheme();

/** A module of one relaxed multiply and add. A wrong guess costs a download, no more: init() judges. */
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 20, 1, 18, 0, 65, 0, 253, 15, 65,
  0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 26, 11,
];
const build = WebAssembly.validate(Uint8Array.from(RELAXED)) ? "relaxed" : "simd";
globalThis.engineOnItsWay = WebAssembly.compileStreaming(fetch(`convscope.${build}.wasm`));
globalThis.engineOnItsWay.catch(() => undefined);
