// Activations: functions of one cell (activation.h).
import { PlainLayer } from "./layer.js";
import { makeLayer } from "./native.js";
import { toNumber, toOptions, toString } from "./validate.js";

// In the order in which the engine takes them.
const defaults = {
  negativeSlope: 0.01,
  alpha: 1,
  approximate: "none",
  beta: 1,
  threshold: 20,
  minVal: -1,
  maxVal: 1,
};

/** What all activations have in common: a function of one cell, for a tensor of any shape. */
export abstract class Activation extends PlainLayer {
  /** @internal */
  protected constructor(name: string, options: unknown, known: readonly (keyof typeof defaults)[]) {
    const given = toOptions(options, "options", known);
    const settings = { ...defaults };
    for (const key of known) {
      const value = given[key];
      if (value === undefined) continue;
      if (key === "approximate") settings[key] = toString(value, key).slice(0, 100);
      else settings[key] = toNumber(value, key);
    }
    super({ raw: makeLayer("makeActivation", name, ...Object.values(settings)), options: given });
  }
}

/**
 * torch.nn.ReLU: max(x, 0).
 *
 * @example
 * ```ts
 * new ReLU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class ReLU extends Activation {
  constructor() {
    super("ReLU", undefined, []);
  }
}

/**
 * torch.nn.ReLU6: min(max(x, 0), 6).
 *
 * @example
 * ```ts
 * new ReLU6().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class ReLU6 extends Activation {
  constructor() {
    super("ReLU6", undefined, []);
  }
}

/** Options of {@link LeakyReLU}. */
export interface LeakyReLUOptions {
  /** Slope below 0. Default 0.01. */
  readonly negativeSlope?: number | undefined;
}

/**
 * torch.nn.LeakyReLU: x > 0 ? x : negativeSlope * x.
 *
 * @example
 * ```ts
 * new LeakyReLU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class LeakyReLU extends Activation {
  constructor(options: LeakyReLUOptions = {}) {
    super("LeakyReLU", options, ["negativeSlope"]);
  }
}

/** Options of {@link ELU}. */
export interface ELUOptions {
  /** Height of the curve below 0. Default 1. */
  readonly alpha?: number | undefined;
}

/**
 * torch.nn.ELU: x > 0 ? x : alpha * (exp(x) - 1).
 *
 * @example
 * ```ts
 * new ELU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class ELU extends Activation {
  constructor(options: ELUOptions = {}) {
    super("ELU", options, ["alpha"]);
  }
}

/**
 * torch.nn.SELU: an ELU with fixed scale and alpha.
 *
 * @example
 * ```ts
 * new SELU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class SELU extends Activation {
  constructor() {
    super("SELU", undefined, []);
  }
}

/** Options of {@link CELU}. */
export interface CELUOptions {
  /** Height of the curve below 0. Default 1. */
  readonly alpha?: number | undefined;
}

/**
 * torch.nn.CELU: x > 0 ? x : alpha * (exp(x / alpha) - 1).
 *
 * @example
 * ```ts
 * new CELU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class CELU extends Activation {
  constructor(options: CELUOptions = {}) {
    super("CELU", options, ["alpha"]);
  }
}

/** Options of {@link GELU}. */
export interface GELUOptions {
  /** `"tanh"`: the usual approximation. Default `"none"`. */
  readonly approximate?: "none" | "tanh" | undefined;
}

/**
 * torch.nn.GELU: x times the chance that a normal number is less than x.
 *
 * @example
 * ```ts
 * new GELU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class GELU extends Activation {
  constructor(options: GELUOptions = {}) {
    super("GELU", options, ["approximate"]);
  }
}

/**
 * torch.nn.SiLU: x * sigmoid(x).
 *
 * @example
 * ```ts
 * new SiLU().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class SiLU extends Activation {
  constructor() {
    super("SiLU", undefined, []);
  }
}

/**
 * torch.nn.Mish: x * tanh(softplus(x)).
 *
 * @example
 * ```ts
 * new Mish().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Mish extends Activation {
  constructor() {
    super("Mish", undefined, []);
  }
}

/**
 * torch.nn.Sigmoid: 1 / (1 + exp(-x)).
 *
 * @example
 * ```ts
 * new Sigmoid().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Sigmoid extends Activation {
  constructor() {
    super("Sigmoid", undefined, []);
  }
}

/**
 * torch.nn.Tanh: tanh(x).
 *
 * @example
 * ```ts
 * new Tanh().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Tanh extends Activation {
  constructor() {
    super("Tanh", undefined, []);
  }
}

/** Options of {@link Softplus}. */
export interface SoftplusOptions {
  /** Steepness. Default 1. */
  readonly beta?: number | undefined;
  /** Where beta * x exceeds it, the result is x. Default 20. */
  readonly threshold?: number | undefined;
}

/**
 * torch.nn.Softplus: log(1 + exp(beta * x)) / beta; x where beta * x > threshold.
 *
 * @example
 * ```ts
 * new Softplus().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Softplus extends Activation {
  constructor(options: SoftplusOptions = {}) {
    super("Softplus", options, ["beta", "threshold"]);
  }
}

/**
 * torch.nn.Softsign: x / (1 + |x|).
 *
 * @example
 * ```ts
 * new Softsign().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Softsign extends Activation {
  constructor() {
    super("Softsign", undefined, []);
  }
}

/**
 * torch.nn.Hardswish: x * min(max(x + 3, 0), 6) / 6.
 *
 * @example
 * ```ts
 * new Hardswish().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Hardswish extends Activation {
  constructor() {
    super("Hardswish", undefined, []);
  }
}

/**
 * torch.nn.Hardsigmoid: min(max(x + 3, 0), 6) / 6.
 *
 * @example
 * ```ts
 * new Hardsigmoid().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Hardsigmoid extends Activation {
  constructor() {
    super("Hardsigmoid", undefined, []);
  }
}

/** Options of {@link Hardtanh}. */
export interface HardtanhOptions {
  /** Least result. Default -1. */
  readonly minVal?: number | undefined;
  /** Greatest result. Default 1. */
  readonly maxVal?: number | undefined;
}

/**
 * torch.nn.Hardtanh: min(max(x, minVal), maxVal).
 *
 * @example
 * ```ts
 * new Hardtanh().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class Hardtanh extends Activation {
  constructor(options: HardtanhOptions = {}) {
    super("Hardtanh", options, ["minVal", "maxVal"]);
  }
}

/**
 * torch.nn.LogSigmoid: log(sigmoid(x)).
 *
 * @example
 * ```ts
 * new LogSigmoid().forward(tensor([-1, 0, 2])).shape; // [3]
 * ```
 */
export class LogSigmoid extends Activation {
  constructor() {
    super("LogSigmoid", undefined, []);
  }
}
