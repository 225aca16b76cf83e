// The packed package in Chromium without a bundler; and what init says where something is amiss.
import assert from "node:assert/strict";
import fs from "node:fs/promises";
import path from "node:path";
import { before, test } from "node:test";
import { answerIn, app, inline, project, strict, wanted, type Answer } from "./support.js";

test('a page takes it by <script type="module"> and an import map', async () => {
  const folder = await project("plain", { ...app, "index.html": "pages/plain.html" });
  // Import maps stand in the page: the policy has to let them.
  assert.deepEqual(await answerIn(folder, "/index.html", { policy: inline }), wanted);
});

test("a page takes it by its address, without an import map", async () => {
  const folder = await project("address", { ...app, "index.html": "pages/bundled.html" });
  await byAddress(folder, "node_modules/convscope");
  assert.deepEqual(await answerIn(folder), wanted);
});

test("a worker takes it by its address", async () => {
  const folder = await project("worker", {
    "app.js": "app.js",
    "index.html": "pages/worker.html",
    "page.js": "worker/page.js",
    "worker.js": "worker/worker.js",
  });
  await byAddress(folder, "node_modules/convscope");
  assert.deepEqual(await answerIn(folder), wanted);
});

test("the guide's page, followed from an empty folder, shows what the guide says", async () => {
  const guide = await fs.readFile("wasm/README.md", "utf8");
  const html = /```html\n([\s\S]*?)```/.exec(guide)?.[1] as string;
  const folder = await project("guide", {});
  await fs.writeFile(
    path.join(folder, "index.html"),
    // The test looks for an answer where people look at the page.
    html.replace(
      /<\/script>/,
      'globalThis.answer = document.getElementById("out").textContent;\n$&',
    ),
  );
  const shown = await answerIn(folder, "/index.html", { policy: inline });
  assert.ok(guide.includes(`it shows \`${shown as string}\``), String(shown));
});

/** Without a bundler and an import map, the package is named by where it is. */
async function byAddress(folder: string, at: string): Promise<void> {
  const file = path.join(folder, "app.js");
  const code = await fs.readFile(file, "utf8");
  await fs.writeFile(file, code.replace('"convscope"', JSON.stringify(`./${at}/dist/index.js`)));
}

// --- init in Chromium -------------------------------------------------------

let folder: string;
let wasm: Buffer;
before(async () => {
  folder = await project("init", { "index.html": "pages/empty.html" });
  await fs.cp(path.join(folder, "node_modules/convscope"), path.join(folder, "other-copy"), {
    recursive: true,
  });
  wasm = await fs.readFile(path.join(folder, "node_modules/convscope/dist/convscope.simd.wasm"));
});

/** What a script gives that has the package as `cs`, in a page of its own. */
async function inPage(
  script: string,
  {
    policy = strict,
    answers = {},
    prepare = "",
  }: { policy?: string; answers?: Record<string, Answer>; prepare?: string } = {},
): Promise<unknown> {
  const code = `${prepare}
    Promise.all([import("/node_modules/convscope/dist/index.js"), import("/other-copy/dist/index.js")])
      .then(async ([cs, other]) => { ${script} })
      .then((value) => (globalThis.answer = value), (error) => (globalThis.answer = { code: error.code, message: error.message }));`;
  return answerIn(folder, "/index.html", {
    policy,
    answers: { "/test.js": [200, "text/javascript", code], ...answers },
  });
}

const relaxed = "/node_modules/convscope/dist/convscope.relaxed.wasm";
const run = "return cs.F.conv1d(cs.tensor([[1, 2, 4]]), cs.tensor([[[1, -1]]])).toArray();";

