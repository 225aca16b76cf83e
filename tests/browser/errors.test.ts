// Whatever goes wrong on the page is said clearly, and the next action works.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cell, close, note, numbers, open, openLesson, visit } from "./harness.js";

before(open);
after(close);

const refusals = [
  {
    name: "a wrong in_channels",
    key: "inChannels",
    text: "3",
    message:
      /^Given groups=1, weight of size \[1, 3, 2, 2\], expected input\[1, 1, 3, 4\] to have 3 channels, but got 1 channels instead$/,
    back: "Back to in_channels = 1",
  },
  {
    name: "a kernel larger than its input",
    key: "kernelSize",
    text: "50",
    message:
      /^Calculated padded input size per channel: \(3 x 4\)\. Kernel size: \(50 x 50\)\. Kernel size can't be greater than actual input size$/,
    back: "Back to kernel_size = 2",
  },
  {
    name: "stride 0",
    key: "stride",
    text: "0",
    message: /non-positive stride is not supported/,
    back: "Back to stride = 1",
  },
  {
    name: "NaN as a size",
    key: "outChannels",
    text: "NaN",
    message: /outChannels.*NaN/,
    back: "Back to out_channels = 1",
  },
  {
    name: "a fraction",
    key: "dilation",
    text: "1.5",
    message: /dilation.*1\.5/,
    back: "Back to dilation = 1",
  },
  {
    name: "a layer too large for the page",
    key: "outChannels",
    text: "99999",
    message: /65,536/,
    back: "Back to out_channels = 1",
  },
] as const;

test("a picture without channels is refused in words, and the way back works", async () => {
  const { page, complaints } = await visit();
  await page.getByRole("radio", { name: "Picture" }).check();
  // The mode begins when its part of the page is there, and draws the parameters anew.
  await page.locator("picture-view canvas").first().waitFor();
  const field = page.getByRole("textbox", { name: "in_channels" });
  await field.fill("0");
  await field.press("Enter");
  await page.locator("#refusal", { hasText: "at least one cell" }).waitFor();
  await page.getByRole("button", { name: /^Back to in_channels = 1/ }).click();
  await page.locator("#refusal").waitFor({ state: "hidden" });
  await page.locator("picture-view canvas").first().waitFor();
  assert.deepEqual(complaints, []);
});

for (const { name, key, text, message, back } of refusals) {
  test(`${name} shows the library's message, keeps the last stage and leads back`, async () => {
    const { page, complaints } = await visit();
    await openLesson(page, "conv2d");
    const old = await numbers(page, "output");
    await page.fill(`[data-key="${key}"]`, text);
    await page.keyboard.press("Enter");
    const refusal = page.locator("#refusal");
    assert.match(await refusal.locator(".message").innerText(), message);
    assert.equal(await refusal.getAttribute("role"), "alert");
    assert.equal(await page.locator(`[data-key="${key}"]`).getAttribute("aria-invalid"), "true");
    assert.deepEqual(await numbers(page, "output"), old, "the last valid stage stays");
    await page.getByRole("button", { name: back }).click();
    assert.equal(await refusal.isVisible(), false);
    await cell(page, "input", 0).click();
    await page.keyboard.type("9\n");
    assert.match(await note(page), /1 output changed of 6/);
    assert.deepEqual(complaints, []);
  });
}

test("the other way out of a wrong in_channels gives the input those channels", async () => {
  const { page } = await visit();
  await openLesson(page, "conv2d");
  await page.fill('[data-key="inChannels"]', "3");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Give the input 3 channels" }).click();
  assert.equal(await page.locator("#refusal").isVisible(), false);
  assert.equal((await numbers(page, "input")).length, 36);
});

test("a text that is no number is refused in the cell, and Escape brings the value back", async () => {
  const { page, complaints } = await visit();
  await cell(page, "input", 0).click();
  await page.keyboard.type("abc\n");
  assert.match(await note(page), /“abc” is not a number/);
  assert.equal(await page.locator(".cell-editor").getAttribute("aria-invalid"), "true");
  await page.keyboard.press("Escape");
  assert.equal((await numbers(page, "input"))[0], "1.");
  await page.keyboard.type("2\n");
  assert.match(await note(page), /3 outputs changed of 12/);
  assert.deepEqual(complaints, []);
});

test("a missing wasm file is said, and Try again works once it is there", async () => {
  const { page } = await visit("", {}, (page) =>
    page.route("**/*.wasm", (route) => route.fulfill({ status: 404 })),
  );
  await page.getByText("The engine did not load.").waitFor();
  assert.match(await page.locator("#refusal .message").innerText(), /wasm/);
  await page.unroute("**/*.wasm");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForSelector('tensor-grid[data-role="output"] td');
  assert.equal((await numbers(page, "output"))[0], "0.4199");
});

for (const hash of [
  "%",
  "layer=Conv2d",
  "layer=Conv9d&x=1",
  "layer=Conv2d&in=1&out=1&k=99999x99999&x=1x1x1:1&w=1x1x99999x99999:1",
  "layer=Conv1d&in=1&out=1&k=1&s=0&x=1x1:1&w=1x1x1:1",
  "layer=Conv1d&in=1&out=1&k=1&x=1x2:1,<img src=x onerror=alert(1)>&w=1x1x1:1",
  `layer=Conv1d&in=1&out=1&k=1&x=1x1:${"9".repeat(5000)}&w=1x1x1:1`,
]) {
  test(`a hostile link gives a valid state: ${hash.slice(0, 60)}`, async () => {
    const { page, complaints } = await visit(hash);
    assert.ok((await numbers(page, "output")).length > 0);
    assert.deepEqual(complaints, []);
  });
}
