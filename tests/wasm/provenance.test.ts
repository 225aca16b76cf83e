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
