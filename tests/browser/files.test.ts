// The state as files, and the system's clipboard. Neither is to be had in Firefox over
// WebDriver BiDi, so these stories are told in Chromium only.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { cell, close, enterStack, note, numbers, open, openLesson, visit } from "./harness.js";

before(open);
after(close);

test("files hold what the page shows", async () => {
  const { page } = await visit();
  const take = async (name: string): Promise<Buffer> => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name, exact: true }).click(),
    ]);
    assert.equal(file.suggestedFilename(), name);
    return readFileSync(await file.path());
  };
  await page.getByRole("button", { name: /^Take away/ }).click();
  const npy = await take("x.npy");
  assert.equal(npy.subarray(1, 6).toString(), "NUMPY");
  const header = npy.subarray(10, 10 + npy.readUInt16LE(8)).toString();
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3, 4\), \} *\n$/);
  assert.equal((10 + header.length) % 64, 0);
  const numbers = Array.from({ length: 12 }, (_, i) => npy.readFloatLE(10 + header.length + 4 * i));
  assert.deepEqual(numbers, [1, -2, 3, -4, 1, -2, 3, -4, 1, -2, 3, -4]);
  // In ONNX's own words: the operator, and each weight's four bytes.
  const onnx = await take("layer.onnx");
  assert.ok(onnx.includes("Conv") && onnx.includes("weight"));
  assert.ok(onnx.includes(Buffer.from(Float32Array.of(0.19365986).buffer)));
  const svg = (await take("figure.svg")).toString();
  assert.match(svg, />0\.4199</);
  assert.equal((await take("figure.png")).subarray(1, 4).toString(), "PNG");
});

test("a .npy file becomes the input, and one that is none is refused in words", async () => {
  const { page, complaints } = await visit();
  await page.getByRole("button", { name: /^Take away/ }).click();
  const bring = (buffer: Buffer) =>
    page.locator("#npy-file").setInputFiles({ name: "x.npy", mimeType: "", buffer });
  await bring(Buffer.from("no"));
  await page.locator(".problem:not(:empty)").waitFor();
  // Version 1.0 of the format, written out: two numbers for each of three channels.
  const about = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }".padEnd(117) + "\n";
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  const values = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  await bring(Buffer.concat([head, Buffer.from(about), values]));
  await page.locator("dialog").waitFor({ state: "hidden" });
  assert.deepEqual(await numbers(page, "input"), ["1.", "2.", "3.", "4.", "5.", "6."]);
  assert.deepEqual(complaints, []);
});

test("cells of a spreadsheet go in where the keyboard stands", async () => {
  const { page } = await visit("", { permissions: ["clipboard-read", "clipboard-write"] });
  await cell(page, "input", 1).click();
  await page.evaluate(() => navigator.clipboard.writeText("10\t20\n30\t40\n"));
  await page.keyboard.press("Control+v");
  await page.locator("#note.changed").waitFor();
  const wanted = ["1.", "10.", "20.", "-4.", "1.", "30.", "40.", "-4.", "1.", "-2.", "3.", "-4."];
  assert.deepEqual(await numbers(page, "input"), wanted);
  assert.match(await note(page), /outputs changed of 12/);
  await page.keyboard.press("Control+z");
  assert.equal((await numbers(page, "input"))[1], "-2.");
});

test("a range picked with Shift is copied, pasted elsewhere and cleared, each undone at once", async () => {
  const { page, complaints } = await visit("", {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const picked = (): Promise<number[]> =>
    page
      .locator('tensor-grid[data-role="input"] td[aria-selected]')
      .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-offset"))));
  const before = await numbers(page, "input");
  await cell(page, "input", 0).click();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  assert.deepEqual(await picked(), [0, 1, 4, 5]);
  await page.keyboard.press("Control+c");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "1\t-2\n1\t-2");
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await picked(), [], "an arrow alone lets go of the range");
  await page.keyboard.press("Control+v");
  await page.locator("#note.changed").waitFor();
  const pasted = ["1.", "-2.", "3.", "-4.", "1.", "-2.", "1.", "-2.", "1.", "-2.", "1.", "-2."];
  assert.deepEqual(await numbers(page, "input"), pasted);
  await page.keyboard.press("Control+z");
  // By mouse: from the cell clicked to the one clicked with Shift.
  await cell(page, "input", 1).click();
  await cell(page, "input", 7).click({ modifiers: ["Shift"] });
  assert.deepEqual(await picked(), [1, 2, 3, 5, 6, 7]);
  await page.keyboard.press("Delete");
  await page.locator("#note.changed").waitFor();
  const cleared = ["1.", "0.", "0.", "0.", "1.", "0.", "0.", "0.", "1.", "-2.", "3.", "-4."];
  assert.deepEqual(await numbers(page, "input"), cleared);
  await page.keyboard.press("Control+z");
  assert.deepEqual(await numbers(page, "input"), before);
  assert.deepEqual(complaints, []);
});

test("of a grid too large for numbers a range is picked, copied and cleared, too", async () => {
  const values = Array.from({ length: 1600 }, (_, i) => i).join(",");
  const { page, complaints } = await visit(
    `layer=Conv2d&in=1&out=1&k=1&x=1x40x40:${values}&w=1x1x1x1:1`,
    { permissions: ["clipboard-read", "clipboard-write"] },
    undefined,
    "weight",
  );
  const canvas = page.locator('tensor-grid[data-role="input"] canvas');
  const box = (await canvas.boundingBox())!;
  const side = box.width / 40;
  const at = (row: number, col: number) => ({
    position: { x: (col + 0.5) * side, y: (row + 0.5) * side },
  });
  await canvas.click(at(2, 3));
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  const outline = page.locator('tensor-grid[data-role="input"] .picked');
  const around = (await outline.boundingBox())!;
  assert.deepEqual(
    [around.x - box.x, around.y - box.y, around.width, around.height].map((px) =>
      Math.round(px / side),
    ),
    [3, 2, 2, 2],
  );
  await page.keyboard.press("Control+c");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "83\t84\n123\t124");
  await canvas.click(at(0, 0));
  assert.equal(await outline.isVisible(), false);
  await canvas.click({ ...at(1, 9), modifiers: ["Shift"] });
  await page.keyboard.press("Delete");
  await page.locator("#note.changed").waitFor();
  assert.match(await note(page), /^19 outputs changed of 1,600\./); // the first of the twenty was 0
  assert.deepEqual(complaints, []);
});

test("a block of numbers goes into any kernel of a stack, and one undo takes it out", async () => {
  const { page } = await visit("", { permissions: ["clipboard-read", "clipboard-write"] });
  await openLesson(page, "conv2d");
  await enterStack(page);
  const old = await numbers(page, "layer2.weight");
  await cell(page, "layer2.weight", 0).click();
  await page.evaluate(() => navigator.clipboard.writeText("1\t2\n3\t4\n"));
  await page.keyboard.press("Control+v");
  await page.locator('[data-role="layer2.weight"] td.edited').first().waitFor();
  assert.deepEqual(await numbers(page, "layer2.weight"), ["1.", "2.", "3.", "4."]);
  await page.keyboard.press("Control+z");
  assert.deepEqual(await numbers(page, "layer2.weight"), old);
});
