// By keyboard alone: each of the page's stories without a mouse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { close, marked, note, numbers, open, tabTo, visit } from "./harness.js";

before(open);
after(close);

/** Goes to the mode switch and along it by arrows. */
async function enterMode(page: Page, mode: string): Promise<void> {
  await tabTo(page, '#modes input[type="radio"]');
  for (let i = 0; i < 5; ++i) {
    const now = await page.evaluate(() => (document.activeElement as HTMLInputElement).value);
    if (now === mode) return;
    await page.keyboard.press("ArrowRight");
  }
  throw new Error(`no mode ${mode}`);
}

const toGrid = (page: Page, role: string) => tabTo(page, `tensor-grid[data-role="${role}"] td`);

test("a prediction: edit, guess, check", async () => {
  const { page } = await visit();
  await enterMode(page, "predict");
  await toGrid(page, "input");
  await page.keyboard.type("7\n");
  await toGrid(page, "output");
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+Tab");
  for (let i = 0; i < 20 && !(await focusedText(page, "Check")); ++i)
    await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  assert.match(await note(page), /^All right! 3 outputs changed of 12/);
});

async function focusedText(page: Page, text: string): Promise<boolean> {
  return page.evaluate((wanted) => document.activeElement?.textContent === wanted, text);
}

test("stepping: on, back, and along the slider", async () => {
  const { page } = await visit();
  await enterMode(page, "step");
  await tabTo(page, '[aria-label="One window on"]');
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  const shown = async () => (await numbers(page, "output")).filter((text) => text !== "?").length;
  assert.equal(await shown(), 2);
  await tabTo(page, 'step-transport input[type="range"]');
  await page.keyboard.press("End");
  assert.equal(await shown(), 12);
});

test("a stack: an edit ripples, a layer comes and goes", async () => {
  const { page } = await visit();
  await enterMode(page, "stack");
  await toGrid(page, "level0");
  await page.keyboard.type("9\n");
  assert.match(await note(page), /Changed after each layer: Conv1d/);
  const rows = () => page.locator("stack-panel tbody tr").count();
  const before = await rows();
  await tabTo(page, "stack-panel .files button");
  await page.keyboard.press("Enter");
  assert.equal(await rows(), before + 1);
});

test("a refused parameter: the message, and back", async () => {
  const { page } = await visit();
  await tabTo(page, '[data-key="inChannels"]');
  await page.keyboard.press("Control+a");
  await page.keyboard.type("2\n");
  assert.match(
    await page.locator("#refusal .message").innerText(),
    /to have 2 channels, but got 3/,
  );
  for (let i = 0; i < 60 && !(await focusedText(page, "Back to in_channels = 3")); ++i)
    await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#refusal").isVisible(), false);
});

test("a picture: another filter, another weight", async () => {
  const { page } = await visit();
  await enterMode(page, "picture");
  await page.locator("picture-view canvas").first().waitFor();
  await tabTo(page, "picture-view .files button");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal((await numbers(page, "weight"))[0], "0.1111");
  await page.keyboard.press("Shift+Tab");
  for (let i = 0; i < 20; ++i) {
    if (await page.evaluate(() => document.activeElement?.matches('[data-role="weight"] td')))
      break;
    await page.keyboard.press("Shift+Tab");
  }
  await page.keyboard.type("2\n");
  assert.equal((await numbers(page, "weight"))[0], "2.");
});

test("take away: opened, a library chosen, closed, and the keyboard is where it was", async () => {
  const { page } = await visit();
  await tabTo(page, '[aria-label^="Take away"]');
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await tabTo(page, 'dialog input[type="radio"]');
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("dialog pre").innerText(), /keras/);
  await page.keyboard.press("Escape");
  assert.equal(
    await page.evaluate(() => document.activeElement?.getAttribute("aria-label")?.slice(0, 9)),
    "Take away",
  );
  assert.deepEqual(await marked(page), []);
});
