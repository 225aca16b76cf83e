// Volumes: a slice of every channel at a time, chosen by sliders that tell what happens in the
// others; by keyboard, by mouse and by touch.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import {
  cell,
  close,
  enterStack,
  findings,
  marked,
  note,
  numbers,
  open,
  tabTo,
  visit,
} from "./harness.js";

before(open);
after(close);

const list = (length: number, of: (i: number) => number): string =>
  Array.from({ length }, (_, i) => of(i)).join(",");

/** 0, 1, 2 … through a kernel of ones, two cells long on every axis: an output adds up eight inputs. */
const ONES = `layer=Conv3d&in=1&out=1&k=2&x=1x3x3x3:${list(27, (i) => i)}&w=1x1x2x2x2:${list(8, () => 1)}`;
/** The same behind a slice of padding on either side. */
const PADDED = ONES.replace("k=2", "k=2&p=1x0x0&mode=replicate");
const STAMPS = `layer=ConvTranspose3d&in=1&out=1&k=2x1x1&s=2x1x1&x=1x2x1x2:1,2,3,4&w=1x1x2x1x1:1,10`;

const volume = async (hash = ONES, options: BrowserContextOptions = {}) => {
  const opened = await visit(hash, options);
  await slider(opened.page, "Input x").waitFor();
  return opened;
};

const slider = (page: Page, name: string) =>
  page.getByRole("slider", { name: `${name}, slice`, exact: true });
const at = async (page: Page, name: string): Promise<number> =>
  Number(await slider(page, name).inputValue());
const words = (page: Page, role: string): Promise<string> =>
  page.locator(`tensor-grid[data-role="${role}"] .slice-words`).innerText();
const said = (page: Page, name: string): Promise<string | null> =>
  slider(page, name).getAttribute("aria-valuetext");

test("each tensor shows one slice, and its slider another one", async () => {
  const { page, complaints } = await volume();
  assert.deepEqual(await numbers(page, "input"), [
    "0.",
    "1.",
    "2.",
    "3.",
    "4.",
    "5.",
    "6.",
    "7.",
    "8.",
  ]);
  assert.equal((await numbers(page, "output")).length, 4);
  await slider(page, "Input x").fill("2");
  assert.deepEqual(await numbers(page, "input"), [
    "18.",
    "19.",
    "20.",
    "21.",
    "22.",
    "23.",
    "24.",
    "25.",
    "26.",
  ]);
  assert.equal(
    await page.locator('[data-role="input"] [role="grid"]').getAttribute("aria-label"),
    "x[0, 2]",
  );
  // The output's slider moves by itself.
  assert.equal(await at(page, "Output y"), 0);
  await slider(page, "Output y").fill("1");
  assert.equal((await numbers(page, "output"))[0], "124."); // 9 + 10 + 12 + 13 + 18 + 19 + 21 + 22
  assert.equal(await at(page, "Input x"), 2);
  assert.deepEqual(complaints, []);
});

test("a press on a slider's segment shows its slice", async () => {
  const { page } = await volume();
  const box = (await slider(page, "Input x").boundingBox())!;
  assert.ok(box.height >= 44, `${box.height} px high`);
  for (const slice of [2, 0, 1]) {
    await page.mouse.click(box.x + ((slice + 0.5) * box.width) / 3, box.y + box.height / 2);
    assert.equal(await at(page, "Input x"), slice);
  }
});

test("the sum that says why is of an output in the shown slice", async () => {
  const { page } = await volume();
  await slider(page, "Input x").fill("1");
  await cell(page, "input", 9).click();
  await page.keyboard.type("100\n");
  await cell(page, "input", 9).click();
  const why = page.locator(".sum-sentence");
  assert.match(await why.innerText(), /Why y\[0, 0, 0, 0\] changed, the first of them:$/);
  await slider(page, "Output y").fill("1");
  assert.match(
    await why.innerText(),
    /Why y\[0, 1, 0, 0\] changed, the first of them in this slice:$/,
  );
});

test("an edit in one slice tells what changed in the others", async () => {
  const { page } = await volume();
  await slider(page, "Input x").fill("1");
  await cell(page, "input", 9).click();
  await page.keyboard.type("100\n");
  assert.equal(await note(page), "2 outputs changed of 8: 1 in slice 0 and 1 in slice 1.");
  assert.deepEqual(await marked(page), [0]);
  assert.equal(await words(page, "output"), "1 changed in slice 1");
  assert.match((await said(page, "Output y"))!, /^0 of 0 to 1: 1 changed in slice 1$/);
  const tally = page.locator('[data-role="output"] .strip > span').nth(1).locator(".tally.changed");
  assert.equal(await tally.innerText(), "1");
  await slider(page, "Output y").fill("1");
  assert.deepEqual(await marked(page), [4]);
  assert.equal(await words(page, "output"), "1 changed in slice 0");
  // Undone, the slices stay, and nothing is marked but what undoing changed.
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal(await at(page, "Input x"), 1);
  assert.equal((await numbers(page, "input"))[0], "9.");
});

