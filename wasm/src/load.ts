// How the WebAssembly gets here: which of the two files this engine can run, where it lies, and what to do when it cannot be
// had. Each error says what the user can change.
import { ConvscopeError } from "./errors.js";

/** Which of the two WebAssembly files runs: with relaxed SIMD (fused multiply-add), or with plain SIMD. */
export type Build = "relaxed" | "simd";

/** Where the WebAssembly comes from: an address, the bytes, or a compiled module. */
export type WasmSource = URL | string | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

// Modules of one function each that engines without the feature refuse. It makes a zero vector and drops it, the second
// one after a relaxed multiply and add.
const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10];
const zero = [65, 0, 253, 15];
const simdProbe = new Uint8Array([...header, 9, 1, 7, 0, ...zero, 26, 11]);
const relaxedProbe = new Uint8Array([
  ...header,
  20,
  1,
  18,
  0,
  ...zero,
  ...zero,
  ...zero,
  253,
  133,
  2,
  26,
  11,
]);

/** The file to take when `build` is asked for: relaxed where nothing else is said and the engine has relaxed SIMD. */
export function chooseBuild(build: "auto" | Build | undefined): Build {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(simdProbe)) {
    throw new ConvscopeError(
      "no-simd",
      "this engine has no WebAssembly SIMD: Chrome and Edge have it from 91 on, Firefox from 89, Safari from 16.4, Node from 16.4",
    );
  }
  const hasRelaxed = WebAssembly.validate(relaxedProbe);
  if (build === "relaxed" && !hasRelaxed) {
    throw new ConvscopeError(
      "no-simd",
      'this engine has no relaxed SIMD: leave out build, or take build: "simd" (Node 20 needs --experimental-wasm-relaxed-simd)',
    );
  }
  return build === "relaxed" || (build !== "simd" && hasRelaxed) ? "relaxed" : "simd";
}

/** Where a build's file lies. Spelled out, because this is the form in which bundlers find the files. */
export function defaultWasm(build: Build): URL {
  return build === "relaxed"
    ? new URL("./convscope.relaxed.wasm", import.meta.url)
    : new URL("./convscope.simd.wasm", import.meta.url);
}

/** The code of `source`, whatever it is, ready to be instantiated. */
export async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source))
    return compileBytes(source, "the bytes given");
  const address = source instanceof URL ? source.href : source;
  const url = resolve(address);
  if (url !== null && url.protocol === "file:" && isNode())
    return compileBytes(await readFile(url), address);
  const response = await fetchWasm(url?.href ?? address);
  const type = response.headers.get("content-type") ?? "";
  if (/^application\/wasm$/i.test(type.trim())) {
    try {
      return await WebAssembly.compileStreaming(response);
    } catch (error) {
      throw compileError(error, address);
    }
  }
  // Served under another type, so the engine refuses to compile while it loads.
  return compileBytes(await bytesOf(response, address), address, type);
}

async function compileBytes(
  source: ArrayBuffer | ArrayBufferView,
  from: string,
  type = "",
): Promise<WebAssembly.Module> {
  const bytes = copyBytes(source);
  if (
    bytes.length < 8 ||
    bytes[0] !== 0 ||
    bytes[1] !== 97 ||
    bytes[2] !== 115 ||
    bytes[3] !== 109
  ) {
    const served = type === "" ? "" : `, but content of type ${type}`;
    throw new ConvscopeError(
      "wasm-invalid",
      `${from} holds no WebAssembly${served}: is the .wasm file where init({ wasm }) or the bundler says?`,
    );
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw compileError(error, from);
  }
}

function copyBytes(source: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
    return new Uint8Array(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  } catch (cause) {
    throw new ConvscopeError("detached", "the bytes given as wasm were transferred elsewhere", {
      cause,
    });
  }
}

function compileError(cause: unknown, from: string): ConvscopeError {
  const text = cause instanceof Error ? cause.message : "";
  if (/unsafe-eval|content security|csp|disallowed by embedder|blocked/i.test(text)) {
    return new ConvscopeError(
      "wasm-blocked",
      "the page's content-security policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src",
      { cause },
    );
  }
  return new ConvscopeError(
    "wasm-invalid",
    `${from} is no WebAssembly that this engine can run: is it whole?`,
    { cause },
  );
}

function resolve(address: string): URL | null {
  const base: unknown = (globalThis as { document?: { baseURI?: unknown } }).document?.baseURI;
  try {
    return new URL(
      address,
      typeof base === "string"
        ? base
        : (globalThis as { location?: { href: string } }).location?.href,
    );
  } catch {
    // A path without a base: Node, where it is a file's.
    return isNode() ? new URL(address, `file://${encodeURI(workingFolder())}/`) : null;
  }
}

interface FileSystem {
  readFile(file: URL): Promise<Uint8Array>;
}

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  cwd?(): string;
  getBuiltinModule?(name: string): FileSystem;
}

function nodeProcess(): NodeProcess | undefined {
  return (globalThis as { process?: NodeProcess }).process;
}

function isNode(): boolean {
  return nodeProcess()?.versions?.node !== undefined;
}

function workingFolder(): string {
  return nodeProcess()?.cwd?.() ?? "";
}

/** Node's files, asked for in ways that no bundler for the web follows; the second is for Node before 20.16. */
async function fileSystem(): Promise<FileSystem> {
  const name = ["node", "fs/promises"].join(":");
  return (
    nodeProcess()?.getBuiltinModule?.(name) ??
    ((await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as FileSystem)
  );
}

async function readFile(url: URL): Promise<Uint8Array> {
  const files = await fileSystem();
  try {
    return await files.readFile(url);
  } catch (cause) {
    throw missing(url.href, "the file cannot be read", cause);
  }
}

async function fetchWasm(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin" });
  } catch (cause) {
    throw missing(address, "the address cannot be reached", cause);
  }
  if (!response.ok) throw missing(address, `the server answers ${response.status}`);
  return response;
}

async function bytesOf(response: Response, address: string): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer();
  } catch (cause) {
    throw missing(address, "loading it broke off", cause);
  }
}

function missing(address: string, why: string, cause?: unknown): ConvscopeError {
  return new ConvscopeError(
    "wasm-missing",
    `the WebAssembly file ${address} could not be loaded: ${why}; copy it there, or name its place with init({ wasm })`,
    { cause },
  );
}
