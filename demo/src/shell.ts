// Shell: the page's own buttons, which belong to no element.
import { h, icon, ICONS } from "./elements/dom.js";
import { MODES, type Mode } from "./state.js";

export function tool(name: keyof typeof ICONS, label: string, act: () => void): HTMLButtonElement {
  const button = h(
    "button",
    { type: "button", class: "tool", "aria-label": label, title: label },
    icon(ICONS[name]),
  );
  button.addEventListener("click", act);
  return button;
}

/** Puts one radio button per mode into `place`. */
export function modeSwitch(
  place: HTMLElement,
  enter: (mode: Mode) => void,
): readonly HTMLInputElement[] {
  const inputs = MODES.map((mode) => {
    const checked = mode === "explore";
    const input = h("input", { type: "radio", name: "mode", value: mode, checked });
    input.addEventListener("change", () => enter(mode));
    return input;
  });
  const labels = inputs.map((input) =>
    h("label", {}, input, h("span", {}, input.value[0]!.toUpperCase() + input.value.slice(1))),
  );
  place.append(
    h("div", { class: "segments", role: "radiogroup", "aria-label": "Mode" }, ...labels),
  );
  return inputs;
}
