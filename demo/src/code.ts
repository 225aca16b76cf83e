// Code: the stage as a program, in the words of four libraries. Each prints what
// the page shows.
import { shortest } from "./format.js";
import { perAxis, type Ints, type LayerArgs, type Stage } from "./state.js";
import type { Tensor } from "convscope";
import { evaluate } from "./model.js";
import { tuple } from "./tensors.js";

/** HTML that shows the page's state inside another page. */
export function embedCode(link: URL): string {
  const frame = new URL(link);
  frame.search = "?embed";
  const script = new URL("conv-scope.js", link);
  script.search = script.hash = "";
  const state = link.hash.slice(1).replaceAll("&", "&amp;");
  return [
    `<iframe src="${frame.href.replaceAll("&", "&amp;")}"`,
    `  title="A convolution, cell by cell" width="100%" height="640"></iframe>`,
    "",
    "<!-- or, as an element -->",
    `<script type="module" src="${script.href}"></script>`,
    `<conv-scope height="640" state="${state}"></conv-scope>`,
    "",
  ].join("\n");
}

export const DIALECTS = ["PyTorch", "Keras", "JAX", "convscope"] as const;
export type Dialect = (typeof DIALECTS)[number];

export function codeFor(stage: Stage, dialect: Dialect): string {
  switch (dialect) {
    case "PyTorch":
      return pytorch(stage);
    case "Keras":
      return keras(stage);
    case "JAX":
      return jax(stage);
    case "convscope":
      return convscope(stage);
  }
}

/** Nested lists, one row per line, the first one `indent` blanks in. */
function nested(
  values: Tensor,
  nan = "float('nan')",
  infinity = "float('inf')",
  indent = 4,
): string {
  const text = (value: number): string =>
    Number.isNaN(value)
      ? nan
      : Number.isFinite(value)
        ? shortest(value)
        : `${value < 0 ? "-" : ""}${infinity}`;
  let offset = 0;
  const list = (axis: number): string => {
    const last = axis === values.shape.length - 1;
    const parts: string[] = [];
    for (let i = 0; i < values.shape[axis]!; ++i)
      parts.push(last ? text(values.data[offset++]!) : list(axis + 1));
    return `[${parts.join(last ? ", " : `,\n${" ".repeat(indent + axis + 1)}`)}]`;
  };
  return list(0);
}

const python = (
  args: LayerArgs,
  name: "kernelSize" | "stride" | "padding" | "dilation" | "outputPadding",
): string => {
  const value = args[name];
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "number" ? String(value) : tuple(value);
};

/** The arguments that are not the default, as torch names them. */
function torchArgs(args: LayerArgs): string {
  const parts = [
    String(args.inChannels),
    String(args.outChannels),
    `kernel_size=${python(args, "kernelSize")}`,
  ];
  if (python(args, "stride") !== "1") parts.push(`stride=${python(args, "stride")}`);
  if (python(args, "padding") !== "0") parts.push(`padding=${python(args, "padding")}`);
  if (args.transposed && python(args, "outputPadding") !== "0") {
    parts.push(`output_padding=${python(args, "outputPadding")}`);
  }
  if (python(args, "dilation") !== "1") parts.push(`dilation=${python(args, "dilation")}`);
  if (args.groups !== 1) parts.push(`groups=${args.groups}`);
  if (!args.bias) parts.push("bias=False");
  if (args.paddingMode !== "zeros") parts.push(`padding_mode="${args.paddingMode}"`);
  return parts.join(", ");
}

function pytorch(stage: Stage): string {
  const { args, input, weight, bias } = stage;
  return [
    "import torch",
    "",
    `x = torch.tensor(\n    ${nested(input)}, dtype=torch.float32)`,
    `conv = torch.nn.Conv${args.transposed ? "Transpose" : ""}${args.axes}d(${torchArgs(args)})`,
    "with torch.no_grad():",
    `    conv.weight.copy_(torch.tensor(\n        ${nested(weight, undefined, undefined, 8)}))`,
    ...(bias ? [`    conv.bias.copy_(torch.tensor(${nested(bias)}))`] : []),
    "print(conv(x))",
    "",
  ].join("\n");
}

