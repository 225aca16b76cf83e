// Page: the places that index.html leaves for what moves in them.
import type { ChangeNote } from "./elements/change-note.js";
import type { FigureLegend } from "./elements/figure-legend.js";
import type { LessonPanel } from "./elements/lesson-panel.js";
import type { ParamPanel } from "./elements/param-panel.js";
import type { PictureBox } from "./elements/picture-view.js";
import type { RefusalNote } from "./elements/refusal-note.js";
import type { ShapeFormula } from "./elements/shape-formula.js";
import type { StackPanel } from "./elements/stack-panel.js";
import type { StepTransport } from "./elements/step-transport.js";
import type { SumOfProducts } from "./elements/sum-of-products.js";
import type { TakeAway } from "./elements/take-away.js";
import type { TorchPrint } from "./elements/torch-print.js";

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;

export const page = {
  stage: find<HTMLElement>("#stage"),
  name: find<HTMLElement>("#layer-name"),
  modes: find<HTMLElement>("#modes"),
  note: find<ChangeNote>("change-note"),
  refusal: find<RefusalNote>("refusal-note"),
  figureBox: find<HTMLElement>("#figure-box"),
  figure: find<HTMLElement>("#figure"),
  legend: find<FigureLegend>("figure-legend"),
  picture: find<PictureBox>("picture-view"),
  stack: find<StackPanel>("stack-panel"),
  transport: find<StepTransport>("step-transport"),
  sum: find<SumOfProducts>("sum-of-products"),
  lessons: find<LessonPanel>("lesson-panel"),
  params: find<ParamPanel>("param-panel"),
  formula: find<ShapeFormula>("shape-formula"),
  counts: find<HTMLElement>("#counts"),
  print: find<TorchPrint>("torch-print"),
  tools: find<HTMLElement>("#tools"),
  takeAway: find<TakeAway>("take-away"),
};
