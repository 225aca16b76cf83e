// Engine: the WebAssembly, fetched and compiled once, by whoever comes first: boot.ts, or the
// page's modules where these are there sooner.
import { ENGINE } from "./offline.js";

declare global {
  /** What {@link engineOnItsWay} answers: boot.js and the modules share nothing else. */
  var compilingEngine: Promise<WebAssembly.Module> | undefined;
}

/** The compiled engine; rejects like any fetch, and init() then says in words what is wrong. */
export function engineOnItsWay(): Promise<WebAssembly.Module> {
  return (globalThis.compilingEngine ??= compile());
}

async function compile(): Promise<WebAssembly.Module> {
  return WebAssembly.compileStreaming(fetch(ENGINE));
}
