// Following: the address follows the state, so that a link to the page is a link to what it shows.
import { session, set } from "./session.js";
import { toHash } from "./share.js";

/** Larger states go into the address only when a link is asked for. */
const MAX_FOLLOWED = 4096;
let shared = "";
let timer: ReturnType<typeof setTimeout> | null = null;

/** Whether the address is what this page wrote there itself. */
export function isOwnAddress(): boolean {
  return location.hash.slice(1) === shared;
}

/** But not every frame of a drag. */
export function shareLater(): void {
  if (timer !== null) clearTimeout(timer);
  const { input, weight } = session.history.now.stage;
  if (input.size + weight.size <= MAX_FOLLOWED) timer = setTimeout(share, 250);
}

export function share(): void {
  timer = null;
  const { stage, lesson, mode, slices } = session.history.now;
  shared = toHash(stage, lesson && { id: lesson.id, step: lesson.step }, mode, slices);
  if (!isOwnAddress()) history.replaceState(null, "", `#${shared}`);
}

export async function copyLink(): Promise<void> {
  share();
  const copied = await navigator.clipboard.writeText(location.href).then(
    () => true,
    () => false,
  );
  set(
    session.history,
    copied
      ? "The link is in the clipboard."
      : "The address bar holds the link: copy it from there.",
  );
}
