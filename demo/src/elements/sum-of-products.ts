// <sum-of-products>: an output written out, bias + x · w + …, term by term. Or, for
// a weight, the pairs it joins. Property `view` in; event out: term-hover.
import { emit, h } from "./dom.js";

export interface TermView {
  readonly key: string;
  readonly x: string;
  readonly w: string;
  readonly product: string;
  readonly names: string;
  readonly padding: boolean;
  /** The term reads a cell that was just edited. */
  readonly edited: boolean;
}

export interface SumView {
  /** Sentence over the sum: "y[0, 1] reads 6 input cells." */
  readonly sentence: string;
  readonly name: string | null;
  readonly bias: string | null;
  readonly terms: readonly TermView[];
  readonly value: string | null;
  readonly before: string | null;
  /** Terms that are not listed. */
  readonly more: number;
  readonly pairs: readonly string[];
}

export class SumOfProducts extends HTMLElement {
  #shown = "";

  set view(view: SumView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const parts: Node[] = [h("p", { class: "sum-sentence" }, view.sentence)];
    if (view.name !== null) parts.push(this.#sum(view));
    if (view.pairs.length > 0) {
      parts.push(h("ul", { class: "pairs" }, ...view.pairs.map((pair) => h("li", {}, pair))));
    }
    if (view.more > 0)
      parts.push(h("p", { class: "quiet" }, `and ${view.more.toLocaleString("en-US")} more`));
    this.replaceChildren(...parts);
  }

  #sum(view: SumView): HTMLElement {
    const list = h("ol", { class: "terms", "aria-label": `The sum behind ${view.name}` });
    if (view.bias !== null) {
      list.append(
        h(
          "li",
          { class: "term bias" },
          h("span", { class: "term-sum" }, view.bias),
          h("span", { class: "term-names" }, "bias"),
        ),
      );
    }
    for (const term of view.terms) {
      const classes = ["term", term.padding ? "padding" : "", term.edited ? "edited" : ""]
        .join(" ")
        .trim();
      const item = h(
        "li",
        { class: classes, title: `${term.x} × ${term.w} = ${term.product}` },
        h(
          "span",
          { class: "term-sum" },
          h("span", { class: "factor-x" }, term.x),
          h("span", { class: "times" }, " × "),
          h("span", { class: "factor-w" }, term.w),
        ),
        h("span", { class: "term-names" }, term.names),
      );
      item.addEventListener("pointerenter", () => emit(this, "term-hover", { key: term.key }));
      item.addEventListener("pointerleave", () => emit(this, "term-hover", { key: null }));
      list.append(item);
    }
    list.append(
      h(
        "li",
        { class: "term total" },
        h(
          "span",
          { class: "term-sum" },
          view.before === null ? null : h("s", {}, view.before),
          h("strong", {}, view.value ?? ""),
        ),
        h("span", { class: "term-names" }, view.name ?? ""),
      ),
    );
    return list;
  }
}
