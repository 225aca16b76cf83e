// Layers from torch's names: "nn.Conv2d" and { in_channels: 1 } as a user of the package writes them.
import assert from "node:assert/strict";
import type { Gradients, IntTensor, Layer, Tensor } from "convscope";
import type { Package } from "./package.js";
import type { Case, JsonObject, VectorTensor } from "./vectors.js";

/** A call of the package: a layer, or a function of F that answers once. */
export interface Call {
  forward(x: Tensor): Tensor | [Tensor, IntTensor];
  readonly layer: Layer<unknown> | null;
}

export function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function camelKeys(args: JsonObject): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).map(([key, value]) => [camel(key), value]));
}

/** The numbers that JSON cannot hold stand in it as strings. */
function withNumbers(args: Record<string, unknown>): Record<string, unknown> {
  const words: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [
      key,
      typeof value === "string" ? (words[value] ?? value) : value,
    ]),
  );
}

/** The required arguments of F's functions, which go by position after x. */
const positional: Readonly<Record<string, readonly string[]>> = {
  pad: ["pad"],
  unfold: ["kernelSize"],
  fold: ["outputSize", "kernelSize"],
};
for (const axes of [1, 2, 3]) {
  Object.assign(positional, {
    [`maxPool${axes}d`]: ["kernelSize"],
    [`avgPool${axes}d`]: ["kernelSize"],
    [`adaptiveAvgPool${axes}d`]: ["outputSize"],
    [`adaptiveMaxPool${axes}d`]: ["outputSize"],
  });
}

export function makeLayer(
  cs: Package,
  className: string,
  args: JsonObject,
  extra: Record<string, unknown> = {},
): Layer<unknown> {
  const type = (cs as unknown as Record<string, unknown>)[className];
  if (typeof type !== "function") throw new Error(`the package has no ${className}`);
  return new (type as new (options: unknown) => Layer<unknown>)({
    ...withNumbers(camelKeys(args)),
    ...extra,
  });
}

/** What `api` ("nn.Conv2d", "F.pad") is with these arguments. */
export function makeCall(
  cs: Package,
  api: string,
  args: JsonObject,
  call: JsonObject = {},
  tensors: ReadonlyMap<string, VectorTensor> = new Map(),
): Call {
  const tensorOf = (name: string): Tensor | undefined => {
    const found = tensors.get(name);
    return found === undefined ? undefined : cs.tensor(found.data, found.shape);
  };
  const [space, name] = api.split(".") as [string, string];
  if (space === "nn") {
    const isConv = name.startsWith("Conv");
    const extra = isConv ? { weight: tensorOf("weight"), biasValues: tensorOf("bias") } : {};
    const layer = makeLayer(cs, name, args, extra);
    const options = camelKeys(call);
    const forward = (x: Tensor): Tensor =>
      (layer as unknown as { forward(x: Tensor, options?: unknown): Tensor }).forward(
        ...((Object.keys(call).length > 0 ? [x, options] : [x]) as [Tensor]),
      );
    return { forward, layer };
  }
  const f = (cs.F as unknown as Record<string, (...args: unknown[]) => Tensor>)[camel(name)];
  if (space !== "F" || f === undefined) throw new Error(`the package has no ${api}`);
  const { ...rest } = withNumbers(camelKeys(args));
  const fixed = (positional[camel(name)] ?? []).map((key) => {
    const value = rest[key];
    delete rest[key];
    return value;
  });
  if (name.startsWith("conv")) fixed.push(tensorOf("weight"));
  return { forward: (x) => f(x, ...fixed, rest), layer: null };
}

/** Gradients by the vectors' names. */
function namedGradients(gradients: Gradients): Map<string, Tensor> {
  return new Map(
    Object.entries(gradients).flatMap(([name, tensor]) =>
      tensor === null ? [] : [[`grad_${name}`, tensor]],
    ),
  );
}

/** A function of F has no gradients of its own; the layer that does the same has. */
export function gradientsOf(
  cs: Package,
  c: Case,
  layer: Layer<unknown> | null,
  x: Tensor,
  grad: Tensor,
): Map<string, Tensor> {
  const options = (c.json.call ?? {}) as JsonObject;
  if (layer !== null) {
    const outputSize = options.output_size as number[] | undefined;
    return namedGradients(
      outputSize === undefined
        ? layer.backward(x, grad)
        : (layer as InstanceType<Package["ConvTranspose2d"]>).backward(x, grad, { outputSize }),
    );
  }
  assert.equal(c.api, "F.pad");
  const {
    pad,
    mode = "constant",
    value = 0,
  } = c.args as { pad: number[]; mode?: string; value?: number };
  return namedGradients(paddingLayer(cs, x.shape, pad, mode, value).backward(x, grad));
}

/** The module that pads as F.pad does: as many axes as the list has pairs, filled up to what the modules take. */
function paddingLayer(
  cs: Package,
  shape: readonly number[],
  pad: number[],
  mode: string,
  value: number,
): Layer {
  const kind = {
    constant: "ConstantPad",
    reflect: "ReflectionPad",
    replicate: "ReplicationPad",
    circular: "CircularPad",
  }[mode];
  const axes = Math.max(pad.length / 2, 1);
  assert.ok(
    kind !== undefined && axes <= 3,
    `no module pads ${pad.length / 2} axes of ${shape.length} with ${mode}`,
  );
  const options: JsonObject = mode === "constant" ? { padding: pad, value } : { padding: pad };
  return makeLayer(cs, `${kind}${axes}d`, options) as Layer;
}
