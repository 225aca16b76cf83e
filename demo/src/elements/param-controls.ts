// Param controls: what a parameter is set by. Each tells its taker what was asked for, and keeps
// nothing: the panel draws it anew with what came of it.
import { h } from "./dom.js";

/** − [ 3 ] +: any text may be typed (an empty one is NaN); the library judges it. */
export function stepper(
  key: string,
  label: string,
  value: number,
  take: (value: number) => void,
  wrong: boolean,
): HTMLElement {
  const input = h("input", {
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    "data-key": key,
    "aria-label": label,
    "aria-invalid": wrong ? "true" : null,
    "aria-describedby": wrong ? "refusal" : null,
  });
  input.value = String(value);
  const commit = (): void => {
    const text = input.value.trim();
    if (text === String(value)) return;
    take(text === "" ? NaN : Number(text));
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      take(value + (event.key === "ArrowUp" ? 1 : -1));
    } else if (event.key === "Enter") commit();
    else if (event.key === "Escape") input.value = String(value);
  });
  const step = (by: number, text: string, word: string): HTMLButtonElement => {
    const button = h(
      "button",
      { type: "button", tabindex: "-1", "aria-label": `${word} ${label}` },
      text,
    );
    button.addEventListener("click", () => take((Number.isFinite(value) ? value : 1) + by));
    return button;
  };
  return h("div", { class: "stepper" }, step(-1, "−", "less"), input, step(1, "+", "more"));
}

/** A list to choose from. */
export function select(
  key: string,
  label: string,
  value: string,
  values: readonly string[],
  take: (value: string) => void,
): HTMLElement {
  const box = h(
    "select",
    { "aria-label": label, "data-key": key },
    ...values.map((one) => h("option", { value: one, selected: one === value }, one)),
  );
  box.addEventListener("change", () => take(box.value));
  return box;
}

/** Radio buttons that look like one bar. */
export function segments(
  key: string,
  label: string,
  value: string,
  values: readonly (readonly [id: string, text: string])[],
  take: (value: string) => void,
): HTMLElement {
  const group = h("div", { class: "segments", role: "radiogroup", "aria-label": label });
  for (const [id, text] of values) {
    const input = h("input", {
      type: "radio",
      name: key,
      value: id,
      checked: id === value,
      "data-key": `${key}-${id}`,
    });
    input.addEventListener("change", () => take(id));
    group.append(h("label", {}, input, h("span", {}, text)));
  }
  return group;
}
