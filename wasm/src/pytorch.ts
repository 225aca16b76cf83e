// Layers as PyTorch code, there and back.
import { classes, nameOf, type LayerClass } from "./classes.js";
import { ConvscopeError } from "./errors.js";
import { toLayer, type Layer } from "./layer.js";
import { Sequential } from "./sequential.js";
import { toString } from "./validate.js";

// --- torch's arguments ------------------------------------------------------

const conv = ["in_channels", "out_channels", "kernel_size", "stride", "padding"];
const pool = ["kernel_size", "stride", "padding"];

/** The order of torch's positional arguments, by the class's name, N standing for its number of axes. */
const positions: Readonly<Record<string, readonly string[]>> = {
  ConvNd: [...conv, "dilation", "groups", "bias", "padding_mode"],
  ConvTransposeNd: [...conv, "output_padding", "groups", "bias", "dilation", "padding_mode"],
  MaxPoolNd: [...pool, "dilation", "return_indices", "ceil_mode"],
  AvgPoolNd: [...pool, "ceil_mode", "count_include_pad", "divisor_override"],
  AdaptiveAvgPoolNd: ["output_size"],
  AdaptiveMaxPoolNd: ["output_size", "return_indices"],
  ZeroPadNd: ["padding"],
  ConstantPadNd: ["padding", "value"],
  ReflectionPadNd: ["padding"],
  ReplicationPadNd: ["padding"],
  CircularPadNd: ["padding"],
  Unfold: ["kernel_size", "dilation", "padding", "stride"],
  Fold: ["output_size", "kernel_size", "dilation", "padding", "stride"],
  ReLU: ["inplace"],
  ReLU6: ["inplace"],
  LeakyReLU: ["negative_slope", "inplace"],
  ELU: ["alpha", "inplace"],
  SELU: ["inplace"],
  CELU: ["alpha", "inplace"],
  GELU: ["approximate"],
  SiLU: ["inplace"],
  Mish: ["inplace"],
  Sigmoid: [],
  Tanh: [],
  Softplus: ["beta", "threshold"],
  Softsign: [],
  Hardswish: ["inplace"],
  Hardsigmoid: ["inplace"],
  Hardtanh: ["min_val", "max_val", "inplace"],
  LogSigmoid: [],
};

const positionsOf = (name: string): readonly string[] | undefined =>
  positions[name.replace(/[123]d$/, "Nd")];
const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// --- To PyTorch -------------------------------------------------------------

/**
 * The layer as a line of PyTorch, for `from torch import nn`. Padding per side becomes a layer of its own.
 *
 * @throws ConvscopeError `"not-implemented"` for `"same-upper"` and `"same-lower"`, which torch lacks
 *
 * @example
 * ```ts
 * toPyTorch(new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: [2, 3], padding: 1 }));
 * // nn.Conv2d(in_channels=1, out_channels=2, kernel_size=(2, 3), padding=1)
 * ```
 */
export function toPyTorch(layer: Layer<unknown>): string {
  const checked = toLayer(layer, "layer");
  if (checked instanceof Sequential) {
    const parts = checked.layers.map(
      (part) => `    ${toPyTorch(part).replaceAll("\n", "\n    ")},\n`,
    );
    return parts.length === 0 ? "nn.Sequential()" : `nn.Sequential(\n${parts.join("")})`;
  }
  const name = nameOf(checked);
  const { padding } = checked.options;
  if (padding === "same-upper" || padding === "same-lower") {
    throw new ConvscopeError(
      "not-implemented",
      `PyTorch has no padding="${padding}": its amount depends on the input's size`,
    );
  }
  if (Array.isArray(padding) && padding.some(Array.isArray))
    return withPaddingLayer(name, checked.options);
  return call(name, checked.options);
}

function call(name: string, options: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const order = positionsOf(name) ?? [];
  const args = given
    .map(([key, value]): [string, unknown] => [snake(key), value])
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([key, value]) => `${key}=${literal(value)}`);
  return `nn.${name}(${args.join(", ")})`;
}

