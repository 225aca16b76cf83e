// Layout: where every plane of the figure lies, as data. Rectangles and beams are
// computed here from shapes and the width at hand; elements only draw them.
import type { Frame } from "./model.js";
import type { Pointing } from "./pointing.js";
import type { LayerArgs, Place, Role } from "./state.js";
import { LETTER, planesOf, tuple, type Planes } from "./tensors.js";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** One plane of a tensor: `rows` × `cols` cells, the first at (x, y). */
export interface PlaneBox extends Rect {
  readonly number: number;
  readonly caption: string | null;
}

export interface Block {
  readonly role: Place;
  readonly planes: Planes;
  readonly boxes: readonly PlaneBox[];
  readonly title: string;
  readonly shape: string;
  /** Where the title stands; its bottom left corner. */
  readonly head: { readonly x: number; readonly y: number };
  /** Ghost cells on each side of a plane, in cells. */
  readonly ring: Ring;
  readonly indexed: boolean;
}

interface Ring {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export interface CellSize {
  readonly w: number;
  readonly h: number;
  /** Font size in px; 0 where a number does not fit. */
  readonly font: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cell: CellSize;
  readonly vertical: boolean;
  readonly blocks: readonly Block[];
  readonly signs: readonly { readonly text: string; readonly x: number; readonly y: number }[];
}

export interface LayoutInput {
  readonly args: LayerArgs;
  readonly shapes: Readonly<Record<Role, readonly number[] | null>>;
  readonly frame: Frame;
  readonly width: number;
  readonly height: number;
}

export const SIZES: readonly CellSize[] = [
  { w: 72, h: 50, font: 15 },
  { w: 66, h: 46, font: 14 },
  { w: 60, h: 42, font: 13 },
  { w: 54, h: 38, font: 12 },
  { w: 50, h: 35, font: 11 },
  { w: 46, h: 33, font: 10.5 },
  { w: 43, h: 31, font: 10 },
  { w: 30, h: 26, font: 0 },
  { w: 20, h: 20, font: 0 },
  { w: 12, h: 12, font: 0 },
  { w: 6, h: 6, font: 0 },
  { w: 3, h: 3, font: 0 },
  { w: 2, h: 2, font: 0 },
];

const GUTTER = 20; // row numbers at the left, column numbers above
const CAPTION = 20;
export const TITLE = 44;
const BLOCK_GAP = 34;
const PLANE_GAP = 16;
export const NO_RING: Ring = { top: 0, left: 0, bottom: 0, right: 0 };

const TITLES: Record<Role, string> = {
  input: "Input x",
  weight: "Weight",
  bias: "Bias",
  output: "Output y",
};

export interface Plan {
  readonly role: Place;
  readonly title: string;
  /** The letter that names its cells: "x", "y", "weight". */
  readonly letter: string;
  readonly planes: Planes;
  readonly ring: Ring;
  readonly indexed: boolean;
  readonly captions: boolean;
  readonly shape: readonly number[];
}

/** Lays the figure out: side by side if numbers fit so, else one below the other. */
export function layout(given: LayoutInput): Layout {
  const plans = plansOf(given);
  const fit = (vertical: boolean, sizes: readonly CellSize[], height: number): Layout | null => {
    for (const cell of sizes) {
      const tried = vertical ? stack(plans, cell) : row(plans, cell);
      if (tried.width <= given.width && tried.height <= height) return centred(tried, given.width);
    }
    return null;
  };
  const readable = SIZES.filter(({ font }) => font > 0);
  const wide = given.width >= 620;
  return (
    (wide ? fit(false, readable, given.height) : null) ??
    // A taller figure with numbers beats a lower one without.
    (wide ? fit(false, readable, 2 * given.height) : null) ??
    fit(true, readable.slice(2), 1.2 * given.height) ??
    fit(true, readable.slice(4), 4 * given.height) ??
    (wide ? fit(false, SIZES, given.height) : null) ??
    fit(true, SIZES, Infinity) ??
    centred(stack(plans, SIZES.at(-1)!), given.width)
  );
}

function plansOf({ args, shapes, frame }: LayoutInput): Plan[] {
  const roles: Role[] = ["input", "weight", "bias", "output"];
  return roles.flatMap((role) => {
    const shape = shapes[role];
    if (!shape) return [];
    const planes = planesOf(role, shape, args);
    return [
      {
        role,
        title: TITLES[role],
        letter: LETTER[role],
        shape,
        planes,
        ring: frame.role === role ? ringOf(frame, args) : NO_RING,
        indexed: role !== "bias" && planes.rows * planes.cols > 1,
        captions: role !== "bias" && planes.down * planes.across > 1,
      },
    ];
  });
}

function ringOf(frame: Frame, args: LayerArgs): Ring {
  const last = frame.before.length - 1;
  return {
    top: args.axes === 1 ? 0 : frame.before[last - 1]!,
    bottom: args.axes === 1 ? 0 : frame.after[last - 1]!,
    left: frame.before[last]!,
    right: frame.after[last]!,
  };
}

interface Size {
  readonly w: number;
  readonly h: number;
}

/** A plane with its ghosts, numbers and caption. */
function planeSize(plan: Plan, cell: CellSize): Size {
  const { planes, ring } = plan;
  return {
    w: gutter(plan, cell) + (planes.cols + ring.left + ring.right) * cell.w,
    h: head(plan, cell) + (planes.rows + ring.top + ring.bottom) * cell.h,
  };
}

function gutter(plan: Plan, cell: CellSize): number {
  return plan.indexed && cell.w >= 20 ? GUTTER : 0;
}

function head(plan: Plan, cell: CellSize): number {
  return gutter(plan, cell) + (plan.captions ? CAPTION : 0);
}

export function blockSize(plan: Plan, cell: CellSize): Size {
  const { w, h } = planeSize(plan, cell);
  const { down, across } = plan.planes;
  return {
    w: across * w + (across - 1) * PLANE_GAP,
    h: down * h + (down - 1) * PLANE_GAP,
  };
}

/** Side by side: input, weight and bias, output. */
function row(plans: readonly Plan[], cell: CellSize): Layout {
  const sizes = plans.map((plan) => blockSize(plan, cell));
  const inner = Math.max(...sizes.map(({ h }) => h));
  const blocks: Block[] = [];
  const signs: { text: string; x: number; y: number }[] = [];
  const gap = Math.max(BLOCK_GAP, cell.w - 12);
  let x = 0;
  plans.forEach((plan, i) => {
    const size = sizes[i]!;
    // The bias stands at the height of its kernel's middle.
    const partner = plan.role === "bias" ? blocks.find(({ role }) => role === "weight") : undefined;
    const y = TITLE + (inner - size.h) / 2;
    const titleWidth = plan.role === "bias" ? 40 : 96;
    const width = Math.max(size.w, titleWidth);
    const shift = (width - size.w) / 2;
    blocks.push(place(plan, cell, x + shift, y, partner));
    x += width;
    if (i < plans.length - 1) {
      const next = plans[i + 1]!.role;
      const space = next === "bias" ? 24 : gap;
      signs.push({
        text: next === "weight" ? "∗" : next === "bias" ? "+" : "=",
        x: x + space / 2,
        y: TITLE + inner / 2,
      });
      x += space;
    }
  });
  return { width: x + 1, height: TITLE + inner + 2, cell, vertical: false, blocks, signs };
}

/** One below the other, the bias beside its kernel. */
function stack(plans: readonly Plan[], cell: CellSize): Layout {
  const blocks: Block[] = [];
  let y = 0;
  let width = 0;
  for (const plan of plans) {
    const size = blockSize(plan, cell);
    const partner = blocks.at(-1);
    if (plan.role === "bias" && partner) {
      const right = Math.max(...partner.boxes.map((box) => box.x + box.w));
      const top = Math.min(...partner.boxes.map((box) => box.y));
      blocks.push(place(plan, cell, right + 32, top, partner));
      width = Math.max(width, right + 32 + Math.max(size.w, 48));
      continue;
    }
    blocks.push(place(plan, cell, 0, y + TITLE, undefined));
    width = Math.max(width, size.w);
    y += TITLE + size.h + 28;
  }
  return { width: width + 1, height: y - 26, cell, vertical: true, blocks, signs: [] };
}

export function place(
  plan: Plan,
  cell: CellSize,
  x: number,
  y: number,
  partner: Block | undefined,
): Block {
  const { planes, ring } = plan;
  const size = planeSize(plan, cell);
  const boxes: PlaneBox[] = [];
  for (let down = 0; down < planes.down; ++down) {
    for (let across = 0; across < planes.across; ++across) {
      const left = x + across * (size.w + PLANE_GAP) + gutter(plan, cell) + ring.left * cell.w;
      let top = y + down * (size.h + PLANE_GAP) + head(plan, cell) + ring.top * cell.h;
      const beside = partner?.boxes[down * partner.planes.across];
      if (beside) top = beside.y + (beside.h - cell.h) / 2;
      const number = down * planes.across + across;
      boxes.push({
        number,
        x: Math.round(left),
        y: Math.round(top),
        w: planes.cols * cell.w,
        h: planes.rows * cell.h,
        caption: plan.captions ? captionOf(plan, number) : null,
      });
    }
  }
  const top = boxes[0]!.y - ring.top * cell.h - (beside(plan) ? 0 : head(plan, cell));
  return {
    role: plan.role,
    planes,
    boxes,
    ring,
    indexed: gutter(plan, cell) > 0,
    title: plan.title,
    shape: tuple(plan.shape),
    head: { x: boxes[0]!.x - ring.left * cell.w, y: top - 8 },
  };
}

function beside(plan: Plan): boolean {
  return plan.role === "bias";
}

/** "x[0]", "weight[1, 0]": the plane as Python would index it. */
function captionOf(plan: Plan, number: number): string {
  const leading = plan.shape.slice(0, -2);
  const index: number[] = [];
  let rest = number;
  for (let axis = leading.length; axis-- > 0;) {
    index.unshift(rest % leading[axis]!);
    rest = Math.floor(rest / leading[axis]!);
  }
  return `${plan.letter}[${index.join(", ")}]`;
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
    })),
    signs: figure.signs.map((sign) => ({ ...sign, x: sign.x + shift })),
  };
}

