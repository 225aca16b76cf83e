// How long a page takes from its script's first line to the result of a first small convolution, beside a page that
// imports an empty module and compiles an empty WebAssembly file: what the machine takes for any package at all. Each
// sample is a fresh browser context, so nothing is cached; the two take turns. Prints medians.
//
//   node start.mjs [samples, default 15]
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import zlib from "node:zlib";
import { chromium } from "playwright-core";

const samples = Number(process.argv[2] ?? 15);
const dist = path.join(import.meta.dirname, "../../dist");

const PAGES = {
  ours: `
    const begin = performance.now();
    const { init, tensor, Conv1d } = await import("/index.js");
    const imported = performance.now();
    await init();
    const ready = performance.now();
    const conv = new Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2, weight: tensor([[[1, 2]]]), biasValues: tensor([0]) });
    const output = conv.forward(tensor([[1, 2, 3]]));
    if (output.data[1] !== 8) throw new Error("a wrong result");
    await report({ import: imported - begin, init: ready - imported, first: performance.now() - ready, all: performance.now() - begin });`,
  empty: `
    const begin = performance.now();
    await import("/empty.js");
    await WebAssembly.instantiateStreaming(fetch("/empty.wasm"));
    await report({ all: performance.now() - begin });`,
};
// A page tells its times itself: to ask for them, Playwright would run a script of its own while the page starts.
const REPORT = `const report = (times) => fetch("/report", { method: "POST", body: JSON.stringify(times) });`;
const EMPTY = {
  "/empty.js": "export {};",
  "/empty.wasm": Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]),
};
const TYPES = { ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };

const sent = new Map(); // brotli bytes of what the page asked for
let reported; // what to do with a page's times
const server = http.createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/report") {
    const body = (await request.toArray()).join("");
    response.writeHead(204).end();
    reported(JSON.parse(body));
    return;
  }
  const page = PAGES[pathname.slice(1)];
  if (page !== undefined) {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(
      `<!doctype html><title>start</title><script type="module">${REPORT}${page}</script>`,
    );
    return;
  }
  const file = path.join(dist, path.basename(pathname));
  const body = EMPTY[pathname] ?? (fs.existsSync(file) ? fs.readFileSync(file) : null);
  if (body === null) {
    response.writeHead(404).end();
    return;
  }
  if (!(pathname in EMPTY)) sent.set(pathname, body);
  response.writeHead(200, {
    "content-type": TYPES[path.extname(pathname)] ?? "text/plain",
    "cache-control": "no-store",
  });
  response.end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: process.env.CONVSCOPE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const times = { ours: [], empty: [] };
for (let i = 0; i <= samples; ++i) {
  for (const name of Object.keys(times)) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const report = new Promise((resolve) => (reported = resolve));
    await page.goto(`${address}/${name}`);
    const sample = await report;
    // The first of each warms the server and the browser.
    if (i > 0) times[name].push(sample);
    await context.close();
  }
}
await browser.close();
server.close();

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const medianOf = (name, key) => median(times[name].map((sample) => sample[key]));
const ours = medianOf("ours", "all");
const empty = medianOf("empty", "all");
console.log(
  `convscope: ${ours.toFixed(1)} ms (import ${medianOf("ours", "import").toFixed(1)}, init ${medianOf("ours", "init").toFixed(1)}, first result ${medianOf("ours", "first").toFixed(1)})`,
);
console.log(
  `empty module and WebAssembly: ${empty.toFixed(1)} ms; difference ${(ours - empty).toFixed(1)} ms`,
);
const bytes = [...sent].map(([name, body]) => [
  name.slice(1),
  zlib.brotliCompressSync(body).length,
]);
console.log(
  `to download, brotli: ${bytes.map(([name, size]) => `${name} ${size}`).join(", ")}; ${bytes.reduce((sum, [, size]) => sum + size, 0)} bytes in all`,
);
