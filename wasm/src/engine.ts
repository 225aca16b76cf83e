// The engine: one WebAssembly instance for the whole page, and the ways to get it there. Everything else in this folder
// asks raw() for it.
import createModule from "./raw.js";
import type { MainModule } from "./raw.js";
import type { Raw } from "./bindings.js";
import { ConvscopeError, coreError } from "./errors.js";
import { toOptions, typeError } from "./validate.js";

/**
 * How sums are rounded. `"reproducible"`: bias plus the products one by one in the weight's row-major order, each
 * operation rounded on its own: the same bits in every browser, natively, at every vector width, and in every watch.
 * `"fast"`: fused multiply-add where the engine has it, and algorithms such as Winograd.
 */
export type MathMode = "reproducible" | "fast";

/** Which of the two WebAssembly files runs: with relaxed SIMD (fused multiply-add), or with plain SIMD. */
export type Build = "relaxed" | "simd";

/** Options of {@link init}. */
export interface InitOptions {
  /** Where the WebAssembly comes from: an address, the bytes, or a compiled module. Default: the file beside this one. */
  wasm?: URL | string | ArrayBuffer | ArrayBufferView | WebAssembly.Module | undefined;
  /** Which file to take. Default `"auto"`: relaxed where the engine has relaxed SIMD. */
  build?: "auto" | Build | undefined;
  /** How sums are rounded where a layer says nothing else. Default `"reproducible"`. */
  math?: MathMode | undefined;
}

/** What {@link engine} answers. */
export interface Engine {
  /** The file that runs. With `init({ wasm })` and no `build`: the one this engine could run. */
  readonly build: Build;
  /** How sums are rounded where a layer says nothing else. */
  readonly math: MathMode;
  /** Always true: SIMD is the floor. */
  readonly simd: true;
  /** This package's version. */
  readonly version: string;
}

/** The package's version; a test holds it against package.json. */
const version = "0.1.0";

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

/** The engine and what is read from it on every call. */
interface Running {
  readonly raw: Raw;
  readonly info: Engine;
  /** Index into HEAPF64 of the core's mailbox. */
  readonly mailbox: number;
}

let running: Running | null = null;
let starting: { readonly promise: Promise<Engine>; readonly options: InitOptions } | null = null;

/**
 * Gets the WebAssembly ready: the one step that is asynchronous. Call it once before anything else but {@link tensor};
 * calling it again gives the same engine, and after a failure it may be tried again.
 *
 * @param options - where the WebAssembly comes from, and what it does by default
 * @returns what {@link engine} says
 * @throws ConvscopeError `"wasm-missing"`, `"wasm-invalid"`, `"wasm-blocked"`, `"no-simd"`: each text says what to do;
 * `"already-initialized"` if the engine runs with other options
 *
 * @example
 * ```ts
 * await init();
 * console.log(engine().simd); // true
 * ```
 */
export async function init(options: InitOptions = {}): Promise<Engine> {
  const given = toInitOptions(options);
  if (starting !== null) {
    for (const key of ["wasm", "build", "math"] as const) {
      if (given[key] !== undefined && !sameOption(given[key], starting.options[key])) {
        throw new ConvscopeError(
          "already-initialized",
          `init() was called before with another "${key}": a page has one engine; call init() once, with all options`,
        );
      }
    }
    return starting.promise;
  }
  const promise = start(given);
  const attempt = { promise, options: given };
  starting = attempt;
  try {
    return await promise;
  } catch (error) {
    if (starting === attempt) starting = null;
    throw error;
  }
}

/**
 * What runs: `{ build, math, simd: true, version }`.
 *
 * @throws ConvscopeError `"not-initialized"` before `init()` is done
 */
export function engine(): Engine {
  return current().info;
}

/** The engine's functions. Package-internal, as are all below. */
export function raw(): Raw {
  return current().raw;
}

/** The math for a layer that says nothing else. */
export function defaultMath(): MathMode {
  return running === null ? "reproducible" : running.info.math;
}

/** The WASM memory as floats: good until the next call into the engine. */
export function floats(): Float32Array {
  return current().raw.HEAPF32;
}

/** Whether `buffer` is the WASM memory as it now is. */
export function isEngineMemory(buffer: ArrayBuffer): boolean {
  return running !== null && floats().buffer === buffer;
}

/** The WASM memory as 32-bit integers: good until the next call into the engine. */
export function ints(): Int32Array {
  return current().raw.HEAP32;
}

/** The WASM memory as doubles: good until the next call into the engine. */
export function doubles(): Float64Array {
  return current().raw.HEAPF64;
}

/** Writes lists of numbers, one after another, to the mailbox. */
export function post(...lists: readonly (readonly number[])[]): void {
  const { raw, mailbox } = current();
  const memory = raw.HEAPF64;
  let at = mailbox;
  for (const list of lists) {
    for (let i = 0; i < list.length; ++i) memory[at++] = list[i] as number;
  }
}

/** An argument of a layer. */
export type Argument = number | boolean | string | null | readonly number[];

/** Writes a layer's arguments to the mailbox, each with what tells its kind (wasm/bindings/exchange.h). */
export function postArguments(values: readonly Argument[]): void {
  post(
    ...values.map((value) => {
      if (value === null) return [-2];
      const list = typeof value === "string" ? new TextEncoder().encode(value) : value;
      return typeof list === "object" ? [list.length, ...list] : [-1, Number(list)];
    }),
  );
}

