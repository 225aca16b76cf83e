// npm run bench: times the layers of layers.mjs with every package of peers.mjs, in turns in one page of Chromium, one
// thread each, and writes results/bench.json, results/bench.md and results/speed.svg.
//
//   --only 3x3,depthwise   layers whose name contains one of these, or of these families
//   --without OpenCV.js    packages to leave out
//   --rounds 7             turns per layer
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { chart, tables } from "./report.mjs";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    without: { type: "string", default: "" },
    rounds: { type: "string", default: "7" },
    dist: { type: "string", default: path.join(import.meta.dirname, "../../dist") },
    results: { type: "string", default: path.join(import.meta.dirname, "results") },
  },
});
const folder = import.meta.dirname;
const list = (text) => text.split(",").filter(Boolean);

if (!fs.existsSync(path.join(options.dist, "index.js"))) {
  console.error("There is no package to time: run `npm run build` first.");
  process.exit(1);
}
await build({
  entryPoints: [path.join(folder, "page.mjs")],
  outfile: path.join(folder, "results/.page/page.js"),
  bundle: true,
  format: "esm",
  platform: "browser",
  mainFields: ["browser", "module", "main"],
  external: ["node:*"],
  logLevel: "error",
});

// Isolated, because only then the page's clock is fine enough.
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};
const roots = {
  "/dist/": options.dist,
  "/node_modules/": path.join(folder, "node_modules"),
  "/page/": path.join(folder, "results/.page"),
};
const server = http.createServer((request, response) => {
  const headers = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
  };
  const url = new URL(request.url, "http://localhost").pathname;
  if (url === "/") {
    response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" });
    response.end(
      '<!doctype html><title>bench</title><script type="module" src="/page/page.js"></script>',
    );
    return;
  }
  const prefix = Object.keys(roots).find((start) => url.startsWith(start));
  const file = prefix && path.join(roots[prefix], url.slice(prefix.length));
  if (!file?.startsWith(roots[prefix]) || !fs.existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    "content-type": TYPES[path.extname(file)] ?? "application/octet-stream",
  });
  fs.createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const onPath = (process.env.PATH ?? "")
  .split(path.delimiter)
  .map((dir) => path.join(dir, "chromium"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? onPath.find((file) => fs.existsSync(file)),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
const page = await browser.newPage();
page.setDefaultTimeout(0);
page.on("console", (message) => {
  if (message.type() === "log") console.log(message.text());
});
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => window.isReady);
const measured = await page.evaluate((wanted) => window.runBench(wanted), {
  only: list(options.only),
  without: list(options.without),
  rounds: Number(options.rounds),
});
const results = {
  engine: `Chromium ${browser.version()}`,
  machine: os.cpus()[0].model.trim(),
  date: new Date().toISOString().slice(0, 10),
  ...measured,
};
await browser.close();
server.close();

fs.mkdirSync(options.results, { recursive: true });
fs.writeFileSync(path.join(options.results, "bench.json"), JSON.stringify(results, null, 1));
fs.writeFileSync(path.join(options.results, "bench.md"), tables(results));
fs.writeFileSync(path.join(options.results, "speed.svg"), chart(results));
console.log(tables(results));
