// <stack-panel>: the layers of a stack as a table with their receptive fields, and
// buttons that add and remove layers. Property `view` in; events out: stack-add,
// stack-remove.
import { emit, h, icon, ICONS } from "./dom.js";

export interface StackPanelView {
  readonly rows: readonly {
    readonly layer: string;
    readonly shape: string;
    readonly size: string;
    readonly stride: string;
    readonly start: string;
    readonly removable: boolean;
  }[];
  readonly choices: readonly string[];
}

export class StackPanel extends HTMLElement {
  #shown = "";

  set view(view: StackPanelView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const body = h("tbody");
    view.rows.forEach(({ layer, shape, size, stride, start, removable }, i) => {
      const remove = removable
        ? h(
            "button",
            {
              type: "button",
              class: "quiet-button",
              "aria-label": `Remove ${layer}`,
              title: "Remove",
            },
            icon(ICONS.close),
          )
        : null;
      remove?.addEventListener("click", () => emit(this, "stack-remove", { position: i - 1 }));
      body.append(
        h(
          "tr",
          {},
          h("th", { scope: "row" }, h("code", {}, layer)),
          h("td", {}, shape),
          h("td", {}, size),
          h("td", {}, stride),
          h("td", {}, start),
          h("td", {}, remove),
        ),
      );
    });
    const head = ["Layer", "Output", "Sees", "Moves by", "Begins at"].map((text) =>
      h("th", { scope: "col" }, text),
    );
    const adders = h("div", { class: "files" });
    view.choices.forEach((label, i) => {
      const button = h("button", { type: "button", class: "secondary" }, `+ ${label}`);
      button.addEventListener("click", () => emit(this, "stack-add", { choice: i }));
      adders.append(button);
    });
    this.replaceChildren(
      h(
        "div",
        { class: "table-box", tabindex: "0", role: "region", "aria-label": "Receptive fields" },
        h(
          "table",
          { class: "fields" },
          h("caption", {}, "How the receptive field grows"),
          h("thead", {}, h("tr", {}, ...head, h("td", {}))),
          body,
        ),
      ),
      adders,
    );
  }
}
