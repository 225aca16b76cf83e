// How smooth the page is: scrubs a value and reads the frames from Chromium's trace.
//
//   npm run build && node tests/bench/frames.mjs [--profile]
//
// Prints, per scene, the main thread's work per frame (everything it ran between two
// frames, painting included), and the time from opening to the first number beside that
// of an empty page. 60 frames a second leave 16.7 ms. --profile prints where the time goes.
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../../demo/serve.mjs";

const MOVES = 150;
const OPENINGS = 11;
const profile = process.argv.includes("--profile");

const numbers = (shape, of) =>
  `${shape.join("x")}:${Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => of(i)).join(",")}`;
const wave = (i) => ((i % 17) - 8) / 4;
const big = [
  "layer=Conv2d&in=16&out=16&k=3&s=1&p=1&op=0&d=1&g=1&mode=zeros",
  `x=${numbers([16, 64, 64], wave)}`,
  `w=${numbers([16, 16, 3, 3], (i) => ((i % 7) - 3) / 8)}`,
  `b=${numbers([16], () => 0)}`,
].join("&");

const canvas = (page, role, x, y) =>
  page.evaluate(
    ([role, x, y]) => {
      const grid = document.querySelector(`tensor-grid[data-role="${role}"]`);
      const box = (
        grid.querySelector("canvas") ?? grid.querySelector("table")
      ).getBoundingClientRect();
      window.scrollBy(0, box.top - 200);
      const now = (
        grid.querySelector("canvas") ?? grid.querySelector("table")
      ).getBoundingClientRect();
      return [now.left + now.width * x, now.top + now.height * y];
    },
    [role, x, y],
  );

/** Each: where to open the page, and what to do before a cell is dragged. */
const scenes = [
  { name: "64×64×16, an input", hash: big, role: "input", at: [0.1, 0.1] },
  { name: "64×64×16, a weight", hash: big, role: "weight", at: [0.005, 0.005] },
  { name: "the first lesson, an input", hash: "", role: "input", at: [0.4, 0.5] },
  {
    name: "1024×1024 picture, a weight of 3×3",
    hash: "",
    role: "weight",
    at: [0.5, 0.5],
    prepare: async (page) => {
      await page.getByRole("radio", { name: "Picture" }).check();
      const png = await page.evaluate(async () => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1024;
        const pen = canvas.getContext("2d");
        for (let i = 0; i < 4000; ++i) {
          pen.fillStyle = `hsl(${(i * 47) % 360} 60% ${20 + (i % 60)}%)`;
          pen.fillRect((i * 97) % 1024, (i * 61) % 1024, 8 + (i % 90), 8 + (i % 50));
        }
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
        return [...new Uint8Array(await blob.arrayBuffer())];
      });
      await page
        .locator('picture-view input[type="file"]')
        .setInputFiles({ name: "p.png", mimeType: "image/png", buffer: Buffer.from(png) });
      await page.waitForTimeout(500);
    },
  },
];

async function trace(session, act) {
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: {
      includedCategories: ["disabled-by-default-devtools.timeline", "devtools.timeline"],
    },
  });
  await act();
  const done = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.end");
  await done;
  return events;
}

/** The renderer's main thread: its work from one commit of a frame to the next, in ms.
 *  CPU time, so that what else a busy machine does is not counted. */
function frames(events) {
  const moved = events.find(
    ({ name, args }) => name === "EventDispatch" && args.data?.type === "pointermove",
  );
  const mine = events.filter(({ tid, pid }) => tid === moved?.tid && pid === moved?.pid);
  const commits = mine.filter(({ name }) => name === "Commit").map(({ ts }) => ts);
  const work = new Array(Math.max(0, commits.length - 1)).fill(0);
  for (const { name, ts, tdur = 0 } of mine) {
    if (name !== "RunTask") continue;
    // A task is its frame's even if the frame is committed within it.
    const i = commits.findIndex((commit) => commit >= ts);
    if (i > 0) work[i - 1] += tdur / 1000;
  }
  return work;
}

