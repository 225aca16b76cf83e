// The parameters of layers, and their state: torch's state_dict.
import { ConvscopeError } from "./errors.js";
import type { Layer } from "./layer.js";
import { ChangeMark, overwrite, toTensor, type Tensor } from "./tensor.js";
import { sameShape, typeError } from "./validate.js";

/** A parameter: the user's tensor, and what of it the engine has. */
export class Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  tensor: Tensor;
  readonly mark = new ChangeMark();

  constructor(name: string, shape: readonly number[], tensor: Tensor) {
    this.name = name;
    this.shape = shape;
    this.tensor = tensor;
  }
}

/** A parameter of a layer or of a part of it. */
export interface NamedParameter {
  /** `"weight"`, `"bias"`; in a Sequential `"0.weight"`. */
  readonly name: string;
  readonly parameter: Parameter;
  readonly owner: Layer<unknown>;
}

/** Copies a state into parameters, or refuses all of it; `kind` is the layer's name in torch's text. */
export function loadState(
  parameters: readonly NamedParameter[],
  state: unknown,
  kind: string,
): void {
  if (typeof state !== "object" || state === null) throw typeError("object", "state", state);
  const given = new Map(
    Object.entries(state).map(([name, value]) => [name, toTensor(value, name)]),
  );
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  const missing = parameters.map(({ name }) => name).filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter(
    (name) => !parameters.some((own) => own.name === name),
  );
  const complaints: string[] = [];
  if (missing.length > 0) complaints.push(`Missing key(s) in state_dict: ${quoted(missing)}. `);
  if (unexpected.length > 0)
    complaints.push(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `);
  for (const { name, parameter } of parameters) {
    const tensor = given.get(name);
    if (tensor === undefined || sameShape(tensor.shape, parameter.shape)) continue;
    complaints.push(
      `size mismatch for ${name}: copying a param with shape ${torchSize(tensor.shape)} from checkpoint, the shape in current model is ${torchSize(parameter.shape)}.`,
    );
  }
  if (complaints.length > 0) {
    throw new ConvscopeError(
      "shape",
      `Error(s) in loading state_dict for ${kind}:\n\t${complaints.join("\n\t")}`,
    );
  }
  for (const { name, parameter } of parameters)
    overwrite(parameter.tensor, given.get(name) as Tensor);
}

/** How torch writes a shape in its messages. */
export function torchSize(shape: readonly number[]): string {
  return `torch.Size([${shape.join(", ")}])`;
}
