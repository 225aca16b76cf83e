// Picture: a photo through the stage's layer, live.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { cell, close, enterPicture, note, numbers, open, visit } from "./harness.js";

before(open);
after(close);

/** Grey values of the result at some pixels. */
function pixels(page: Page, points: readonly (readonly [number, number])[]): Promise<number[]> {
  return page
    .locator("picture-view canvas")
    .nth(1)
    .evaluate((canvas, list) => {
      const pen = (canvas as HTMLCanvasElement).getContext("2d")!;
      return list.map(([x, y]) => pen.getImageData(x, y, 1, 1).data[0]!);
    }, points);
}

/** A picture of 4 × 3 pixels: black, but for one white pixel at (1, 1). */
const DOT = {
  name: "dot.bmp",
  mimeType: "image/bmp",
  buffer: (() => {
    const row = 12; // 4 pixels of 3 bytes
    const bytes = Buffer.alloc(54 + 3 * row);
    bytes.write("BM");
    bytes.writeUInt32LE(bytes.length, 2);
    bytes.writeUInt32LE(54, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(4, 18);
    bytes.writeInt32LE(-3, 22); // rows from the top
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(24, 28);
    bytes.fill(255, 54 + row + 3, 54 + row + 6);
    return bytes;
  })(),
};

test("an own picture goes through the filter, and a kernel edit shows at once", async () => {
  const { page, complaints } = await visit();
  await enterPicture(page);
  assert.deepEqual(await numbers(page, "weight"), [
    "-1.",
    "-1.",
    "-1.",
    "-1.",
    "8.",
    "-1.",
    "-1.",
    "-1.",
    "-1.",
  ]);
  const toys = page.locator('tensor-grid:is([data-role="input"], [data-role="output"])');
  for (const toy of await toys.all())
    assert.equal(await toy.isVisible(), false, "a picture instead");
  await page.getByRole("button", { name: "Identity" }).click();
  await page.locator("#picture-file").setInputFiles(DOT);
  await page.waitForFunction(
    () => document.querySelector<HTMLCanvasElement>("picture-view canvas")?.width === 4,
  );
  const around = [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
  ] as const;
  assert.deepEqual(await pixels(page, around), [0, 255, 0, 0]);
  // The centre weight moves to its right neighbour: the dot moves left.
  await cell(page, "weight", 4).click();
  await page.keyboard.type("0\n");
  await cell(page, "weight", 5).click();
  await page.keyboard.type("1\n");
  assert.deepEqual(await pixels(page, around), [255, 0, 0, 0]);
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  assert.deepEqual(await pixels(page, around), [0, 255, 0, 0]);
  assert.deepEqual(complaints, []);
});

test("pointing at a pixel writes its sum out", async () => {
  const { page } = await visit();
  await enterPicture(page);
  await page.getByRole("button", { name: "Blur" }).click();
  await page.locator("picture-view canvas").nth(1).hover();
  assert.match(await page.locator(".sum-sentence").innerText(), /reads 9 pixels of the picture/);
  assert.equal(
    await page.locator("sum-of-products .term").count(),
    10,
    "nine products and the sum",
  );
  assert.equal(await page.locator(".lens").isVisible(), true);
});

test("a file that is no picture is refused in words", async () => {
  const { page } = await visit();
  await enterPicture(page);
  await page
    .locator("#picture-file")
    .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no") });
  await page.waitForFunction(() =>
    document.querySelector("#note")?.textContent?.includes("no picture"),
  );
  await page.getByRole("button", { name: "Sobel" }).click();
  assert.match(await note(page), /Edit or drag the kernel/);
});

/** Red, green and blue of the result's pixel in the middle. */
const middle = (page: Page): Promise<number[]> =>
  page
    .locator("picture-view canvas")
    .nth(1)
    .evaluate((canvas: HTMLCanvasElement) => [
      ...canvas
        .getContext("2d")!
        .getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1)
        .data.slice(0, 3),
    ]);