const at = (values, part) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN;
const ms = (value) => `${value.toFixed(1).padStart(7)} ms`;

const server = await serve(path.resolve("demo/dist"));
const address = `http://localhost:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CONVSCOPE_CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

console.log("work per frame            median        p95        max   frames");
for (const {
  name,
  hash,
  role,
  at: [x, y],
  prepare,
} of scenes) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(address + (hash && `#${hash}`));
  await page.waitForSelector('tensor-grid[data-role="output"] :is(canvas, td span:not(:empty))');
  await prepare?.(page);
  const [left, top] = await canvas(page, role, x, y);
  const session = await context.newCDPSession(page);
  if (profile) {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: 200 });
    await session.send("Profiler.start");
  }
  await page.mouse.move(left, top);
  await page.mouse.down();
  await page.mouse.move(left + 10, top);
  const browserSession = await browser.newBrowserCDPSession();
  const events = await trace(browserSession, async () => {
    for (let i = 0; i < MOVES; ++i) {
      const x = left + 12 + 6 * (i % 60);
      await session.send("Input.dispatchMouseEvent", {
        type: "mouseMoved",
        x,
        y: top,
        buttons: 1,
        button: "left",
      });
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
  });
  const note = await page.locator("#note").innerText();
  if (!/changed|weights/.test(note)) throw new Error(`${name}: nothing was dragged: ${note}`);
  await page.mouse.up();
  const work = frames(events);
  console.log(
    `${name.padEnd(22)} ${ms(at(work, 0.5))} ${ms(at(work, 0.95))} ${ms(at(work, 1 - 1e-9))}   ${work.length}`,
  );
  if (profile) {
    const { profile: cpu } = await session.send("Profiler.stop");
    const own = new Map();
    const byId = new Map(cpu.nodes.map((node) => [node.id, node]));
    cpu.samples.forEach((id, i) => {
      const { functionName, url, lineNumber, columnNumber } = byId.get(id).callFrame;
      const key = `${functionName || "(anonymous)"} ${url.split("/").at(-1)}:${lineNumber}:${columnNumber}`;
      own.set(key, (own.get(key) ?? 0) + cpu.timeDeltas[i] / 1000);
    });
    for (const [key, time] of [...own].sort((a, b) => b[1] - a[1]).slice(0, 14))
      console.log(`   ${ms(time)} ${key}`);
  }
  await context.close();
}

// Openings, in turn with those of a page that is nothing but one number written by a script: what
// the browser itself takes here. Between them it rests, for a page that was closed is not at once gone.
const empty = await fs.mkdtemp(path.join(os.tmpdir(), "empty-"));
await fs.writeFile(
  path.join(empty, "index.html"),
  '<!doctype html><title>1</title><script type="module" src="one.js"></script>' +
    '<tensor-grid data-role="output"><table><tr><td></td></tr></table></tensor-grid>',
);
await fs.writeFile(
  path.join(empty, "one.js"),
  'document.querySelector("td").innerHTML = "<span>1</span>";',
);
const emptyServer = await serve(empty);
const openings = {
  "first number on screen": { address, times: [] },
  "  of an empty page": {
    address: `http://localhost:${emptyServer.address().port}/`,
    times: [],
  },
};
for (let i = 0; i < OPENINGS; ++i)
  for (const { address, times } of Object.values(openings)) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const look = () => {
        if (document.querySelector('tensor-grid[data-role="output"] td span:not(:empty)'))
          window.firstNumber = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(address);
    const first = await page.waitForFunction(() => window.firstNumber);
    times.push(await first.jsonValue());
    await context.close();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
for (const [name, { times }] of Object.entries(openings))
  console.log(
    `${name.padEnd(22)} median ${ms(at(times, 0.5))}, slowest ${ms(Math.max(...times))} of ${times.length} openings`,
  );
await fs.rm(empty, { recursive: true });
emptyServer.close();
await browser.close();
server.close();