/** The values as NumPy arrays, x with a batch of one. */
function arrays({ input, weight, bias }: Stage): string[] {
  const array = (values: Tensor): string =>
    `np.array(\n    ${nested(values, "np.nan", "np.inf")}, dtype=np.float32)`;
  return [
    `x = ${array(input)}[None]`,
    `weight = ${array(weight)}`,
    ...(bias ? [`bias = ${array(bias)}`] : []),
  ];
}

/** What padding adds, per axis, as Python pairs. */
function pairs(stage: Stage): string {
  const { frame } = evaluate(stage);
  return `[${frame.before.map((before, axis) => `(${before}, ${frame.after[axis]})`).join(", ")}]`;
}

const NUMPY_MODE = {
  zeros: "constant",
  reflect: "reflect",
  replicate: "edge",
  circular: "wrap",
} as const;

/** Pads x by hand, as not every library knows every mode. */
function padding(stage: Stage, lastAxes: boolean): string[] {
  const { frame } = evaluate(stage);
  if ([...frame.before, ...frame.after].every((side) => side === 0)) return [];
  const spatial = pairs(stage).slice(1, -1);
  const all = lastAxes ? `[(0, 0), (0, 0), ${spatial}]` : `[(0, 0), ${spatial}, (0, 0)]`;
  return [`x = np.pad(x, ${all}, mode="${NUMPY_MODE[stage.args.paddingMode]}")`];
}

function keras(stage: Stage): string {
  const { args } = stage;
  const { axes, transposed } = args;
  const most = (name: "stride" | "dilation"): number => Math.max(...perAxis(args[name], axes));
  if (most("stride") > 1 && most("dilation") > 1)
    return "# Keras takes no strides above 1 together with a dilation_rate above 1.\n";
  if (transposed && args.groups > 1) return "# Keras has no groups in its transposed layers.\n";
  const list = (name: "kernelSize" | "stride" | "dilation"): string =>
    tuple(perAxis(args[name], axes));
  // Channels go last: x as N…C, the kernel as k…IO (transposed: k…OI).
  const spatial = Array.from({ length: axes }, (_, axis) => axis + 2);
  const back = tuple([0, axes + 1, ...Array.from({ length: axes }, (_, axis) => axis + 1)]);
  const own = args.bias && !transposed;
  return [
    "import keras",
    "import numpy as np",
    "",
    ...arrays(stage),
    `x = np.transpose(x, ${tuple([0, ...spatial, 1])})`,
    ...(transposed ? [] : padding(stage, false)),
    `conv = keras.layers.Conv${axes}D${transposed ? "Transpose" : ""}(`,
    `    ${args.outChannels}, ${list("kernelSize")}, strides=${list("stride")}, dilation_rate=${list("dilation")},`,
    `    ${transposed ? "" : `groups=${args.groups}, `}use_bias=${own ? "True" : "False"})`,
    "conv.build(x.shape)",
    `conv.set_weights([np.transpose(weight, ${tuple([...spatial, 1, 0])})${own ? ", bias" : ""}])`,
    "y = keras.ops.convert_to_numpy(conv(x))",
    ...(transposed ? cropped(stage) : []),
    `print(np.transpose(y, ${back})[0])`,
    "",
  ].join("\n");
}

