// Picture: a photo through the stage's layer, live.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { cell, close, note, numbers, open, visit } from "./harness.js";

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
  await page.getByRole("radio", { name: "Picture" }).check();
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
  await page.getByRole("radio", { name: "Picture" }).check();
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
  await page.getByRole("radio", { name: "Picture" }).check();
  await page
    .locator("#picture-file")
    .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no") });
  await page.waitForFunction(() =>
    document.querySelector("#note")?.textContent?.includes("no picture"),
  );
  await page.getByRole("button", { name: "Sobel" }).click();
  assert.match(await note(page), /Edit or drag the kernel/);
});