test("pointing by mouse moves no slice, and says where the rest is", async () => {
  const { page } = await volume();
  await slider(page, "Output y").fill("1");
  await cell(page, "output", 4).hover();
  // y[0, 1, 0, 0] reads four cells of slice 1 and four of slice 2.
  assert.equal(await at(page, "Input x"), 0);
  assert.deepEqual(await marked(page, "lit", "input"), []);
  assert.equal(await words(page, "input"), "8 linked in slices 1, 2");
});

test("choosing an output brings a slice of its window into sight", async () => {
  const { page } = await volume();
  await slider(page, "Output y").fill("1");
  await cell(page, "output", 4).click();
  assert.equal(await at(page, "Input x"), 1);
  assert.deepEqual(await marked(page, "lit", "input"), [9, 10, 12, 13]);
  assert.equal(await words(page, "input"), "4 linked in slice 2");
  // Along the input's slices the kernel's slice that meets there comes along.
  assert.equal(await at(page, "Weight"), 0);
  await slider(page, "Input x").fill("2");
  assert.equal(await at(page, "Weight"), 1);
});

test("by keyboard: through the slices, at the same row and column, and back", async () => {
  const { page } = await volume();
  await tabTo(page, 'tensor-grid[data-role="input"] td');
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  const focused = () =>
    page.evaluate(() => document.activeElement!.getAttribute("aria-label")!.replace(/:.*/u, ""));
  assert.equal(await focused(), "x[0, 0, 1, 1]");
  await page.keyboard.press("PageDown");
  assert.equal(await focused(), "x[0, 1, 1, 1]");
  assert.equal(await at(page, "Input x"), 1);
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown"); // there is no further one
  assert.equal(await focused(), "x[0, 2, 1, 1]");
  await page.keyboard.type("-5\n");
  assert.equal((await numbers(page, "input"))[4], "-5.");
  await page.keyboard.press("PageUp");
  assert.equal(await at(page, "Input x"), 1);
  await page.keyboard.press("Control+End");
  assert.equal(await focused(), "x[0, 2, 2, 2]");
  assert.equal(await at(page, "Input x"), 2);
  // Behind the grid its slider, by arrows.
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await at(page, "Input x"), 1);
  assert.equal(await page.locator('[data-role="input"] td[tabindex="0"]').count(), 1);
});

test("Tab in an open editor goes on into the next slice", async () => {
  const { page } = await volume();
  await cell(page, "input", 8).dblclick();
  await page.locator(".cell-editor").fill("1");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement!.getAttribute("data-offset")), "9");
  assert.equal(await at(page, "Input x"), 1);
});

test("a block is copied from the slice that is shown; three axes pasted fill all slices", async () => {
  const { page } = await volume();
  await slider(page, "Input x").fill("1");
  await cell(page, "input", 9).click();
  await page.keyboard.press("Shift+ArrowRight");
  const paste = (text: string) =>
    page.evaluate((text) => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      const init = { clipboardData: data, bubbles: true, cancelable: true };
      document.activeElement!.dispatchEvent(new ClipboardEvent("paste", init));
    }, text);
  const copied = await page.evaluate(() => {
    const data = new DataTransfer();
    const init = { clipboardData: data, bubbles: true, cancelable: true };
    document.activeElement!.dispatchEvent(new ClipboardEvent("copy", init));
    return data.getData("text/plain");
  });
  assert.equal(copied, "9\t10");
  await paste("70 71\n72 73");
  await page.locator('[data-role="input"] td.edited').first().waitFor();
  assert.deepEqual(await marked(page, "edited", "input"), [9, 10, 12, 13]);
  const whole = JSON.stringify(
    [40, 41, 42].map((first) => [
      [first, 31, 32],
      [33, 34, 35],
      [36, 37, 38],
    ]),
  );
  await paste(whole);
  await page
    .locator('[data-role="input"] .slice-words', { hasText: "18 edited in slices 0, 2" })
    .waitFor();
  for (const d of [40, 41, 42]) {
    await slider(page, "Input x").fill(String(d - 40));
    assert.deepEqual((await numbers(page, "input")).slice(0, 3), [`${d}.`, "31.", "32."]);
  }
});

test("padding's slices stand at the slider's ends, with what they hold and how much of it is read", async () => {
  const { page } = await volume(PADDED);
  const beyond = page.locator('[data-role="input"] .strip .beyond');
  assert.deepEqual(await beyond.locator("i").allInnerTexts(), ["=0", "=2"]);
  assert.deepEqual(
    await beyond.evaluateAll((all) => all.map((one) => (one as HTMLElement).title)),
    ["a slice of padding: a copy of slice 0", "a slice of padding: a copy of slice 2"],
  );
  await cell(page, "output", 0).click();
  assert.equal(await beyond.first().locator(".tally").innerText(), "4");
  assert.match((await said(page, "Input x"))!, /4 linked in slices of padding/);
});