/** Opens a square black picture, in one colour from column `from` on. */
async function openSquare(page: Page, side: number, colour: string, from = 0): Promise<void> {
  const png = await page.evaluate(
    async ([side, colour, from]) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
      const pen = canvas.getContext("2d", { alpha: false })!;
      pen.fillStyle = colour;
      pen.fillRect(from, 0, side, side);
      const blob = await new Promise<Blob>((done) => canvas.toBlob((made) => done(made!)));
      return [...new Uint8Array(await blob.arrayBuffer())];
    },
    [side, colour, from] as const,
  );
  await page
    .locator("#picture-file")
    .setInputFiles({ name: "square.png", mimeType: "image/png", buffer: Buffer.from(png) });
  await page.waitForFunction(
    (width) => document.querySelector<HTMLCanvasElement>("picture-view canvas")?.width === width,
    side,
  );
}

const openRed = (page: Page): Promise<void> => openSquare(page, 4, "#ff0000");

test("while a weight is dragged a large picture is drawn as fine as the screen, then in full", async () => {
  const { page, complaints } = await visit();
  await enterPicture(page);
  await page.getByRole("button", { name: "Identity" }).click();
  await openSquare(page, 1024, "#ffffff", 301);
  const result = page.locator("picture-view canvas").nth(1);
  const shown = (await result.boundingBox())!;
  // Every size that the result is drawn in, with the pixels round the picture's edge.
  await result.evaluate((canvas: HTMLCanvasElement) => {
    const seen: [number, number[]][] = [];
    (window as { seen?: unknown }).seen = seen;
    new MutationObserver(() => {
      const step = 1024 / canvas.width;
      const pen = canvas.getContext("2d")!;
      const at = (x: number): number => pen.getImageData(x / step, 9, 1, 1).data[0]!;
      const drawn: [number, number[]] = [canvas.width, [300, 302].map(at)];
      if (String(seen.at(-1)) !== String(drawn)) seen.push(drawn);
    }).observe(canvas, { attributeFilter: ["width"] });
  });
  const centre = (await cell(page, "weight", 4).boundingBox())!;
  const [x, y] = [centre.x + centre.width / 2, centre.y + centre.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 30, y); // five steps of 0.1 down
  await page.waitForFunction(() => (window as { seen?: unknown[] }).seen!.length === 2);
  const seen = await page.evaluate(() => (window as { seen?: [number, number[]][] }).seen!);
  await page.mouse.up();
  assert.ok(shown.width >= 256 && shown.width < 512, `${shown.width}`);
  assert.equal(1024 % seen[0]![0], 0);
  assert.ok(seen[0]![0] >= shown.width && seen[0]![0] < 1024, "no coarser than the screen");
  assert.deepEqual(seen[0]![1], [0, 128]);
  assert.deepEqual(seen[1], [1024, [0, 128]], "in full while the hand rests");
  assert.deepEqual(await pixels(page, [[300, 9] as const, [301, 9] as const]), [0, 128]);
  assert.deepEqual(await result.boundingBox(), shown, "and no other size on the screen");
  assert.deepEqual(complaints, []);
});

test("in colour, one kernel goes over red, green and blue", async () => {
  const { page, complaints } = await visit();
  await enterPicture(page);
  await page.getByRole("button", { name: "Identity" }).click();
  await openRed(page);
  assert.deepEqual(await middle(page), [54, 54, 54], "in grey: 0.2126 of 255");
  await page.getByRole("switch", { name: "Colour" }).check();
  assert.deepEqual(await middle(page), [255, 0, 0]);
  await cell(page, "weight", 4).click();
  await page.keyboard.type("0.5\n");
  assert.deepEqual(await middle(page), [128, 0, 0], "half, rounded up");
  await page.locator("picture-view canvas").nth(1).hover();
  assert.match(await page.locator(".sum-sentence").innerText(), /its red: 0 is none, 1 is full/);
  assert.deepEqual(complaints, []);
});

