// <torch-print>: what torch would print at a prompt, ready to copy.
import { h, icon, ICONS } from "./dom.js";

export interface PrintView {
  readonly lines: readonly { readonly prompt: string; readonly text: string }[];
}

export class TorchPrint extends HTMLElement {
  #shown: PrintView | null = null;
  #texts: Text[] = [];

  set view(view: PrintView) {
    const prompts = (one: PrintView | null): string => String(one?.lines.map((it) => it.prompt));
    if (prompts(view) !== prompts(this.#shown)) this.#build(view);
    this.#shown = view;
    // In every frame of a drag: only texts change.
    view.lines.forEach(({ text }, i) => {
      if (this.#texts[i]!.data !== `\n${text}\n`) this.#texts[i]!.data = `\n${text}\n`;
    });
  }

  #build(view: PrintView): void {
    const code = h("code");
    this.#texts = view.lines.map(() => new Text());
    view.lines.forEach(({ prompt }, i) =>
      code.append(h("span", { class: "prompt" }, `>>> ${prompt}`), this.#texts[i]!),
    );
    const button = h(
      "button",
      { type: "button", class: "quiet-button", "aria-label": "Copy the print" },
      icon(ICONS.copy),
    );
    button.addEventListener("click", () => {
      navigator.clipboard
        .writeText(code.textContent!.trimEnd())
        .then(() => button.classList.add("done"))
        .catch(() => getSelection()?.selectAllChildren(code));
    });
    this.replaceChildren(
      button,
      h("pre", { tabindex: "0", "aria-label": "Printed by torch" }, code),
    );
  }
}
