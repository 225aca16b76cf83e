// The functions that the package calls against those that the engine has.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const dist = new URL("../../node_modules/convscope/dist/", import.meta.url);

test("the engine exports every function that the package calls, with as many arguments", async () => {
  const source = await readFile(new URL("raw.d.ts", dist), "utf8");
  const declared = [...source.matchAll(/^ {4}(\w+)\((.*)\): \w+;$/gmu)].map(
    ([, name, list]) => `${name} ${list === "" ? 0 : list!.split(", ").length}`,
  );
  assert.ok(declared.length > 60, "the declarations were not understood");
  const code = await readFile(new URL("convscope.simd.wasm", dist));
  const { instance } = await WebAssembly.instantiate(code, {
    env: { emscripten_notify_memory_growth: () => undefined },
  });
  const exported = Object.entries(instance.exports)
    .filter(([, value]) => typeof value === "function")
    .map(([name, value]) => `${name} ${(value as Function).length}`);
  assert.deepEqual(
    declared.filter((one) => !exported.includes(one)),
    [],
  );
  const ours = exported.filter((one) => !/^_?emscripten_/u.test(one));
  assert.deepEqual(
    ours.filter((one) => !declared.includes(one)),
    [],
  );
});
