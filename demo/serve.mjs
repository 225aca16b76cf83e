// A static server for the page, on this machine only.
//
//   PORT=8080 node demo/serve.mjs          the next free port if that is taken
//
// Tests import serve() to get a server on a free port.
import { createReadStream } from "node:fs";
import fs from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** The file that a request names, or null if there is none below `folder`. */
async function find(folder, url) {
  let name;
  try {
    name = decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return null;
  }
  let file = path.join(folder, name);
  if (name.includes("\0") || !(file + path.sep).startsWith(folder + path.sep)) return null;
  let stat = await fs.stat(file).catch(() => null);
  if (stat?.isDirectory() && name.endsWith("/")) {
    file = path.join(file, "index.html");
    stat = await fs.stat(file).catch(() => null);
  }
  return stat?.isFile() ? { file, size: stat.size } : null;
}

/**
 * Serves `folder` and answers the server once it listens. `port` 0 takes any
 * free port; with `orNext`, a taken port leads to the next one.
 */
export async function serve(folder, { port = 0, orNext = false } = {}) {
  folder = path.resolve(folder);
  const server = http.createServer(async (request, response) => {
    const found = await find(folder, request.url);
    // The strictest policy that a page with WebAssembly can live under for
    // scripts: what works here works on any host.
    response.setHeader(
      "Content-Security-Policy",
      "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'",
    );
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-cache");
    if (!found || !["GET", "HEAD"].includes(request.method)) {
      response.writeHead(found ? 405 : 404, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(found ? "Only GET and HEAD\n" : "Not found\n");
      return;
    }
    response.writeHead(200, {
      "Content-Type": types[path.extname(found.file)] ?? "application/octet-stream",
      "Content-Length": found.size,
    });
    if (request.method === "HEAD") response.end();
    else
      createReadStream(found.file)
        .on("error", () => response.destroy())
        .pipe(response);
  });
  for (;;) {
    try {
      await new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", () => {
          server.off("error", reject);
          resolve();
        });
      });
      return server;
    } catch (error) {
      if (error.code !== "EADDRINUSE" || !orNext || port >= 65535) throw error;
      port += 1;
    }
  }
}

// As a program; not when a test has this file bundled into itself.
if (path.basename(process.argv[1] ?? "") === "serve.mjs") {
  const wanted = process.env.PORT ?? "8080";
  if (!/^\d{1,5}$/.test(wanted) || Number(wanted) > 65535) {
    console.error(`serve: PORT is "${wanted}", which is no port (0 to 65535)`);
    process.exit(1);
  }
  const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "dist");
  const server = await serve(folder, { port: Number(wanted), orNext: true });
  console.log(`convscope: http://localhost:${server.address().port}/ (Ctrl+C ends it)`);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
}