test("a layer of three channels mixes red, green and blue", async () => {
  const { page } = await visit();
  await page.getByRole("button", { name: /^Take away/ }).click();
  await page
    .getByRole("textbox", { name: "Code or numbers to paste in" })
    .fill("nn.Conv2d(3, 3, 1, bias=False)");
  await page.getByRole("button", { name: "Put it on the stage" }).click();
  // Red goes into green, and nowhere else.
  await cell(page, "weight", 0).click();
  for (const [offset, value] of [0, 0, 0, 1, 0, 0, 0, 0, 0].entries()) {
    await cell(page, "weight", offset).click();
    await page.keyboard.type(`${value}\n`);
  }
  await enterPicture(page);
  await page.getByRole("switch", { name: "Colour" }).check();
  await openRed(page);
  assert.deepEqual(await middle(page), [0, 255, 0]);
});

test("the camera is asked for on use only, runs through the layer, and stops", async () => {
  const { page, complaints } = await visit("", { permissions: ["camera"] }, (page) =>
    page.addInitScript(() => {
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = async (wanted) => {
        document.documentElement.dataset["asked"] = "yes";
        const stream = await ask(wanted);
        (window as { stream?: MediaStream }).stream = stream;
        return stream;
      };
    }),
  );
  await enterPicture(page);
  const first = page.locator("picture-view canvas").first();
  await first.waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset["asked"]), undefined);
  await page.getByRole("button", { name: "Camera" }).click();
  await page.getByRole("button", { name: "Stop the camera" }).waitFor();
  const picture = () => first.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const seen = await picture();
  await page.waitForFunction(
    (old) => document.querySelector<HTMLCanvasElement>("picture-view canvas")!.toDataURL() !== old,
    seen,
  );
  await page.getByRole("radio", { name: "Explore" }).check();
  const live = () =>
    page.evaluate(() =>
      (window as { stream?: MediaStream })
        .stream!.getTracks()
        .some(({ readyState }) => readyState === "live"),
    );
  assert.equal(await live(), false, "leaving the mode turns the camera off");
  assert.deepEqual(complaints, []);
});

test("a camera that may not be used is said in words", async () => {
  const { page, complaints } = await visit("", {}, (page) =>
    page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () =>
        Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
    }),
  );
  await enterPicture(page);
  await page.getByRole("button", { name: "Camera" }).click();
  await page.getByText("There is no camera to be had, or the browser was not allowed").waitFor();
  await page.getByRole("button", { name: "Sobel" }).click();
  assert.match(await note(page), /Edit or drag the kernel/);
  assert.deepEqual(complaints, []);
});

test("beside a picture the parameters, the formula and the print speak of the picture", async () => {
  const { page, complaints } = await visit();
  await enterPicture(page);
  const sizes = page.locator("param-panel .param-size");
  const [, height, width] = (await sizes.allInnerTexts()).map(Number);
  const canvas = page.locator("picture-view canvas").first();
  assert.deepEqual(
    await canvas.evaluate((one) => [
      (one as HTMLCanvasElement).height,
      (one as HTMLCanvasElement).width,
    ]),
    [height, width],
  );
  const print = page.locator("torch-print pre");
  assert.ok((await print.innerText()).includes(`torch.Size([1, ${height}, ${width}])`));
  // A kernel that the small input behind the picture could not take.
  await page.fill('[data-key="kernelSize"]', "9");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#refusal").isVisible(), false);
  await print.getByText(`torch.Size([1, ${height! - 6}, ${width! - 6}])`).waitFor();
  assert.deepEqual(complaints, []);
});

test("a filter follows a layer that looks at three channels", async () => {
  const colours = Array.from({ length: 27 }, () => 1).join(",");
  const { page, complaints } = await visit(
    `layer=Conv2d&in=3&out=1&k=3&x=3x3x3:${colours}&w=1x3x3x3:${colours}`,
  );
  await enterPicture(page);
  await page.getByRole("button", { name: "Blur" }).click();
  await page.locator("#layer-name", { hasText: "Conv2d(1, 1," }).waitFor();
  assert.equal((await numbers(page, "weight"))[0], "0.1111");
  assert.deepEqual(complaints, []);
});