for (const [
  name,
  { answers = {}, policy, script = "await cs.init();", prepare, code, message },
] of Object.entries<{
  answers?: Record<string, Answer>;
  policy?: string;
  script?: string;
  prepare?: string;
  code: string;
  message: RegExp;
}>({
  "a missing file": {
    answers: { [relaxed]: [404, "text/html", "<h1>Not found</h1>"] },
    code: "wasm-missing",
    message:
      /convscope\.relaxed\.wasm could not be loaded: the server answers 404; copy it there, or name its place with init\(\{ wasm \}\)/,
  },
  "a page where the file should be, as servers of one-page apps answer": {
    answers: { [relaxed]: [200, "text/html", "<!doctype html><title>App</title>"] },
    code: "wasm-invalid",
    message: /holds no WebAssembly, but content of type text\/html/,
  },
  "another address that cannot be reached": {
    script: 'await cs.init({ wasm: "http://127.0.0.1:1/x.wasm" });',
    policy: `${strict}; connect-src *`,
    code: "wasm-missing",
    message: /the address cannot be reached/,
  },
  "a policy without 'wasm-unsafe-eval'": {
    policy: "default-src 'self'",
    code: "wasm-blocked",
    message: /content-security policy.*add 'wasm-unsafe-eval' to its script-src/,
  },
  "half a file": {
    script: 'await cs.init({ wasm: "/half.wasm" });',
    answers: { "/half.wasm": [200, "application/wasm", ""] },
    code: "wasm-invalid",
    message: /half\.wasm.*is it whole\?/,
  },
  "bytes that are something else": {
    script: "await cs.init({ wasm: new Uint8Array(1000) });",
    code: "wasm-invalid",
    message: /the bytes given/,
  },
  "an engine without SIMD": {
    // As such an engine answers: it finds no module with SIMD valid.
    prepare:
      "const { validate } = WebAssembly; WebAssembly.validate = (bytes) => !new Uint8Array(bytes).includes(253) && validate(bytes);",
    code: "no-simd",
    message:
      /this engine has no WebAssembly SIMD: Chrome and Edge have it from 91 on, Firefox from 89, Safari from 16\.4/,
  },
  "an engine without WebAssembly": {
    prepare: "delete globalThis.WebAssembly;",
    code: "no-simd",
    message: /Chrome and Edge have it from 91/,
  },
})) {
  test(`init in Chromium says what to do about ${name}`, async () => {
    const failure = (await inPage(script, { policy, answers, prepare })) as {
      code: string;
      message: string;
    };
    assert.equal(failure.code, code, JSON.stringify(failure));
    assert.match(failure.message, message);
  });
}

test("a server that names another type still serves", async () => {
  const answers: Record<string, Answer> = {
    "/typed.wasm": [200, "application/octet-stream", wasm],
  };
  assert.deepEqual(
    await inPage(`await cs.init({ wasm: "/typed.wasm", build: "simd" }); ${run}`, { answers }),
    [[-1, -2]],
  );
});

test("after a failure init may be tried again, with bytes or a module", async () => {
  const script = `
    await cs.init({ wasm: "/nothing.wasm" }).catch(() => {});
    const bytes = await (await fetch("/node_modules/convscope/dist/convscope.simd.wasm")).arrayBuffer();
    await cs.init({ wasm: bytes, build: "simd" });
    await other.init({ wasm: await WebAssembly.compile(bytes), build: "simd" });
    ${run}`;
  assert.deepEqual(await inPage(script), [[-1, -2]]);
});

test("two copies of the package on one page keep to themselves", async () => {
  const script = `
    await Promise.all([cs.init(), other.init({ math: "fast", build: "simd" })]);
    cs.manualSeed(1);
    other.manualSeed(1);
    const options = { inChannels: 2, outChannels: 2, kernelSize: 3 };
    const [a, b] = [new cs.Conv2d(options), new other.Conv2d(options)];
    const x = cs.randn([2, 9, 9]);
    const first = a.forward(x).toArray();
    for (let i = 0; i < 20; ++i) b.forward(other.randn([2, 30 + i, 9]));
    let mixed = "";
    try { a.forward(other.zeros([2, 9, 9])); } catch (error) { mixed = error.message; }
    return {
      engines: [cs.engine().math, other.engine().math, cs.engine() === other.engine()],
      weights: String(a.weight) === String(b.weight),
      again: JSON.stringify(a.forward(x).toArray()) === JSON.stringify(first),
      mixed,
    };`;
  assert.deepEqual(await inPage(script), {
    engines: ["reproducible", "fast", false],
    weights: true,
    again: true,
    mixed: "Expected Tensor for x but received a value of type object",
  });
});

test("all of that ran under a policy that forbids eval", async () => {
  const { message } = (await inPage("return new Function('return 1')();")) as Error;
  assert.match(message, /unsafe-eval/);
});
