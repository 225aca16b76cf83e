// Picture mode: which picture is open, where it is pointed at, and what <picture-view>
// shows of it. Loaded when the mode is first entered.
import { h } from "./elements/dom.js";
import { PictureBox, type PictureView } from "./elements/picture-view.js";
import type { SumView } from "./elements/sum-of-products.js";
import { evaluate } from "./model.js";
import { photoPointing } from "./photo-pointing.js";
import { FILTERS } from "./filters.js";
import { canBeThinned, filterOf, filtered, MAX_SIDE, photoOf, type Photo } from "./photo.js";
import { samplePicture } from "./sample.js";
import type { Stage } from "./state.js";

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

export function pointAt(x: number, y: number): void {
  pointed = x < 0 ? null : { x, y };
}

export function showColour(wanted: boolean): void {
  inColour = wanted;
  photo = null;
}

/**
 * What to show; the sum where a pixel is pointed at. `across` is how many of the result's pixels
 * the screen has room for side by side: a larger result is drawn no finer than that.
 */
export function pictureView(
  stage: Stage,
  across: number,
): { view: PictureView; sum: SumView | null } {
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

/** Takes a picture from a file; false if the browser cannot read it. */
export async function openPicture(file: Blob): Promise<boolean> {
  try {
    take(await createImageBitmap(file));
    closeCamera();
    return true;
  } catch {
    return false;
  }
}

/** Asks for the camera and calls `seen` for every frame; false if there is none to be had. */
export async function openCamera(seen: () => void): Promise<boolean> {
  closeCamera();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 } },
    });
    const video = h("video", { playsinline: true });
    video.muted = true;
    video.srcObject = stream;
    await video.play();
    const mine = { stream, video };
    camera = mine;
    const look = (): void => {
      if (camera !== mine) return;
      take(video);
      seen();
      requestAnimationFrame(look);
    };
    look();
    return true;
  } catch {
    closeCamera();
    return false;
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
