// <slice-slider>: which slice of a volume is shown, and how many cells of each other slice have a
// mark, so that nothing happens unseen. A strip with a segment for every slice, under a slider
// whose thumb is as wide as one; padding's slices stand at its ends. Property `view` in, the
// grid's own; event out: slice-to.
import { grouped } from "../format.js";
import { levelOf } from "../state.js";
import { attribute, emit, h, hide } from "./dom.js";
import { Tint, type GridView, type SliceEvent } from "./grid-view.js";

/** Narrower segments have no room for numbers. */
const READABLE = 20; // px

interface Kind {
  readonly tint: number;
  readonly name: string;
  readonly words: string;
}

const LINKED: Kind = { tint: Tint.Lit, name: "lit", words: "linked" };

/** Marks by weight: what an edit did, then what is pointed at. */
function kindsOf({ role }: GridView): readonly Kind[] {
  const given = role === "output" || (levelOf(role) ?? 0) > 0;
  const changed = given ? "changed" : "edited";
  return [
    { tint: Tint.Changed, name: changed, words: changed },
    { tint: Tint.Kept, name: "kept", words: "kept" },
    { tint: Tint.Guess, name: "guess", words: "marked by you" },
    LINKED,
  ];
}

export class SliceSlider extends HTMLElement {
  #view: GridView | null = null;
  #tints = new Uint8Array(0);
  #drawn = "";
  #strip = h("div", { class: "strip", "aria-hidden": "true" });
  #range = h("input", { type: "range", min: 0, step: 1 });
  #words = h("p", { class: "slice-words", "aria-hidden": "true" });

  connectedCallback(): void {
    this.#range.addEventListener("input", () => {
      const { role } = this.#view!;
      emit<SliceEvent>(this, "slice-to", { role, at: Number(this.#range.value) });
    });
    this.replaceChildren(this.#strip, this.#range, this.#words);
  }

  set view(view: GridView) {
    this.#view = view;
    const { slice, slider } = view.block;
    const { depth, at, before, after } = slice!;
    const counts = this.#counted(view);
    const drawn = JSON.stringify([slice, slider, view.label, view.beyond, counts]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const segment = slider!.w / (before + depth + after);
    const { style } = this;
    style.setProperty("left", `${slider!.x}px`);
    style.setProperty("top", `${slider!.y}px`);
    style.setProperty("width", `${slider!.w}px`);
    style.setProperty("--segment", `${segment}px`);
    style.setProperty("--before", String(before));
    style.setProperty("--depth", String(depth));
    this.classList.toggle("narrow", segment < READABLE);
    this.#drawStrip(view, counts);
    const kinds = kindsOf(view);
    const edits = kinds.filter((kind) => kind !== LINKED);
    const said = elsewhere(edits, counts, at) || elsewhere([LINKED], counts, at);
    this.#words.textContent = said || `slice ${at}`;
    this.#words.title = said;
    hide(this.#range, depth === 1);
    attribute(this.#range, "max", String(depth - 1));
    this.#range.value = String(at);
    attribute(this.#range, "aria-label", `${view.label.replace(/, shape.*/su, "")}, slice`);
    const all = [elsewhere(kinds, counts, at), this.#padding(view)].filter(Boolean).join(", ");
    attribute(this.#range, "aria-valuetext", `${at} of 0 to ${depth - 1}${all && `: ${all}`}`);
  }

  /** How many cells of each slice have each tint. */
  #counted(view: GridView): readonly (readonly number[])[] {
    const { planes, slice } = view.block;
    const all = view.values.length;
    if (this.#tints.length !== all) this.#tints = new Uint8Array(all);
    const tints = this.#tints.fill(Tint.None);
    view.tint(tints);
    const counts = Array.from({ length: slice!.depth }, () => [0, 0, 0, 0, 0, 0]);
    const plane = planes.rows * planes.cols;
    for (let offset = 0; offset < all; ++offset) {
      const tint = tints[offset]!;
      if (tint !== Tint.None) counts[Math.floor(offset / plane) % slice!.depth]![tint]! += 1;
    }
    return counts;
  }

  #drawStrip(view: GridView, counts: readonly (readonly number[])[]): void {
    const { at, before } = view.block.slice!;
    const tally = (name: string, n: number) => h("span", { class: `tally ${name}` }, String(n));
    const beyond = (view.beyond ?? []).map(({ text, title, lit }) =>
      h("span", { class: "beyond", title }, h("i", {}, text), lit > 0 && tally("lit", lit)),
    );
    const own = counts.map((tints, number) => {
      const marks = kindsOf(view).filter(({ tint }) => tints[tint]! > 0);
      const said = marks.map(({ tint, words }) => `, ${tints[tint]} ${words}`).join("");
      return h(
        "span",
        { class: number === at ? "shown" : undefined, title: `slice ${number}${said}` },
        h("b", {}, String(number)),
        ...marks.slice(0, 2).map(({ tint, name }) => tally(name, tints[tint]!)),
      );
    });
    this.#strip.replaceChildren(...beyond.slice(0, before), ...own, ...beyond.slice(before));
  }

  #padding({ beyond }: GridView): string {
    const lit = (beyond ?? []).reduce((sum, one) => sum + one.lit, 0);
    return lit > 0 ? `${lit} linked in slices of padding` : "";
  }
}

/** "4 changed in slice 1, 9 linked in slices 0, 2": what the shown slice does not show. */
function elsewhere(
  kinds: readonly Kind[],
  counts: readonly (readonly number[])[],
  at: number,
): string {
  return kinds
    .flatMap(({ tint, words }) => {
      const where = counts.flatMap((tints, number) =>
        number !== at && tints[tint]! > 0 ? [number] : [],
      );
      const sum = where.reduce((total, number) => total + counts[number]![tint]!, 0);
      if (sum === 0) return [];
      return [
        `${grouped(sum)} ${words} in ${where.length === 1 ? "slice" : "slices"} ${ranged(where)}`,
      ];
    })
    .join("; ");
}

/** "0, 2–5, 7" */
function ranged(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs
    .map(([from, to]) =>
      to - from < 2 ? (from === to ? `${from}` : `${from}, ${to}`) : `${from}–${to}`,
    )
    .join(", ");
}