test("a step's output and what it reads are in sight", async () => {
  const { page } = await volume();
  await page.getByRole("radio", { name: "Step" }).check();
  const steps = page.getByRole("slider", { name: "Window" });
  await steps.waitFor();
  await steps.fill("5");
  assert.equal(await at(page, "Output y"), 1);
  assert.equal(await at(page, "Input x"), 1);
  assert.deepEqual(await numbers(page, "output"), ["124.", "?", "?", "?"]);
  assert.deepEqual(await marked(page, "lit", "input"), [9, 10, 12, 13]);
});

test("transposed, a step's stamp is in sight", async () => {
  const { page } = await volume(STAMPS);
  await page.getByRole("radio", { name: "Step" }).check();
  const steps = page.getByRole("slider", { name: "Stamp" });
  await steps.waitFor();
  await steps.fill("3");
  assert.equal(await at(page, "Input x"), 1);
  assert.equal(await at(page, "Output y"), 2);
  assert.deepEqual(await numbers(page, "output"), ["3.", "0."]);
  await slider(page, "Output y").fill("3");
  assert.deepEqual(await numbers(page, "output"), ["30.", "0."]);
  assert.equal(await at(page, "Weight"), 1);
});

test("a prediction may be spread over the slices, and what was missed is told", async () => {
  const { page } = await volume();
  await page.getByRole("radio", { name: "Predict" }).check();
  await cell(page, "input", 0).click();
  await page.keyboard.press("PageDown");
  await page.keyboard.type("7\n");
  await cell(page, "output", 0).click();
  await slider(page, "Output y").fill("1");
  assert.equal(await words(page, "output"), "1 marked by you in slice 0");
  await cell(page, "output", 5).click();
  await page.getByRole("button", { name: "Check" }).click();
  assert.match(await note(page), /^You found 1 of 2, and marked 1 that did not change\./);
  assert.deepEqual(await marked(page, "missed"), [4]);
  assert.equal(await words(page, "output"), "1 changed in slice 0");
});

test("in a stack each tensor has its slices, and a chosen cell's lineage comes into sight", async () => {
  const { page } = await volume(`${ONES}&then=ReLU`);
  await enterStack(page);
  await slider(page, "Output y").waitFor();
  await slider(page, "Output y").fill("1");
  await cell(page, "level2", 4).click();
  assert.equal(await at(page, "After Conv3d"), 1);
  assert.equal(await at(page, "Input x"), 1);
  await cell(page, "level0", 9).click();
  await page.keyboard.type("-900\n");
  assert.match(await note(page), /^2 outputs changed/);
  assert.match(await words(page, "level1"), /^1 changed in slice/);
});

test("by touch a slice is chosen and its cell edited", async () => {
  const { page } = await volume(ONES, { viewport: { width: 390, height: 844 }, hasTouch: true });
  const strip = slider(page, "Input x");
  await strip.scrollIntoViewIfNeeded();
  const box = (await strip.boundingBox())!;
  await page.touchscreen.tap(box.x + (5 * box.width) / 6, box.y + 22);
  await cell(page, "input", 18).waitFor();
  await cell(page, "input", 18).tap();
  await cell(page, "input", 18).tap();
  await page.locator(".cell-editor").fill("0");
  await page.keyboard.press("Enter");
  assert.equal((await numbers(page, "input"))[0], "0.");
  assert.match(await note(page), /^1 output changed of 8/);
});

test("the figure as a picture shows the slices that the page shows", async () => {
  const { page } = await volume();
  await slider(page, "Input x").fill("2");
  await page.getByRole("button", { name: /^Take away/ }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "figure.svg" }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const svg = Buffer.concat(chunks).toString();
  assert.ok(svg.includes(">x[0, 2]<") && !svg.includes(">x[0, 0]<"));
  assert.ok(svg.includes(">26.<") && !svg.includes(">8.<"));
});

test("a link opens on the slices that were shown", async () => {
  const { page } = await volume();
  await slider(page, "Input x").fill("2");
  await page.waitForFunction(() => location.hash.includes("at=input:2"));
  const { page: other } = await volume(new URL(page.url()).hash.slice(1));
  assert.equal(await at(other, "Input x"), 2);
  assert.equal((await numbers(other, "input"))[0], "18.");
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1440]) {
    test(`axe finds nothing in a volume, ${colorScheme}, ${width} px wide`, async () => {
      const { page } = await volume(PADDED, {
        colorScheme,
        viewport: { width, height: 900 },
        reducedMotion: "reduce",
      });
      await cell(page, "input", 4).click();
      await page.keyboard.type("3\n");
      assert.deepEqual(await findings(page), []);
    });
  }
}

test("a volume does not scroll sideways at 360 px", async () => {
  const deep = `layer=Conv3d&in=1&out=1&k=2&x=1x40x2x2:${list(160, () => 1)}&w=1x1x2x2x2:${list(8, () => 1)}`;
  for (const hash of [ONES, PADDED, deep]) {
    const { page } = await volume(hash, { viewport: { width: 360, height: 740 } });
    const content = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(content <= 360, `${content} px wide`);
  }
});
