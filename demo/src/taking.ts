// Taking: what the take-away dialog does. Loaded when it is first opened.
import { loadNpy, saveNpy, Sequential, toOnnx } from "convscope";
import { codeFor, DIALECTS, embedCode } from "./code.js";
import { TakeAway } from "./elements/take-away.js";
import type { BackdropView } from "./elements/stage-backdrop.js";
import type { GridView } from "./elements/grid-view.js";
import { download, png } from "./files.js";
import { tensorOf } from "./model.js";
import { parseLayer, parseNumbers, type Numbers } from "./paste.js";
import { svgPicture } from "./picture.js";
import { tower } from "./stack.js";
import type { LayerArgs, Role, Stage } from "./state.js";

export * from "./bringing.js";

customElements.define("take-away", TakeAway);

/** Everything the dialog offers, by the file's name. */
const TENSOR_FILES: Readonly<Record<string, Role>> = {
  x: "input",
  weight: "weight",
  bias: "bias",
  y: "output",
};

export function openDialog(dialog: TakeAway, stage: Stage): void {
  dialog.open({
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

/** What the figure shows, for its picture. */
export interface Drawn {
  readonly backdrop: BackdropView;
  readonly grids: readonly GridView[];
}

export async function takeFile(name: string, stage: Stage, drawn: Drawn): Promise<void> {
  const [stem, kind] = name.split(".") as [string, string];
  if (kind === "npy")
    return download(name, new Blob([saveNpy(tensorOf(stage, TENSOR_FILES[stem]!))]));
  if (kind === "onnx") {
    // What follows the layer goes with it.
    const { parts } = tower(stage);
    const model = parts.length > 1 ? new Sequential(...parts) : parts[0]!;
    return download(name, new Blob([toOnnx(model, stage.input.shape)]));
  }
  const svg = new Blob([svgPicture(drawn.backdrop, drawn.grids)], { type: "image/svg+xml" });
  download(name, kind === "svg" ? svg : await png(svg));
}

/** What a pasted text is: a layer's code, or numbers for the input. */
export function read(
  text: string,
): { layer: LayerArgs } | { numbers: Numbers } | { problem: string } {
  const layer = parseLayer(text);
  if (layer) return "problem" in layer ? layer : { layer: layer.value };
  const numbers = parseNumbers(text);
  return "problem" in numbers ? numbers : { numbers: numbers.value };
}

/** The numbers of a .npy file. */
export async function readFile(file: Blob): Promise<{ numbers: Numbers } | { problem: string }> {
  try {
    const { shape, data } = loadNpy(await file.arrayBuffer());
    return { numbers: { shape, data } };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export { parseNumbers };
