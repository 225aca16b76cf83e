// <param-panel>: every argument of the layer, and the input's shape, as controls.
// Property `view` in; event out: args-change, with whatever was asked for. Whether
// that is possible is for the library to say.
import type { ArgName, Axes, Ints, LayerArgs, PaddingMode } from "../state.js";
import { perAxis } from "../state.js";
import { attribute, emit, h, icon, ICONS } from "./dom.js";
import { segments, select, stepper } from "./param-controls.js";

export interface ParamView {
  readonly args: LayerArgs;
  readonly inputShape: readonly number[];
  /** The shape of the picture that is looked at in place of the input. */
  readonly picture: readonly number[] | null;
  /** The fields that the library refuses as they stand. */
  readonly wrong: ReadonlySet<ArgName | "inputShape">;
}

export interface ArgsEvent {
  readonly args: LayerArgs;
  readonly inputShape: readonly number[];
}

const AXIS_NAMES: Record<Axes, readonly string[]> = {
  1: ["length"],
  2: ["height", "width"],
  3: ["depth", "height", "width"],
};

const MEANING: Partial<Record<ArgName, string>> = {
  inChannels: "Channels the input must have.",
  outChannels: "Kernels in the layer: each makes one channel of the output.",
  kernelSize: "Cells the window spans on each axis.",
  stride: "Cells the window moves from one output to the next.",
  padding: "Cells added round the input.",
  outputPadding: "Cells added at the end of the output.",
  dilation: "Distance between the cells under the kernel; 1 leaves no holes.",
  groups: "Parts that the channels are split into; each part sees only its own.",
  paddingMode: "What the added cells hold.",
};

export class ParamPanel extends HTMLElement {
  #view: ParamView | null = null;
  #shown = "";
  /** Arguments shown with one field per axis. */
  #split = new Set<ArgName>();

