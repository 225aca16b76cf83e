// Layout: the figure as rectangles, from the shapes alone. The largest cells win at
// which everything fits: side by side if numbers fit so, else one below the other,
// else with rounded ones or none. Pure data; elements draw it, tests measure it.
import { centred, column, row, type Plan } from "./arrange.js";
import type { Frame } from "./model.js";
import type { Slice, Slices } from "./slices.js";
import type { LayerArgs, Place, Role } from "./state.js";
import { LETTER, planesOf, type Planes } from "./tensors.js";

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
  /** Of a volume: the slice that the boxes show, and where the slider is that chooses it. */
  readonly slice: Slice | null;
  readonly slider: Rect | null;
  readonly title: string;
  readonly shape: string;
  /** Where the title stands; its bottom left corner. */
  readonly head: { readonly x: number; readonly y: number };
  /** Ghost cells on each side of a plane, in cells. */
  readonly ring: Ring;
  readonly cell: CellSize;
  /** Its cells are drawn as a picture, without numbers. */
  readonly pictured: boolean;
  readonly indexed: boolean;
}

export interface Ring {
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
  /** Font size in px of a number that is rounded to fit; absent where not even that fits. */
  readonly rounded?: number;
}

/** Font size in px of a cell's number, rounded or not; 0: there is room for none. */
export const fontOf = ({ font, rounded = 0 }: CellSize): number => font || rounded;

/** The same of the cells of a block; 0: they show none. */
export const shownFont = ({ cell, pictured }: Block): number => (pictured ? 0 : fontOf(cell));

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly vertical: boolean;
  readonly blocks: readonly Block[];
  readonly signs: readonly { readonly text: string; readonly x: number; readonly y: number }[];
}

export interface LayoutInput {
  readonly args: LayerArgs;
  readonly shapes: Readonly<Record<Role, readonly number[] | null>>;
  readonly frame: Frame;
  readonly slices: Slices;
  readonly width: number;
  readonly height: number;
}

export const SIZES: readonly CellSize[] = [
  { w: 80, h: 56, font: 16 },
  { w: 72, h: 50, font: 15 },
  { w: 66, h: 46, font: 14 },
  { w: 60, h: 42, font: 13 },
  { w: 54, h: 38, font: 12 },
  { w: 50, h: 35, font: 11 },
  { w: 46, h: 33, font: 10.5 },
  { w: 43, h: 31, font: 10 },
  { w: 30, h: 26, font: 0, rounded: 10 },
  { w: 24, h: 22, font: 0, rounded: 9 },
  { w: 20, h: 20, font: 0 },
  { w: 16, h: 16, font: 0 },
  { w: 12, h: 12, font: 0 },
  { w: 9, h: 9, font: 0 },
  { w: 6, h: 6, font: 0 },
  { w: 4, h: 4, font: 0 },
  { w: 3, h: 3, font: 0 },
  { w: 2, h: 2, font: 0 },
];
export const READABLE = SIZES.filter(({ font }) => font > 0);
const PLAIN = SIZES.filter(({ font }) => font === 0);

/** From this width on, tensors may stand side by side. */
const WIDE = 620;
export const NO_RING: Ring = { top: 0, left: 0, bottom: 0, right: 0 };

const TITLES: Record<Role, string> = {
  input: "Input x",
  weight: "Weight",
  bias: "Bias",
  output: "Output y",
};

let latest: { key: string; args: LayerArgs; figure: Layout } | null = null;

/** The figure; the same object as before if nothing that it is made of differs. */
export function layout(given: LayoutInput): Layout {
  const { args, shapes, slices, width, height } = given;
  const key = [...Object.values(shapes), [width, height], JSON.stringify(slices)].join("|");
  if (latest?.key !== key || latest.args !== args) latest = { key, args, figure: made(given) };
  return latest.figure;
}

type Arrange = (plans: readonly Plan[], limit: number) => Layout | null;

function made(given: LayoutInput): Layout {
  const { width, height } = given;
  const plans = plansOf(given);
  const wide = width >= WIDE;
  const tried = (arrange: Arrange, cell: CellSize, kernel: CellSize, most: number) => {
    const sized = plans.map((plan) => ({
      ...plan,
      cell: plan.role === "weight" || plan.role === "bias" ? kernel : cell,
    }));
    const figure = arrange(sized, arrange === row ? most : width);
    return figure && figure.width <= width && figure.height <= most ? centred(figure, width) : null;
  };
  const fit = (arrange: Arrange, sizes: readonly CellSize[], most: number): Layout | null => {
    let fitting: Layout | null = null;
    let smaller = 0;
    for (const cell of sizes) {
      fitting ??= tried(arrange, cell, cell, most);
      if (!fitting) continue;
      if (cell.font > 0) return fitting;
      // A kernel shows its numbers even where the tensor that it slides over cannot; for that
      // the tensor's cells may be somewhat smaller.
      for (const kernel of READABLE.slice(4)) {
        const larger = tried(arrange, cell, kernel, most);
        if (larger) return larger;
      }
      if (++smaller > 2) break;
    }
    return fitting;
  };
  return (
    (wide ? fit(row, READABLE, height) : null) ??
    (wide ? fit(row, READABLE, 1.4 * height) : null) ??
    fit(column, READABLE.slice(3), 1.2 * height) ??
    // A taller figure with numbers beats a lower one without, up to a point.
    fit(column, READABLE.slice(5), (wide ? 2.8 : 4) * height) ??
    (wide ? fit(row, PLAIN, 1.2 * height) : null) ??
    fit(column, PLAIN, 4 * height) ??
    tried(column, SIZES.at(-1)!, SIZES.at(-1)!, Infinity) ??
    // Too wide even so: it scrolls.
    column(
      plans.map((plan) => ({ ...plan, cell: SIZES.at(-1)! })),
      Infinity,
    )!
  );
}

function plansOf({ args, shapes, frame, slices }: LayoutInput): Plan[] {
  const roles: Role[] = ["input", "weight", "bias", "output"];
  return roles.flatMap((role) => {
    const shape = shapes[role];
    if (!shape) return [];
    const planes = planesOf(role, shape, args);
    const slice = sliceFor(args, shape, slices[role], frame.role === role ? frame : null);
    return [
      {
        role,
        title: TITLES[role],
        letter: LETTER[role],
        shape,
        cell: SIZES[0]!,
        planes,
        slice,
        ring: frame.role === role ? ringOf(frame, args) : NO_RING,
        indexed: role !== "bias" && planes.rows * planes.cols > 1,
        captions: role !== "bias" && (slice !== null || planes.down * planes.across > 1),
      },
    ];
  });
}

/** A volume's slices; null where there is but one, with nothing before or after it. */
export function sliceFor(
  { axes }: LayerArgs,
  shape: readonly number[],
  chosen: number | undefined,
  frame: Frame | null,
): Slice | null {
  if (axes !== 3 || shape.length < 4) return null;
  const depth = shape.at(-3)!;
  const [before, after] = [frame?.before[0] ?? 0, frame?.after[0] ?? 0];
  if (before + depth + after === 1) return null;
  return { depth, at: Math.min(chosen ?? 0, depth - 1), before, after };
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
