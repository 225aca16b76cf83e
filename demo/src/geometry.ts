// Geometry: where the figure's cells, ghosts and beams are, from the layout's boxes.
import type { Block, Layout, Rect } from "./layout.js";
import type { Frame } from "./model.js";
import type { Pointing } from "./pointing.js";
import { isShown, placeOf } from "./slices.js";
import type { Role } from "./state.js";

/** The rectangle of a cell that a block shows, by its offset in the tensor. */
export function cellRect(block: Block, offset: number): Rect {
  const { cell } = block;
  const { rows, cols } = block.planes;
  const place = placeOf(block, offset);
  const box = block.boxes[Math.floor(place / (rows * cols))]!;
  const within = place % (rows * cols);
  return {
    x: box.x + (within % cols) * cell.w,
    y: box.y + Math.floor(within / cols) * cell.h,
    w: cell.w,
    h: cell.h,
  };
}

const ghostsOf = new WeakMap<Block, { frame: string; rects: Map<number, Rect> }>();

/** The ghost cells round a block's planes: their offset in the frame, and their place. */
export function ghostRects(block: Block, frame: Frame): ReadonlyMap<number, Rect> {
  const key = String(frame.shape);
  let known = ghostsOf.get(block);
  if (known?.frame !== key) {
    known = { frame: key, rects: placeGhosts(block, frame) };
    ghostsOf.set(block, known);
  }
  return known.rects;
}

function placeGhosts(block: Block, frame: Frame): Map<number, Rect> {
  const ghosts = new Map<number, Rect>();
  const { ring, planes, cell } = block;
  const rows = planes.rows + ring.top + ring.bottom;
  const cols = planes.cols + ring.left + ring.right;
  const perPlane = rows * cols;
  // A volume's planes are its slices; of those, padding has some more.
  const volume = frame.shape.length === 4;
  const depth = volume ? frame.shape[1]! : 1;
  const depthBefore = volume ? frame.before[0]! : 0;
  const slices = volume ? depth - depthBefore - frame.after[0]! : 1;
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

const MAX_BEAMS = 8;

/** What the one pointed at is joined with: windows to kernels, kernels to outputs. */
export function beams(figure: Layout, pointing: Pointing, frame: Frame): Beam[] {
  const block = (role: Role) => figure.blocks.find((one) => one.role === role);
  const input = block("input");
  const weight = block("weight");
  const output = block("output");
  if (!input || !weight || !output) return [];
  if (pointing.cell.role === "input") {
    const middle = [...perPlane(weight, pointing.weight).values()];
    const targets = [...perPlane(output, pointing.output).values()];
    if (!isShown(input, pointing.cell.offset) || middle.length * targets.length === 0) return [];
    const from = cellRect(input, pointing.cell.offset);
    // A beam through each kernel; through many, one that is as wide as all of them.
    const kernels = middle.length <= MAX_BEAMS ? middle : [hull(middle)];
    const to = hull(targets);
    return kernels.flatMap((kernel) => [
      { from, to: kernel },
      { from: kernel, to },
    ]);
  }
  if (pointing.cell.role !== "output" || !isShown(output, pointing.cell.offset)) return [];
  const target = cellRect(output, pointing.cell.offset);
  const kernels = perPlane(weight, pointing.weight);
  const ghosts = frame.role === "input" ? ghostRects(input, frame) : new Map<number, Rect>();
  const windows = perPlane(input, pointing.input);
  for (const ghost of pointing.ghosts) {
    const rect = ghosts.get(ghost);
    if (rect) widen(windows, planeAt(input, rect), rect);
  }
  const list: Beam[] = [];
  // Of a volume, the window's slice that is shown may not be what the kernel's is put to.
  const met =
    !input.slice ||
    pointing.sum?.terms.some(
      (term) => term.input !== null && isShown(input, term.input) && isShown(weight, term.weight),
    );
  const sources = met ? [...windows.values()] : [];
  const middles = [...kernels.values()];
  if (sources.length === middles.length) {
    sources.forEach((from, i) => list.push({ from, to: middles[i]! }));
  } else if (sources.length > 0 && middles.length > 0) {
    list.push({ from: hull(sources), to: hull(middles) });
  }
  if (middles.length > 0) list.push({ from: hull(middles), to: target });
  return list;
}

function perPlane(block: Block, cells: ReadonlySet<number>): Map<number, Rect> {
  const rects = new Map<number, Rect>();
  const size = block.planes.rows * block.planes.cols;
  for (const offset of cells)
    if (isShown(block, offset)) widen(rects, Math.floor(offset / size), cellRect(block, offset));
  return rects;
}

function planeAt(block: Block, rect: Rect): number {
  const { ring, cell } = block;
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
