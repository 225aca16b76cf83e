// Writes dist/PROVENANCE.md: what the package was made of and with, under which licences, and the checksum of every file that runs; beside it the
// licences' texts.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = path.join(root, "dist");
const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));

const cmake = /^project\(convscope VERSION ([\d.]+)/mu.exec(
  fs.readFileSync(path.join(root, "CMakeLists.txt"), "utf8"),
)?.[1];
if (cmake !== version) {
  console.error(`provenance: package.json says version ${version}, CMakeLists.txt ${cmake}`);
  process.exit(1);
}

/** What a command prints, or nothing where there is no such command. */
function ask(command, ...args) {
  try {
    return execFileSync(command, args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
function versionOf(module) {
  const file = path.join(root, "node_modules", module, "package.json");
  return JSON.parse(fs.readFileSync(file, "utf8")).version;
}

/** Highway's version stands in a header. */
function highway() {
  const folder = process.env.HIGHWAY_DIR;
  if (!folder) return "1.2";
  const header = fs.readFileSync(path.join(folder, "hwy/base.h"), "utf8");
  return ["MAJOR", "MINOR", "PATCH"]
    .map((part) => new RegExp(`#define HWY_${part} (\\d+)`, "u").exec(header)?.[1])
    .join(".");
}
const emscripten = /(\d+\.\d+\.\d+)/u.exec(ask("emcc", "--version"))?.[1] ?? "unknown";

const commit = ask("git", "rev-parse", "HEAD");
const changed = ask("git", "status", "--porcelain") !== "";

const parts = [
  ["convscope", version, "Apache-2.0", "all files", "LICENSE"],
  [
    "Highway",
    highway(),
    "Apache-2.0 or BSD-3-Clause",
    "both .wasm files, embedded.js: its headers",
    "Copyright Google LLC and others",
  ],
  [
    "Emscripten's runtime, Embind and emmalloc",
    emscripten,
    "MIT or NCSA",
    "index.js, embedded.js, both .wasm files",
    "Copyright the Emscripten authors",
  ],
  [
    "musl libc",
    `as in Emscripten ${emscripten}`,
    "MIT",
    "both .wasm files, embedded.js",
    "Copyright Rich Felker and others",
  ],
  [
    "libc++, libc++abi, compiler-rt",
    `as in Emscripten ${emscripten}`,
    "Apache-2.0 WITH LLVM-exception",
    "both .wasm files, embedded.js",
    "the LLVM project",
  ],
];
const tools = [
  ["Emscripten", emscripten],
  ["esbuild", versionOf("esbuild")],
  ["TypeScript", versionOf("typescript")],
];
const files = [
  "index.js",
  "onnx.js",
  "embedded.js",
  "convscope.simd.wasm",
  "convscope.relaxed.wasm",
].map((name) => {
  const bytes = fs.readFileSync(path.join(dist, name));
  return [name, String(bytes.length), createHash("sha256").update(bytes).digest("hex")];
});

fs.copyFileSync(
  path.join(root, "wasm/toolchain/THIRD_PARTY.txt"),
  path.join(dist, "THIRD_PARTY.txt"),
);

const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
fs.writeFileSync(
  path.join(dist, "PROVENANCE.md"),
  `# What convscope ${version} is made of

${commit ? `Built from commit ${commit}${changed ? ", with changes that were not committed" : ""}.` : "Built outside a repository."}

## Parts

${table(["part", "version", "licence", "where", "holder"], parts)}

The licences' texts are in LICENSE and THIRD_PARTY.txt.

## Tools

${table(["tool", "version"], tools)}

## Files

${table(["file", "bytes", "SHA-256"], files)}
`,
);
