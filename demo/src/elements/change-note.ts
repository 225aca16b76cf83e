// <change-note>: one sentence on what just happened, read out as it changes, and
// the buttons that belong to it. Property `view` in; event out: note-action.
import { attribute, emit, h } from "./dom.js";

export interface NoteView {
  readonly kind: "" | "changed" | "unchanged" | "predicting" | "scored" | "complaint";
  readonly text: string;
  readonly actions: readonly {
    readonly id: string;
    readonly label: string;
    readonly primary: boolean;
  }[];
}

export class ChangeNote extends HTMLElement {
  #shown = "";

  connectedCallback(): void {
    this.setAttribute("role", "status");
  }

  set view(view: NoteView) {
    attribute(this, "class", `note ${view.kind}`.trim());
    const signature = JSON.stringify([view.text, view.actions]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.replaceChildren(h("span", {}, view.text));
    for (const { id, label, primary } of view.actions) {
      const button = h(
        "button",
        { type: "button", class: primary ? "primary" : "secondary" },
        label,
      );
      button.addEventListener("click", () => emit(this, "note-action", { id }));
      this.append(button);
    }
  }
}
