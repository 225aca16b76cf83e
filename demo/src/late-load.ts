// Late load: what the page has in place of the package's load.ts (build.mjs). engine.ts has
// it compiled already; how else to get one, and what to say where there is none to be had,
// is loaded on use.
import type { Build, WasmSource } from "../../wasm/src/load.js";
import { ENGINE } from "./offline.js";

export function chooseBuild(): Build {
  return "simd";
}

export function defaultWasm(): URL {
  return new URL(ENGINE, document.baseURI);
}

export async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const load = await import("../../wasm/src/load.js");
  load.chooseBuild("simd"); // says so where the browser has no SIMD
  return load.compile(source);
}
