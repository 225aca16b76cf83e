// <shape-formula>: the output size per axis, in letters and in numbers, as MathML.
import { h, math } from "./dom.js";

export interface AxisFormula {
  /** "length", "height", "width", "depth". */
  readonly axis: string;
  readonly size: number;
  readonly padding: number;
  readonly dilation: number;
  readonly kernel: number;
  readonly stride: number;
  readonly outputPadding: number;
  /** The library's answer; null where it refuses. */
  readonly out: number | null;
}

export interface FormulaView {
  readonly transposed: boolean;
  readonly axes: readonly AxisFormula[];
  /** Without the formula in letters. */
  readonly brief?: boolean;
}

export class ShapeFormula extends HTMLElement {
  #shown = "";

  connectedCallback(): void {
    // It scrolls where it does not fit, so the keyboard must reach it.
    this.tabIndex = 0;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Output size");
  }

  set view(view: FormulaView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const words = view.transposed
      ? transposedFormula(
          (name) => math("mi", name),
          ["in", "stride", "padding", "dilation", "kernel", "output padding"],
          null,
        )
      : plainFormula(
          (name) => math("mi", name),
          ["in", "padding", "dilation", "kernel", "stride"],
          null,
        );
    this.replaceChildren(
      ...(view.brief ? [] : [h("div", { class: "formula general" }, ...words)]),
      ...view.axes.map((axis) =>
        h(
          "div",
          { class: "formula" },
          h("span", { class: "quiet" }, axis.axis),
          ...numbers(view, axis),
        ),
      ),
    );
  }
}

type Leaf = (text: string) => Element;

function numbers(view: FormulaView, axis: AxisFormula): Element[] {
  const leaf: Leaf = (text) => math("mn", text);
  const result = axis.out === null ? "not possible" : String(axis.out);
  const { size, padding, dilation, kernel, stride, outputPadding } = axis;
  return view.transposed
    ? transposedFormula(
        leaf,
        [size, stride, padding, dilation, kernel, outputPadding].map(String),
        result,
      )
    : plainFormula(leaf, [size, padding, dilation, kernel, stride].map(String), result);
}

const op = (text: string): Element => {
  const element = math("mo", text);
  const floor = text === "⌊" || text === "⌋";
  element.setAttribute("stretchy", floor ? "true" : "false");
  if (floor) {
    element.setAttribute("fence", "true");
    element.setAttribute("form", text === "⌊" ? "prefix" : "postfix");
  }
  return element;
};
const num = (text: string): Element => math("mn", text);

function plainFormula(leaf: Leaf, parts: string[], result: string | null): Element[] {
  const [size, padding, dilation, kernel, stride] = parts.map(leaf) as [
    Element,
    Element,
    Element,
    Element,
    Element,
  ];
  const above = math(
    "mrow",
    size,
    op("+"),
    num("2"),
    op("·"),
    padding,
    op("−"),
    dilation,
    op("·"),
    op("("),
    kernel,
    op("−"),
    num("1"),
    op(")"),
    op("−"),
    num("1"),
  );
  const body = [op("⌊"), math("mfrac", above, math("mrow", stride)), op("+"), num("1"), op("⌋")];
  return equation(body, result);
}

/** In letters it is too long for most lines: in two parts, the second one may wrap. */
function transposedFormula(leaf: Leaf, parts: string[], result: string | null): Element[] {
  const [size, stride, padding, dilation, kernel, extra] = parts.map(leaf) as [
    Element,
    Element,
    Element,
    Element,
    Element,
    Element,
  ];
  const body = [
    op("("),
    size,
    op("−"),
    num("1"),
    op(")"),
    op("·"),
    stride,
    op("−"),
    num("2"),
    op("·"),
    padding,
  ];
  const plus = op("+");
  plus.setAttribute("form", "infix");
  const rest = [
    plus,
    dilation,
    op("·"),
    op("("),
    kernel,
    op("−"),
    num("1"),
    op(")"),
    op("+"),
    extra,
    op("+"),
    num("1"),
  ];
  return result === null
    ? [...equation(body, null), formulaOf(rest)]
    : equation([...body, ...rest], result);
}

function equation(body: Element[], result: string | null): Element[] {
  const row =
    result === null
      ? [math("mi", "out"), op("="), ...body]
      : [...body, op("="), math(/^\d+$/u.test(result) ? "mn" : "mtext", result)];
  return [formulaOf(row)];
}

function formulaOf(row: readonly Element[]): Element {
  const formula = math("math", math("mrow", ...row));
  formula.setAttribute("displaystyle", "true");
  return formula;
}