/** The rectangle of a cell of a block, by its offset in the tensor. */
export function cellRect(block: Block, offset: number, cell: CellSize): Rect {
  const { rows, cols } = block.planes;
  const box = block.boxes[Math.floor(offset / (rows * cols))]!;
  const within = offset % (rows * cols);
  return {
    x: box.x + (within % cols) * cell.w,
    y: box.y + Math.floor(within / cols) * cell.h,
    w: cell.w,
    h: cell.h,
  };
}

/** The ghost cells round a block's planes: their offset in the frame, and their place. */
export function ghostRects(figure: Layout, block: Block, frame: Frame): Map<number, Rect> {
  const ghosts = new Map<number, Rect>();
  const { cell } = figure;
  const { ring, planes } = block;
  const rows = planes.rows + ring.top + ring.bottom;
  const cols = planes.cols + ring.left + ring.right;
  const perPlane = rows * cols;
  const depth = frame.shape.length === 4 ? frame.shape[1]! : 1;
  const depthBefore = frame.shape.length === 4 ? frame.before[0]! : 0;
  const slices = frame.shape.length === 4 ? planes.across : 1;
  for (const box of block.boxes) {
    // A volume's slices of pure padding are not drawn; its own slices are.
    const channel = Math.floor(box.number / slices);
    const slice = box.number % slices;
    const plane = slices > 1 || depth > 1 ? channel * depth + slice + depthBefore : box.number;
    for (let r = 0; r < rows; ++r) {
      for (let c = 0; c < cols; ++c) {
        // Along the plane's own rows, from the left ring straight to the right one.
        if (c === ring.left && r >= ring.top && r < ring.top + planes.rows) c += planes.cols;
        if (c >= cols) break;
        const inside =
          r >= ring.top &&
          r < ring.top + planes.rows &&
          c >= ring.left &&
          c < ring.left + planes.cols;
        if (inside) continue;
        ghosts.set(plane * perPlane + r * cols + c, {
          x: box.x + (c - ring.left) * cell.w,
          y: box.y + (r - ring.top) * cell.h,
          w: cell.w,
          h: cell.h,
        });
      }
    }
  }
  return ghosts;
}