function withPaddingLayer(name: string, options: Readonly<Record<string, unknown>>): string {
  const kinds: Readonly<Record<string, string>> = {
    zeros: "ZeroPad",
    reflect: "ReflectionPad",
    replicate: "ReplicationPad",
    circular: "CircularPad",
  };
  const { padding, paddingMode = "zeros", ...rest } = options;
  const sides = padding as readonly (readonly number[])[];
  const pad = call(`${kinds[paddingMode as string]}${sides.length}d`, {
    padding: [...sides].reverse().flat(),
  });
  return `nn.Sequential(\n    ${pad},\n    ${call(name, rest)},\n)`;
}

function literal(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value))
    return `(${value.map(literal).join(", ")}${value.length === 1 ? "," : ""})`;
  if (typeof value === "number" && !Number.isFinite(value))
    return `float("${String(value).replace("Infinity", "inf").toLowerCase()}")`;
  return String(value);
}

// --- From PyTorch -----------------------------------------------------------

/**
 * The layer that a line of PyTorch makes, or a print of it: `nn.Conv2d(1, 2, 3)`, `nn.Sequential(nn.Conv2d(1, 2, 3),
 * nn.ReLU())`. Its first weights are drawn as torch would draw them.
 *
 * @throws ConvscopeError `"value"` for what it cannot read, saying where; else what the layer's constructor throws
 *
 * @example
 * ```ts
 * String(fromPyTorch("nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"));
 * // ConvTranspose2d(64, 32, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
 * ```
 */
export function fromPyTorch(text: string): Layer<unknown> {
  const code = toString(text, "text");
  if (code.length > 100_000)
    throw new RangeError("the text is too long: at most 100000 characters");
  const parser = new Parser(code);
  const layer = parser.layer(0);
  parser.end();
  return layer;
}

