// The page as a person has it: demo/dist from a static server, in Chromium, or, with
// CONVSCOPE_BROWSER=firefox, in Firefox over WebDriver BiDi.
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import {
  chromium,
  firefox,
  type Browser,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { serve } from "../../demo/serve.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A moving pattern for a camera; whether it may be used is the test's to say.
  "--use-fake-device-for-media-stream",
];

export const SITE = path.resolve("demo/dist");

export interface Visit {
  readonly page: Page;
  /** What the console complained about, and errors nobody caught. */
  readonly complaints: string[];
}

let browser: Browser;
let server: Server;
export let address = "";

export async function open(): Promise<void> {
  server = await serve(SITE);
  address = `http://localhost:${(server.address() as AddressInfo).port}/`;
  browser = await (process.env["CONVSCOPE_BROWSER"] === "firefox" ? openFirefox() : openChromium());
}

function openChromium(): Promise<Browser> {
  const executablePath = process.env["CONVSCOPE_CHROMIUM"] || "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS });
}

function openFirefox(): Promise<Browser> {
  const executablePath = process.env["CONVSCOPE_FIREFOX"] || "/usr/bin/firefox-esr";
  // The channel makes Playwright speak WebDriver BiDi, which Debian's build understands.
  return firefox.launch({ channel: "moz-firefox", executablePath, timeout: 120_000 });
}

export async function close(): Promise<void> {
  await browser.close();
  server.close();
}

/** Opens the page in a fresh profile and waits for its first numbers. */
export async function visit(
  hash = "",
  options: BrowserContextOptions = {},
  before?: (page: Page) => Promise<unknown>,
  role = "output",
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000); // a busy machine may take its time
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await before?.(page);
  await page.goto(address + (hash && `#${hash}`));
  if (!before) await page.waitForSelector(`tensor-grid[data-role="${role}"] td span:not(:empty)`);
  return { page, complaints };
}

/** The numbers of a tensor as they stand on the page, in row-major order. */
export async function numbers(page: Page, role: string): Promise<string[]> {
  return page
    .locator(`tensor-grid[data-role="${role}"] td`)
    .evaluateAll((cells) => cells.map((cell) => cell.querySelector("span")?.textContent ?? ""));
}

/** Offsets of the outputs that are marked as changed. */
export async function marked(page: Page, mark = "changed", role = "output"): Promise<number[]> {
  return page
    .locator(`tensor-grid[data-role="${role}"] td.${mark}`)
    .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-offset"))));
}

export function cell(page: Page, role: string, offset: number) {
  return page.locator(`tensor-grid[data-role="${role}"] td[data-offset="${offset}"]`);
}

export const note = (page: Page): Promise<string> => page.locator("#note").innerText();

/** Presses Tab until `selector` has the keyboard. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 120; ++i) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${selector}`);
}

/** Stack mode's part of the page is loaded on use. */
export async function enterStack(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Stack" }).check();
  await page.locator('tensor-grid[data-role="level1"]').first().waitFor({ state: "attached" });
}

export async function enterPicture(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Picture" }).check();
  await page.locator("picture-view canvas").first().waitFor();
}

export async function openLesson(page: Page, id: string): Promise<void> {
  const back = page.locator(".lesson-back");
  if (await back.count()) await back.click();
  await page.click(`[data-key="open-${id}"]`);
  await back.waitFor(); // the later lessons are loaded on use
}

const AXE = readFileSync(path.resolve("node_modules/axe-core/axe.min.js"), "utf8");

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** What axe finds against WCAG 2.2 AA, one line each. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const result = (await page.evaluate(`axe.run(document, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  })`)) as AxeResult;
  return result.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`,
  );
}
