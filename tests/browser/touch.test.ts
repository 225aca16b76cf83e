// By touch alone, on a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { cell, close, marked, note, numbers, open, openLesson, visit } from "./harness.js";

before(open);
after(close);

const phone = (hash = "") => visit(hash, { viewport: { width: 390, height: 844 }, hasTouch: true });

/** Puts a finger on a cell and moves it sideways. */
async function swipe(page: Page, role: string, offset: number, by: number): Promise<void> {
  const target = cell(page, role, offset);
  await target.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await target.boundingBox())!;
  const at = (moved: number) => [{ x: x + width / 2 + moved, y: y + height / 2 }];
  const session = await page.context().newCDPSession(page);
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
  for (let moved = 0; moved !== by; moved += Math.sign(by) * 6)
    await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(moved) });
  await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(by) });
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}

test("a tap shows what an output reads, a second tap on an input edits it", async () => {
  const { page, complaints } = await phone();
  await cell(page, "output", 5).tap();
  assert.match(await page.locator(".sum-sentence").innerText(), /^y\[1, 1\] reads 3 input cells/);
  assert.deepEqual(await marked(page, "lit", "input"), [1, 5, 9]);
  await cell(page, "input", 4).tap();
  await cell(page, "input", 4).tap();
  await page.locator(".cell-editor").fill("5");
  await page.keyboard.press("Enter"); // the on-screen keyboard's
  assert.deepEqual(await marked(page), [0, 4, 8]);
  assert.match(await note(page), /3 outputs changed of 12/);
  await page.getByRole("button", { name: "Undo" }).tap();
  assert.equal((await numbers(page, "input"))[4], "1.");
  assert.deepEqual(complaints, []);
});

test("a finger drags a value sideways", async () => {
  const { page } = await phone();
  await swipe(page, "input", 4, 60);
  assert.equal((await numbers(page, "input"))[4], "2.");
  assert.deepEqual(await marked(page), [0, 4, 8]);
  // A tap right behind a swipe is a part of it, for Chromium: no click comes of it.
  await page.waitForTimeout(500);
  // One undo takes the whole drag back.
  await page.getByRole("button", { name: "Undo" }).tap();
  await cell(page, "input", 4).getByText("1.", { exact: true }).waitFor();
});

test("a prediction is made and scored by taps", async () => {
  const { page } = await phone();
  await openLesson(page, "kernel-size");
  await page.locator("#modes label").filter({ hasText: "Predict" }).tap();
  await cell(page, "input", 5).tap();
  await cell(page, "input", 5).tap();
  await page.locator(".cell-editor").fill("2.5");
  await page.keyboard.press("Enter");
  await cell(page, "output", 0).tap();
  await cell(page, "output", 1).tap();
  await page.getByRole("button", { name: "Check" }).tap();
  assert.match(await note(page), /^All right! 2 outputs changed of 3/);
});

test("stepping, a lesson's step and a refused parameter work by taps", async () => {
  const { page, complaints } = await phone();
  await page.getByRole("button", { name: "Do it for me" }).tap();
  await page.getByRole("button", { name: "Go on" }).tap();
  await page.locator("#modes label").filter({ hasText: "Step" }).tap();
  await page.getByRole("button", { name: "One window on" }).tap();
  assert.deepEqual((await numbers(page, "output")).slice(0, 2), ["0.4199", "?"]);
  await page.getByRole("button", { name: "More in_channels" }).tap();
  assert.match(
    await page.locator("#refusal .message").innerText(),
    /to have 4 channels, but got 3/,
  );
  await page.getByRole("button", { name: "Back to in_channels = 3" }).tap();
  assert.equal(await page.locator("#refusal").isVisible(), false);
  assert.deepEqual(complaints, []);
});

test("rows too long for torch's texts show rounded numbers; names, and wide screens, have them all", async () => {
  const { page } = await phone(
    "layer=Conv1d&in=1&out=1&k=3&s=1&p=1&op=0&d=1&g=1&mode=zeros" +
      "&x=1x10:0.125,-0.25,3,-12,0.00003,100,1.5,-1.5,2,0&w=1x1x3:0,1,0&b=1:0",
  );
  const rounded = ["0.13", "-0.3", "3.", "-12.", "3e-5", "100.", "1.5", "-1.5", "2.", "0."];
  assert.deepEqual(await numbers(page, "input"), rounded);
  assert.deepEqual(await numbers(page, "output"), rounded);
  assert.equal(await cell(page, "input", 0).getAttribute("aria-label"), "x[0, 0]: 0.1250");
  const overflowing = await page
    .locator("tensor-grid td span")
    .evaluateAll((spans) =>
      spans
        .filter((span) => span.getBoundingClientRect().width > span.parentElement!.clientWidth)
        .map((span) => span.textContent),
    );
  assert.deepEqual(overflowing, []);
  await page.setViewportSize({ width: 1440, height: 900 });
  await cell(page, "input", 0).getByText("0.1250").waitFor();
  assert.deepEqual((await numbers(page, "output")).slice(0, 2), ["0.1250", "-0.2500"]);
});