/** A band from one rectangle's facing side to another's. */
export interface Beam {
  readonly from: Rect;
  readonly to: Rect;
}

/** What the one pointed at is joined with: windows to kernels, kernels to outputs. */
export function beams(figure: Layout, pointing: Pointing, frame: Frame): Beam[] {
  const block = (role: Role) => figure.blocks.find((one) => one.role === role);
  const input = block("input");
  const weight = block("weight");
  const output = block("output");
  if (!input || !weight || !output) return [];
  if (pointing.cell.role === "input") {
    const middle = [...perPlane(weight, pointing.weight, figure.cell).values()];
    if (middle.length === 0) return [];
    const from = cellRect(input, pointing.cell.offset, figure.cell);
    const targets = [...pointing.output].map((offset) => cellRect(output, offset, figure.cell));
    return [
      { from, to: hull(middle) },
      { from: hull(middle), to: hull(targets) },
    ];
  }
  if (pointing.cell.role !== "output") return [];
  const target = cellRect(output, pointing.cell.offset, figure.cell);
  const kernels = perPlane(weight, pointing.weight, figure.cell);
  const ghosts =
    frame.role === "input" ? ghostRects(figure, input, frame) : new Map<number, Rect>();
  const windows = perPlane(input, pointing.input, figure.cell);
  for (const ghost of pointing.ghosts) {
    const rect = ghosts.get(ghost);
    if (rect) widen(windows, planeAt(input, rect, figure.cell), rect);
  }
  const list: Beam[] = [];
  const sources = [...windows.values()];
  const middles = [...kernels.values()];
  if (sources.length === middles.length) {
    sources.forEach((from, i) => list.push({ from, to: middles[i]! }));
  } else if (sources.length > 0 && middles.length > 0) {
    list.push({ from: hull(sources), to: hull(middles) });
  }
  if (middles.length > 0) list.push({ from: hull(middles), to: target });
  return list;
}

