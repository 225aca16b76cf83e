// Stack layout: the tensors of a stack in one row, or wrapped into several, with the
// name of each layer between what it reads and what it gives.
import { blockSize, centred, notHigher, place, TITLE, type Plan } from "./arrange.js";
import { NO_RING, READABLE, SIZES, type Block, type CellSize, type Layout } from "./layout.js";
import type { LayerArgs } from "./state.js";
import { planesOf } from "./tensors.js";

const GAP = 88; // room for the layer's name
const ROW_GAP = 24;
const MIN_TITLE = 96;
const MAX_HEIGHT = 420; // of one tensor; beyond it its planes wrap

export interface StackLayoutInput {
  readonly args: LayerArgs;
  readonly shapes: readonly (readonly number[])[];
  /** Short names of the layers between. */
  readonly names: readonly string[];
  readonly width: number;
}

export function stackLayout({ args, shapes, names, width }: StackLayoutInput): Layout {
  const plans = shapes.map((shape, level): Plan => {
    const planes = planesOf("input", shape, args);
    return {
      role: `level${level}`,
      title:
        level === 0
          ? "Input x"
          : level === shapes.length - 1
            ? "Output y"
            : `After ${names[level - 1]}`,
      letter: level === 0 ? "x" : level === shapes.length - 1 ? "y" : `h${level}`,
      shape,
      planes,
      cell: SIZES[0]!,
      ring: NO_RING,
      indexed: planes.rows * planes.cols > 1,
      captions: planes.down * planes.across > 1,
    };
  });
  const oneRow = READABLE.map((cell) => arrange(plans, names, cell, Infinity)).find(
    (tried) => tried.width <= width,
  );
  const wrapped = () =>
    [...READABLE.slice(4), ...SIZES.slice(READABLE.length)]
      .map((cell) => arrange(plans, names, cell, width))
      .find((tried) => tried.width <= width);
  return centred(oneRow ?? wrapped() ?? arrange(plans, names, SIZES.at(-1)!, width), width);
}

function arrange(
  given: readonly Plan[],
  names: readonly string[],
  cell: CellSize,
  width: number,
): Layout {
  const plans = given.map((plan) => notHigher({ ...plan, cell }, MAX_HEIGHT));
  const rows: { plan: Plan; level: number; x: number }[][] = [[]];
  let x = 0;
  let widest = 0;
  plans.forEach((plan, level) => {
    const size = Math.max(blockSize(plan).w, MIN_TITLE);
    const gap = rows.at(-1)!.length === 0 ? 0 : GAP;
    if (gap > 0 && x + gap + size > width) {
      rows.push([]);
      x = GAP; // the layer's name begins the row
    } else x += gap;
    rows.at(-1)!.push({ plan, level, x });
    x += size;
    widest = Math.max(widest, x);
  });
  const blocks: Block[] = [];
  const signs: { text: string; x: number; y: number }[] = [];
  let y = 0;
  for (const row of rows) {
    const inner = Math.max(...row.map(({ plan }) => blockSize(plan).h));
    for (const { plan, level, x: left } of row) {
      const size = blockSize(plan);
      blocks.push(place(plan, left, y + TITLE + (inner - size.h) / 2, undefined));
      if (level > 0)
        signs.push({ text: `${names[level - 1]} →`, x: left - GAP / 2, y: y + TITLE + inner / 2 });
    }
    y += TITLE + inner + ROW_GAP;
  }
  return { width: widest + 1, height: y - ROW_GAP + 2, vertical: false, blocks, signs };
}
