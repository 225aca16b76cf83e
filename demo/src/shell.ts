// Shell: the page's own buttons, which belong to no element: the tools above, and the modes.
import { enterMode, travel } from "./actions.js";
import { h, icon, ICONS } from "./elements/dom.js";
import { copyLink } from "./following.js";
import { page } from "./page.js";
import { later, pictures, stack, steps, taking } from "./parts.js";
import { forget, session, set, withPart } from "./session.js";
import { MODES, redo, undo, type Mode } from "./state.js";
import { switchTheme } from "./theme.js";

function tool(name: keyof typeof ICONS, label: string, act: () => void): HTMLButtonElement {
  const button = h(
    "button",
    { type: "button", class: "tool", "aria-label": label, title: label },
    icon(ICONS[name]),
  );
  button.addEventListener("click", act);
  return button;
}

/** Goes along the history. */
export const goBack = (): void => set(travel(session.history, undo));
export const goOn = (): void => set(travel(session.history, redo));

export const undoButton = tool("undo", "Undo (Ctrl Z)", goBack);
export const redoButton = tool("redo", "Redo (Ctrl Shift Z)", goOn);
page.tools.append(
  undoButton,
  redoButton,
  tool("link", "Copy a link to this state", () => void copyLink()),
  tool(
    "share",
    "Take away: code and files, or bring something in",
    () => void withPart(taking, ({ openDialog }) => openDialog()),
  ),
  tool("theme", "Light or dark", switchTheme),
);

/** One radio button per mode. */
export const modeInputs = MODES.map((mode) => {
  const checked = mode === "explore";
  const input = h("input", { type: "radio", name: "mode", value: mode, checked });
  input.addEventListener("change", () => choose(mode));
  return input;
});
const labels = modeInputs.map((input) =>
  h("label", {}, input, h("span", {}, input.value[0]!.toUpperCase() + input.value.slice(1))),
);
page.modes.append(
  h("div", { class: "segments", role: "radiogroup", "aria-label": "Mode" }, ...labels),
);

function choose(mode: Mode): void {
  const enter = (): void => {
    if (session.coming !== mode) return; // another one was chosen meanwhile
    session.coming = null;
    forget();
    pictures.loaded?.closeCamera();
    set(enterMode(session.history, mode));
  };
  session.coming = mode;
  if (mode === "stack") void withPart(stack, enter);
  else if (mode === "picture") void withPart(pictures, enter);
  else enter();
}

/** Whoever is about to choose will not wait for it. */
function foresee(place: HTMLElement, part: { load(): Promise<unknown> }): void {
  for (const type of ["pointerover", "focusin"])
    place.addEventListener(type, () => void part.load().catch(() => null), { once: true });
}
foresee(page.modes, stack);
foresee(page.modes, steps);
foresee(page.modes, pictures);
foresee(page.lessons, later);
