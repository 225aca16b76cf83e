// <step-transport>: play, pause, step and scrub through the windows. Property
// `view` in; event out: step-to. It keeps the time, not the place.
import { emit, h, icon, ICONS } from "./dom.js";

export interface TransportView {
  readonly step: number;
  readonly last: number;
  /** "window" or "stamp": what one step is called. */
  readonly noun: string;
}

const PAUSE = 700; // ms from one window to the next

export class StepTransport extends HTMLElement {
  #view: TransportView = { step: 0, last: 0, noun: "window" };
  #timer: ReturnType<typeof setInterval> | null = null;
  #slider = h("input", { type: "range", min: 0, step: 1 });
  #play = this.#button("play", "Play", () => (this.#timer === null ? this.#run() : this.stop()));
  #buttons = {
    first: this.#button("first", "Back to the start", () => this.#go(0)),
    back: this.#button("back", "", () => this.#go(this.#view.step - 1)),
    next: this.#button("next", "", () => this.#go(this.#view.step + 1)),
  };

  connectedCallback(): void {
    const { first, back, next } = this.#buttons;
    this.#slider.addEventListener("input", () => this.#go(Number(this.#slider.value)));
    this.classList.add("transport");
    this.replaceChildren(first, back, this.#play, next, this.#slider);
  }

  set view(view: TransportView) {
    this.#view = view;
    this.#slider.max = String(view.last);
    this.#slider.value = String(view.step);
    const name = view.noun[0]!.toUpperCase() + view.noun.slice(1);
    this.#slider.setAttribute("aria-label", name);
    label(this.#buttons.back, `One ${view.noun} back`);
    label(this.#buttons.next, `One ${view.noun} on`);
    if (view.step >= view.last) this.stop();
  }

  stop(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#showPlay();
  }

  #run(): void {
    if (this.#view.step >= this.#view.last) this.#go(0);
    this.#timer = setInterval(() => this.#go(this.#view.step + 1), PAUSE);
    this.#showPlay();
    this.#go(this.#view.step + 1);
  }

  #go(step: number): void {
    emit(this, "step-to", { step: Math.max(0, Math.min(step, this.#view.last)) });
  }

  #showPlay(): void {
    const playing = this.#timer !== null;
    label(this.#play, playing ? "Pause" : "Play");
    this.#play.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
  }

  #button(name: keyof typeof ICONS, text: string, act: () => void): HTMLButtonElement {
    const button = h("button", { type: "button", class: "tool" }, icon(ICONS[name]));
    label(button, text);
    button.addEventListener("click", act);
    return button;
  }
}

function label(button: HTMLElement, text: string): void {
  if (button.getAttribute("aria-label") === text) return;
  button.setAttribute("aria-label", text);
  button.title = text;
}

customElements.define("step-transport", StepTransport);
