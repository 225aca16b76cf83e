// Arrange: one tensor of the figure as planes, and tensors side by side or one below
// the other. A tensor's planes stand as its axes say where there is room, and wrap
// like words where there is not: their captions name them.
import type { Block, CellSize, Layout, PlaneBox, Ring } from "./layout.js";
import type { Slice } from "./slices.js";
import type { Place } from "./state.js";
import { count, tuple, type Planes } from "./tensors.js";

const GUTTER = 20; // row numbers at the left, column numbers above
const CAPTION = 20;
export const TITLE = 44;
const BLOCK_GAP = 34;
const BIAS_GAP = 24;
const LINE_GAP = 28;
/** Below a volume's planes: room for a slider that a finger can hold, and two lines of words. */
const FOOT = 82;
const FOOT_GAP = 8;
const SLIDER = 44;
/** Of the slider: for each slice, as wide as its planes allow, and in all. */
const SEGMENT = { least: 30, most: 44 };
const SLIDER_WIDTH = { least: 120, most: 210 };
/** Cells too small for a whole number are drawn as a picture, from this many on. */
const MIN_PICTURED = 256;
/** Widths of a letter: captions and shapes are in the monospaced face, titles are not. */
const CAPTION_LETTER = 7.25;
const TITLE_LETTER = 7.4;

/** Between planes: less where cells are small. */
const planeGap = ({ w, font }: CellSize): number => (font > 0 ? 16 : Math.min(16, 4 + w));

/** A tensor to be placed. */
export interface Plan {
  readonly role: Place;
  readonly title: string;
  /** The letter that names its cells: "x", "y", "weight". */
  readonly letter: string;
  readonly planes: Planes;
  readonly slice: Slice | null;
  readonly ring: Ring;
  readonly indexed: boolean;
  readonly captions: boolean;
  readonly shape: readonly number[];
  readonly cell: CellSize;
}

export interface Size {
  readonly w: number;
  readonly h: number;
}

/** A plane with its ghosts, numbers and caption. */
function planeSize(plan: Plan): Size {
  const { planes, ring, cell } = plan;
  const cells = (planes.cols + ring.left + ring.right) * cell.w;
  const caption = plan.captions && cell.font > 0 ? captionWidth(plan, "long") : 0;
  return {
    w: gutter(plan) + Math.max(cells, Math.ceil(caption)),
    h: head(plan) + (planes.rows + ring.top + ring.bottom) * cell.h,
  };
}

function gutter(plan: Plan): number {
  return plan.indexed && plan.cell.w >= 20 ? GUTTER : 0;
}

function head(plan: Plan): number {
  return gutter(plan) + (captionKind(plan) === null ? 0 : CAPTION);
}

/** "x[0]" where there is room for it, "[0]" where there is less. */
function captionKind(plan: Plan): "long" | "short" | null {
  if (!plan.captions) return null;
  const { cell, ring } = plan;
  if (cell.font > 0) return "long";
  const cells = (plan.planes.cols + ring.left + ring.right) * cell.w + planeGap(cell) - 2;
  return (["long", "short"] as const).find((kind) => captionWidth(plan, kind) <= cells) ?? null;
}

function captionWidth(plan: Plan, kind: "long" | "short"): number {
  const last = planeCount(plan) * (plan.slice?.depth ?? 1) - 1;
  return captionOf(plan, last, kind).length * CAPTION_LETTER;
}

/** "x[0]", "weight[1, 0]": the plane as Python would index it. */
function captionOf(plan: Plan, number: number, kind: "long" | "short"): string {
  const leading = plan.shape.slice(0, -2);
  const index: number[] = [];
  let rest = number;
  for (let axis = leading.length; axis-- > 0;) {
    index.unshift(rest % leading[axis]!);
    rest = Math.floor(rest / leading[axis]!);
  }
  return `${kind === "long" ? plan.letter : ""}[${index.join(", ")}]`;
}

/** Of the planes that are shown. */
function planeCount({ shape, planes, slice }: Plan): number {
  return count(shape) / (planes.rows * planes.cols * (slice?.depth ?? 1));
}

function sliderWidth(plan: Plan): number {
  if (!plan.slice) return 0;
  const { depth, before, after } = plan.slice;
  const segments = before + depth + after;
  return Math.max(
    SLIDER_WIDTH.least,
    Math.min(segments * SEGMENT.least, SLIDER_WIDTH.most),
    Math.min(segments * SEGMENT.most, blockSize(plan).w - gutter(plan)),
  );
}

/** The planes' height, with what stands below them. */
function fullHeight(plan: Plan): number {
  return blockSize(plan).h + (plan.slice ? FOOT : 0);
}

