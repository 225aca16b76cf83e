// Picture mode: which picture is open, where it is pointed at, and what <picture-view> shows of
// it and sends. Loaded when the mode is first entered.
import { useFilter } from "./actions.js";
import { h } from "./elements/dom.js";
import { PictureBox, type PictureView } from "./elements/picture-view.js";
import type { SumView } from "./elements/sum-of-products.js";
import { evaluate } from "./model.js";
import { photoPointing } from "./photo-pointing.js";
import { FILTERS } from "./filters.js";
import { canBeThinned, filterOf, filtered, MAX_SIDE, photoOf, type Photo } from "./photo.js";
import { samplePicture } from "./sample.js";
import { page } from "./page.js";
import { on, render, session, set } from "./session.js";
import type { Stage, State } from "./state.js";

export { filterStage } from "./filters.js";

customElements.define("picture-view", PictureBox);

/** What is looked at: the sample until something is opened. */
let pixels: ImageData | null = null;
let inColour = false;
let photo: Photo | null = null;
let pointed: { readonly x: number; readonly y: number } | null = null;
let camera: { readonly stream: MediaStream; readonly video: HTMLVideoElement } | null = null;
/** One object per stage, photo and step, so that the result is drawn once for each. */
let shownOf: { stage: Stage; photo: Photo; step: number } | null = null;

on<{ x: number; y: number }>("picture-point", ({ x, y }) => {
  pointed = x < 0 ? null : { x, y };
  render();
});
on<{ wanted: boolean }>("picture-colour", ({ wanted }) => {
  inColour = wanted;
  photo = null;
  render();
});
on<{ live: boolean }>("picture-camera", ({ live }) => void useCamera(live));
on<{ file: File }>("picture-open", ({ file }) => void openPicture(file));
on<{ filter: number }>("picture-filter", ({ filter }) => set(useFilter(session.history, filter)));
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const file = files.find(({ type }) => type.startsWith("image/"));
  if (file && session.history.now.mode === "picture") void openPicture(file);
});

/** The shape that the picture has for the stage's layer. */
export function pictureShape({ args }: Stage): readonly number[] {
  pixels ??= samplePicture();
  return [args.inChannels, pixels.height, pixels.width];
}

let sharpen: ReturnType<typeof setTimeout> | undefined;

/**
 * A picture through the layer; its kernel is the figure's. While a value is dragged it is drawn
 * as fine as the screen shows it, and in full as soon as the hand rests.
 */
export function drawPicture(state: State, moves = session.dragged): void {
  const { view, sum } = pictureView(state.stage, moves ? page.picture.across : Infinity);
  clearTimeout(sharpen);
  if (moves)
    sharpen = setTimeout(() => page.picture.hidden || drawPicture(session.history.now, false), 100);
  page.picture.view = view;
  if (sum) page.sum.view = sum;
}

/**
 * What to show; the sum where a pixel is pointed at. `across` is how many of the result's pixels
 * the screen has room for side by side: a larger result is drawn no finer than that.
 */
function pictureView(stage: Stage, across: number): { view: PictureView; sum: SumView | null } {
  pixels ??= samplePicture();
  photo ??= photoOf(pixels, inColour);
  const source = photo.colour ?? photo.grey;
  const [, high, wide] = source.shape as [number, number, number];
  const [height, width] = evaluate(stage)
    .layer.outputShape([stage.args.inChannels, high, wide])
    .slice(-2) as [number, number];
  const step = canBeThinned(stage) ? Math.max(1, Math.floor(width / across)) : 1;
  if (shownOf?.stage !== stage || shownOf.photo !== photo || shownOf.step !== step)
    shownOf = { stage, photo, step };
  const offset =
    pointed && pointed.x < width && pointed.y < height ? pointed.y * width + pointed.x : null;
  const found = offset === null ? null : photoPointing(stage, photo, offset);
  return {
    view: {
      source: {
        values: source.data,
        planes: source.shape[0]!,
        width: wide,
        height: high,
        of: [wide, high],
        version: photo,
      },
      result: { ...filtered(stage, photo, step), of: [width, height], version: shownOf },
      window: found?.window ?? null,
      filters: FILTERS.map(({ name }) => name),
      filter: filterOf(stage),
      inColour,
      live: camera !== null,
    },
    sum: found?.sum ?? null,
  };
}

async function openPicture(file: Blob): Promise<void> {
  try {
    take(await createImageBitmap(file));
    closeCamera();
    set(session.history);
  } catch {
    set(session.history, "This file is no picture that the browser can read.");
  }
}

async function useCamera(running: boolean): Promise<void> {
  closeCamera();
  if (running) return set(session.history);
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 } },
    });
    if (session.history.now.mode !== "picture") {
      // Allowed only after the mode was left.
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    const video = h("video", { playsinline: true });
    video.muted = true;
    video.srcObject = stream;
    await video.play();
    const mine = { stream, video };
    camera = mine;
    const look = (): void => {
      if (camera !== mine) return;
      take(video);
      render();
      requestAnimationFrame(look);
    };
    look();
    set(session.history);
  } catch {
    closeCamera();
    set(session.history, "There is no camera to be had, or the browser was not allowed to use it.");
  }
}

/** The last frame stays. */
export function closeCamera(): void {
  camera?.stream.getTracks().forEach((track) => track.stop());
  camera = null;
}

/** Takes what can be drawn, scaled down to the page's measure. */
function take(source: ImageBitmap | HTMLVideoElement): void {
  const [wide, high] =
    source instanceof HTMLVideoElement
      ? [source.videoWidth, source.videoHeight]
      : [source.width, source.height];
  const scale = Math.min(1, MAX_SIDE / Math.max(wide, high));
  const canvas = h("canvas", {
    width: Math.max(1, Math.round(wide * scale)),
    height: Math.max(1, Math.round(high * scale)),
  });
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  photo = null;
  if (!(source instanceof HTMLVideoElement)) pointed = null;
}
