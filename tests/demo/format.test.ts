// How the page writes counts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped } from "../../demo/src/format.js";

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
