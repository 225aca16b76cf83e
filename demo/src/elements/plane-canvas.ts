// Planes of many small cells as pictures: one pixel per cell, enlarged by the
// browser. The colours are those of the style sheet, read once per theme.

const SHADES = 128; // on either side of zero

export interface Shades {
  /** The theme that these were made for. */
  readonly key: string;
  /** From -SHADES to +SHADES, four bytes each. */
  readonly scale: Uint8ClampedArray;
  readonly change: Uint8ClampedArray;
  readonly lit: Uint8ClampedArray;
  readonly nothing: Uint8ClampedArray;
}

/** The colour that a custom property gives here and now. */
function resolved(probe: HTMLElement, name: string): string {
  probe.style.setProperty("color", `var(${name})`);
  return getComputedStyle(probe).color;
}

let latest: Shades | null = null;

/** The theme's colours as bytes, the same object as long as the theme is the same. */
export function shadesOf(host: HTMLElement): Shades {
  const chosen = document.documentElement.dataset.theme ?? "";
  const key = `${chosen} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
  if (latest?.key === key) return latest;
  const probe = document.createElement("span");
  host.append(probe);
  const [positive, negative, card, change, ink] = [
    "--positive",
    "--negative",
    "--card",
    "--change",
    "--ink",
  ].map((name) => resolved(probe, name)) as [string, string, string, string, string];
  probe.remove();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * SHADES + 4;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const dot = (x: number, colour: string): void => {
    context.fillStyle = colour;
    context.fillRect(x, 0, 1, 1);
  };
  for (let i = -SHADES; i <= SHADES; ++i) {
    const part = (100 * Math.abs(i)) / SHADES;
    dot(i + SHADES, `color-mix(in oklab, ${i < 0 ? negative : positive} ${part}%, ${card})`);
  }
  dot(2 * SHADES + 1, change);
  dot(2 * SHADES + 2, ink);
  dot(2 * SHADES + 3, card);
  const { data } = context.getImageData(0, 0, canvas.width, 1);
  const at = (x: number): Uint8ClampedArray => data.slice(4 * x, 4 * x + 4);
  latest = {
    key,
    scale: data.slice(0, 4 * (2 * SHADES + 1)),
    change: at(2 * SHADES + 1),
    lit: at(2 * SHADES + 2),
    nothing: at(2 * SHADES + 3),
  };
  return latest;
}

/** Writes the plane's values into `image`, one pixel each. */
export function paintPlane(
  image: ImageData,
  values: Float32Array,
  first: number,
  half: number,
  shades: Shades,
): void {
  const { data } = image;
  const { scale } = shades;
  const size = image.width * image.height;
  for (let i = 0; i < size; ++i) {
    const value = values[first + i]!;
    const strength = value / (Math.abs(value) + half);
    const shade =
      4 *
      (Number.isFinite(strength)
        ? Math.round(strength * SHADES) + SHADES
        : value > 0
          ? 2 * SHADES
          : 0);
    data[4 * i] = scale[shade]!;
    data[4 * i + 1] = scale[shade + 1]!;
    data[4 * i + 2] = scale[shade + 2]!;
    data[4 * i + 3] = 255;
  }
}

/** Writes one pixel, mixed half and half with what is there. */
export function tintPixel(
  image: ImageData,
  pixel: number,
  colour: Uint8ClampedArray,
  part: number,
): void {
  for (let channel = 0; channel < 3; ++channel) {
    const at = 4 * pixel + channel;
    image.data[at] = image.data[at]! * (1 - part) + colour[channel]! * part;
  }
}
