// <conv-scope>: the explorer in any page, by one script:
//
//   <script type="module" src="https://…/conv-scope.js"></script>
//   <conv-scope state="layer=Conv2d&in=1&…" height="640"></conv-scope>
//
// It holds the explorer in a frame, so neither page's style or script meets the
// other's. `state` is what stands after the # of a link; setting it anew shows that.
const page = new URL("./?embed", import.meta.url);

class ConvScope extends HTMLElement {
  static observedAttributes = ["state", "height"];
  #frame = document.createElement("iframe");

  connectedCallback(): void {
    this.#frame.title = "convscope: a convolution, cell by cell";
    this.#frame.allow = "clipboard-write";
    this.#frame.style.setProperty("width", "100%");
    this.#frame.style.setProperty("border", "0");
    this.style.setProperty("display", "block");
    this.#show();
    this.append(this.#frame);
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#show();
  }

  #show(): void {
    const height = Number(this.getAttribute("height") ?? 640);
    this.#frame.style.setProperty("height", `${Number.isFinite(height) ? height : 640}px`);
    const address = new URL(page);
    address.hash = this.getAttribute("state") ?? "";
    if (this.#frame.src !== address.href) this.#frame.src = address.href;
  }
}

if (!customElements.get("conv-scope")) customElements.define("conv-scope", ConvScope);
