// What the consumers' tests share: projects with the packed package in them, a server, and Chromium.
import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const sources = path.resolve("tests/consumers");
/** Away from this repository, whose tsconfig.json some tools would follow to the package's sources. */
const projects = await fs.mkdtemp(path.join(os.tmpdir(), "convscope-consumers-"));
after(async () => {
  await (await browser)?.close();
  await fs.rm(projects, { recursive: true, force: true });
});
const packed = path.resolve("build/consumer/node_modules/convscope");

/** The tools of tests/consumers/package.json. */
const require = createRequire(path.join(sources, "package.json"));
export async function tool<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(require.resolve(name)).href)) as T;
}

/** A project as a user has it: these files of ours, and the package installed. Its folder. */
export async function project(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = path.join(projects, name);
  await fs.cp(packed, path.join(folder, "node_modules/convscope"), { recursive: true });
  await fs.writeFile(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  for (const [to, from] of Object.entries(files))
    await fs.cp(path.join(sources, from), path.join(folder, to));
  return folder;
}

export const app = { "app.js": "app.js", "main.js": "main.js" };

/** By hand: 1 * 1 - 2 and 2 - 4. Chromium has relaxed SIMD. */
export const wanted = { values: [[-1, -2]], build: "relaxed" };

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** How a request is answered that is no file's: status, type and content. */
export type Answer = readonly [status: number, type: string, content: Buffer | string];

/** A policy for pages with scripts or import maps in themselves. */
export const inline = "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'";

/** A policy for pages that trust nothing but their own files and their WebAssembly. */
export const strict = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** Serves a folder; what is there is not asked of `answers`. */
export async function serveFolder(
  folder: string,
  {
    policy = strict,
    answers = {},
  }: { policy?: string; answers?: Readonly<Record<string, Answer>> } = {},
): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = path.join(folder, path.normalize(decodeURIComponent(pathname)));
    const special = answers[pathname];
    const content = special?.[2] ?? (await fs.readFile(file).catch(() => null));
    const type = special?.[1] ?? types[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(special?.[0] ?? (content === null ? 404 : 200), {
      "content-type": type,
      "content-security-policy": policy,
    });
    response.end(content ?? "nothing here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let browser: Promise<Browser> | null = null;

export async function newPage(): Promise<Page> {
  const executablePath = process.env["CONVSCOPE_CHROMIUM"] || "/usr/bin/chromium";
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  browser ??= chromium.launch({ executablePath, args });
  return (await browser).newPage();
}

/** What a page's script came to. */
export async function answerOf(address: string): Promise<unknown> {
  const page = await newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  try {
    await page.goto(address);
    await page
      .waitForFunction(() => "answer" in globalThis, undefined, { timeout: 60_000 })
      .catch((error) => {
        throw new Error(`${String(error)}\n${complaints.join("\n")}`);
      });
    return await page.evaluate(() => (globalThis as unknown as { answer: unknown }).answer);
  } finally {
    await page.close();
  }
}

/** Serves a folder for as long as it takes to get the answer of a page in it. */
export async function answerIn(
  folder: string,
  page = "/index.html",
  options = {},
): Promise<unknown> {
  const { address, server } = await serveFolder(folder, options);
  try {
    return await answerOf(address + page);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export async function works(folder: string, policy = strict): Promise<void> {
  assert.deepEqual(await answerIn(folder, "/index.html", { policy }), wanted);
}
