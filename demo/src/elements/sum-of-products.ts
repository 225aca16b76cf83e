// <sum-of-products>: an output written out, bias + x · w + …, term by term. Or, for
// a weight, the pairs it joins. Property `view` in; event out: term-hover.
import { grouped } from "../format.js";
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
  #shape = "";

  set view(view: SumView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    if (this.#rewrite(view)) return;
    const parts: Node[] = [h("p", { class: "sum-sentence" }, view.sentence)];
    if (view.name !== null) parts.push(this.#sum(view));
    if (view.pairs.length > 0) {
      parts.push(h("ul", { class: "pairs" }, ...view.pairs.map((pair) => h("li", {}, pair))));
    }
    if (view.more > 0) parts.push(h("p", { class: "quiet" }, `and ${grouped(view.more)} more`));
    this.replaceChildren(...parts);
  }

  /** The same terms with other numbers, as in every frame of a drag: only texts change. */
  #rewrite(view: SumView): boolean {
    const shape = JSON.stringify([
      view.name,
      view.bias === null,
      view.before === null,
      view.more,
      view.pairs,
      view.terms.map(({ key, padding, edited }) => [key, padding, edited]),
    ]);
    const same = shape === this.#shape && view.name !== null;
    this.#shape = shape;
    if (!same) return false;
    const texts = [
      view.sentence,
      ...(view.bias === null ? [] : [view.bias]),
      ...view.terms.flatMap(({ x, w }) => [x, w]),
      ...(view.before === null ? [] : [view.before]),
      view.value ?? "",
    ];
    const places = this.querySelectorAll(
      ".sum-sentence, .bias .term-sum, .factor-x, .factor-w, .total s, .total strong",
    );
    places.forEach((place, i) => {
      if (place.textContent !== texts[i]) place.textContent = texts[i]!;
    });
    return true;
  }

  #sum(view: SumView): HTMLElement {
    const list = h("ol", { class: "terms", "aria-label": `The sum behind ${view.name}` });
    const letters = Math.max(12, ...view.terms.map(({ names }) => names.length));
    list.style.setProperty("--letters", String(letters));
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
        { class: classes },
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
