// <figure-legend>: what the colours and borders of the figure mean. Property `view` in. What
// an edit does is always explained, so that the first edit moves nothing on the page.
import { h } from "./dom.js";

export interface LegendView {
  /** What the cells beyond the border are; null: there are none. */
  readonly ghosts: "padding" | "cut off by padding" | null;
  /** Some input cells are read by no output. */
  readonly unread: boolean;
}

export class FigureLegend extends HTMLElement {
  #shown = "";

  set view({ ghosts, unread }: LegendView) {
    const signature = `${ghosts} ${unread}`;
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
    this.replaceChildren(
      h(
        "ul",
        { class: "legend", "aria-label": "Legend" },
        scale,
        key("lit", "linked to the pointed cell"),
        key("edited", "edited"),
        key("changed", "changed ▲ ▼"),
        key("kept", "reached, same value"),
        ghosts && key("ghosts", ghosts),
        unread && key("unread", "read by no output"),
      ),
    );
  }
}
