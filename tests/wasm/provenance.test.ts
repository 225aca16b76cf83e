// The package says what it is made of, and is what it says.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("./", import.meta.resolve("convscope"));
const text = readFileSync(new URL("PROVENANCE.md", folder), "utf8");

test("the checksums of the package are those of its files", () => {
  for (const name of ["index.js", "convscope.simd.wasm", "convscope.relaxed.wasm"]) {
    const bytes = readFileSync(new URL(name, folder));
    const sum = createHash("sha256").update(bytes).digest("hex");
    assert.ok(text.includes(`| ${name} | ${bytes.length} | ${sum} |`), `${name}: ${sum}`);
  }
});

test("the licences' texts come with the package", () => {
  const texts = readFileSync(new URL("THIRD_PARTY.txt", folder), "utf8");
  for (const [part, sentence] of [
    ["Emscripten", "Permission is hereby granted, free of charge"],
    ["musl", "Copyright © 2005-2020 Rich Felker"],
    ["Highway", "Redistributions in binary form must reproduce"],
    ["libc++", "LLVM Exceptions to the Apache 2.0 License"],
  ] as const) {
    assert.ok(texts.includes(part) && texts.includes(sentence), part);
  }
  assert.match(
    readFileSync(new URL("../LICENSE", folder), "utf8"),
    /Apache License\s+Version 2\.0/u,
  );
});

test("every part has a version and a licence", () => {
  const parts = text.split("## Tools")[0]!;
  for (const name of ["convscope", "Highway", "Emscripten", "musl", "libc++"]) {
    assert.match(
      parts,
      new RegExp(
        `^\\| ${name.replaceAll("+", "\\+")}[^|]*\\| [^|]*\\d+\\.\\d+[^|]*\\| [^|]+\\|`,
        "mu",
      ),
    );
  }
});
