// The engine: one WebAssembly instance for the whole page, and the mailbox through which lists of numbers and texts cross.
// Everything else in this folder asks raw() for it.
import createModule from "./raw.js";
import type { MainModule } from "./raw.js";
import type { Raw } from "./bindings.js";
import { ConvscopeError, coreError } from "./errors.js";
import { chooseBuild, compile, defaultWasm, type Build, type WasmSource } from "./load.js";
import { toOptions, typeError } from "./validate.js";

/**
 * How sums are rounded. `"reproducible"`: bias plus the products one by one in the weight's row-major order, each
 * operation rounded on its own: the same bits in every browser, natively, at every vector width, and in every watch.
 * `"fast"`: fused multiply-add where the engine has it, and algorithms such as Winograd.
 */
export type MathMode = "reproducible" | "fast";

/** Options of {@link init}. */
export interface InitOptions {
  /** Where the WebAssembly comes from. Default: the file beside this one. */
  wasm?: WasmSource | undefined;
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
  return survive(() => {
    call();
    const { raw, mailbox } = current();
    const memory = raw.HEAPF64;
    const bytes = new Uint8Array(memory.buffer, memory[mailbox], memory[mailbox + 1]);
    return new TextDecoder().decode(bytes);
  });
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
  const chosen = chooseBuild(build);
  const info: Engine = Object.freeze({
    build: chosen,
    math: math ?? "reproducible",
    simd: true,
    version,
  });
  running = await instantiate(compile(wasm ?? defaultWasm(chosen)), info);
  // torch without a seed takes one by chance.
  running.raw.manualSeed(Math.floor(Math.random() * 2 ** 32));
  return info;
}

/** Joins code and glue, which starts while the code is on its way. The hook keeps the glue from fetching anything. */
async function instantiate(compiling: Promise<WebAssembly.Module>, info: Engine): Promise<Running> {
  try {
    const module = await new Promise<MainModule>((resolve, reject) => {
      const instantiateWasm = (
        imports: WebAssembly.Imports,
        done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
      ): object => {
        compiling
          .then(async (code) => done(await WebAssembly.instantiate(code, imports), code))
          .catch(reject);
        return {};
      };
      createModule({ instantiateWasm }).then(resolve, reject);
    });
    const raw = module as unknown as Raw;
    const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
    if (raw.version() !== major * 1e6 + minor * 1e3 + patch) throw new Error("another version");
    return { raw, info, mailbox: raw.mailboxAddress() / 8 };
  } catch (cause) {
    if (cause instanceof ConvscopeError) throw cause;
    throw new ConvscopeError(
      "wasm-invalid",
      "this WebAssembly does not belong to this version of convscope: is it a copy of an older file?",
      { cause },
    );
  }
}
