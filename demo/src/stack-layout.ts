// Stack layout: the tensors of a stack in one row, or wrapped into several; between what
// a layer reads and what it gives its numbers, or its name where it has none.
import {
  besideKernels,
  blockSize,
  centred,
  footEnd,
  fullWidth,
  notHigher,
  notWider,
  place,
  TITLE,
  titledWidth,
  withBias,
  type Plan,
} from "./arrange.js";
import {
  fontOf,
  NO_RING,
  READABLE,
  sliceFor,
  SIZES,
  type Block,
  type CellSize,
  type Layout,
} from "./layout.js";
import type { Slices } from "./slices.js";
import type { LayerArgs, Place, Role } from "./state.js";
import { planesOf } from "./tensors.js";

const GAP = 88; // room for the layer's name
const SIGN_GAP = 30;
const BIAS_GAP = 12;
const ROW_GAP = 24;
/** Of one tensor, and no more than the figure's width; beyond it its planes wrap. */
const MAX_HEIGHT = 640;
const MAX_SCROLL = 3200; // of the whole, with numbers; beyond it rather none

/** What stands between two tensors. */
export interface Link {
  /** Its short name. */
  readonly name: string;
  /** Shapes of its numbers, if it has some. */
  readonly weight: readonly number[] | null;
  readonly bias: readonly number[] | null;
}

export interface StackLayoutInput {
  readonly args: LayerArgs;
  readonly shapes: readonly (readonly number[])[];
  readonly links: readonly Link[];
  readonly slices: Slices;
  readonly width: number;
}

/** A tensor, and before it the numbers of the layer that gives it. */
interface Stop {
  readonly name: string | null;
  readonly weight: Plan | null;
  readonly bias: Plan | null;
  readonly tensor: Plan;
}

export function stackLayout({ args, shapes, links, slices, width }: StackLayoutInput): Layout {
  const last = shapes.length - 1;
  const planOf = (
    role: Place,
    kind: Role,
    title: string,
    letter: string,
    shape: readonly number[],
  ): Plan => {
    const planes = planesOf(kind, shape, args);
    const slice = sliceFor(args, shape, slices[role], null);
    return {
      role,
      title,
      letter,
      shape,
      planes,
      slice,
      cell: SIZES[0]!,
      ring: NO_RING,
      indexed: kind !== "bias" && planes.rows * planes.cols > 1,
      captions: kind !== "bias" && (slice !== null || planes.down * planes.across > 1),
    };
  };
  const stops = shapes.map((shape, level): Stop => {
    const link = level === 0 ? null : links[level - 1]!;
    const title = level === 0 ? "Input x" : level === last ? "Output y" : `After ${link!.name}`;
    const letter = level === 0 ? "x" : level === last ? "y" : `h${level}`;
    const layer = `layer${level - 1}` as const;
    return {
      name: link?.name ?? null,
      weight: link?.weight
        ? planOf(`${layer}.weight`, "weight", link.name, "w", link.weight)
        : null,
      bias: link?.bias ? planOf(`${layer}.bias`, "bias", "Bias", "b", link.bias) : null,
      tensor: planOf(`level${level}`, "input", title, letter, shape),
    };
  });
  const oneRow = READABLE.map((cell) => arrange(stops, cell, Infinity)).find(
    (tried) => tried.width <= width,
  );
  const wrapped = () =>
    [...READABLE.slice(4), ...SIZES.slice(READABLE.length)]
      .map((cell) => ({ font: fontOf(cell), figure: arrange(stops, cell, width) }))
      .find(
        ({ font, figure }) => figure.width <= width && (font === 0 || figure.height <= MAX_SCROLL),
      )?.figure;
  return centred(oneRow ?? wrapped() ?? arrange(stops, SIZES.at(-1)!, width), width);
}

interface Placed {
  readonly plan: Plan;
  readonly x: number;
}

interface Sign {
  readonly text: string;
  readonly x: number;
}

/** What stays together when a row is full: a sign, and what stands behind it. */
interface Unit {
  readonly items: readonly Placed[];
  readonly sign: Sign | null;
  readonly width: number;
}

function unitsOf(stop: Stop, cell: CellSize, width: number): Unit[] {
  // For the sake of numbers planes wrap; smaller cells stand as their axes say.
  const most = fontOf(cell) > 0 ? width : Infinity;
  const sized = (plan: Plan, gap: number): Plan => {
    const fitting = notHigher({ ...plan, cell }, Math.min(MAX_HEIGHT, width));
    return fullWidth(fitting) + gap <= most
      ? fitting
      : (notWider({ ...plan, cell }, most - gap) ?? fitting);
  };
  const units: Unit[] = [];
  if (stop.weight) {
    const plain = stop.bias && { ...stop.bias, cell };
    let weight = sized(stop.weight, SIGN_GAP);
    let bias = plain && (besideKernels(plain, weight, stop.weight.planes) ?? plain);
    if (plain && bias && SIGN_GAP + fullWidth(weight) + BIAS_GAP + titledWidth(bias) > most)
      [weight, bias] = withBias({ ...stop.weight, cell }, plain, most - SIGN_GAP) ?? [weight, bias];
    const items: Placed[] = [{ plan: weight, x: SIGN_GAP }];
    let across = SIGN_GAP + titledWidth(weight);
    if (bias) {
      const x =
        SIGN_GAP +
        Math.max(fullWidth(weight) + BIAS_GAP, weight.planes.rows < 3 ? titledWidth(weight) : 0);
      items.push({ plan: bias, x });
      across = Math.max(across, x + titledWidth(bias));
    }
    units.push({ items, sign: { text: "∗", x: SIGN_GAP / 2 }, width: across });
  }
  const gap = stop.name === null ? 0 : stop.weight ? SIGN_GAP : GAP;
  const tensor = sized(stop.tensor, gap);
  const text = stop.weight ? "=" : `${stop.name} →`;
  units.push({
    items: [{ plan: tensor, x: gap }],
    sign: gap === 0 ? null : { text, x: gap / 2 },
    width: gap + titledWidth(tensor),
  });
  return units;
}

function arrange(stops: readonly Stop[], cell: CellSize, width: number): Layout {
  const rows: { items: Placed[]; signs: Sign[] }[] = [{ items: [], signs: [] }];
  let x = 0;
  let widest = 0;
  for (const unit of stops.flatMap((stop) => unitsOf(stop, cell, width))) {
    if (x > 0 && x + unit.width > width) {
      rows.push({ items: [], signs: [] });
      x = 0;
    }
    const left = x;
    const row = rows.at(-1)!;
    row.items.push(...unit.items.map((item) => ({ ...item, x: left + item.x })));
    if (unit.sign) row.signs.push({ ...unit.sign, x: left + unit.sign.x });
    x += unit.width;
    widest = Math.max(widest, x);
  }
  const blocks: Block[] = [];
  const signs: { text: string; x: number; y: number }[] = [];
  let y = 0;
  for (const row of rows) {
    const inner = Math.max(...row.items.map(({ plan }) => blockSize(plan).h));
    for (const { plan, x: left } of row.items) {
      const partner = plan.title === "Bias" ? blocks.at(-1) : undefined;
      blocks.push(place(plan, left, y + TITLE + (inner - blockSize(plan).h) / 2, partner));
    }
    for (const one of row.signs) signs.push({ ...one, y: y + TITLE + inner / 2 });
    y += TITLE + Math.max(...row.items.map(({ plan }) => footEnd(plan, inner))) + ROW_GAP;
  }
  return { width: widest + 1, height: y - ROW_GAP + 2, vertical: false, blocks, signs };
}
