// Stack views: what Stack mode shows, made from the state and the stack's answers.
import type { BackdropView } from "./elements/stage-backdrop.js";
import { Tint, type GridView } from "./elements/grid-view.js";
import type { StackPanelView } from "./elements/stack-panel.js";
import { grouped, plural, torchText } from "./format.js";
import type { Block, Layout } from "./layout.js";
import { fieldTable, FOLLOWERS, lineage, numbersAt, tower } from "./stack.js";
import { stackLayout } from "./stack-layout.js";
import { layerOf, levelOf, MAX_LAYERS, type LevelCell, type State } from "./state.js";
import { indexOf, tuple } from "./tensors.js";

export function stackFigure({ stage, slices }: State, width: number): Layout {
  const { parts, tensors } = tower(stage);
  return stackLayout({
    args: stage.args,
    shapes: tensors.map(({ shape }) => shape),
    links: parts.map((part) => ({
      name: String(part).replace(/\(.*$/su, ""),
      weight: "weight" in part ? part.weight.shape : null,
      bias: "bias" in part ? (part.bias?.shape ?? null) : null,
    })),
    slices,
    width,
  });
}

/** A layer's numbers; each may be edited. */
function numbersView({ stage, change }: State, block: Block): GridView {
  const { data, shape } = numbersAt(stage, block.role)!;
  const { layer, name } = layerOf(block.role)!;
  const edited = new Map<number, string>();
  for (const { target, offset, before } of change?.edited ?? [])
    if (target === block.role || (layer === 0 && target === name))
      edited.set(offset, torchText(before));
  return {
    role: block.role,
    label: `Layer ${layer + 1}'s ${name}, shape ${block.shape}`,
    editable: true,
    block,
    values: data,
    scale: 0.5,
    name: (offset) => `layer ${layer + 1}, ${name}[${indexOf(offset, shape).join(", ")}]`,
    hidden: () => false,
    tint: (into) => {
      for (const offset of edited.keys()) into[offset] = Tint.Changed;
    },
    mark: (offset) => {
      const before = edited.get(offset);
      return before === undefined ? null : { classes: "edited", before, note: "edited" };
    },
  };
}

export interface StackViews {
  readonly grids: readonly GridView[];
  readonly backdrop: BackdropView;
  readonly sentence: string;
}

export function stackViews(state: State, figure: Layout, pointed: LevelCell | null): StackViews {
  const { stage, ripple, change } = state;
  const { tensors } = tower(stage);
  const lit =
    pointed && pointed.offset < (tensors[pointed.level]?.size ?? 0)
      ? lineage(stage, pointed.level, pointed.offset)
      : null;
  const edited = new Map(
    change?.edited
      .filter(({ target }) => target === "input")
      .map(({ offset, before }) => [offset, torchText(before)]),
  );
  const grids = figure.blocks.map((block): GridView => {
    const level = levelOf(block.role);
    if (level === null) return numbersView(state, block);
    const { data, shape } = tensors[level]!;
    const marks = level > 0 ? ripple?.[level - 1] : undefined;
    const largest = marks?.changed.largest ?? 0;
    const name = (offset: number): string => cellName(level, tensors.length - 1, offset, shape);
    return {
      role: block.role,
      label: `${block.title}, shape ${block.shape}`,
      editable: level === 0,
      block,
      values: data,
      scale: level === 0 ? 3 : 1,
      name,
      hidden: () => false,
      tint: (into) => {
        for (const offset of lit?.[level] ?? []) into[offset] = Tint.Lit;
        for (const offset of marks?.stopped ?? []) into[offset] = Tint.Kept;
        for (const offset of marks?.changed.offsets ?? []) into[offset] = Tint.Changed;
        if (level === 0) for (const offset of edited.keys()) into[offset] = Tint.Changed;
      },
      mark: (offset) => {
        const classes: string[] = [];
        if (lit?.[level]!.has(offset)) classes.push("lit");
        if (pointed?.level === level && pointed.offset === offset) classes.push("source");
        const changed = marks?.changed.get(offset);
        if (changed) classes.push("changed", changed.after > changed.before ? "up" : "down");
        const before = changed
          ? torchText(changed.before)
          : level === 0
            ? edited.get(offset)
            : undefined;
        if (!changed && before !== undefined) classes.push("edited");
        const stopped = marks?.stopped.has(offset) ?? false;
        if (stopped) classes.push("kept");
        if (classes.length === 0) return null;
        return {
          classes: classes.join(" "),
          before,
          size:
            changed && largest > 0 ? Math.abs(changed.after - changed.before) / largest : undefined,
          note: changed
            ? changed.after > changed.before
              ? "rose"
              : "fell"
            : stopped
              ? "reads a changed cell and kept its value: here the ripple stops"
              : undefined,
        };
      },
    };
  });
  return {
    grids,
    backdrop: { figure, ghosts: [], beams: [] },
    sentence: lit
      ? lineageText(state, pointed!, lit)
      : "Point at any cell: below it what it sees, above it what sees it.",
  };
}

function cellName(level: number, last: number, offset: number, shape: readonly number[]): string {
  const letter = level === 0 ? "x" : level === last ? "y" : `h${level}`;
  return `${letter}[${indexOf(offset, shape).join(", ")}]`;
}

function lineageText(
  { stage }: State,
  { level, offset }: LevelCell,
  lit: readonly ReadonlySet<number>[],
): string {
  const { tensors } = tower(stage);
  const last = tensors.length - 1;
  const name = cellName(level, last, offset, tensors[level]!.shape);
  const parts: string[] = [];
  if (level > 0)
    parts.push(`sees ${grouped(lit[0]!.size)} of ${plural(tensors[0]!.size, "input cell")}`);
  if (level < last)
    parts.push(
      `is seen by ${grouped(lit[last]!.size)} of ${plural(tensors[last]!.size, "output")}`,
    );
  return `${name} ${parts.join(" and ")}.`;
}

/** What the last edit did, level by level, in words. */
export function rippleText({ stage, ripple }: State): string | null {
  if (!ripple) return null;
  const { parts } = tower(stage);
  const words = ripple.map(({ changed, stopped }, i) => {
    const name = String(parts[i]).replace(/\(.*$/su, "");
    return `${name} ${grouped(changed.size)}${stopped.size > 0 ? ` (stopped ${grouped(stopped.size)})` : ""}`;
  });
  const end = ripple.at(-1)!.changed.size;
  return `${end === 0 ? "No output" : plural(end, "output")} changed. Changed after each layer: ${words.join(", ")}.`;
}

export function stackPanelView({ stage }: State): StackPanelView {
  const rows = fieldTable(stage);
  return {
    rows: rows.map(({ layer, shape, size, stride, start }, i) => ({
      layer,
      shape: tuple(shape),
      size: size.join(" × "),
      stride: stride.join(" × "),
      start: start.join(", "),
      removable: i > 0,
    })),
    choices: rows.length < MAX_LAYERS ? FOLLOWERS.map(({ label }) => label) : [],
  };
}
