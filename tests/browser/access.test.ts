// For everybody: axe in every mode, no sideways scrolling, under the strict policy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import {
  address,
  cell,
  close,
  enterPicture,
  findings,
  open,
  openLesson,
  visit,
} from "./harness.js";

before(open);
after(close);

const modes: Record<string, (page: Page) => Promise<void>> = {
  start: async () => undefined,
  "list of lessons": (page) => page.click(".lesson-back"),
  edited: async (page) => {
    await openLesson(page, "padding");
    await page.click('[data-key="show"]');
    await cell(page, "input", 5).click();
    await page.keyboard.type("3\n");
  },
  refused: async (page) => {
    await page.fill('[data-key="inChannels"]', "2");
    await page.keyboard.press("Enter");
  },
  predicting: async (page) => {
    await page.getByRole("radio", { name: "Predict" }).check();
    await cell(page, "input", 4).click();
    await page.keyboard.type("3\n");
    await cell(page, "output", 0).click();
  },
  stepping: async (page) => {
    await page.getByRole("radio", { name: "Step" }).check();
    await page.getByRole("button", { name: "One window on" }).click();
  },
  stack: async (page) => {
    await openLesson(page, "conv2d");
    await page.getByRole("radio", { name: "Stack" }).check();
    await cell(page, "level0", 0).click();
    await page.keyboard.type("3\n");
  },
  picture: enterPicture,
  "take away": (page) => page.getByRole("button", { name: /^Take away/ }).click(),
};

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1440]) {
    test(`axe finds nothing, ${colorScheme}, ${width} px wide`, async () => {
      const found: Record<string, string[]> = {};
      for (const [name, enter] of Object.entries(modes)) {
        const { page } = await visit("", {
          colorScheme,
          viewport: { width, height: 900 },
          reducedMotion: "reduce",
        });
        await enter(page);
        const list = await findings(page);
        if (list.length > 0) found[name] = list;
        await page.context().close();
      }
      assert.deepEqual(found, {});
    });
  }
}

test("nothing scrolls sideways at 360 px", async () => {
  for (const [name, enter] of Object.entries(modes)) {
    const { page } = await visit("", { viewport: { width: 360, height: 740 } });
    await enter(page);
    const [content, window] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
    ]);
    assert.ok(content! <= window!, `${name}: ${content} px wide`);
    await page.context().close();
  }
});

test("the second visit needs no network", async () => {
  const { page } = await visit();
  await page.waitForFunction(async () => {
    const names = await caches.keys();
    const kept = (
      await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
    ).flat();
    return (
      kept.some(({ url }) => url.endsWith(".wasm")) &&
      kept.some(({ url }) => /taking-.*\.js$/u.test(url))
    );
  });
  // The worker has to be at work, not just to have its files.
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector('tensor-grid[data-role="output"] td');
  assert.equal(await cell(page, "output", 0).locator("span").innerText(), "0.4199");
  // What is loaded on use is there, too.
  await page.getByRole("button", { name: /^Take away/ }).click();
  assert.match(await page.locator("dialog pre").innerText(), /torch\.nn\.Conv1d/);
});

test("the page works inside another page, and as an element", async () => {
  const { page } = await visit("", {}, (page) =>
    page.route("**/host.html", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: '<script type="module" src="conv-scope.js"></script><conv-scope height="500"></conv-scope>',
      }),
    ),
  );
  await page.goto(`${address}host.html`);
  const frame = page.frameLocator("conv-scope iframe");
  await frame.locator('tensor-grid[data-role="input"] td').first().click();
  await page.keyboard.type("5\n");
  assert.match(await frame.locator("#note").innerText(), /3 outputs changed of 12/);
  assert.equal(await frame.locator("param-panel").isVisible(), false);
});
