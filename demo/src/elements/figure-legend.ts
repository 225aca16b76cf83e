// <figure-legend>: what the colours and borders of the figure mean. Property `view` in. What
// an edit does is always explained, so that the first edit moves nothing on the page.
import { h } from "./dom.js";

export interface LegendView {
  /** What the cells beyond the border are; null: there are none. */
  readonly ghosts: "padding" | "cut off by padding" | null;
  /** Outputs are shown, and what edits do to them. */
  readonly outputs: boolean;
  /** A prediction was scored. */
  readonly scored: boolean;
  /** Some input cells are read by no output. */
  readonly unread: boolean;
}

export class FigureLegend extends HTMLElement {
  #shown = "";

  set view(view: LegendView) {
    const { ghosts, outputs, scored, unread } = view;
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const scale = h(
      "li",
      {},
      "−",
      h("span", { class: "swatch scale", role: "img", "aria-label": "orange, white, blue" }),
      "+",
    );
    const key = (kind: string, text: string): HTMLElement =>
      h("li", {}, h("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text);
    const sign = (kind: string, letter: string, text: string): HTMLElement =>
      h("li", {}, h("span", { class: `verdict ${kind}`, "aria-hidden": "true" }, letter), text);
    this.replaceChildren(
      h(
        "ul",
        { class: "legend", "aria-label": "Legend" },
        scale,
        outputs && key("lit", "linked to the pointed cell"),
        key("edited", "edited"),
        outputs && key("changed", "changed ▲ ▼"),
        outputs && key("kept", "reached, same value"),
        scored && sign("right", "✓", "found"),
        scored && sign("", "!", "missed"),
        scored && sign("", "✗", "did not change"),
        ghosts && key("ghosts", ghosts),
        unread && key("unread", "read by no output"),
      ),
    );
  }
}
