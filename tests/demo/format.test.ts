// How the page writes numbers.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { init } from "convscope";
import { grouped, shrunk, textIn } from "../../demo/src/format.js";

before(() => init());

test("where torch's text does not fit, the number is rounded until it does", () => {
  const values = [
    3,
    -12,
    1.5,
    -0.4199,
    0.99999,
    0.00003,
    -0.0416,
    -25000000,
    123.456,
    NaN,
    -Infinity,
  ];
  const written = (cell: { w: number; h: number; font: number; rounded?: number }) =>
    values.map((value) => textIn(cell, Math.fround(value)));
  assert.deepEqual(written({ w: 30, h: 26, font: 0, rounded: 10 }), [
    ...["3.", "-12.", "1.5", "-0.42", "1", "3e-5", "-0.04", "-3e7", "123", "nan", "-inf"],
  ]);
  assert.deepEqual(written({ w: 24, h: 22, font: 0, rounded: 9 }), [
    ...["3.", "-12.", "1.5", "-0.4", "1", "3e-5", "-.04", "-3e7", "123", "nan", "-inf"],
  ]);
  assert.deepEqual(new Set(written({ w: 20, h: 20, font: 0 })), new Set([""]));
});

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
