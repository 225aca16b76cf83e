// Cell editor: the field in which a cell's new value is typed.
import { parseNumber, shortest } from "../format.js";
import { attribute, h } from "./dom.js";

export class CellEditor {
  readonly #input: HTMLInputElement;

  /** Opens in `cell`; `typed` is the text that replaces its value, null where that is edited. */
  constructor(
    cell: HTMLElement,
    readonly offset: number,
    readonly value: number,
    readonly typed: string | null,
    name: string,
    on: { leave(): void; input(): void },
  ) {
    const input = h("input", {
      class: "cell-editor",
      type: "text",
      inputmode: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": name,
    });
    this.#input = input;
    input.value = typed ?? shortest(value);
    cell.append(input);
    input.addEventListener("blur", () => on.leave());
    input.addEventListener("input", () => on.input());
    input.focus();
    if (typed === null) input.select();
  }

  get text(): string {
    return this.#input.value;
  }

  /** null: the text is no number. */
  get number(): number | null {
    return parseNumber(this.text);
  }

  set invalid(invalid: boolean) {
    attribute(this.#input, "aria-invalid", invalid ? "true" : null);
  }

  remove(): void {
    this.#input.remove();
  }
}