/** Where ends what stands below planes in the middle of a row of this height. */
export function footEnd(plan: Plan, row: number): number {
  return (row - blockSize(plan).h) / 2 + fullHeight(plan);
}

/** The planes' width, with what stands below them. */
export function fullWidth(plan: Plan): number {
  return Math.max(blockSize(plan).w, plan.slice ? gutter(plan) + sliderWidth(plan) : 0);
}

export function blockSize(plan: Plan): Size {
  const { w, h } = planeSize(plan);
  const { down, across } = plan.planes;
  return {
    w: across * w + (across - 1) * planeGap(plan.cell),
    h: down * h + (down - 1) * planeGap(plan.cell),
  };
}

/** With its title. */
export function titledWidth(plan: Plan): number {
  const shape = plan.title === "Bias" ? 0 : 8 + tuple(plan.shape).length * CAPTION_LETTER;
  const title = Math.ceil(plan.title.length * TITLE_LETTER + shape);
  return Math.max(fullWidth(plan), gutter(plan) + title);
}

function wrapped(plan: Plan, across: number): Plan {
  const down = Math.ceil(planeCount(plan) / across);
  return { ...plan, planes: { ...plan.planes, down, across } };
}

/** The same tensor, taller than as its axes say, as they say, and wider. */
function* wrappings(plan: Plan): Generator<Plan> {
  const { across } = plan.planes;
  const all = planeCount(plan);
  for (let parts = Math.min(across, 16); parts > 1; --parts)
    yield wrapped(plan, Math.ceil(across / parts));
  yield plan;
  for (let rows = 2; rows * across <= all && rows <= 16; ++rows) yield wrapped(plan, rows * across);
  if (all / across > 16) yield wrapped(plan, all);
}

/** As its axes say, or wider so that it is no higher than `height`. */
export function notHigher(plan: Plan, height: number): Plan {
  if (blockSize(plan).h <= height) return plan;
  for (const tried of wrappings(plan)) {
    if (tried.planes.across > plan.planes.across && blockSize(tried).h <= height) return tried;
  }
  return plan;
}

/** As low as it gets within `width`; null if it is too wide in every way. */
export function notWider(plan: Plan, width: number): Plan | null {
  let best: Plan | null = null;
  for (const tried of wrappings(plan)) {
    if (fullWidth(tried) > width) break;
    if (!best || tried.planes.down < best.planes.down) best = tried;
  }
  return best;
}

/** The bias, each number at its kernel: in as many columns as kernels stand side by side. */
export function besideKernels(bias: Plan, weight: Plan, kernel: Planes): Plan | null {
  const columns = weight.planes.across / kernel.across;
  return Number.isInteger(columns) ? wrapped(bias, columns) : null;
}

/** Side by side: input, weight and bias, output. */
export function row(plans: readonly Plan[], height: number): Layout | null {
  const fitted: Plan[] = [];
  for (const plan of plans) {
    const weight = fitted.at(-1)!;
    const beside =
      plan.role === "bias" ? besideKernels(plan, weight, plans[fitted.length - 1]!.planes) : null;
    fitted.push(beside ?? notHigher(plan, height - TITLE));
  }
  const inner = Math.max(...fitted.map((plan) => blockSize(plan).h));
  const blocks: Block[] = [];
  const signs: { text: string; x: number; y: number }[] = [];
  const gap = Math.max(BLOCK_GAP, plans[0]!.cell.w - 12);
  let x = 0;
  fitted.forEach((plan, i) => {
    const size = blockSize(plan);
    // The bias stands at the height of its kernel's middle.
    const partner = plan.role === "bias" ? blocks.at(-1) : undefined;
    blocks.push(place(plan, x, TITLE + (inner - size.h) / 2, partner));
    const next = fitted[i + 1]?.role;
    // A bias may stand below its kernel's title, if it stands low enough.
    const low = ((plan.planes.rows - 1) * plan.cell.h) / 2 + head(plan) >= 30;
    x += next === "bias" && low ? fullWidth(plan) : titledWidth(plan);
    if (next === undefined) return;
    const space = next === "bias" ? BIAS_GAP : gap;
    signs.push({
      text: next === "weight" ? "∗" : next === "bias" ? "+" : "=",
      x: x + space / 2,
      y: TITLE + inner / 2,
    });
    x += space;
  });
  const end = TITLE + Math.max(...fitted.map((plan) => footEnd(plan, inner)));
  return { width: x + 1, height: end + 2, vertical: false, blocks, signs };
}

