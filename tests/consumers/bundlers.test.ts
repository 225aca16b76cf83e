// The packed package in bundlers, without configuration: built for real, and run in Chromium under a strict policy.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { answerIn, answerOf, app, inline, project, tool, wanted, works } from "./support.js";

const execute = promisify(execFile);

const bundled = { ...app, "index.html": "pages/bundled.html" };
const inWorker = {
  "index.html": "pages/worker.html",
  "page.js": "worker/page.js",
  "worker.js": "worker/worker.js",
  "app.js": "app.js",
};

interface Vite {
  build(options: object): Promise<unknown>;
  createServer(options: object): Promise<{
    listen(): Promise<unknown>;
    close(): Promise<void>;
    readonly resolvedUrls: { readonly local: readonly string[] };
  }>;
}

for (const [what, files] of Object.entries({ "a page": bundled, "a worker": inWorker })) {
  test(`Vite builds ${what}`, async () => {
    const vite = await tool<Vite>("vite");
    const root = await project(`vite-build-${what.slice(2)}`, files);
    await vite.build({ root, configFile: false, logLevel: "error" });
    await works(path.join(root, "dist"));
  });

  test(`Vite's development server serves ${what}`, async () => {
    const vite = await tool<Vite>("vite");
    const root = await project(`vite-dev-${what.slice(2)}`, files);
    const server = await vite.createServer({
      root,
      configFile: false,
      logLevel: "error",
      server: { port: 0, hmr: false },
    });
    try {
      await server.listen();
      assert.deepEqual(await answerOf(server.resolvedUrls.local[0] as string), wanted);
    } finally {
      await server.close();
    }
  });

  test(`webpack 5 builds ${what}`, async () => {
    const { default: webpack } = await tool<{
      default: (
        options: object,
        done: (error: Error | null, stats: { hasErrors(): boolean; toString(): string }) => void,
      ) => void;
    }>("webpack");
    const context = await project(`webpack-${what.slice(2)}`, files);
    const entry = files === bundled ? "./main.js" : "./page.js";
    await new Promise<void>((resolve, reject) =>
      webpack(
        { context, entry, mode: "production", output: { path: path.join(context, "dist") } },
        (error, stats) => {
          if (error !== null || stats.hasErrors()) reject(error ?? new Error(stats.toString()));
          else resolve();
        },
      ),
    );
    const page = await fs.readFile(path.join(context, "index.html"), "utf8");
    await fs.writeFile(path.join(context, "dist/index.html"), page.replace(entry, "./main.js"));
    await works(path.join(context, "dist"));
  });

  test(`Parcel builds ${what}`, async () => {
    const root = await project(`parcel-${what.slice(2)}`, files);
    const dist = path.join(root, "dist");
    // By its command, as its workers do not take the flags that this test runs with.
    const parcel = path.resolve("tests/consumers/node_modules/parcel/lib/bin.js");
    const options = [
      "--dist-dir",
      dist,
      "--public-url",
      "./",
      "--no-cache",
      "--log-level",
      "error",
    ];
    await execute(process.execPath, [parcel, "build", "index.html", ...options], { cwd: root });
    // Parcel writes an import map into the page.
    await works(dist, inline);
  });
}

/** Rollup and esbuild leave `new URL("…", import.meta.url)` as it is: the files go beside the bundle by hand. */
async function withFilesCopied(root: string): Promise<void> {
  const dist = path.join(root, "dist");
  await fs.cp(path.join(root, "index.html"), path.join(dist, "index.html"));
  const missing = await answerIn(dist);
  assert.match(
    String(missing),
    /ConvscopeError: the WebAssembly file http:.*\/convscope\.relaxed\.wasm could not be loaded: the server answers 404; copy it there, or name its place with init\(\{ wasm \}\)/,
  );
  for (const name of ["convscope.simd.wasm", "convscope.relaxed.wasm"])
    await fs.cp(path.join(root, "node_modules/convscope/dist", name), path.join(dist, name));
  await works(dist);
}

async function withRollup(root: string): Promise<void> {
  const { rollup } = await tool<{
    rollup(options: object): Promise<{ write(options: object): Promise<unknown> }>;
  }>("rollup");
  const { nodeResolve } = await tool<{ nodeResolve(): object }>("@rollup/plugin-node-resolve");
  const bundle = await rollup({ input: path.join(root, "main.js"), plugins: [nodeResolve()] });
  await bundle.write({ dir: path.join(root, "dist"), format: "es" });
}

async function withEsbuild(root: string): Promise<void> {
  const esbuild = await tool<{ build(options: object): Promise<unknown> }>("esbuild");
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["main.js"],
    bundle: true,
    minify: true,
    format: "esm",
    outdir: path.join(root, "dist"),
    logLevel: "error",
  });
}

test("Rollup builds a page, and init says what to copy", async () => {
  const root = await project("rollup", bundled);
  await withRollup(root);
  await withFilesCopied(root);
});

test("esbuild builds a page, and init says what to copy", async () => {
  const root = await project("esbuild", bundled);
  await withEsbuild(root);
  await withFilesCopied(root);
});

for (const name of ["Rollup", "esbuild"]) {
  test(`${name} builds a page with the WebAssembly in it, and nothing is to be copied`, async () => {
    const root = await project(`embedded-${name}`, bundled);
    const from = await fs.readFile(path.join(root, "app.js"), "utf8");
    await fs.writeFile(
      path.join(root, "app.js"),
      from.replace('from "convscope"', 'from "convscope/embedded"'),
    );
    await (name === "Rollup" ? withRollup(root) : withEsbuild(root));
    const dist = path.join(root, "dist");
    await fs.cp(path.join(root, "index.html"), path.join(dist, "index.html"));
    assert.deepEqual(await answerIn(dist), { ...wanted, build: "simd" });
  });
}

test("a bundle holds what is used of the package, and little else", async () => {
  const esbuild = await tool<{
    build(options: object): Promise<{ outputFiles: { contents: Uint8Array; text: string }[] }>;
  }>("esbuild");
  const root = await project("tree-shaking", app);
  const { outputFiles } = await esbuild.build({
    stdin: { contents: 'export { init, Conv2d } from "convscope";', resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const { text } = outputFiles[0] as { text: string };
  // Words of the parts that were not asked for.
  for (const word of ["safetensors", "fortran_order", "fromPyTorch", "AveragePool"])
    assert.ok(!text.includes(word), word);
});
