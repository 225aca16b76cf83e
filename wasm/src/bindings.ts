// What the engine can do: the functions of wasm/bindings, which say what goes through the mailbox and what is answered.
import type { MainModule } from "./raw.js";

declare const kind: unique symbol;
/** The address of an object of the engine. 0 where one was refused. */
type Handle<Kind> = number & { readonly [kind]: Kind };
export type RawLayer = Handle<"layer">;
export type RawPlan = Handle<"plan">;
export type RawBackward = Handle<"backward">;
export type RawWatch = Handle<"watch">;

/** The exports; addresses go in as numbers of either sign, and come out as doubles unless said otherwise. */
export interface Raw {
  // Renewed whenever the memory grows.
  readonly HEAP32: Int32Array;
  readonly HEAPF32: Float32Array;
  readonly HEAPF64: Float64Array;
  /** Answers with a signed number. */
  _malloc(bytes: number): number;
  _free(address: number): void;

  mailboxAddress(): number;
  lastError(): number;
  version(): number;
  cellOffsets(cells: number, rank: number): number;

  makeConv(): RawLayer;
  makeMaxPool(): RawLayer;
  makeAvgPool(): RawLayer;
  makeAdaptivePool(): RawLayer;
  makePad(): RawLayer;
  makeUnfold(): RawLayer;
  makeFold(): RawLayer;
  makeActivation(): RawLayer;
  makeSequential(parts: number, count: number): RawLayer;
  deleteLayer(layer: RawLayer): void;

  layerText(layer: RawLayer): void;
  outputShape(layer: RawLayer, rank: number): number;
  reads(layer: RawLayer, rank: number, indexRank: number): number;
  readBy(layer: RawLayer, parameter: number, rank: number, indexRank: number): number;
  parameterCount(layer: RawLayer): number;
  parameterShape(layer: RawLayer, p: number): number;
  parameterAddress(layer: RawLayer, p: number): number;
  setParameter(layer: RawLayer, p: number, values: number): number;
  draw(layer: RawLayer, weight: boolean, bias: boolean): void;
  forOutputSize(layer: RawLayer, rank: number, count: number): RawLayer;
  explain(layer: RawLayer, rank: number, indexRank: number, input: number): number;
  fieldSteps(layer: RawLayer, rank: number): number;
  fieldLayer(step: number): void;
  fieldShape(step: number): number;

  makePlan(layer: RawLayer, rank: number, fast: boolean): RawPlan;
  deletePlan(plan: RawPlan): void;
  planRun(plan: RawPlan): void;
  planRepack(plan: RawPlan): void;
  planBuffers(plan: RawPlan): number;
  planAlgorithm(plan: RawPlan): void;

  makeBackward(layer: RawLayer, rank: number): RawBackward;
  deleteBackward(backward: RawBackward): void;
  backwardBuffers(backward: RawBackward): number;
  backwardParameter(backward: RawBackward, p: number): number;
  backwardRun(backward: RawBackward): number;

  makeWatch(layer: RawLayer, rank: number, input: number): RawWatch;
  deleteWatch(watch: RawWatch): void;
  watchAdd(watch: RawWatch, target: number, offset: number, value: number): void;
  watchApply(watch: RawWatch): number;
  watchCanUndo(watch: RawWatch): number;
  watchCanRedo(watch: RawWatch): number;
  watchUndo(watch: RawWatch): number;
  watchRedo(watch: RawWatch): number;
  watchRefresh(watch: RawWatch): number;
  watchEdit(watch: RawWatch, i: number): void;
  watchLevels(watch: RawWatch): number;
  watchLevelShape(watch: RawWatch, level: number): number;
  watchLevel(watch: RawWatch, level: number): number;
  watchWhyKept(watch: RawWatch, rank: number): void;
  watchSensitivity(watch: RawWatch, rank: number): number;
  watchReplace(watch: RawWatch, layer: RawLayer): number;

  manualSeed(seed: number): void;
  fillRand(values: number, count: number): void;
  fillRandn(values: number, count: number): void;
  floatsText(values: number, rank: number): void;
  intsText(values: number, rank: number): void;
}

/** The functions that make a layer of what is in the mailbox. */
export type Maker =
  | "makeConv"
  | "makeMaxPool"
  | "makeAvgPool"
  | "makeAdaptivePool"
  | "makePad"
  | "makeUnfold"
  | "makeFold"
  | "makeActivation";

// Embind says what was bound: the same names, each with as many arguments.
type Arity<F> = F extends (...list: infer List) => unknown ? List["length"] : null;
type Differing = {
  [Name in keyof Raw]: Name extends keyof MainModule
    ? Arity<Raw[Name]> extends Arity<MainModule[Name]>
      ? never
      : Name
    : Name;
}[keyof Raw];
type Forgotten = Exclude<keyof MainModule, keyof Raw | `HEAP${string}`>;
type None<Names extends never> = Names;
/** @internal */
export type Agreed = None<Differing | Forgotten>;
