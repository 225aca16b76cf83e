// The package with its WebAssembly within the JavaScript, as "convscope/embedded": for bundlers that copy no files, and wherever
// there is to be one file only. The bytes are base64, which package.mjs puts in; init() unpacks them.
import { init as initFrom, type Engine, type InitOptions } from "./index.js";

export * from "./index.js";

/** The build with plain SIMD, compressed by gzip, in base64. */
declare const embeddedWasm: string;

let unpacked: Promise<ArrayBuffer> | undefined;

function unpack(): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(embeddedWasm), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/**
 * `init` of the package, with the WebAssembly that is in this file: nothing is fetched, and no `.wasm` is to be copied. It is
 * the build with plain SIMD; a third more is to be downloaded than of the files, and it compiles when all of it is there.
 *
 * @param options - `math`, as in the package's own `init`
 *
 * @example
 * ```ts
 * import { init, tensor, F } from "convscope/embedded";
 * await init();
 * F.relu(tensor([-1, 2])).toArray(); // [0, 2]
 * ```
 */
export async function init(options?: Pick<InitOptions, "math">): Promise<Engine> {
  return initFrom({ build: "simd", ...options, wasm: await (unpacked ??= unpack()) });
}
