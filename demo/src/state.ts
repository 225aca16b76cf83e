// State: everything the page shows, as one frozen object, and the pure functions
// that make the next one. Nothing here computes a convolution or touches the DOM.
//
// A stage is always valid: the library accepted its layer for its input. What a
// control asks for and the library refuses stands beside it as the attempt, so
// the last valid stage stays on the page while the message is read.
import type { Tensor } from "convscope";
import type { Changes } from "./changes.js";
import type { Slices } from "./slices.js";

export type Ints = number | readonly number[];
export type Axes = 1 | 2 | 3;
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** The arguments of a convolution layer, under the library's names. */
export interface LayerArgs {
  readonly axes: Axes;
  readonly transposed: boolean;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Ints;
  readonly stride: Ints;
  readonly padding: Ints | "same" | "valid";
  readonly outputPadding: Ints;
  readonly dilation: Ints;
  readonly groups: number;
  readonly bias: boolean;
  readonly paddingMode: PaddingMode;
}

export type ArgName = keyof LayerArgs;

/** A layer that may follow the stage's in a stack; its numbers are torch's for its place, until edited. */
export type Follower =
  | { readonly kind: "ReLU" }
  | { readonly kind: "MaxPool" | "AvgPool"; readonly kernelSize: number }
  | {
      readonly kind: "Conv";
      readonly outChannels: number;
      readonly kernelSize: number;
      readonly weight?: Tensor;
      readonly bias?: Tensor;
    };

/** More layers than this do not fit on a page. */
export const MAX_LAYERS = 6;

/** A layer with its numbers and its input. The tensors are never written to. */
export interface Stage {
  readonly args: LayerArgs;
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  /** The layers behind it, seen in Stack mode. */
  readonly followers: readonly Follower[];
}

/** Whether the stage's layer can look at a picture and give one: one or three channels. */
export function seesPictures({ args }: Stage): boolean {
  const pictured = (channels: number): boolean => channels === 1 || channels === 3;
  return args.axes === 2 && pictured(args.inChannels) && pictured(args.outChannels);
}

/** What the controls ask for and the library refuses. */
export interface Attempt {
  readonly args: LayerArgs;
  readonly inputShape: readonly number[];
  readonly message: string;
}

export type Role = "input" | "weight" | "bias" | "output";
/** A layer's numbers in Stack mode, layer 0 being the stage's own. */
export type LayerPlace = `layer${number}.${"weight" | "bias"}`;
/** A tensor of the figure: of the stage, or, in Stack mode, level 0 (the input) and up. */
export type Place = Role | `level${number}` | LayerPlace;
export type Target = Exclude<Role, "output">;

/** One cell of one tensor, by its row-major offset. */
export interface Cell {
  readonly role: Role;
  readonly offset: number;
}

/** A cell of anything the figure shows. */
export interface PlacedCell {
  readonly role: Place;
  readonly offset: number;
}

/** A cell of a level; level 0 is the input. */
export interface LevelCell {
  readonly level: number;
  readonly offset: number;
}

export function levelOf(place: Place): number | null {
  const match = /^level(\d+)$/u.exec(place);
  return match ? Number(match[1]) : null;
}

/** The layer and its parameter that a place in the figure is. */
export function layerOf(place: string): { layer: number; name: "weight" | "bias" } | null {
  const match = /^layer(\d+)\.(weight|bias)$/u.exec(place);
  return match && { layer: Number(match[1]), name: match[2] as "weight" | "bias" };
}

export interface Edit {
  readonly target: Target;
  readonly offset: number;
  readonly value: number;
}

/** What an edit did at one level of a stack. */
export interface Level {
  readonly changed: Changes;
  /** Cells that it reached and that kept their value: there the ripple stopped. */
  readonly stopped: ReadonlySet<number>;
}

/** What the last edit did; offsets count in the output (edited: in its target). */
export interface Change {
  readonly edited: readonly { target: Target | LayerPlace; offset: number; before: number }[];
  readonly changed: Changes;
  /** Outputs that read an edited cell and kept their value, and why. */
  readonly kept: ReadonlyMap<number, string>;
  readonly outputs: number;
}

