// Bringing things in and taking them away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { close, numbers, open, visit } from "./harness.js";

before(open);
after(close);

async function bring(page: Page, text: string): Promise<void> {
  await page.getByRole("button", { name: /^Take away/ }).click();
  await page.getByRole("textbox", { name: "Code or numbers to paste in" }).fill(text);
  await page.getByRole("button", { name: "Put it on the stage" }).click();
}

test("a pasted nn.ConvTranspose2d stands on the stage", async () => {
  const { page, complaints } = await visit();
  await bring(
    page,
    "self.up = nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1, output_padding=1, bias=False)",
  );
  assert.equal(
    await page.locator("h1").innerText(),
    "ConvTranspose2d(3, 2, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), output_padding=(1, 1), bias=False)",
  );
  assert.equal(await page.locator("dialog[open]").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a pasted NumPy print becomes the input", async () => {
  const { page } = await visit();
  await bring(
    page,
    "array([[ 1. ,  2.5],\n       [ 3. , -4. ],\n       [ 0. ,  1e-3]], dtype=float32)",
  );
  assert.deepEqual(await numbers(page, "input"), ["1.", "2.5000", "3.", "-4.", "0.", "0.0010"]);
});

test("a text that is neither says why, and the stage stays", async () => {
  const { page } = await visit();
  const old = await numbers(page, "input");
  for (const [text, problem] of [
    ["hello", /“hello” is not a number/],
    ["[[1, 2], [3]]", /not equally long/],
    ["nn.Conv2d(1, 2", /“\)” is missing/],
    ["nn.Conv2d(1, 2, 3, strides=2)", /“strides” is not an argument/],
    ["[[1, 2, 3], [4, 5, 6]]", /expected input\[1, 2, 3\] to have 3 channels/],
  ] as const) {
    await bring(page, text);
    assert.match(await page.locator(".problem").innerText(), problem);
    await page.keyboard.press("Escape");
  }
  assert.deepEqual(await numbers(page, "input"), old);
});

test("the code of each library holds the layer and its numbers", async () => {
  const { page } = await visit();
  await page.getByRole("button", { name: /^Take away/ }).click();
  for (const [name, words] of [
    ["PyTorch", "torch.nn.Conv1d(3, 3, kernel_size=1)"],
    ["Keras", "keras.layers.Conv1D(\n    3, (1,), strides=(1,)"],
    ["JAX", "jax.lax.conv_general_dilated"],
    ["convscope", 'import { Conv1d, init, tensor } from "convscope"'],
  ] as const) {
    await page.getByRole("radio", { name }).check();
    const code = await page.locator("dialog pre").innerText();
    assert.ok(code.includes(words), code);
    assert.ok(code.includes("0.19365986"), code);
  }
});
