// Makes the site demo/dist from demo/: src/main.ts and src/*.css bundled beside
// index.html with its service worker and <conv-scope>, everything else in demo/ copied as it is, and the engine's .wasm
// files. All addresses are relative and no script is inline, so the site works
// from any folder and under a strict content-security policy.
import fs from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const demo = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(demo, "dist");
const packageDist = path.join(demo, "../dist");

await fs.rm(dist, { recursive: true, force: true });
await fs.mkdir(dist);

const notCopied = new Set(["src", "dist", "build.mjs", "serve.mjs", "screenshot.png"]);
for (const name of await fs.readdir(demo)) {
  if (notCopied.has(name)) continue;
  await fs.cp(path.join(demo, name), path.join(dist, name), { recursive: true });
}
for (const name of ["convscope.simd.wasm", "convscope.relaxed.wasm"]) {
  await fs.copyFile(path.join(packageDist, name), path.join(dist, name));
}

const styles = (await fs.readdir(path.join(demo, "src"))).filter((name) => name.endsWith(".css"));
await esbuild.build({
  absWorkingDir: demo,
  entryPoints: [
    "src/main.ts",
    "src/sw.ts",
    "src/conv-scope.ts",
    ...styles.map((name) => `src/${name}`),
  ],
  entryNames: "[name]",
  // url("../fonts/x.woff2") in a style sheet ends at the copy in dist/fonts.
  assetNames: "fonts/[name]",
  loader: { ".woff2": "file", ".svg": "dataurl" },
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  // tsconfig.json leads "convscope" to its sources; the page wants the package.
  tsconfigRaw: {},
  alias: { convscope: path.join(packageDist, "index.js") },
  // package.json says "sideEffects": false of the library; of the page it is
  // not true: elements register themselves when imported.
  ignoreAnnotations: true,
  logLevel: "warning",
});
