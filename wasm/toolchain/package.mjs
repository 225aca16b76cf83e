// Makes the npm package's dist/ from the two WebAssembly builds and wasm/src:
// index.js (wrapper and glue in one module), onnx.js beside it, declarations,
// two .wasm files, and embedded.js, which has one of the two in itself.
import { spawnSync } from "node:child_process";
import fs from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import esbuild from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const at = (...parts) => path.join(root, ...parts);
const dist = at("dist");
const declarations = at("build/declarations");
const builds = { simd: at("build/wasm-simd"), relaxed: at("build/wasm-relaxed") };

/** The time of the newest file among `files`, folders included with all below. */
async function newest(files) {
  let time = 0;
  for (const file of files) {
    const stat = await fs.stat(file);
    time = Math.max(time, stat.mtimeMs);
    if (stat.isDirectory()) {
      const names = await fs.readdir(file);
      time = Math.max(time, await newest(names.map((name) => path.join(file, name))));
    }
  }
  return time;
}

const stamp = at("build/package.stamp");
const sources = [
  at("wasm/src"),
  at("wasm/toolchain/package.mjs"),
  at("wasm/tsconfig.json"),
  at("tsconfig.json"),
  at("package-lock.json"),
  ...Object.values(builds).flatMap((build) => [`${build}/raw.js`, `${build}/raw.wasm`]),
];
const made = await fs.stat(stamp).catch(() => null);
const complete = await fs.stat(`${dist}/index.d.ts`).catch(() => null);
if (made && complete && made.mtimeMs > (await newest(sources))) process.exit(0);

// One glue serves both builds, so it has to be the same file.
const glue = await fs.readFile(`${builds.simd}/raw.js`, "utf8");
if (glue !== (await fs.readFile(`${builds.relaxed}/raw.js`, "utf8"))) {
  console.error(
    "package: the glue of build/wasm-simd and build/wasm-relaxed differs. Both must export and\n" +
      "import the same things; compare build/wasm-simd/raw.js with build/wasm-relaxed/raw.js.",
  );
  process.exit(1);
}

/** Answers "./raw.js" with the glue, less the one line that misleads bundlers. */
const rawModule = {
  name: "raw-module",
  setup(build) {
    build.onResolve({ filter: /^\.\/raw\.js$/ }, () => ({ path: `${builds.simd}/raw.js` }));
    build.onLoad({ filter: /[\\/]wasm-simd[\\/]raw\.js$/ }, () => {
      // Never reached, as the wrapper instantiates; but users' bundlers would
      // look for a raw.wasm that the package does not have.
      const contents = glue.replace(/new URL\("raw\.wasm",\s*import\.meta\.url\)\.href/g, '""');
      if (/raw\.wasm"?,\s*import\.meta/.test(contents)) {
        return {
          errors: [{ text: "the glue names raw.wasm in a form that package.mjs does not know" }],
        };
      }
      return { contents, loader: "js" };
    });
  },
};

await fs.rm(dist, { recursive: true, force: true });
await fs.rm(declarations, { recursive: true, force: true });
await fs.mkdir(dist, { recursive: true });
const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  // Nothing is external, Node's own modules included: an import of "node:fs"
  // in dist would break users' bundlers. process.getBuiltinModule does it.
  // Names are not kept: the calls that keep them would keep every function
  // that a user's bundler could leave out.
  minify: true,
  // Node shows the line of an error that nobody catches: not all of the file.
  lineLimit: 1000,
  legalComments: "none",
  logLevel: "warning",
};
await esbuild.build({
  ...common,
  entryPoints: { index: "wasm/src/index.ts" },
  plugins: [rawModule],
});
/** One engine and one class of errors, whichever module they are asked through: those of index.js. */
const besideIndex = {
  name: "beside-index",
  setup(build) {
    build.onResolve({ filter: /^\.\/(index|errors)\.js$/ }, () => ({
      path: "./index.js",
      external: true,
    }));
  },
};
const wasm = await fs.readFile(`${builds.simd}/raw.wasm`);
await esbuild.build({
  ...common,
  entryPoints: { embedded: "wasm/src/embedded.ts", onnx: "wasm/src/onnx.ts" },
  plugins: [besideIndex],
  define: { embeddedWasm: JSON.stringify(gzipSync(wasm, { level: 9 }).toString("base64")) },
});

const tsc = spawnSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", at("wasm")], {
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(1);
await fs.cp(`${declarations}/wasm/src`, dist, { recursive: true });
await fs.copyFile(`${builds.simd}/raw.d.ts`, `${dist}/raw.d.ts`);
for (const [name, build] of Object.entries(builds)) {
  await fs.copyFile(`${build}/raw.wasm`, `${dist}/convscope.${name}.wasm`);
  await fs.chmod(`${dist}/convscope.${name}.wasm`, 0o644);
}
await fs.writeFile(stamp, "");

const compressed = async (name) => brotliCompressSync(await fs.readFile(`${dist}/${name}`)).length;
const [js, simd, relaxed] = await Promise.all(
  ["index.js", "convscope.simd.wasm", "convscope.relaxed.wasm"].map(compressed),
);
console.log(`package: dist/ made; brotli: index.js ${js}, simd ${simd}, relaxed ${relaxed} bytes`);