const tokens =
  /\s*(?:#[^\n]*(?:\n\s*|$))*(?:([A-Za-z_][\w.]*)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+](?:\w+\.)?(?:inf|nan)\b)|("[^"\\\n]*"|'[^'\\\n]*')|([()[\]=,:;]))/y;

const notFinite = /^([-+]?)(?:\w+\.)?(inf|nan)$/;

/** A number of Python: 1e-5, -inf, math.inf. */
function toFloat(text: string): number {
  const [, sign, word] = notFinite.exec(text) ?? [];
  if (word === undefined) return Number(text);
  return (sign === "-" ? -1 : 1) * (word === "inf" ? Infinity : NaN);
}

/** Layers and literals of Python, nothing else. */
class Parser {
  readonly #text: string;
  #at = 0;
  #token = "";
  #kind: "name" | "number" | "string" | "sign" | "end" = "end";

  constructor(text: string) {
    this.#text = text;
    this.#next();
    this.#skipAssignment();
  }

  layer(depth: number): Layer<unknown> {
    if (depth > 20) throw this.#error("too many layers in layers");
    const name = this.#take("name", "a layer").replace(/^(?:torch\.)?nn\./, "");
    this.#expect("(");
    if (name === "Sequential") return this.#sequential(depth);
    const order = positionsOf(name);
    const type = Object.hasOwn(classes, name) ? classes[name] : undefined;
    if (order === undefined || typeof type !== "function")
      throw this.#error(`there is no layer ${name}`);
    const options = this.#arguments(name, order);
    return new (type as LayerClass)(options);
  }

  end(): void {
    while (this.#is(";")) this.#next();
    if (this.#kind !== "end") throw this.#error("expected the end");
  }

  #sequential(depth: number): Layer {
    const layers: Layer[] = [];
    while (!this.#is(")")) {
      // "(0): " before a layer, as torch prints it.
      if (this.#is("(")) {
        this.#next();
        this.#next();
        this.#expect(")");
        this.#expect(":");
      }
      layers.push(this.layer(depth + 1) as Layer);
      if (this.#is(",")) this.#next();
    }
    this.#next();
    return new Sequential(layers);
  }

  #arguments(name: string, order: readonly string[]): Record<string, unknown> {
    const options = new Map<string, unknown>();
    let position = 0;
    while (!this.#is(")")) {
      let key = order[position++];
      if (this.#kind === "name" && this.#text.slice(this.#at).trimStart().startsWith("=")) {
        key = this.#take("name", "an argument");
        this.#expect("=");
        if (!order.includes(key)) throw this.#error(`${name} has no argument ${key}`);
      }
      if (key === undefined) throw this.#error(`${name} has at most ${order.length} arguments`);
      if (options.has(key)) throw this.#error(`${name} got ${key} twice`);
      options.set(key, this.#literal(0));
      if (!this.#is(")")) this.#expect(",");
    }
    this.#next();
    // Where the result is kept is no question here.
    options.delete("inplace");
    return Object.fromEntries([...options].map(([key, value]) => [camel(key), value ?? undefined]));
  }

  #literal(depth: number): unknown {
    const token = this.#token;
    if (this.#is("(") || this.#is("[")) {
      if (depth > 2) throw this.#error("too many brackets");
      return this.#list(token === "(" ? ")" : "]", depth);
    }
    const words: Readonly<Record<string, unknown>> = {
      True: true,
      False: false,
      None: null,
    };
    const kind = this.#kind;
    this.#next();
    if (kind === "number") return toFloat(token);
    if (kind === "string") return token.slice(1, -1);
    if (kind !== "name") throw this.#error("expected a value");
    if (token === "float") {
      this.#expect("(");
      const text = this.#take("string", "a string").slice(1, -1);
      this.#expect(")");
      return toFloat(text);
    }
    if (notFinite.test(token)) return toFloat(token);
    // A print has words without quotes: padding=same.
    return Object.hasOwn(words, token) ? words[token] : token;
  }

  #list(close: string, depth: number): unknown {
    this.#next();
    const values: unknown[] = [];
    let isTuple = close === "]";
    while (!this.#is(close)) {
      values.push(this.#literal(depth + 1));
      if (!this.#is(close)) {
        this.#expect(",");
        isTuple = true;
      }
    }
    this.#next();
    // Brackets round one value are only brackets.
    return isTuple || values.length !== 1 ? values : values[0];
  }

  /** "conv = " before the layer. */
  #skipAssignment(): void {
    if (this.#kind !== "name" || !/^\s*=[^=]/.test(this.#text.slice(this.#at))) return;
    this.#next();
    this.#next();
  }

  #is(sign: string): boolean {
    return this.#kind === "sign" && this.#token === sign;
  }

  #expect(sign: string): void {
    if (!this.#is(sign)) throw this.#error(`expected "${sign}"`);
    this.#next();
  }

  #take(kind: "name" | "string", what: string): string {
    if (this.#kind !== kind) throw this.#error(`expected ${what}`);
    const token = this.#token;
    this.#next();
    return token;
  }

  #next(): void {
    tokens.lastIndex = this.#at;
    const match = tokens.exec(this.#text);
    if (match === null) {
      const rest = this.#text
        .slice(this.#at)
        .replace(/#[^\n]*/g, "")
        .trim();
      this.#kind = "end";
      this.#token = "";
      if (rest !== "") throw this.#error(`cannot read "${rest.slice(0, 20)}"`);
      this.#at = this.#text.length;
      return;
    }
    this.#at = tokens.lastIndex;
    const [, name, number, string] = match;
    this.#token = (match[1] ?? match[2] ?? match[3] ?? match[4]) as string;
    this.#kind =
      name !== undefined
        ? "name"
        : number !== undefined
          ? "number"
          : string !== undefined
            ? "string"
            : "sign";
  }

  #error(what: string): ConvscopeError {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    const near = this.#token === "" ? "the end" : `"${this.#token}"`;
    return new ConvscopeError("value", `fromPyTorch: ${what} near ${near} in line ${line}`);
  }
}
