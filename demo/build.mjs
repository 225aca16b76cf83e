// Makes the site demo/dist from demo/: src/main.ts and its style sheet bundled beside
// index.html with its service worker and <conv-scope>, everything else in demo/ copied as it is, and the engine's .wasm
// file. All addresses are relative and no script is inline, so the site works
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

const notCopied = new Set([
  "src",
  "dist",
  "build.mjs",
  "serve.mjs",
  "screenshot.png",
  "index.html",
]);
for (const name of await fs.readdir(demo)) {
  if (notCopied.has(name)) continue;
  await fs.cp(path.join(demo, name), path.join(dist, name), { recursive: true });
}
// Of the engine's two builds the one that src/offline.ts names.
const engine = "convscope.simd.wasm";
await fs.copyFile(path.join(packageDist, engine), path.join(dist, engine));

// The package's door, index.ts, leads to all of its files, and esbuild keeps a file for every
// part of the page from which it can be reached. So each name is asked for where it is.
const packageSource = path.join(demo, "../wasm/src");
const door = await fs.readFile(path.join(packageSource, "index.ts"), "utf8");
const roomOf = new Map();
for (const [, names, room] of door.matchAll(/export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/g))
  for (const name of namesIn(names)) roomOf.set(name.replace(/^type /, ""), room);

function namesIn(list) {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function inRooms(source) {
  return source.replace(/import (type )?\{([^}]*)\} from "convscope";/g, (whole, type, names) =>
    type
      ? "" // types leave nothing behind
      : namesIn(names)
          .filter((name) => !name.startsWith("type "))
          .map((name) => {
            const room = path.join(packageSource, roomOf.get(name).replace(/\.js$/, ".ts"));
            return `import { ${name} } from ${JSON.stringify(room)};`;
          })
          .join(" "),
  );
}

// What main.ts loads on use never runs without it: told so, esbuild keeps all that main.ts
// needs in one file, instead of one per set of parts that share some of it.
const PARTS =
  /src\/(?:load|stack-mode|stack-page|picture-mode|taking|later-lessons|link|volumes|elements\/(?:cell-canvas|step-transport))\.ts$/;
const BESIDE_MAIN = `import ${JSON.stringify(path.join(demo, "src/main.ts"))};`;

const common = {
  absWorkingDir: demo,
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  tsconfigRaw: {},
  plugins: [
    {
      name: "rooms",
      setup: ({ onLoad }) => {
        onLoad({ filter: /(?:demo\/src\/.*|wasm\/src\/load)\.ts$/ }, async ({ path: file }) => {
          const source = inRooms(await fs.readFile(file, "utf8"));
          return {
            contents: PARTS.test(file) ? `${source}\n${BESIDE_MAIN}` : source,
            loader: "ts",
          };
        });
      },
    },
    {
      // How the engine is loaded where engine.ts could not is itself loaded on use.
      name: "late load",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/load\.js$/ }, ({ importer }) =>
          importer.endsWith("wasm/src/engine.ts")
            ? { path: path.join(demo, "src/late-load.ts") }
            : undefined,
        ),
    },
    {
      name: "glue",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/raw\.js$/ }, () => ({
          path: path.join(demo, "../build/wasm-simd/raw.js"),
        })),
    },
  ],
  logLevel: "warning",
  // BESIDE_MAIN runs nothing, and need not: main.ts is there.
  logOverride: { "ignored-bare-import": "silent" },
};

// The page, and beside it what it loads on use.
const { metafile } = await esbuild.build({
  ...common,
  entryPoints: [
    "src/main.ts",
    "src/style.css",
    ...["picture", "stack", "taking", "volumes"].map((part) => `src/styles/${part}.css`),
  ],
  entryNames: "[name]",
  chunkNames: "[name]-[hash]",
  splitting: true,
  metafile: true,
});

// main.js itself only imports the file that holds all of it (see PARTS): the page asks for that.
const { imports } = Object.values(metafile.outputs).find(
  ({ entryPoint }) => entryPoint === "src/main.ts",
);
const page = await fs.readFile(path.join(demo, "index.html"), "utf8");
await fs.writeFile(
  path.join(dist, "index.html"),
  page.replace('src="main.js"', `src="${path.basename(imports[0].path)}"`),
);

await esbuild.build({ ...common, format: "iife", entryPoints: ["src/boot.ts"] });

// The service worker knows all of it by name, so that the next visit needs no network.
const files = Object.keys(metafile.outputs).map((name) =>
  path.relative(dist, path.join(demo, name)),
);
await esbuild.build({
  ...common,
  entryPoints: ["src/sw.ts", "src/conv-scope.ts"],
  define: { FILES: JSON.stringify(["./", "favicon.svg", "boot.js", ...files]) },
});
