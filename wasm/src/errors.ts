/** What {@link ConvscopeError.code} says. */
export type ErrorCode =
  /** An argument that no layer can have. */
  | "value"
  /** Layer and tensor, or two tensors, do not fit each other. */
  | "shape"
  /** An argument of the wrong kind, where PyTorch has a text for it. */
  | "type"
  /** A combination that PyTorch lacks, too. */
  | "not-implemented"
  /** An index outside its tensor. */
  | "index"
  /** There is no memory for what was asked. */
  | "memory"
  /** A file that is broken, or holds what cannot be read. */
  | "file"
  /** The memory of a typed array was given away. */
  | "detached"
  /** A plan or watch was used after `dispose()`. */
  | "disposed"
  /** A call before `init()` was done. */
  | "not-initialized"
  /** `init()` a second time, with other options. */
  | "already-initialized"
  /** The `.wasm` file could not be had. */
  | "wasm-missing"
  /** What was had is not our WebAssembly. */
  | "wasm-invalid"
  /** The page's content-security policy forbids WebAssembly. */
  | "wasm-blocked"
  /** The engine lacks WebAssembly SIMD. */
  | "no-simd";

/** Python's exception for a code that PyTorch has, too. */
const exceptions: Partial<Record<ErrorCode, string>> = {
  value: "ValueError",
  shape: "RuntimeError",
  type: "TypeError",
  "not-implemented": "NotImplementedError",
  index: "IndexError",
};

/**
 * A call that only the core can judge, refused. Where PyTorch refuses the same call, `message` is PyTorch's own text.
 * After any error everything still works, and whatever the call was about is as it was before.
 *
 * @example
 * ```ts
 * const conv = new Conv2d({ inChannels: 3, outChannels: 1, kernelSize: 2 });
 * try {
 *   conv.forward(zeros([1, 3, 4]));
 * } catch (error) {
 *   if (error instanceof ConvscopeError) console.log(error.code); // "shape"
 * }
 * ```
 */
export class ConvscopeError extends Error {
  override readonly name = "ConvscopeError";
  /** What kind of error it is. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** The exception that PyTorch raises for such a call: `"ValueError"`, `"RuntimeError"` …; null where PyTorch has none. */
  get exception(): string | null {
    return exceptions[this.code] ?? null;
  }
}

/** The core's codes (status.h), in their order from 1 on. */
const coreCodes: readonly ErrorCode[] = [
  "value",
  "shape",
  "type",
  "not-implemented",
  "index",
  "memory",
];

/** The error for a code other than 0 that the core answered. */
export function coreError(code: number, message: string): ConvscopeError {
  return new ConvscopeError(coreCodes[code - 1] ?? "value", message);
}

/** No room for so many float32 or int32 elements. */
export function outOfMemory(elements: number, cause: unknown): ConvscopeError {
  return new ConvscopeError("memory", `out of memory: could not allocate ${elements * 4} bytes`, {
    cause,
  });
}
