// What a C++ user does: install, find_package, compile the examples of the guides, run them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { before, test } from "node:test";

const folder = `${process.cwd()}/build/install`;
const prefix = `${folder}/prefix`;

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${error ?? ""}${stdout}${stderr}`);
  return stdout;
}

/** The programs of a guide, each with the block behind it: what it prints. */
function programs(guide: string): { code: string; prints: string }[] {
  const found: { code: string; prints: string }[] = [];
  const blocks = [...fs.readFileSync(guide, "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gmsu)];
  blocks.forEach(([, language, code], i) => {
    if (language !== "cpp") return;
    assert.match(code!, /int main\(\)/u, `an example of ${guide} is no program`);
    const next = blocks[i + 1];
    found.push({ code: code!, prints: next?.[1] === "text" ? next[2]! : "" });
  });
  assert.ok(found.length > 0, `no examples in ${guide}`);
  return found;
}

const examples: string[] = [];
before(() => {
  fs.rmSync(folder, { recursive: true, force: true });
  run("cmake", "--install", "build/release", "--prefix", prefix);
  fs.mkdirSync(`${folder}/examples`);
  for (const guide of ["README.md", "core/README.md"]) {
    programs(guide).forEach(({ code, prints }, i) => {
      const file = `${folder}/examples/${guide.toLowerCase().replace(/\W/gu, "_")}_${i + 1}.cc`;
      fs.writeFileSync(file, code);
      fs.writeFileSync(`${file}.txt`, prints);
      examples.push(file);
    });
  }
});

for (const compiler of ["c++", "clang++-19"]) {
  test(`with ${compiler}, every example of the guides runs and prints what they say, and every header compiles alone`, () => {
    const build = `${folder}/${compiler}`;
    run(
      ...(["cmake", "-S", "tests/install", "-B", build, "-G", "Ninja"] as [string, ...string[]]),
      `-DCMAKE_CXX_COMPILER=${compiler}`,
      `-DCMAKE_PREFIX_PATH=${prefix}`,
      `-DEXAMPLES=${examples.join(";")}`,
    );
    run("cmake", "--build", build);
    const told = run("ctest", "--test-dir", build, "--output-on-failure");
    assert.match(told, new RegExp(`tests passed, 0 tests failed out of ${examples.length}`, "u"));
  });
}

test("the sources can be a part of a user's own build, with the oldest Clang, too", () => {
  const build = `${folder}/fetched`;
  run(
    ...(["cmake", "-S", "tests/install", "-B", build, "-G", "Ninja"] as [string, ...string[]]),
    `-DCONVSCOPE_SOURCE=${process.cwd()}`,
    "-DCMAKE_CXX_COMPILER=clang++-14",
    "-DCONVSCOPE_WERROR=ON",
    // Two instruction sets, and little optimisation: whether it compiles and runs is the question.
    "-DCMAKE_CXX_FLAGS=-O1",
    "-DCONVSCOPE_DISABLED_TARGETS=HWY_SSSE3|HWY_SSE4|HWY_AVX3|HWY_AVX3_DL|HWY_AVX3_ZEN4|HWY_AVX3_SPR",
    `-DEXAMPLES=${examples.join(";")}`,
  );
  run("cmake", "--build", build);
  const told = run("ctest", "--test-dir", build, "--output-on-failure");
  assert.match(told, new RegExp(`tests passed, 0 tests failed out of ${examples.length}`, "u"));
  const targets = run("cmake", "--build", build, "--target", "help");
  assert.match(targets, /libconvscope\.a/u);
  assert.doesNotMatch(targets, /convscope_tests/u, "a user's build has our tests in it");
});

test("the reference of the headers is made without a warning", () => {
  run("doxygen", "core/Doxyfile");
  const watch = fs.readFileSync("build/doxygen/html/classconvscope_1_1Watch.html", "utf8");
  assert.match(watch, /Holds the input, every layer's output/u, "comments are not read");
});
