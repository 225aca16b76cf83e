// Views: what each element shows, made from the state and the model's answers.
// Pure: the same state gives the same views.
import type { FormulaView } from "./elements/shape-formula.js";
import type { LessonView } from "./elements/lesson-panel.js";
import type { ParamView } from "./elements/param-panel.js";
import type { NoteView } from "./elements/change-note.js";
import type { RefusalView } from "./elements/refusal-note.js";
import type { TransportView } from "./elements/step-transport.js";
import type { SumView } from "./elements/sum-of-products.js";
import type { PrintView } from "./elements/torch-print.js";
import { grouped, listed, plural, torchText } from "./format.js";
import { lessonOf, OUTLINE } from "./lessons.js";
import { describe } from "./edits.js";
import { evaluate, products, propose } from "./model.js";
import { stepsOf, sumOf, type Pointing, type Sum } from "./pointing.js";
import { pictures, stack } from "./parts.js";
import {
  perAxis,
  sameArg,
  seesPictures,
  type ArgName,
  type Attempt,
  type Change,
  type LayerArgs,
  type Stage,
  type State,
} from "./state.js";
import { cellName, count, indexOf } from "./tensors.js";

export const MAX_TERMS = 60;
const MAX_PAIRS = 24;

/** How a prediction fared, in words. */
export function scoreText(guesses: ReadonlySet<number>, change: Change): string {
  const right = [...guesses].filter((offset) => change.changed.has(offset)).length;
  const wrong = guesses.size - right;
  const all = change.changed.size;
  if (right === all && wrong === 0) return all === 0 ? "Right: nothing changes." : "All right!";
  const extra = wrong === 0 ? "" : `, and marked ${wrong} that did not change`;
  return `You found ${right} of ${all}${extra}.`;
}

/** A sentence and no sum. */
export function sentenceView(sentence: string): SumView {
  return {
    sentence,
    name: null,
    bias: null,
    terms: [],
    value: null,
    before: null,
    more: 0,
    pairs: [],
  };
}

export function sumView(state: State, pointing: Pointing | null): SumView {
  const { stage, change, mode, step } = state;
  const none = sentenceView(
    "Point at a cell to see what it belongs to. Click keeps it; double click, Enter or typing edits it.",
  );
  if (mode === "picture" && seesPictures(stage))
    return sentenceView(
      "Point at a pixel of the result for its sum, from the picture's own pixels.",
    );
  if (!pointing) return none;
  let { sum, sentence } = pointing;
  const editedHere = change?.edited.some(
    ({ target, offset }) => target === pointing.cell.role && offset === pointing.cell.offset,
  );
  const offsets = change?.changed.offsets ?? [];
  if (!sum && editedHere && offsets.length > 0 && mode !== "step") {
    const { shape } = evaluate(stage).output;
    const slice = stage.args.axes === 3 ? (state.slices.output ?? 0) : undefined;
    const seen = offsets.find(
      (offset) => slice === undefined || slice === indexOf(offset, shape)[1],
    );
    const first = seen ?? offsets[0]!;
    sum = sumOf(stage, first);
    const where = first === offsets[0] ? "" : " in this slice";
    const many = offsets.length > 1 ? `, the first of them${where}` : "";
    sentence += ` Why ${cellName("output", first, shape)} changed${many}:`;
  }
  const pairs = pointing.pairs
    .slice(0, MAX_PAIRS)
    .map(({ input, output }) => pairText(stage, input, output));
  if (!sum) return { ...none, sentence, pairs, more: pointing.joined - pairs.length };
  const outputShape = evaluate(stage).output.shape;
  const hidden = mode === "step" && sum.output >= step;
  const before = change?.changed.get(sum.output)?.before;
  return {
    sentence,
    name: cellName("output", sum.output, outputShape),
    bias: sum.bias === null ? null : torchText(sum.bias),
    terms: termViews(state, sum),
    value: hidden ? "?" : torchText(sum.value),
    before: before === undefined ? null : torchText(before),
    more: Math.max(0, sum.terms.length - MAX_TERMS),
    pairs,
  };
}

function termViews(state: State, sum: Sum): SumView["terms"] {
  const { stage, change } = state;
  const touched = (target: string, offset: number | null): boolean =>
    change?.edited.some((one) => one.target === target && one.offset === offset) ?? false;
  return sum.terms.slice(0, MAX_TERMS).map(({ input, weight, x, w, product }) => ({
    key: `${input}:${weight}`,
    x: torchText(x),
    w: torchText(w),
    product: torchText(product),
    names: `${input === null ? "padding" : tight("x", input, stage.input.shape)} · ${tight("w", weight, stage.weight.shape)}`,
    padding: input === null,
    edited: touched("input", input) || touched("weight", weight),
  }));
}

