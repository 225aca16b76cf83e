// Where the page may live: a sub-folder of a plain static host, under the strictest policy;
// and what strangers' links may do to it: nothing.
import assert from "node:assert/strict";
import fs from "node:fs/promises";
import http, { type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { address, cell, close, marked, note, open, SITE, visit } from "./harness.js";

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:";
const FOLDER = "/some/folder/";
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

let host: Server;
let strayed: string[];
before(async () => {
  await open();
  host = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const name = pathname.slice(FOLDER.length) || "index.html";
    const body = pathname.startsWith(FOLDER)
      ? await fs.readFile(path.join(SITE, name)).catch(() => null)
      : null;
    if (!body) strayed.push(pathname);
    response.writeHead(body ? 200 : 404, {
      "Content-Type": TYPES[path.extname(name)] ?? "text/plain",
      "Content-Security-Policy": POLICY,
    });
    response.end(body);
  });
  await new Promise<void>((listening) => host.listen(0, "127.0.0.1", listening));
});
after(async () => {
  host.close();
  await close();
});

test("the page works from a sub-folder under the strict policy, in every mode", async () => {
  strayed = [];
  const { page, complaints } = await visit("", {}, () => Promise.resolve());
  await page.goto(`http://localhost:${(host.address() as AddressInfo).port}${FOLDER}`);
  await page.waitForSelector('tensor-grid[data-role="output"] td span:not(:empty)');
  await cell(page, "input", 4).click();
  await page.keyboard.type("5\n");
  assert.deepEqual(await marked(page), [0, 4, 8]);
  for (const mode of ["Predict", "Step", "Stack"])
    await page.getByRole("radio", { name: mode }).check();
  await page.getByRole("radio", { name: "Picture" }).check();
  await page.locator("picture-view canvas").first().waitFor();
  await page.getByRole("button", { name: /^Take away/ }).click();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "figure.png" }).click(),
  ]);
  assert.ok((await fs.stat(await file.path())).size > 1000);
  // The harness's own host was open before; its icon may still be on the way.
  assert.deepEqual(
    complaints.filter((text) => !text.includes(address)),
    [],
  );
  assert.deepEqual(strayed, [], "nothing outside the folder is asked for");
});

for (const [first, late] of [
  ["boot.js", "**/chunk-*.js"],
  ["the page's modules", "**/boot.js"],
] as const) {
  test(`the engine is compiled once where ${first} come${first === "boot.js" ? "s" : ""} first`, async () => {
    const { page } = await visit("", {}, async (page) => {
      await page.addInitScript(() => {
        const compile = WebAssembly.compileStreaming;
        (window as { compiled?: number }).compiled = 0;
        WebAssembly.compileStreaming = (source) => {
          (window as { compiled?: number }).compiled! += 1;
          return compile(source);
        };
      });
      await page.route(late, async (route) => {
        await new Promise((done) => setTimeout(done, 500));
        await route.continue();
      });
    });
    await page.waitForLoadState("load");
    await page.waitForSelector('tensor-grid[data-role="output"] td span:not(:empty)');
    assert.equal(await page.evaluate(() => (window as { compiled?: number }).compiled), 1);
  });
}

/** A linear congruential generator: the same links in every run. */
function* random(seed: number): Generator<number, never> {
  for (;;) yield (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

test("forty damaged links, one after the other, each give a page that works", async () => {
  const { page, complaints } = await visit();
  await page.evaluate(() => (window.onerror = () => false));
  const valid =
    "lesson=conv1d.0&layer=Conv2d&in=2&out=2&k=2&s=1&p=1&op=0&d=1&g=1&mode=reflect&then=ReLU;Conv.1.2" +
    "&x=2x3x3:1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9&w=2x2x2x2:1,0,-1,2,0,0,1,1,2,-2,0,1,1,1,-1,0&b=2:1,2";
  const bits = [
    "&",
    "=",
    ":",
    ",",
    "%00",
    "%",
    "99999",
    "-1",
    "nan",
    "1e400",
    "<svg onload=window.hit=1>",
    "__proto__",
    "view=picture",
  ];
  const dice = random(20261122);
  const next = (below: number) => Math.floor(dice.next().value * below);
  for (let i = 0; i < 40; ++i) {
    let hash = valid;
    for (let damage = 0; damage <= i % 4; ++damage) {
      const at = next(hash.length);
      hash = hash.slice(0, at) + bits[next(bits.length)]! + hash.slice(at + next(4));
    }
    await page.evaluate((text) => (location.hash = text), hash);
    const cells = page.locator("tensor-grid:not([hidden]) td");
    assert.ok((await cells.count()) > 0, hash);
  }
  assert.equal(await page.evaluate(() => (window as { hit?: unknown }).hit), undefined);
  // Another document of this host, not about:blank: an icon that is still on its way when the page is
  // left is then asked for by a document that may have it, not complained about.
  await page.goto(`${address}?elsewhere`);
  await page.goBack();
  await page.waitForSelector("tensor-grid td");
  assert.ok((await note(page)).length > 0);
  assert.deepEqual(complaints, []);
});

test("nothing moves for those who want no motion", async () => {
  for (const [reducedMotion, moving] of [
    ["reduce", false],
    ["no-preference", true],
  ] as const) {
    const { page } = await visit("", { reducedMotion });
    await page.evaluate(() => {
      (window as { moved?: number }).moved = 0;
      for (const type of ["animationstart", "transitionstart"])
        document.addEventListener(type, () => ((window as { moved?: number }).moved! += 1));
    });
    await cell(page, "input", 4).click();
    await page.keyboard.type("5\n");
    await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
    const moved = await page.evaluate(() => (window as { moved?: number }).moved!);
    assert.equal(moved > 0, moving, reducedMotion);
  }
});
