// The state as files. Downloads are not to be had over WebDriver BiDi: Chromium only.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { close, open, visit } from "./harness.js";

before(open);
after(close);

test("files hold what the page shows", async () => {
  const { page } = await visit();
  const take = async (name: string): Promise<Buffer> => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name, exact: true }).click(),
    ]);
    assert.equal(file.suggestedFilename(), name);
    return readFileSync(await file.path());
  };
  await page.getByRole("button", { name: /^Take away/ }).click();
  const npy = await take("x.npy");
  assert.equal(npy.subarray(1, 6).toString(), "NUMPY");
  const header = npy.subarray(10, 10 + npy.readUInt16LE(8)).toString();
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3, 4\), \} *\n$/);
  assert.equal((10 + header.length) % 64, 0);
  const numbers = Array.from({ length: 12 }, (_, i) => npy.readFloatLE(10 + header.length + 4 * i));
  assert.deepEqual(numbers, [1, -2, 3, -4, 1, -2, 3, -4, 1, -2, 3, -4]);
  const svg = (await take("figure.svg")).toString();
  assert.match(svg, />0\.4199</);
  assert.equal((await take("figure.png")).subarray(1, 4).toString(), "PNG");
});
