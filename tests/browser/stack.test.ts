// Stack: an edit ripples through several layers, and may be stopped on the way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  cell,
  close,
  enterStack,
  marked,
  note,
  numbers,
  open,
  openLesson,
  visit,
} from "./harness.js";

before(open);
after(close);

test("a change ripples level by level, and ReLU stops it where it cuts", async () => {
  const { page, complaints } = await visit();
  await openLesson(page, "conv2d");
  await enterStack(page);
  assert.deepEqual(await numbers(page, "level1"), [
    "-0.1720",
    "-0.1394",
    "0.0036",
    "-0.1720",
    "-0.1394",
    "0.0036",
  ]);
  assert.deepEqual(await numbers(page, "level2"), ["0.", "0.", "0.0036", "0.", "0.", "0.0036"]);
  await cell(page, "level0", 0).click();
  await page.keyboard.type("1.1\n");
  assert.deepEqual(await marked(page, "changed", "level1"), [0]);
  assert.deepEqual(await marked(page, "changed", "level2"), [], "still below zero: cut");
  assert.deepEqual(await marked(page, "kept", "level2"), [0]);
  assert.deepEqual(await marked(page, "changed", "level3"), []);
  assert.match(
    await note(page),
    /^No output changed\. Changed after each layer: Conv2d 1, ReLU 0 \(stopped 1\), Conv2d 0/,
  );
  await cell(page, "level0", 0).click();
  await page.keyboard.type("9\n");
  assert.deepEqual(await marked(page, "changed", "level2"), [0]);
  assert.deepEqual(await marked(page, "changed", "level3"), [0]);
  await page.keyboard.press("Control+z");
  assert.deepEqual(await marked(page, "changed", "level3"), [0], "undo ripples, too");
  assert.deepEqual(complaints, []);
});

test("the table says how the receptive field grows, and layers come and go", async () => {
  const { page } = await visit();
  await openLesson(page, "conv2d");
  for (const axis of ["input-1", "input-2"]) {
    await page.fill(`[data-key="${axis}"]`, "9");
    await page.keyboard.press("Enter");
  }
  await enterStack(page);
  await page.getByRole("button", { name: "+ MaxPool, 2" }).click();
  const rows = await page
    .locator(".fields tbody tr")
    .evaluateAll((list) =>
      list.map((row) =>
        [...row.querySelectorAll("td")].slice(1, 3).map((field) => field.textContent),
      ),
    );
  // Kernel 2, then 3, then a pool of 2 that moves by 2: 2, 2 + 2, 4 + 1 cells.
  assert.deepEqual(rows, [
    ["2 × 2", "1 × 1"],
    ["2 × 2", "1 × 1"],
    ["4 × 4", "1 × 1"],
    ["5 × 5", "2 × 2"],
  ]);
  await cell(page, "level4", 0).click();
  assert.equal((await marked(page, "lit", "level0")).length, 25);
  assert.equal((await marked(page, "lit", "level3")).length, 4);
  await page.getByRole("button", { name: "Remove MaxPool2d" }).click();
  assert.equal(await page.locator(".fields tbody tr").count(), 3);
  await page.keyboard.press("Control+z");
  assert.equal(await page.locator(".fields tbody tr").count(), 4);
});

test("a stack that does not fit says why and stays as it was", async () => {
  const { page } = await visit();
  await openLesson(page, "conv2d");
  await enterStack(page);
  const before = await page.locator(".fields tbody tr").count();
  await page.getByRole("button", { name: "+ Conv, 3" }).click();
  assert.match(await note(page), /Kernel size can't be greater than actual input size/);
  assert.equal(await page.locator(".fields tbody tr").count(), before);
});

test("weights and biases of every layer are edited in the stack, and the link keeps them", async () => {
  const { page, complaints } = await visit();
  await openLesson(page, "conv2d");
  await enterStack(page);
  // The stage's own layer: nothing but the bias is left of its outputs.
  const before = await numbers(page, "level1");
  await cell(page, "layer0.bias", 0).click();
  await page.keyboard.type("1\n");
  assert.equal((await marked(page, "changed", "level1")).length, before.length);
  assert.deepEqual(await marked(page, "edited", "layer0.bias"), [0]);
  // The last layer: with a bias of 2 and weights of 0 every output is 2.
  for (let offset = 0; offset < 4; ++offset) {
    await cell(page, "layer2.weight", offset).click();
    await page.keyboard.type("0\n");
  }
  await cell(page, "layer2.bias", 0).click();
  await page.keyboard.type("2\n");
  assert.deepEqual(await numbers(page, "level3"), ["2.", "2."]);
  assert.deepEqual(await marked(page, "changed", "level3"), [0, 1]);
  assert.deepEqual(await marked(page, "changed", "level2"), [], "nothing before it changes");
  assert.match(await note(page), /^2 outputs changed\. .* Conv2d 0, ReLU 0, Conv2d 2\.$/);
  await page.waitForFunction(() => location.hash.includes("b2=1:2"));
  const link = new URL(page.url()).hash.slice(1);
  const again = await visit(link, {}, undefined, "level3");
  assert.deepEqual(await numbers(again.page, "level3"), ["2.", "2."]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+z");
  assert.notDeepEqual(await numbers(page, "level3"), ["2.", "2."]);
  assert.deepEqual(complaints, []);
});
