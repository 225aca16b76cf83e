// <take-away>: a dialog with the state as code, files and a page to embed, and a
// field that takes code and numbers in. Property `view` in; events out: take-file,
// paste-in, file-in.
import { emit, h, icon, ICONS } from "./dom.js";

export interface TakeAwayView {
  readonly code: readonly { readonly name: string; readonly text: string }[];
  readonly files: readonly string[];
}

export class TakeAway extends HTMLElement {
  #dialog = h("dialog", { class: "take-away", "aria-labelledby": "take-away-title" });
  #view: TakeAwayView | null = null;
  #tab = 0;
  #problem = h("p", { class: "problem", role: "alert", hidden: true });

  connectedCallback(): void {
    this.append(this.#dialog);
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  open(view: TakeAwayView): void {
    this.#view = view;
    this.#render();
    this.#dialog.showModal();
  }

  close(): void {
    this.#dialog.close();
  }

  /** Says why a paste was not taken; null: it was. */
  complain(problem: string | null): void {
    this.#problem.hidden = problem === null;
    this.#problem.textContent = problem ?? "";
  }

  #render(): void {
    const view = this.#view!;
    const close = h(
      "button",
      { type: "button", class: "tool close", "aria-label": "Close" },
      icon(ICONS.close),
    );
    close.addEventListener("click", () => this.#dialog.close());
    const text = view.code[this.#tab]!.text;
    const code = h(
      "pre",
      { tabindex: "0", "aria-label": `Code for ${view.code[this.#tab]!.name}` },
      h("code", {}, text),
    );
    const copy = h("button", { type: "button", class: "secondary" }, "Copy");
    copy.addEventListener("click", () => {
      navigator.clipboard
        .writeText(text)
        .then(() => (copy.textContent = "Copied"))
        .catch(() => getSelection()?.selectAllChildren(code));
    });
    const tabs = h("div", { class: "segments", role: "radiogroup", "aria-label": "Library" });
    view.code.forEach(({ name }, i) => {
      const input = h("input", { type: "radio", name: "dialect", checked: i === this.#tab });
      input.addEventListener("change", () => {
        this.#tab = i;
        this.#render();
        this.#dialog.querySelectorAll<HTMLInputElement>('input[name="dialect"]')[i]?.focus();
      });
      tabs.append(h("label", {}, input, h("span", {}, name)));
    });
    const files = h("div", { class: "files" });
    for (const name of view.files) {
      const button = h("button", { type: "button", class: "secondary" }, name);
      button.addEventListener("click", () => emit(this, "take-file", { name }));
      files.append(button);
    }
    const field = h("textarea", {
      rows: 4,
      spellcheck: "false",
      "aria-label": "Code or numbers to paste in",
      placeholder:
        "nn.Conv2d(1, 2, kernel_size=3, padding=1)\nor [[1, 2], [3, 4]], a NumPy or torch print, cells of a spreadsheet",
    });
    const take = h("button", { type: "button", class: "primary" }, "Put it on the stage");
    take.addEventListener("click", () => emit(this, "paste-in", { text: field.value }));
    const file = h("input", {
      type: "file",
      accept: ".npy",
      class: "visually-hidden",
      id: "npy-file",
      tabindex: "-1",
      "aria-label": "NumPy file",
    });
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      if (chosen) emit(this, "file-in", { file: chosen });
      file.value = "";
    });
    const open = h("button", { type: "button", class: "secondary" }, "Open a .npy file");
    open.addEventListener("click", () => file.click());
    this.complain(null);
    this.#dialog.replaceChildren(
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "take-away-title" }, "Take it with you"),
        close,
      ),
      h("div", { class: "dialog-row" }, tabs, copy),
      code,
      h("h3", {}, "Files"),
      files,
      h("h3", {}, "Bring something in"),
      field,
      this.#problem,
      h("div", { class: "dialog-row end" }, file, open, take),
    );
  }
}
