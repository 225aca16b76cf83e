// The packed package in Node as an ES module, and in TypeScript's strict mode.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { project, wanted } from "./support.js";

const execute = promisify(execFile);

test("Node runs it as an ES module, without flags", async () => {
  const folder = await project("node", { "app.js": "app.js" });
  await fs.writeFile(
    path.join(folder, "main.js"),
    'import { answer } from "./app.js";\nconsole.log(JSON.stringify(await answer()));\n',
  );
  // From elsewhere, so that nothing is found by the working folder.
  const { stdout, stderr } = await execute(process.execPath, [path.join(folder, "main.js")], {
    cwd: "/",
  });
  assert.equal(stderr, "");
  const { values } = JSON.parse(stdout) as typeof wanted;
  assert.deepEqual(values, wanted.values);
});

test("convscope/embedded is the same package, ready without another file", async () => {
  const folder = await project("node-embedded", {});
  for (const name of await fs.readdir(path.join(folder, "node_modules/convscope/dist")))
    if (name.endsWith(".wasm")) await fs.rm(path.join(folder, "node_modules/convscope/dist", name));
  await fs.writeFile(
    path.join(folder, "main.js"),
    `import * as embedded from "convscope/embedded";
import * as plain from "convscope";
const engines = await Promise.all([embedded.init({ math: "fast" }), embedded.init({ math: "fast" })]);
console.log(engines[0] === engines[1], plain.engine().math, plain.Conv2d === embedded.Conv2d);
console.log(await embedded.init({ math: "reproducible" }).catch((error) => error.code));
console.log(plain.F.relu(embedded.tensor([-1, 2])).toArray());
`,
  );
  const { stdout } = await execute(process.execPath, ["main.js"], { cwd: folder });
  assert.equal(stdout, "true fast true\nalready-initialized\n[ 0, 2 ]\n");
});

test("the guide's first steps, followed from an empty folder, print what their comments say", async () => {
  const guide = await fs.readFile("wasm/README.md", "utf8");
  const folder = await project("guide", {});
  const steps = [...guide.matchAll(/```js\n([\s\S]*?)```/g)].slice(0, 2);
  for (const [, code] of steps as unknown as [string, string][]) {
    await fs.writeFile(path.join(folder, "first.mjs"), code);
    const { stdout } = await execute(process.execPath, ["first.mjs"], { cwd: folder });
    const printed = stdout
      .trim()
      .split("\n")
      .map((line) => line.replaceAll(" ", ""));
    const said = [...code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) =>
      value?.replaceAll(" ", ""),
    );
    assert.deepEqual(printed, said);
    assert.ok(said.length >= 4);
  }
});

for (const [module, moduleResolution] of [
  ["ESNext", "bundler"],
  ["NodeNext", "nodenext"],
] as const) {
  test(`TypeScript in strict mode takes its types by moduleResolution "${moduleResolution}"`, async () => {
    const folder = await project(`types-${moduleResolution}`, { "main.ts": "types/strict.ts" });
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      // The declarations themselves are checked, too.
      skipLibCheck: false,
      target: "ES2022",
      lib: ["ES2023", "DOM", "ESNext.Disposable"],
      types: [],
      module,
      moduleResolution,
      noEmit: true,
    };
    await fs.writeFile(
      path.join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, files: ["main.ts"] }),
    );
    const tsc = path.resolve("node_modules/typescript/bin/tsc");
    const { stdout } = await execute(process.execPath, [tsc, "-p", folder]).catch(
      (error: { stdout: string }) => error,
    );
    assert.equal(stdout, "");
  });
}