  set view(view: ParamView) {
    this.#view = view;
    for (const name of ["kernelSize", "stride", "padding", "dilation", "outputPadding"] as const) {
      const value = view.args[name];
      if (Array.isArray(value) && new Set(value).size > 1) this.#split.add(name);
    }
    const signature = JSON.stringify([
      view.args,
      view.inputShape,
      view.picture,
      [...view.wrong],
      [...this.#split],
    ]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#render(view);
  }

  #render(view: ParamView): void {
    const { args, inputShape, picture } = view;
    const focused = this.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-key")
      : null;
    const axes = AXIS_NAMES[args.axes];
    this.replaceChildren(
      h(
        "div",
        { class: "param-kind" },
        segments(
          "transposed",
          "Layer",
          args.transposed ? "yes" : "no",
          [
            ["no", "Conv"],
            ["yes", "Transposed"],
          ],
          (value) =>
            this.#set({
              transposed: value === "yes",
              paddingMode: "zeros",
              padding: 0,
              outputPadding: 0,
            }),
        ),
        segments(
          "axes",
          "Dimensions",
          String(args.axes),
          [
            ["1", "1D"],
            ["2", "2D"],
            ["3", "3D"],
          ],
          (value) => this.#reshape(Number(value) as Axes),
        ),
      ),
      this.#group(
        picture ? "Picture" : "Input",
        ["channels", ...axes].map((name, axis) =>
          picture ? sizeRow(name, picture[axis]!) : this.#shapeRow(name, axis),
        ),
      ),
      this.#group("Layer", [
        this.#row(
          "in_channels",
          "inChannels",
          this.#number("inChannels", "in_channels", args.inChannels),
        ),
        this.#row(
          "out_channels",
          "outChannels",
          this.#number("outChannels", "out_channels", args.outChannels),
        ),
        this.#axesRow("kernel_size", "kernelSize"),
        this.#axesRow("stride", "stride"),
        this.#paddingRow(),
        args.transposed ? this.#axesRow("output_padding", "outputPadding") : null,
        args.transposed ? null : this.#modeRow(),
        this.#axesRow("dilation", "dilation"),
        this.#row("groups", "groups", this.#number("groups", "groups", args.groups)),
        this.#row("bias", "bias", this.#toggle()),
      ]),
    );
    attribute(this, "data-rank", String(inputShape.length));
    if (focused) this.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  #group(title: string, rows: (HTMLElement | null)[]): HTMLElement {
    return h("fieldset", { class: "param-group" }, h("legend", {}, title), ...rows);
  }

  #row(label: string, name: ArgName, control: HTMLElement): HTMLElement {
    const meaning = MEANING[name];
    return h(
      "div",
      { class: this.#view!.wrong.has(name) ? "param wrong" : "param", title: meaning },
      h("span", { class: "param-name" }, label),
      control,
    );
  }

  #shapeRow(label: string, axis: number): HTMLElement {
    const { args, inputShape, wrong } = this.#view!;
    const take = (value: number): void => {
      const next = inputShape.map((size, i) => (i === axis ? value : size));
      this.#emit(args, next);
    };
    return h(
      "div",
      { class: wrong.has("inputShape") ? "param wrong" : "param" },
      h("span", { class: "param-name plain" }, label),
      stepper(`input-${axis}`, `input ${label}`, inputShape[axis]!, take, wrong.has("inputShape")),
    );
  }

  #axesRow(
    label: string,
    name: "kernelSize" | "stride" | "dilation" | "outputPadding",
  ): HTMLElement {
    return this.#row(label, name, this.#perAxis(label, name, this.#view!.args[name]));
  }

  /** One field for all axes, or one per axis. */
  #perAxis(label: string, name: ArgName, value: Ints): HTMLElement {
    const { args } = this.#view!;
    const split = this.#split.has(name) && args.axes > 1;
    const values = perAxis(value, args.axes);
    const box = h("div", { class: "param-fields" });
    if (split) {
      AXIS_NAMES[args.axes].forEach((axis, i) => {
        box.append(
          stepper(
            `${name}-${i}`,
            `${label} ${axis}`,
            values[i]!,
            (next) => this.#set({ [name]: values.map((old, j) => (j === i ? next : old)) }),
            this.#view!.wrong.has(name),
          ),
        );
      });
    } else {
      box.append(this.#number(name, label, values[0]!));
    }
    if (args.axes > 1) {
      const button = h(
        "button",
        {
          type: "button",
          class: "quiet-button split",
          "data-key": `${name}-split`,
          "aria-pressed": split ? "true" : "false",
          "aria-label": `${label} per axis`,
          title: "One number per axis",
        },
        icon(ICONS.axes),
      );
      button.addEventListener("click", () => {
        if (split) {
          this.#split.delete(name);
          this.#shown = "";
          this.#set({ [name]: values[0]! });
        } else {
          this.#split.add(name);
          this.#set({ [name]: [...values] });
        }
      });
      box.append(button);
    }
    return box;
  }

  #number(name: ArgName, label: string, value: number): HTMLElement {
    return stepper(
      name,
      label,
      value,
      (next) => this.#set({ [name]: next }),
      this.#view!.wrong.has(name),
    );
  }

  #paddingRow(): HTMLElement {
    const { args } = this.#view!;
    const words = args.padding === "same" || args.padding === "valid" ? args.padding : "number";
    const box = h("div", { class: "param-fields padding" });
    if (words === "number") box.append(this.#perAxis("padding", "padding", args.padding as Ints));
    if (!args.transposed) {
      box.append(
        select("padding-word", "kind of padding", words, ["number", "same", "valid"], (value) =>
          this.#set({ padding: value === "number" ? 0 : (value as "same" | "valid") }),
        ),
      );
    }
    return this.#row("padding", "padding", box);
  }

  #modeRow(): HTMLElement {
    const { args } = this.#view!;
    return this.#row(
      "padding_mode",
      "paddingMode",
      select(
        "paddingMode",
        "padding_mode",
        args.paddingMode,
        ["zeros", "reflect", "replicate", "circular"],
        (value) => this.#set({ paddingMode: value as PaddingMode }),
      ),
    );
  }

  #toggle(): HTMLElement {
    const { args } = this.#view!;
    const box = h("input", {
      type: "checkbox",
      class: "switch",
      "data-key": "bias",
      "aria-label": "bias",
      checked: args.bias,
    });
    box.addEventListener("change", () => this.#set({ bias: box.checked }));
    return box;
  }

  /** Another number of axes: per-axis lists and the input's shape follow. */
  #reshape(axes: Axes): void {
    const { args, inputShape } = this.#view!;
    const fit = (value: Ints): Ints => (typeof value === "number" ? value : value[0]!);
    this.#split.clear();
    const spatial = inputShape.slice(1);
    const shape =
      axes === 1
        ? [inputShape[0]!, spatial.at(-1)!]
        : axes === 2
          ? [inputShape[0]!, spatial.at(-2) ?? 3, spatial.at(-1)!]
          : [inputShape[0]!, 3, spatial.at(-2) ?? 3, spatial.at(-1)!];
    this.#emit(
      {
        ...args,
        axes,
        kernelSize: fit(args.kernelSize),
        stride: fit(args.stride),
        dilation: fit(args.dilation),
        outputPadding: fit(args.outputPadding),
        padding: typeof args.padding === "string" ? args.padding : fit(args.padding as Ints),
      },
      shape,
    );
  }

  #set(patch: Partial<Record<ArgName, unknown>>): void {
    const { args, inputShape } = this.#view!;
    this.#emit({ ...args, ...patch } as LayerArgs, inputShape);
  }

  #emit(args: LayerArgs, inputShape: readonly number[]): void {
    emit<ArgsEvent>(this, "args-change", { args: Object.freeze(args), inputShape });
  }
}

/** A size that the picture has, and no control changes. */
function sizeRow(label: string, size: number): HTMLElement {
  return h(
    "div",
    { class: "param" },
    h("span", { class: "param-name plain" }, label),
    h("span", { class: "param-size" }, String(size)),
  );
}