/** One below the other, the bias beside its kernel if it fits there. */
export function column(plans: readonly Plan[], width: number): Layout | null {
  const lines: Plan[][] = [];
  for (const [i, plan] of plans.entries()) {
    const bias = plans[i + 1]?.role === "bias" ? plans[i + 1]! : null;
    if (plan.role === "bias" && lines.at(-1)!.some(({ role }) => role === "bias")) continue;
    const alone = notWider(plan, width);
    if (!alone) return null;
    const both = bias && withBias(plan, bias, width);
    // The bias in a line of its own where that saves much height.
    const below = bias && notWider(bias, width);
    const lower = below ? fullHeight(alone) + blockSize(below).h + TITLE + LINE_GAP : Infinity;
    lines.push(both && fullHeight(both[0]) <= 1.3 * lower ? both : [alone]);
  }
  const blocks: Block[] = [];
  const widest = Math.max(
    ...lines.map((line) => lineWidth(line)),
    ...lines.flat().map((plan) => titledWidth(plan)),
  );
  let y = 0;
  for (const line of lines) {
    let x = (widest - lineWidth(line)) / 2;
    for (const plan of line) {
      const partner = plan.role === "bias" && line.length > 1 ? blocks.at(-1) : undefined;
      blocks.push(place(plan, x, y + TITLE, partner));
      x += fullWidth(plan) + 32;
    }
    y += TITLE + fullHeight(line[0]!) + LINE_GAP;
  }
  return { width: widest, height: y - LINE_GAP + 2, vertical: true, blocks, signs: [] };
}

function lineWidth(line: readonly Plan[]): number {
  return line.reduce((sum, plan) => sum + fullWidth(plan), 32 * (line.length - 1));
}

/** Kernels and biases in one line; null if they do not fit as their axes say. */
export function withBias(plan: Plan, bias: Plan, width: number): [Plan, Plan] | null {
  let best: [Plan, Plan] | null = null;
  for (const tried of wrappings(plan)) {
    const beside = besideKernels(bias, tried, plan.planes);
    // In one row or one column with its kernels; otherwise it is no longer seen which is whose.
    const inLine = tried.planes.down === 1 || beside?.planes.across === 1;
    if (beside && inLine && lineWidth([tried, beside]) <= width) best = [tried, beside];
  }
  return best;
}

export function place(plan: Plan, x: number, y: number, partner: Block | undefined): Block {
  const { planes, ring, cell, slice } = plan;
  const size = planeSize(plan);
  const kind = captionKind(plan);
  const boxes: PlaneBox[] = [];
  for (let place = 0; place < planeCount(plan); ++place) {
    const number = slice ? place * slice.depth + slice.at : place;
    const down = Math.floor(place / planes.across);
    const across = place % planes.across;
    const left = x + across * (size.w + planeGap(cell)) + gutter(plan) + ring.left * cell.w;
    let top = y + down * (size.h + planeGap(cell)) + head(plan) + ring.top * cell.h;
    const beside =
      partner?.planes.down === planes.down && partner.boxes[down * partner.planes.across];
    if (beside) top = beside.y + (beside.h - cell.h) / 2;
    boxes.push({
      number,
      x: Math.round(left),
      y: Math.round(top),
      w: planes.cols * cell.w,
      h: planes.rows * cell.h,
      caption: kind && captionOf(plan, number, kind),
    });
  }
  const top = boxes[0]!.y - ring.top * cell.h - (partner ? 0 : head(plan));
  return {
    role: plan.role,
    planes,
    boxes,
    slice,
    slider: slice && {
      x: boxes[0]!.x - ring.left * cell.w,
      y: Math.round(y + blockSize(plan).h) + FOOT_GAP,
      w: sliderWidth(plan),
      h: SLIDER,
    },
    ring,
    cell,
    pictured: cell.font === 0 && count(plan.shape) >= MIN_PICTURED,
    indexed: gutter(plan) > 0,
    title: plan.title,
    shape: tuple(plan.shape),
    head: { x: boxes[0]!.x - ring.left * cell.w, y: top - 8 },
  };
}

export function centred(figure: Layout, width: number): Layout {
  const shift = Math.floor((width - figure.width) / 2);
  if (shift <= 0) return figure;
  return {
    ...figure,
    width,
    blocks: figure.blocks.map((block) => ({
      ...block,
      head: { x: block.head.x + shift, y: block.head.y },
      boxes: block.boxes.map((box) => ({ ...box, x: box.x + shift })),
      slider: block.slider && { ...block.slider, x: block.slider.x + shift },
    })),
    signs: figure.signs.map((sign) => ({ ...sign, x: sign.x + shift })),
  };
}
