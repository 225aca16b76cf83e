// <picture-view>: a picture and what the layer makes of it, side by side, with the
// filters to choose from. Property `view` in; events out: picture-point, picture-open,
// picture-filter, picture-colour, picture-camera.
import { attribute, emit, h, hide } from "./dom.js";

export interface PictureView {
  readonly source: PlanarImage;
  readonly result: PlanarImage;
  /** The window that is pointed at, in source pixels: [left, top, width, height]. */
  readonly window: readonly [number, number, number, number] | null;
  readonly filters: readonly string[];
  /** Which of them the layer is, or -1. */
  readonly filter: number;
  readonly inColour: boolean;
  /** The camera runs. */
  readonly live: boolean;
}

export interface PlanarImage {
  /** From 0 to 1. */
  readonly values: Float32Array;
  /** 1: grey; 3: red, green and blue, one after the other. */
  readonly planes: number;
  readonly width: number;
  readonly height: number;
  /** Width and height of what this is a picture of: larger, where this is a shrunk one. */
  readonly of: readonly [number, number];
  /** It is drawn again when this is another object. */
  readonly version: object;
}

export class PictureBox extends HTMLElement {
  #source = h("canvas", { role: "img", "aria-label": "The picture" });
  #result = h("canvas", { role: "img", "aria-label": "The picture after the layer" });
  #lens = h("div", { class: "lens", hidden: true });
  #buttons = h("div", { class: "files" });
  #drawn = new Map<HTMLCanvasElement, object>();
  #pixels = new Map<HTMLCanvasElement, ImageData>();
  #of: readonly [number, number] = [1, 1];
  #across = Infinity;
  #filters = "";
  #live = false;
  #colour = h("input", { type: "checkbox", class: "switch", role: "switch", id: "picture-colour" });
  #camera = h("button", { type: "button", class: "secondary" }, "Camera");

  connectedCallback(): void {
    if (this.childElementCount > 0) return;
    const file = h("input", {
      type: "file",
      accept: "image/*",
      class: "visually-hidden",
      id: "picture-file",
      tabindex: "-1",
    });
    file.addEventListener("change", () => {
      const [picture] = file.files ?? [];
      if (picture) emit(this, "picture-open", { file: picture });
      file.value = "";
    });
    const open = h("button", { type: "button", class: "primary" }, "Open a picture");
    open.addEventListener("click", () => file.click());
    this.#colour.addEventListener("change", () =>
      emit(this, "picture-colour", { wanted: this.#colour.checked }),
    );
    this.#camera.addEventListener("click", () =>
      emit(this, "picture-camera", { live: this.#live }),
    );
    this.append(
      h(
        "div",
        { class: "pictures" },
        h(
          "figure",
          {},
          h("figcaption", {}, "Picture"),
          h("div", { class: "frame" }, this.#source, this.#lens),
        ),
        h(
          "figure",
          {},
          h("figcaption", {}, "After the layer"),
          h("div", { class: "frame" }, this.#result),
        ),
      ),
      h(
        "div",
        { class: "dialog-row" },
        this.#buttons,
        h("label", { for: "picture-file", class: "visually-hidden" }, "Picture file"),
        file,
        h(
          "div",
          { class: "files" },
          h("label", { class: "switch-label", for: "picture-colour" }, "Colour", this.#colour),
          this.#camera,
          open,
        ),
      ),
      h("p", { class: "quiet" }, "Nothing leaves this page. You can also paste or drop a picture."),
    );
    for (const type of ["pointermove", "pointerdown"] as const) {
      this.#result.addEventListener(type, (event) => this.#point(event));
    }
    this.#result.addEventListener("pointerleave", () =>
      emit(this, "picture-point", { x: -1, y: -1 }),
    );
    // Noted when it changes: to ask in every frame of a drag would lay the page out twice.
    new ResizeObserver(([entry]) => (this.#across = entry!.contentRect.width)).observe(
      this.#result,
    );
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      const [picture] = event.dataTransfer?.files ?? [];
      if (picture) emit(this, "picture-open", { file: picture });
    });
  }

  /** How many pixels the screen has for a row of the result. */
  get across(): number {
    return this.#across * devicePixelRatio;
  }

  set view(view: PictureView) {
    this.#of = view.result.of;
    this.#draw(this.#source, view.source);
    this.#draw(this.#result, view.result);
    hide(this.#lens, view.window === null);
    if (view.window) {
      const [left, top, width, height] = view.window;
      const { source } = view;
      this.#lens.style.setProperty("left", `${(100 * left) / source.width}%`);
      this.#lens.style.setProperty("top", `${(100 * top) / source.height}%`);
      this.#lens.style.setProperty("width", `${(100 * width) / source.width}%`);
      this.#lens.style.setProperty("height", `${(100 * height) / source.height}%`);
    }
    this.#colour.checked = view.inColour;
    this.#live = view.live;
    const camera = view.live ? "Stop the camera" : "Camera";
    if (this.#camera.textContent !== camera) this.#camera.textContent = camera;
    const filters = view.filters.join();
    if (filters !== this.#filters) {
      this.#filters = filters;
      this.#buttons.replaceChildren(
        ...view.filters.map((name, i) => {
          const button = h("button", { type: "button", class: "secondary" }, name);
          button.addEventListener("click", () => emit(this, "picture-filter", { filter: i }));
          return button;
        }),
      );
    }
    [...this.#buttons.children].forEach((button, i) =>
      attribute(button, "aria-pressed", String(i === view.filter)),
    );
  }

  #draw(canvas: HTMLCanvasElement, image: PlanarImage): void {
    const { values, planes, width, height, of, version } = image;
    if (this.#drawn.get(canvas) === version) return;
    this.#drawn.set(canvas, version);
    let pixels = this.#pixels.get(canvas);
    if (!pixels || pixels.width !== width || pixels.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.setProperty("aspect-ratio", of.join(" / "));
      pixels = new ImageData(width, height);
      this.#pixels.set(canvas, pixels);
    }
    // One 32-bit write per pixel: opaque, 0 to 255 in each of three bytes.
    const words = new Uint32Array(pixels.data.buffer);
    const size = words.length;
    if (planes === 1) {
      for (let i = 0; i < size; ++i)
        words[i] = (((values[i]! * 255 + 0.5) | 0) * 0x10101) | 0xff000000;
    } else {
      for (let i = 0; i < size; ++i)
        words[i] =
          (values[i]! * 255 + 0.5) |
          0 |
          (((values[size + i]! * 255 + 0.5) | 0) << 8) |
          (((values[2 * size + i]! * 255 + 0.5) | 0) << 16) |
          0xff000000;
    }
    // Pixels are written here and never drawn: they need no graphics card, and no blending.
    canvas.getContext("2d", { alpha: false, willReadFrequently: true })!.putImageData(pixels, 0, 0);
  }

  #point(event: PointerEvent): void {
    const canvas = this.#result;
    const [width, height] = this.#of;
    const x = Math.floor((event.offsetX * width) / canvas.clientWidth);
    const y = Math.floor((event.offsetY * height) / canvas.clientHeight);
    if (x >= 0 && y >= 0 && x < width && y < height) emit(this, "picture-point", { x, y });
  }
}