/** `count` numbers of the mailbox, from number `begin` on. */
export function collect(count: number, begin = 0): number[] {
  const { raw, mailbox } = current();
  const memory = raw.HEAPF64;
  const list = new Array<number>(count);
  for (let i = 0; i < count; ++i) list[i] = memory[mailbox + begin + i] as number;
  return list;
}

/** The text that a call into the engine answers with. */
export function textOf(call: () => void): string {
  return survive(() => readText(current(), call));
}

function readText(engine: Running, call: () => void): string {
  call();
  const memory = engine.raw.HEAPF64;
  const bytes = new Uint8Array(memory.buffer, memory[engine.mailbox], memory[engine.mailbox + 1]);
  return new TextDecoder().decode(bytes);
}

/** Why the last call into the engine was refused. */
export function lastError(): ConvscopeError {
  let code = 0;
  const message = textOf(() => {
    code = raw().lastError();
  });
  return coreError(code, message);
}

/** Makes a call into the engine, and throws if it answers with a code other than 0. */
export function check(call: () => number): void {
  if (survive(call) !== 0) throw lastError();
}

/**
 * What a call into the engine gives. The small lists of the core stop the engine where memory is out; whatever stops it,
 * its own words are not for users.
 */
export function survive<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
    throw new ConvscopeError(
      "memory",
      "out of memory: the engine had to stop in the middle of a call",
      { cause },
    );
  }
}

/** Copies `data` into WASM memory for the time of one call. */
export function withCopy<T>(data: Float32Array | Int32Array, use: (address: number) => T): T {
  return withMemory(data.byteLength, (address) => {
    // Between arrays of one type, so that every bit arrives.
    if (data instanceof Float32Array) floats().set(data, address / 4);
    else ints().set(data, address / 4);
    return use(address);
  });
}

/** WASM memory for the time of one call. */
export function withMemory<T>(bytes: number, use: (address: number) => T): T {
  const { _malloc: malloc, _free: free } = raw();
  // malloc's address is a signed number in JavaScript.
  const address = malloc(bytes) >>> 0;
  if (address === 0) {
    throw new ConvscopeError("memory", `out of memory: could not allocate ${bytes} bytes`);
  }
  try {
    return use(address);
  } finally {
    free(address);
  }
}

function current(): Running {
  if (running === null) {
    throw new ConvscopeError(
      "not-initialized",
      "convscope is not initialized: call and await init() first",
    );
  }
  return running;
}

function toInitOptions(options: unknown): InitOptions {
  const { wasm, build, math } = toOptions(options, "init options", ["wasm", "build", "math"]);
  if (
    wasm !== undefined &&
    typeof wasm !== "string" &&
    !(wasm instanceof URL) &&
    !(wasm instanceof WebAssembly.Module) &&
    !(wasm instanceof ArrayBuffer) &&
    !ArrayBuffer.isView(wasm)
  ) {
    throw typeError("URL, string, bytes or WebAssembly.Module", "wasm", wasm);
  }
  if (build !== undefined && build !== "auto" && build !== "relaxed" && build !== "simd") {
    throw typeError('"auto", "relaxed" or "simd"', "build", build);
  }
  return { wasm, build, math: toMath(math) };
}

/** A math option, if there is one. */
export function toMath(math: unknown): MathMode | undefined {
  if (math !== undefined && math !== "reproducible" && math !== "fast") {
    throw typeError('"reproducible" or "fast"', "math", math);
  }
  return math;
}

function sameOption(a: unknown, b: unknown): boolean {
  if (a instanceof URL && b instanceof URL) return a.href === b.href;
  return a === b;
}

async function start({ wasm, build, math }: InitOptions): Promise<Engine> {
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
  const chosen: Build =
    build === "relaxed" || (build !== "simd" && hasRelaxed) ? "relaxed" : "simd";
  const compiled = await compile(wasm ?? defaultWasm(chosen));
  const info: Engine = Object.freeze({
    build: chosen,
    math: math ?? "reproducible",
    simd: true,
    version,
  });
  running = await instantiate(compiled, info);
  // torch without a seed takes one by chance.
  running.raw.manualSeed(Math.floor(Math.random() * 2 ** 32));
  return info;
}

// Spelled out, because this is the form in which bundlers find the files.
function defaultWasm(build: Build): URL {
  return build === "relaxed"
    ? new URL("./convscope.relaxed.wasm", import.meta.url)
    : new URL("./convscope.simd.wasm", import.meta.url);
}

async function compile(source: NonNullable<InitOptions["wasm"]>): Promise<WebAssembly.Module> {
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

/** Joins code and glue. The hook keeps the glue from fetching anything. */
async function instantiate(compiled: WebAssembly.Module, info: Engine): Promise<Running> {
  try {
    const module = await new Promise<MainModule>((resolve, reject) => {
      const instantiateWasm = (
        imports: WebAssembly.Imports,
        done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
      ): object => {
        WebAssembly.instantiate(compiled, imports)
          .then((instance) => done(instance, compiled))
          .catch(reject);
        return {};
      };
      createModule({ instantiateWasm }).then(resolve, reject);
    });
    const raw = module as unknown as Raw;
    const made = { raw, info, mailbox: raw.mailboxAddress() / 8 };
    if (readText(made, raw.version) !== version) throw new Error("another version");
    return made;
  } catch (cause) {
    throw new ConvscopeError(
      "wasm-invalid",
      "this WebAssembly does not belong to this version of convscope: is it a copy of an older file?",
      { cause },
    );
  }
}
