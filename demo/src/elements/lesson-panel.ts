// <lesson-panel>: one lesson at a time, its steps one after another. Property `view`
// in; events out: lesson-open, lesson-show ("do it for me"), lesson-next, lesson-close.
import { emit, h, icon, ICONS, prose } from "./dom.js";

export interface LessonView {
  readonly list: readonly {
    readonly id: string;
    readonly title: string;
    readonly finished: boolean;
  }[];
  readonly open: {
    readonly id: string;
    readonly title: string;
    readonly number: number;
    readonly intro: string;
    readonly past: readonly string[];
    readonly task: string | null;
    readonly found: string | null;
    readonly step: number;
    readonly steps: number;
    readonly last: boolean;
    readonly actsAlone: boolean;
    readonly next: string | null;
  } | null;
}

export class LessonPanel extends HTMLElement {
  #shown = "";

  set view(view: LessonView) {
    const signature = JSON.stringify(view);
    if (signature === this.#shown) return;
    const focused = this.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-key")
      : null;
    this.#shown = signature;
    this.replaceChildren(...(view.open ? this.#lesson(view.open) : this.#contents(view)));
    if (focused) {
      const same = this.querySelector<HTMLElement>(`[data-key="${focused}"]`);
      (same ?? this.querySelector<HTMLElement>("button"))?.focus();
    }
  }

  #contents(view: LessonView): Node[] {
    const list = h("ol", { class: "lesson-list" });
    view.list.forEach(({ id, title, finished }, i) => {
      const button = h(
        "button",
        { type: "button", "data-key": `open-${id}`, class: finished ? "finished" : "" },
        h("span", { class: "lesson-number" }, finished ? icon(ICONS.check) : String(i + 1)),
        h("span", {}, title),
        finished ? h("span", { class: "visually-hidden" }, " (done)") : null,
      );
      button.addEventListener("click", () => emit(this, "lesson-open", { id }));
      list.append(h("li", {}, button));
    });
    return [
      h("h2", {}, "Lessons"),
      h(
        "p",
        { class: "quiet" },
        "Learn convolution by changing one number at a time. Each lesson takes a minute.",
      ),
      list,
    ];
  }

  #lesson(open: NonNullable<LessonView["open"]>): Node[] {
    const back = h(
      "button",
      { type: "button", class: "lesson-back", "data-key": "back" },
      icon(ICONS.back),
      "All lessons",
    );
    back.addEventListener("click", () => emit(this, "lesson-close", null));
    const parts: Node[] = [
      back,
      h("h2", {}, h("span", { class: "lesson-count" }, String(open.number)), open.title),
      h("p", { class: "lesson-intro" }, ...prose(open.intro)),
    ];
    const steps = h("ol", { class: "lesson-steps" });
    for (const text of open.past) {
      steps.append(h("li", { class: "past" }, icon(ICONS.check), h("div", {}, ...prose(text))));
    }
    if (open.task !== null) {
      const done = open.found !== null;
      const body = h("div", {}, h("p", { class: "task" }, ...prose(open.task)));
      if (open.found !== null)
        body.append(h("p", { class: "found", role: "status" }, ...prose(open.found)));
      const buttons = h("div", { class: "lesson-buttons" });
      if (done || open.actsAlone) {
        const next = h(
          "button",
          { type: "button", class: "primary", "data-key": "next" },
          open.last ? (open.next ? `Next: ${open.next}` : "Finish") : "Go on",
        );
        next.addEventListener("click", () => emit(this, "lesson-next", null));
        buttons.append(next);
      } else {
        const show = h(
          "button",
          { type: "button", class: "secondary", "data-key": "show" },
          "Do it for me",
        );
        show.addEventListener("click", () => emit(this, "lesson-show", null));
        buttons.append(show);
      }
      body.append(buttons);
      steps.append(
        h(
          "li",
          { class: done ? "current done" : "current" },
          done ? icon(ICONS.check) : h("span", { class: "dot" }),
          body,
        ),
      );
    }
    parts.push(steps);
    parts.push(
      h(
        "p",
        { class: "quiet progress" },
        `Step ${Math.min(open.step + 1, open.steps)} of ${open.steps}`,
      ),
    );
    return parts;
  }
}
