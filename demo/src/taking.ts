// Taking: what the take-away dialog does, out and in. Loaded when it is first opened, or when
// numbers are pasted.
import { loadNpy, saveNpy, Sequential, toOnnx } from "convscope";
import { codeFor, DIALECTS, embedCode } from "./code.js";
import { bringInput, bringLayer, pasteInto } from "./bringing.js";
import { figureView } from "./drawing.js";
import { TakeAway } from "./elements/take-away.js";
import { download, png } from "./files.js";
import { share } from "./following.js";
import { tensorOf } from "./model.js";
import { page } from "./page.js";
import { parseLayer, parseNumbers, type Numbers } from "./paste.js";
import { svgPicture } from "./picture.js";
import { forget, on, session, set, take } from "./session.js";
import { tower } from "./stack.js";
import type { LayerArgs, LayerPlace, Role, Target } from "./state.js";

customElements.define("take-away", TakeAway);

on<{ name: string }>("take-file", ({ name }) => void takeFile(name));
on<{ text: string }>("paste-in", ({ text }) => bringIn(read(text)));
on<{ file: File }>("file-in", ({ file }) => void readFile(file).then(bringIn));

/** Everything the dialog offers, by the file's name. */
const TENSOR_FILES: Readonly<Record<string, Role>> = {
  x: "input",
  weight: "weight",
  bias: "bias",
  y: "output",
};

export function openDialog(): void {
  const { stage } = session.history.now;
  share();
  page.takeAway.open({
    code: [
      ...DIALECTS.map((name) => ({ name, text: codeFor(stage, name) })),
      { name: "Embed", text: embedCode(new URL(location.href)) },
    ],
    files: [
      "x.npy",
      "weight.npy",
      ...(stage.bias ? ["bias.npy"] : []),
      "y.npy",
      "layer.onnx",
      "figure.svg",
      "figure.png",
    ],
  });
}

async function takeFile(name: string): Promise<void> {
  const state = session.history.now;
  const { stage } = state;
  const [stem, kind] = name.split(".") as [string, string];
  if (kind === "npy")
    return download(name, new Blob([saveNpy(tensorOf(stage, TENSOR_FILES[stem]!))]));
  if (kind === "onnx") {
    // What follows the layer goes with it.
    const { parts } = tower(stage);
    const model = parts.length > 1 ? new Sequential(...parts) : parts[0]!;
    return download(name, new Blob([toOnnx(model, stage.input.shape)]));
  }
  // Of the tensors, whatever the mode shows beside them.
  const { backdrop, grids } = figureView({ ...state, mode: "explore" });
  const svg = new Blob([svgPicture(backdrop.view, grids)], { type: "image/svg+xml" });
  download(name, kind === "svg" ? svg : await png(svg));
}

/** Numbers pasted at a cell of the figure. */
export function paste(place: Target | LayerPlace, offset: number, text: string): void {
  const pasted = parseNumbers(text);
  if ("problem" in pasted) set(session.history, pasted.problem);
  else take(pasteInto(session.history, place, offset, pasted.value));
}

/** What is brought in: a layer's code, or numbers for the input. */
type Found = { layer: LayerArgs } | { numbers: Numbers } | { problem: string };

function bringIn(found: Found): void {
  if ("problem" in found) return page.takeAway.complain(found.problem);
  forget();
  if ("layer" in found) set(bringLayer(session.history, found.layer));
  else {
    const next = bringInput(session.history, found.numbers);
    if ("problem" in next) return page.takeAway.complain(next.problem);
    set(next);
  }
  page.takeAway.close();
}

function read(text: string): Found {
  const layer = parseLayer(text);
  if (layer) return "problem" in layer ? layer : { layer: layer.value };
  const numbers = parseNumbers(text);
  return "problem" in numbers ? numbers : { numbers: numbers.value };
}

/** The numbers of a .npy file. */
async function readFile(file: Blob): Promise<Found> {
  try {
    const { shape, data } = loadNpy(await file.arrayBuffer());
    return { numbers: { shape, data } };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