/** Predict: the edit that waits, and the outputs the person expects to change. */
export interface Prediction {
  readonly edits: readonly Edit[];
  readonly guesses: ReadonlySet<number>;
  readonly revealed: boolean;
}

export const MODES = ["explore", "predict", "step", "stack", "picture"] as const;
export type Mode = (typeof MODES)[number];

export interface State {
  readonly stage: Stage;
  readonly attempt: Attempt | null;
  readonly change: Change | null;
  /** In Stack mode: what the last edit did, level by level. */
  readonly ripple: readonly Level[] | null;
  readonly pin: PlacedCell | null;
  /** Of a volume's tensors: the slices that are shown. */
  readonly slices: Slices;
  readonly mode: Mode;
  readonly prediction: Prediction | null;
  /** Step mode: this many windows have been computed. */
  readonly step: number;
  readonly lesson: { readonly id: string; readonly step: number; readonly done: boolean } | null;
}

export const DEFAULT_ARGS: LayerArgs = Object.freeze({
  axes: 2,
  transposed: false,
  inChannels: 1,
  outChannels: 1,
  kernelSize: 3,
  stride: 1,
  padding: 0,
  outputPadding: 0,
  dilation: 1,
  groups: 1,
  bias: true,
  paddingMode: "zeros",
});

export function initialState(stage: Stage): State {
  return Object.freeze({
    stage,
    attempt: null,
    change: null,
    ripple: null,
    pin: { role: "output", offset: 0 },
    slices: {},
    mode: "explore",
    prediction: null,
    step: 0,
    lesson: null,
  } satisfies State);
}

export function update(state: State, patch: Partial<State>): State {
  return Object.freeze({ ...state, ...patch });
}

/** Undo is a list of old stages; marks and pointing belong to the present. */
export interface History {
  readonly past: readonly Stage[];
  readonly now: State;
  readonly future: readonly Stage[];
}

export function begin(now: State): History {
  return { past: [], now, future: [] };
}

/** Changes what is not a step: pointing, mode, lesson, an attempt. */
export function replace(history: History, patch: Partial<State>): History {
  return { ...history, now: update(history.now, patch) };
}

/** Makes a step. A new step forgets the undone ones. */
export function commit(history: History, patch: Partial<State>): History {
  return {
    past: [...history.past, history.now.stage],
    now: update(history.now, patch),
    future: [],
  };
}

/** Replaces the present without a step of its own: a value being scrubbed. */
export function amend(history: History, patch: Partial<State>): History {
  return { ...history, now: update(history.now, patch), future: [] };
}

export function undo(history: History): History {
  const stage = history.past.at(-1);
  if (!stage) return history;
  return {
    past: history.past.slice(0, -1),
    now: update(history.now, {
      stage,
      change: null,
      ripple: null,
      attempt: null,
      prediction: null,
    }),
    future: [history.now.stage, ...history.future],
  };
}

export function redo(history: History): History {
  const [stage, ...future] = history.future;
  if (!stage) return history;
  return {
    past: [...history.past, history.now.stage],
    now: update(history.now, {
      stage,
      change: null,
      ripple: null,
      attempt: null,
      prediction: null,
    }),
    future,
  };
}

/** One number per axis: a single number serves all of them. */
export function perAxis(value: Ints, axes: number): readonly number[] {
  return typeof value === "number" ? new Array<number>(axes).fill(value) : value;
}

/** The same arguments, however a tuple of equal numbers was written. */
export function sameArgs(a: LayerArgs, b: LayerArgs): boolean {
  return (Object.keys(a) as ArgName[]).every((name) => sameArg(a, b, name));
}

export function sameArg(a: LayerArgs, b: LayerArgs, name: ArgName): boolean {
  const text = (args: LayerArgs): string => {
    const value = args[name];
    return typeof value === "number" && PER_AXIS.has(name)
      ? String(perAxis(value, args.axes))
      : String(value);
  };
  return text(a) === text(b);
}

export const PER_AXIS: ReadonlySet<ArgName> = new Set<ArgName>([
  "kernelSize",
  "stride",
  "padding",
  "outputPadding",
  "dilation",
]);
