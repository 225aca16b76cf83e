// What a first visit downloads before any picture: the page, its style, type and scripts, and the
// engine, each as a host sends it, in brotli. What is kept for a visit without a network is
// fetched later, by the service worker.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { close, open, visit } from "./harness.js";

before(open);
after(close);

// Bytes: of all, and of the page beside the engine.
const MOST = 150_000;
const MOST_BESIDE = 45_000;

test("a first visit downloads little", async () => {
  const sizes = new Map<string, number>();
  const { page } = await visit("", { serviceWorkers: "block" }, (page) => {
    page.on("response", (response) => {
      sizes.set(new URL(response.url()).pathname, 0);
    });
    return Promise.resolve();
  });
  await page.locator("torch-print pre").waitFor();
  await page.waitForLoadState("networkidle");
  for (const name of sizes.keys()) {
    const body = await page.request.get(new URL(name, page.url()).href).then((it) => it.body());
    sizes.set(name, brotliCompressSync(body).length);
  }
  const sumOf = (some: [string, number][]): number => some.reduce((sum, [, size]) => sum + size, 0);
  const all = sumOf([...sizes]);
  const beside = sumOf([...sizes].filter(([name]) => !name.endsWith(".wasm")));
  const list = [...sizes].map(([name, size]) => `${name} ${size}`).join(", ");
  console.log(`${all} bytes, ${beside} of them beside the engine: ${list}`);
  assert.ok(all <= MOST && beside <= MOST_BESIDE && beside < all, `${all} bytes: ${list}`);
});