/** "w[0,1,0]": a name for small print. */
function tight(letter: string, offset: number, shape: readonly number[]): string {
  return `${letter}[${indexOf(offset, shape).join(",")}]`;
}

function pairText(stage: Stage, input: number | null, output: number): string {
  const from = input === null ? "padding" : cellName("input", input, stage.input.shape);
  return `${from} → ${cellName("output", output, evaluate(stage).output.shape)}`;
}

/** The sentence over the figure. A complaint comes before all else. */
export function noteView(state: State, complaint: string | null): NoteView {
  const { change, prediction, mode, stage } = state;
  const plain = (kind: NoteView["kind"], text: string): NoteView => ({ kind, text, actions: [] });
  if (complaint !== null) return plain("complaint", complaint);
  if (prediction && !prediction.revealed) {
    const n = prediction.guesses.size;
    return {
      kind: "predicting",
      text: `Which outputs will change? Mark them (click, or Space), then check. ${n === 0 ? "None marked yet." : `${n} marked.`}`,
      actions: [
        { id: "check", label: "Check", primary: true },
        { id: "cancel", label: "Cancel", primary: false },
      ],
    };
  }
  if (prediction?.revealed && change) {
    return plain("scored", `${scoreText(prediction.guesses, change)} ${describe(stage, change)}`);
  }
  if (mode === "stack") {
    const text = stack.now.rippleText(state);
    const kind = state.ripple?.at(-1)?.changed.size ? "changed" : "unchanged";
    return text === null
      ? plain("", "Edit the input or a weight and watch the change ripple through the layers.")
      : plain(kind, text);
  }
  if (mode === "picture") {
    return seesPictures(stage)
      ? plain(
          "",
          "Edit or drag the kernel's weights and watch the picture. Point at a pixel of the result for its sum.",
        )
      : plain(
          "complaint",
          "A picture needs a Conv2d with 1 or 3 channels in and out: choose a filter.",
        );
  }
  if (change)
    return plain(change.changed.size > 0 ? "changed" : "unchanged", describe(stage, change));
  if (mode === "predict") {
    return plain(
      "predicting",
      "Edit a cell of input, weight or bias. The outcome stays hidden until you have guessed.",
    );
  }
  if (mode === "step") {
    const { last, noun } = transportView(state);
    return plain(
      "",
      `${state.step} of ${last} ${noun}s ${noun === "stamp" ? "made" : "computed"}.`,
    );
  }
  return plain("", "Edit a number: click it and type, or drag it sideways.");
}

export function transportView(state: State): TransportView {
  return { step: state.step, ...stepsOf(state.stage) };
}

export function refusalView(state: State): RefusalView | null {
  const { attempt, stage } = state;
  if (!attempt) return null;
  const actions = [{ id: "back", label: wayBack(state) }];
  const channels = attempt.args.inChannels;
  if (
    channels !== attempt.inputShape[0] &&
    "stage" in propose(stage, attempt.args, withChannels(attempt))
  ) {
    actions.push({ id: "channels", label: `Give the input ${channels} channels` });
  }
  const sizes = [
    ...attempt.inputShape,
    ...[attempt.args.kernelSize, attempt.args.stride, attempt.args.dilation].flat(),
  ];
  const aboutSizes =
    channels === attempt.inputShape[0] && sizes.every((size) => Number.isInteger(size) && size > 0);
  return {
    title: "This layer cannot run. PyTorch says:",
    message: attempt.message,
    formula: aboutSizes ? { ...formulaView(state), brief: true } : null,
    actions,
  };
}

/** The attempt's input, with as many channels as its layer wants. */
export function withChannels({ args, inputShape }: Attempt): readonly number[] {
  return inputShape.map((size, axis) => (axis === 0 ? args.inChannels : size));
}

/** In Picture mode: what the picture is for the layer, which then stands in place of the input. */
function pictureShape({ mode, stage }: State): readonly number[] | null {
  return mode === "picture" && seesPictures(stage)
    ? (pictures.loaded?.pictureShape(stage) ?? null)
    : null;
}

const AXES = [["length"], ["height", "width"], ["depth", "height", "width"]] as const;

