// How the page writes counts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped, shrunk } from "../../demo/src/format.js";

test("a number that is too long for its cell is written smaller, the longest still to be read", () => {
  assert.deepEqual(
    ["0.", "-12.2500"].map((text) => shrunk(text)),
    [1, 1],
  );
  for (const text of ["-123.4567", "-1.2346e+08", "-123456.7891"]) {
    const width = text.length * shrunk(text);
    assert.ok(width <= 8 && shrunk(text) > 0.55, text);
  }
});

test("counts are written in groups of three digits", () => {
  const counts = [0, 7, 999, 1000, 65536, 999999, 134217728];
  assert.deepEqual(counts.map(grouped), [
    "0",
    "7",
    "999",
    "1,000",
    "65,536",
    "999,999",
    "134,217,728",
  ]);
});
