// <refusal-note>: why something cannot be, in the library's words, with its formula
// and the ways out. Property `view` in; event out: refusal-action.
import { emit, h } from "./dom.js";
import { ShapeFormula, type FormulaView } from "./shape-formula.js";

export interface RefusalView {
  readonly title: string;
  readonly message: string;
  readonly formula: FormulaView | null;
  readonly actions: readonly { readonly id: string; readonly label: string }[];
}

export class RefusalNote extends HTMLElement {
  #shown = "";

  connectedCallback(): void {
    this.setAttribute("role", "alert");
    this.classList.add("refusal");
  }

  set view(view: RefusalView | null) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.hidden = view === null;
    this.replaceChildren();
    if (!view) return;
    const buttons = h("div", { class: "refusal-buttons" });
    view.actions.forEach(({ id, label }, i) => {
      const button = h(
        "button",
        { type: "button", class: i === 0 ? "primary" : "secondary" },
        label,
      );
      button.addEventListener("click", () => emit(this, "refusal-action", { id }));
      buttons.append(button);
    });
    this.append(h("strong", {}, view.title), h("p", { class: "message" }, view.message));
    if (view.formula) {
      const formula = new ShapeFormula();
      formula.view = view.formula;
      this.append(formula);
    }
    this.append(buttons);
  }
}
