// <picture-view>: a picture and what the layer makes of it, side by side, with the
// filters to choose from. Property `view` in; events out: picture-point, picture-open,
// picture-filter, picture-colour, picture-camera.
import { attribute, emit, h } from "./dom.js";

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
  readonly values: Float32Array;
  /** 1: grey; 3: red, green and blue, one after the other. */
  readonly planes: number;
  readonly width: number;
  readonly height: number;
  /** It is drawn again when this is another object. */
  readonly version: object;
}

/** Opaque greys: the same byte in all three channels. */
const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => 0xff000000 + grey * 0x10101);

export class PictureBox extends HTMLElement {
  #source = h("canvas", { role: "img", "aria-label": "The picture" });
  #result = h("canvas", { role: "img", "aria-label": "The picture after the layer" });
  #lens = h("div", { class: "lens", hidden: true });
  #buttons = h("div", { class: "files" });
  #drawn = new Map<HTMLCanvasElement, object>();
  #pixels = new Map<HTMLCanvasElement, ImageData>();
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
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      const [picture] = event.dataTransfer?.files ?? [];
      if (picture) emit(this, "picture-open", { file: picture });
    });
  }

  set view(view: PictureView) {
    this.#draw(this.#source, view.source);
    this.#draw(this.#result, view.result);
    this.#lens.hidden = view.window === null;
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

  #draw(canvas: HTMLCanvasElement, { values, planes, width, height, version }: PlanarImage): void {
    if (this.#drawn.get(canvas) === version) return;
    this.#drawn.set(canvas, version);
    let pixels = this.#pixels.get(canvas);
    if (!pixels || pixels.width !== width || pixels.height !== height) {
      canvas.width = width;
      canvas.height = height;
      pixels = new ImageData(width, height);
      this.#pixels.set(canvas, pixels);
    }
    // One 32-bit write per pixel, in every frame of a drag a million of them.
    const words = new Uint32Array(pixels.data.buffer);
    if (planes === 1) {
      for (let i = 0; i < words.length; ++i) {
        const grey = values[i]! * 255; // clamped and rounded as bytes are
        words[i] = GREYS[grey > 255 ? 255 : grey > 0 ? (grey + 0.5) | 0 : 0]!;
      }
    } else {
      const size = words.length;
      const bytes = pixels.data; // clamps by itself
      for (let i = 0; i < size; ++i) {
        bytes[4 * i] = values[i]! * 255;
        bytes[4 * i + 1] = values[size + i]! * 255;
        bytes[4 * i + 2] = values[2 * size + i]! * 255;
        bytes[4 * i + 3] = 255;
      }
    }
    canvas.getContext("2d", { willReadFrequently: true })!.putImageData(pixels, 0, 0);
  }

  #point(event: PointerEvent): void {
    const canvas = this.#result;
    const x = Math.floor((event.offsetX * canvas.width) / canvas.clientWidth);
    const y = Math.floor((event.offsetY * canvas.height) / canvas.clientHeight);
    if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height)
      emit(this, "picture-point", { x, y });
  }
}