/** Keras's transposed layers know no padding: what torch cuts off is cut off afterwards. */
function cropped(stage: Stage): string[] {
  const { args, input } = stage;
  const { axes } = args;
  const out = evaluate(stage).output.shape.slice(1);
  const sides = out.map((size, axis) => {
    const [kernel, stride, dilation] = (["kernelSize", "stride", "dilation"] as const).map(
      (name) => perAxis(args[name], axes)[axis]!,
    ) as [number, number, number];
    const cut = perAxis(args.padding as Ints, axes)[axis]!;
    const given =
      input.shape[axis + 1]! * stride + Math.max(dilation * (kernel - 1) + 1 - stride, 0);
    return { slice: `${cut}:${cut + size}`, more: Math.max(0, cut + size - given) };
  });
  const pad = sides.map(({ more }) => `(0, ${more})`).join(", ");
  return [
    ...(sides.some(({ more }) => more > 0) ? [`y = np.pad(y, [(0, 0), ${pad}, (0, 0)])`] : []),
    `y = y[:, ${sides.map(({ slice }) => slice).join(", ")}]${args.bias ? " + bias" : ""}`,
  ];
}

function jax(stage: Stage): string {
  const { args } = stage;
  const { axes, transposed } = args;
  const letters = "DHW".slice(3 - axes);
  const numbers = `("NC${letters}", "OI${letters}", "NC${letters}")`;
  const list = (name: "kernelSize" | "stride" | "dilation" | "outputPadding"): readonly number[] =>
    perAxis(args[name], axes);
  const add = args.bias ? ` + bias[:, ${new Array<string>(axes).fill("None").join(", ")}]` : "";
  const head = [
    "import jax",
    "import jax.numpy as jnp",
    "import numpy as np",
    "",
    ...arrays(stage),
  ];
  if (!transposed) {
    return [
      ...head,
      ...padding(stage, true),
      `y = jax.lax.conv_general_dilated(x, weight, window_strides=${tuple(list("stride"))}, padding="VALID",`,
      `    rhs_dilation=${tuple(list("dilation"))}, feature_group_count=${args.groups}, dimension_numbers=${numbers})`,
      `print(y[0]${add})`,
      "",
    ].join("\n");
  }
  // A transposed layer is a plain one on the input spread by its stride, the kernel turned round.
  const flips = new Array<string>(axes).fill("::-1").join(", ");
  const spatial = letters
    .split("")
    .map((_, axis) => `weight.shape[${axis + 2}]`)
    .join(", ");
  const pad = letters.split("").map((_, axis) => {
    const whole = list("dilation")[axis]! * (list("kernelSize")[axis]! - 1);
    const cut = perAxis(args.padding as number, axes)[axis]!;
    return `(${whole - cut}, ${whole - cut + list("outputPadding")[axis]!})`;
  });
  return [
    ...head,
    `g, ic = ${args.groups}, ${args.inChannels}`,
    `kernel = weight.reshape(g, ic // g, -1, ${spatial}).swapaxes(1, 2)`,
    `kernel = kernel.reshape(-1, ic // g, ${spatial})[:, :, ${flips}]`,
    `y = jax.lax.conv_general_dilated(x, kernel, window_strides=${tuple(new Array<number>(axes).fill(1))},`,
    `    padding=[${pad.join(", ")}], lhs_dilation=${tuple(list("stride"))}, rhs_dilation=${tuple(list("dilation"))},`,
    `    feature_group_count=g, dimension_numbers=${numbers})`,
    `print(y[0]${add})`,
    "",
  ].join("\n");
}

function convscope(stage: Stage): string {
  const { args, input, weight, bias } = stage;
  const { axes, transposed, outputPadding, paddingMode, bias: _, ...rest } = args;
  const given = {
    ...rest,
    ...(transposed ? { outputPadding } : { paddingMode }),
    ...(bias ? {} : { bias: false }),
  };
  const list = Object.entries(given).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`);
  const values = (t: Tensor): string => `tensor(\n    ${nested(t, "NaN", "Infinity")})`;
  const name = `Conv${transposed ? "Transpose" : ""}${axes}d`;
  return [
    `import { ${name}, init, tensor } from "convscope";`,
    "",
    "await init();",
    `const x = ${values(input)};`,
    `const conv = new ${name}({`,
    ...list,
    `  weight: ${values(weight)},`,
    ...(bias ? [`  biasValues: ${values(bias)},`] : []),
    "});",
    "console.log(String(conv.forward(x)));",
    "",
  ].join("\n");
}
