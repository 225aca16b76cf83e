// Boot: what need not wait for the page's modules. The theme, before anything is painted in the
// other one; and the engine, on its way and compiling while the modules still load.
import { ENGINE } from "./offline.js";
import { restoreTheme } from "./theme.js";

declare global {
  /** The compiled engine; rejects like any fetch, and then init() says in words what is wrong. */
  var engineOnItsWay: Promise<WebAssembly.Module> | undefined;
}

restoreTheme();
globalThis.engineOnItsWay = WebAssembly.compileStreaming(fetch(ENGINE));
globalThis.engineOnItsWay.catch(() => undefined);