export function formulaView(state: State): FormulaView {
  const { stage, attempt } = state;
  const args = attempt?.args ?? stage.args;
  const inputShape = attempt?.inputShape ?? pictureShape(state) ?? stage.input.shape;
  const { frame, layer } = evaluate(stage);
  const out = attempt ? null : layer.outputShape(inputShape).slice(1);
  const padding = args.padding;
  return {
    transposed: args.transposed,
    axes: AXES[args.axes - 1]!.map((axis, i) => ({
      axis,
      size: inputShape[i + 1]!,
      padding:
        typeof padding !== "string"
          ? perAxis(padding, args.axes)[i]!
          : padding === "valid" || attempt
            ? 0
            : (frame.before[i]! + frame.after[i]!) / 2,
      dilation: perAxis(args.dilation, args.axes)[i]!,
      kernel: perAxis(args.kernelSize, args.axes)[i]!,
      stride: perAxis(args.stride, args.axes)[i]!,
      outputPadding: perAxis(args.outputPadding, args.axes)[i]!,
      out: out?.[i] ?? null,
    })),
  };
}

/** Parameter and multiply counts, as [term, value, detail]. */
export function countsView(state: State): readonly (readonly [string, string, string])[] {
  const { stage } = state;
  const inputShape = pictureShape(state) ?? stage.input.shape;
  const inputs = count(inputShape);
  const outputs = count(evaluate(stage).layer.outputShape(inputShape));
  const weights = stage.weight.size;
  const biases = stage.bias?.size ?? 0;
  const multiplications = products(
    stage.args,
    { input: { size: inputs }, weight: stage.weight },
    outputs,
  );
  return [
    [
      "Parameters",
      grouped(weights + biases),
      `${plural(weights, "weight")} + ${plural(biases, "bias").replace(/biass$/u, "biases")}`,
    ],
    ["Multiplications", grouped(multiplications), productsText(stage, inputs, outputs)],
  ];
}

/** "3 outputs × 6 weights": where the number of multiplications comes from. */
function productsText({ args, weight }: Stage, inputs: number, outputs: number): string {
  return args.transposed
    ? `${plural(inputs, "input")} × ${plural(weight.size / args.inChannels, "weight")}`
    : `${plural(outputs, "output")} × ${plural(weight.size / args.outChannels, "weight")}`;
}

export function printView(state: State): PrintView {
  const { layer, output } = evaluate(state.stage);
  const picture = pictureShape(state);
  return {
    lines: [
      { prompt: "conv", text: String(layer) },
      picture
        ? {
            prompt: "conv(x).shape",
            text: `torch.Size([${layer.outputShape(picture).join(", ")}])`,
          }
        : { prompt: "conv(x)", text: String(output) },
    ],
  };
}

export function paramView(state: State): ParamView {
  const { stage, attempt } = state;
  return {
    args: attempt?.args ?? stage.args,
    inputShape: attempt?.inputShape ?? stage.input.shape,
    picture: pictureShape(state),
    wrong: new Set(attempt ? differing(state) : []),
  };
}

/** The fields in which an attempt differs from the stage. */
export function differing({ stage, attempt }: State): (ArgName | "inputShape")[] {
  if (!attempt) return [];
  const names = (Object.keys(stage.args) as ArgName[]).filter((name) =>
    attempt.args.axes !== stage.args.axes
      ? name === "axes"
      : !sameArg(stage.args, attempt.args, name),
  );
  const shape =
    String(attempt.inputShape) === String(stage.input.shape) ? [] : ["inputShape" as const];
  return [...names, ...shape];
}

/** "Back to stride = 1": the way out of a refused attempt. */
export function wayBack(state: State): string {
  const { stage } = state;
  const fields = differing(state).map((name) =>
    name === "inputShape"
      ? `an input of (${stage.input.shape.join(", ")})`
      : `${torchName(name)} = ${argText(stage.args, name)}`,
  );
  return fields.length > 0 && fields.length <= 2
    ? `Back to ${listed(fields)}`
    : "Back to the last valid layer";
}

export function torchName(name: ArgName): string {
  return name.replace(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

function argText(args: LayerArgs, name: ArgName): string {
  const value = args[name];
  return Array.isArray(value) ? `(${value.join(", ")})` : String(value);
}

export function lessonView(state: State, finished: ReadonlySet<string>): LessonView {
  const list = OUTLINE.map(({ id, title }) => ({ id, title, finished: finished.has(id) }));
  const lesson = state.lesson && lessonOf(state.lesson.id);
  if (!lesson || !state.lesson) return { list, open: null };
  const { step, done } = state.lesson;
  const now = lesson.steps[step];
  const number = OUTLINE.findIndex(({ id }) => id === lesson.id) + 1;
  return {
    list,
    open: {
      id: lesson.id,
      title: lesson.title,
      number,
      intro: lesson.intro,
      past: lesson.steps.slice(0, step).map(({ task, found }) => found ?? task),
      task: now?.task ?? null,
      found: done ? (now?.found ?? "") : null,
      step,
      steps: lesson.steps.length,
      last: step === lesson.steps.length - 1,
      actsAlone: now?.goal.kind === "read",
      next: OUTLINE[number]?.title ?? null,
    },
  };
}