function perPlane(block: Block, cells: ReadonlySet<number>, cell: CellSize): Map<number, Rect> {
  const rects = new Map<number, Rect>();
  const size = block.planes.rows * block.planes.cols;
  for (const offset of cells)
    widen(rects, Math.floor(offset / size), cellRect(block, offset, cell));
  return rects;
}

function planeAt(block: Block, rect: Rect, cell: CellSize): number {
  const { ring } = block;
  return (
    block.boxes.find(
      (box) =>
        rect.x >= box.x - ring.left * cell.w &&
        rect.x < box.x + box.w + ring.right * cell.w &&
        rect.y >= box.y - ring.top * cell.h &&
        rect.y < box.y + box.h + ring.bottom * cell.h,
    )?.number ?? 0
  );
}

function widen(rects: Map<number, Rect>, key: number, rect: Rect): void {
  const known = rects.get(key);
  rects.set(key, known ? hull([known, rect]) : rect);
}

/** The smallest rectangle round all. */
export function hull(rects: readonly Rect[]): Rect {
  const x = Math.min(...rects.map((one) => one.x));
  const y = Math.min(...rects.map((one) => one.y));
  const right = Math.max(...rects.map((one) => one.x + one.w));
  const bottom = Math.max(...rects.map((one) => one.y + one.h));
  return { x, y, w: right - x, h: bottom - y };
}
