// Editing on the page: what changes is marked, everything else stays as it is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cell, close, marked, note, numbers, open, openLesson, tabTo, visit } from "./harness.js";

before(open);
after(close);

test("editing x[1, 0] by keyboard changes exactly the first output", async () => {
  const { page, complaints } = await visit();
  await tabTo(page, '[data-key="outChannels"]');
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("1");
  await page.keyboard.press("Enter");
  const old = await numbers(page, "output");
  assert.deepEqual(old, ["0.5089", "-0.5794", "1.2343", "-1.3048"]);

  await page.focus(".skip");
  await tabTo(page, 'tensor-grid[data-role="input"] td');
  await page.keyboard.press("ArrowDown");
  await page.keyboard.type("5");
  await page.keyboard.press("Enter");

  assert.deepEqual(await marked(page), [0]);
  assert.deepEqual(await numbers(page, "output"), ["2.1653", ...old.slice(1)]);
  assert.equal(await cell(page, "output", 0).locator("s").getAttribute("data-value"), "0.5089");
  assert.match(await note(page), /^1 output changed of 4: y\[0, 0\] from 0\.5089 to 2\.1653\.$/);
  assert.equal(await page.locator("#note").getAttribute("role"), "status");
  assert.deepEqual(complaints, []);
});

test("the keyboard edits as in a spreadsheet", async () => {
  const { page } = await visit();
  await cell(page, "input", 0).click();
  await page.keyboard.type("7.5");
  await page.keyboard.press("Escape");
  assert.equal((await numbers(page, "input"))[0], "1.", "Escape restores");
  await page.keyboard.press("F2");
  await page.keyboard.press("End");
  await page.keyboard.type("5");
  await page.keyboard.press("Tab");
  assert.equal((await numbers(page, "input"))[0], "15.", "F2 edits what is there, Tab takes it");
  await page.keyboard.type("8");
  await page.keyboard.press("ArrowDown");
  assert.equal((await numbers(page, "input"))[1], "8.", "an arrow takes what was typed");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-offset")), "5");
  await page.keyboard.press("Delete");
  assert.equal((await numbers(page, "input"))[5], "0.");
  await page.keyboard.press("Control+End");
  assert.equal(
    await page.evaluate(() => document.activeElement?.getAttribute("data-offset")),
    "11",
  );
});

test("a value can be dragged sideways, and one undo takes the whole drag back", async () => {
  const { page } = await visit();
  const box = (await cell(page, "input", 4).boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 10, y);
  await page.mouse.down();
  for (const x of [20, 40, 70]) await page.mouse.move(box.x + x, y);
  await page.mouse.up();
  assert.equal((await numbers(page, "input"))[4], "2.");
  assert.deepEqual(await marked(page), [0, 4, 8]);
  await page.keyboard.press("Control+z");
  assert.equal((await numbers(page, "input"))[4], "1.");
  assert.deepEqual(await marked(page), [0, 4, 8], "undo shows what it changed");
  assert.equal((await numbers(page, "output"))[0], "0.4199");
});

test("undo and redo go through every step", async () => {
  const { page } = await visit();
  const states = [await numbers(page, "input")];
  for (const [offset, text] of [
    [0, "3"],
    [1, "4"],
    [0, "-1"],
  ] as const) {
    await cell(page, "input", offset).click();
    await page.keyboard.type(`${text}\n`);
    states.push(await numbers(page, "input"));
  }
  for (let i = states.length - 2; i >= 0; --i) {
    await page.keyboard.press("Control+z");
    assert.deepEqual(await numbers(page, "input"), states[i]);
  }
  assert.equal(await page.getByRole("button", { name: /^Undo/ }).isDisabled(), true);
  for (const state of states.slice(1)) {
    await page.keyboard.press("Control+Shift+z");
    assert.deepEqual(await numbers(page, "input"), state);
  }
});

test("an output that reads the cell and keeps its value is marked with the reason", async () => {
  const { page } = await visit();
  await openLesson(page, "conv2d");
  await cell(page, "weight", 0).click();
  await page.keyboard.type("0\n");
  await cell(page, "input", 0).click();
  await page.keyboard.type("9\n");
  assert.deepEqual(await marked(page), []);
  assert.deepEqual(await marked(page, "kept"), [0]);
  assert.match(await note(page), /No output changed of 6.*its weight is 0/);
  assert.match((await cell(page, "output", 0).getAttribute("aria-label"))!, /its weight is 0/);
});

test("pointing shows exact sets: window, readers, pairs", async () => {
  const { page } = await visit();
  await openLesson(page, "dilation");
  await page.click('[data-key="show"]'); // dilation = 2
  await cell(page, "output", 0).hover();
  assert.deepEqual(await marked(page, "lit", "input"), [0, 2, 8, 10], "holes stay dark");
  assert.equal(
    await page.locator("sum-of-products .term").count(),
    6,
    "bias, four products, the sum",
  );
  await cell(page, "input", 3).hover();
  assert.deepEqual(await marked(page, "lit"), [1]);
  await cell(page, "weight", 1).hover();
  assert.deepEqual(await marked(page, "lit", "input"), [2, 3]);
  assert.deepEqual(await marked(page, "lit"), [0, 1]);
});

test("the state's link gives the same state in another browser", async () => {
  const { page } = await visit();
  await openLesson(page, "padding");
  await page.click('[data-key="show"]');
  await cell(page, "input", 5).click();
  await page.keyboard.type("0.1\n");
  await page.waitForFunction(() => location.hash.includes(",0.1,"));
  const hash = new URL(page.url()).hash.slice(1);
  const other = await visit(hash);
  for (const role of ["input", "weight", "bias", "output"]) {
    assert.deepEqual(await numbers(other.page, role), await numbers(page, role), role);
  }
  assert.equal(await other.page.locator("h1").innerText(), await page.locator("h1").innerText());
});
