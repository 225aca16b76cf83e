// <torch-print>: what torch would print at a prompt, ready to copy.
import { h, icon, ICONS } from "./dom.js";

export interface PrintView {
  readonly lines: readonly { readonly prompt: string; readonly text: string }[];
}

export class TorchPrint extends HTMLElement {
  #shown = "";

  set view(view: PrintView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const code = h("code");
    for (const { prompt, text } of view.lines) {
      code.append(h("span", { class: "prompt" }, `>>> ${prompt}`), `\n${text}\n`);
    }
    const copied = view.lines.map(({ prompt, text }) => `>>> ${prompt}\n${text}`).join("\n");
    const button = h(
      "button",
      { type: "button", class: "quiet-button", "aria-label": "Copy the print" },
      icon(ICONS.copy),
    );
    button.addEventListener("click", () => {
      navigator.clipboard
        .writeText(copied)
        .then(() => button.classList.add("done"))
        .catch(() => getSelection()?.selectAllChildren(code));
    });
    this.replaceChildren(
      button,
      h("pre", { tabindex: "0", "aria-label": "Printed by torch" }, code),
    );
  }
}
