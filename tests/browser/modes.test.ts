// Predict and Step.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cell, close, marked, note, numbers, open, openLesson, visit } from "./harness.js";

before(open);
after(close);

test("a prediction hides the outcome, takes guesses, and scores them", async () => {
  const { page } = await visit();
  await openLesson(page, "kernel-size");
  await page.getByRole("radio", { name: "Predict" }).check();
  const old = await numbers(page, "output");
  await cell(page, "input", 5).click();
  await page.keyboard.type("2.5\n");
  assert.deepEqual(await numbers(page, "output"), old, "the outcome is hidden");
  await cell(page, "output", 0).click();
  await cell(page, "output", 2).focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Check" }).click();
  assert.deepEqual(await marked(page, "right"), [0]);
  assert.deepEqual(await marked(page, "missed"), [1]);
  assert.deepEqual(await marked(page, "wrong"), [2]);
  assert.match(
    await note(page),
    /^You found 1 of 2, and marked 1 that did not change\. 2 outputs changed of 3\./,
  );
  assert.deepEqual(await numbers(page, "output"), ["-0.6070", "1.2234", "-0.7246"]);
  const legend = await page.locator(".legend").innerText();
  for (const verdict of ["found", "missed", "did not change"]) assert.ok(legend.includes(verdict));
});

test("stepping computes one window after the other", async () => {
  const { page } = await visit();
  await openLesson(page, "stride");
  await page.getByRole("radio", { name: "Step" }).check();
  assert.deepEqual(await numbers(page, "output"), ["?", "?"]);
  const on = page.getByRole("button", { name: "One window on" });
  await on.click();
  assert.deepEqual(await numbers(page, "output"), ["0.4899", "?"]);
  assert.deepEqual(await marked(page, "lit", "input"), [0, 1, 4, 5, 8, 9]);
  await on.click();
  assert.deepEqual(await numbers(page, "output"), ["0.4899", "0.6001"]);
  await page.getByRole("slider", { name: "Window" }).fill("0");
  assert.deepEqual(await numbers(page, "output"), ["?", "?"]);
});

test("stepping a transposed layer stamps the kernel, input by input", async () => {
  const { page } = await visit();
  await page.getByRole("button", { name: /^Take away/ }).click();
  await page
    .getByRole("textbox", { name: "Code or numbers to paste in" })
    .fill("nn.ConvTranspose1d(1, 1, 2, stride=2, bias=False)");
  await page.getByRole("button", { name: "Put it on the stage" }).click();
  const whole = await numbers(page, "output");
  await page.getByRole("radio", { name: "Step" }).check();
  assert.ok((await numbers(page, "output")).every((value) => value === "0." || value === "-0."));
  await page.getByRole("button", { name: "One stamp on" }).click();
  assert.deepEqual((await numbers(page, "output")).slice(0, 2), whole.slice(0, 2));
  assert.deepEqual(await marked(page, "lit"), [0, 1], "where the first input stamps");
  assert.match(await note(page), /^1 of \d+ stamps made\.$/);
});
