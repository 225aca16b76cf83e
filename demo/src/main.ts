// main: brings the page to life. The engine, the elements, the first state; from then on
// listening.ts turns events into actions, session.ts holds what is, drawing.ts draws it. What
// the first picture of the page does not need is loaded on use (parts.ts).
import { init } from "convscope";
import { draw, furnish, settle } from "./drawing.js";
import { ChangeNote } from "./elements/change-note.js";
import { FigureLegend } from "./elements/figure-legend.js";
import { LessonPanel } from "./elements/lesson-panel.js";
import { ParamPanel } from "./elements/param-panel.js";
import { RefusalNote } from "./elements/refusal-note.js";
import { ShapeFormula } from "./elements/shape-formula.js";
import { SumOfProducts } from "./elements/sum-of-products.js";
import { TorchPrint } from "./elements/torch-print.js";
import { engineOnItsWay } from "./engine.js";
import { leaveRefusal, listen, openAddress } from "./listening.js";
import { CACHE, ENGINE } from "./offline.js";
import { page } from "./page.js";
import { drawnBy, on, render } from "./session.js";

customElements.define("change-note", ChangeNote);
customElements.define("figure-legend", FigureLegend);
customElements.define("lesson-panel", LessonPanel);
customElements.define("param-panel", ParamPanel);
customElements.define("refusal-note", RefusalNote);
customElements.define("shape-formula", ShapeFormula);
customElements.define("sum-of-products", SumOfProducts);
customElements.define("torch-print", TorchPrint);

async function start(engine?: Promise<WebAssembly.Module>): Promise<void> {
  try {
    // Where that failed, init() tries by itself and says what is wrong.
    const wasm = await engine?.catch(() => undefined);
    await init({ build: "simd", wasm });
    await openAddress();
  } catch (error) {
    page.stage.classList.add("unloaded");
    page.refusal.view = {
      title: "The engine did not load.",
      message: error instanceof Error ? error.message : String(error),
      formula: null,
      actions: [{ id: "load", label: "Try again" }],
    };
    return;
  }
  page.stage.classList.remove("unloaded");
  if (furnish()) listen();
  render();
  // First the numbers; what stands round them, and the next visit, a frame later.
  requestAnimationFrame(() =>
    setTimeout(() => {
      settle();
      keepForLater();
    }),
  );
}

/** Opens without a network the next time. Where that is not possible, nothing is lost. */
function keepForLater(): void {
  navigator.serviceWorker
    ?.register("sw.js")
    .then(() => caches.open(CACHE))
    // It was fetched a moment ago: it does not come over the network again.
    .then(async (cache) => cache.put(ENGINE, await fetch(ENGINE, { cache: "force-cache" })))
    .catch(() => undefined);
}

drawnBy(draw);
// The way out of a failed start works before there is a state.
on<{ id: string }>("refusal-action", ({ id }) => (id === "load" ? void start() : leaveRefusal(id)));
if (new URLSearchParams(location.search).has("embed"))
  document.documentElement.classList.add("embed");
void start(engineOnItsWay());
