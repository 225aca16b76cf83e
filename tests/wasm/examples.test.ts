// Every example in the package's declarations, in the README and in the guide runs, and gives what its comments say.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { transform } from "esbuild";
import { loadWithOnnx, type Package } from "./support/package.js";

const dist = path.dirname(fileURLToPath(import.meta.resolve("convscope")));

interface Example {
  readonly where: string;
  readonly code: string;
}

async function examples(): Promise<Example[]> {
  const found: Example[] = [];
  for (const name of (await readdir(dist)).filter((file) => file.endsWith(".d.ts"))) {
    const text = await readFile(path.join(dist, name), "utf8");
    for (const [, block] of text.matchAll(/```ts\n([\s\S]*?)```/g)) {
      const code = (block as string).replace(/^ *\* ?/gm, "");
      found.push({ where: `${name}: ${code.trim().split("\n")[0]}`, code });
    }
  }
  for (const page of ["README.md", "wasm/README.md"]) {
    for (const [, code] of (await readFile(page, "utf8")).matchAll(/```(?:js|ts)\n([\s\S]*?)```/g))
      found.push({ where: `${page}: ${(code as string).split("\n")[0]}`, code: code as string });
  }
  return found;
}

/**
 * `expression; // value` becomes a check: the value as it is written in JavaScript, as it prints, or (ending in "…") how
 * it begins. Other comments are prose.
 */
function withChecks(code: string): string {
  return code
    .replace(/^import .*$/gm, "")
    .replace(
      /^(?:console\.log\((.*)\)|(?!const |let |await |using |\/\/|\}|if|try)(\S.*?)); \/\/ (.+)$/gm,
      (line, logged, bare, comment) => {
        const value = (comment as string).replace(/^([^{]*?): .*$/, "$1");
        const isValue = /^(?:[-[{"\d]|true|false|null|tensor\()/.test(value);
        return isValue
          ? `$check(${(logged ?? bare) as string}, ${JSON.stringify(value)});`
          : (line as string);
      },
    );
}

/** What examples may use without making it. */
function surroundings(cs: Package): Record<string, unknown> {
  const conv = new cs.Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 2 });
  const x = cs.ones([1, 3, 4]);
  return {
    conv,
    x,
    w: cs.watch(new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 2 }), cs.ones([1, 3])),
  };
}

function check(value: unknown, want: string): void {
  const seen = [
    inspect(value, { depth: 9, breakLength: Infinity }),
    String(value),
    JSON.stringify(value),
  ];
  const plain = (text: string | undefined): string =>
    (text ?? "").replace(/\s+/g, "").replaceAll('"', "'");
  const matches = want.endsWith("…")
    ? seen.some((text) => plain(text).startsWith(plain(want.slice(0, -1))))
    : seen.some((text) => plain(text) === plain(want));
  assert.ok(matches, `gives ${seen.join(" or ")} and not ${want}`);
}

test("every example of the declarations and the README runs and gives what it says", async (t) => {
  const cs = await loadWithOnnx();
  const all = await examples();
  let checks = 0;
  for (const { where, code } of all) {
    const { code: runnable } = await transform(withChecks(code), {
      loader: "ts",
      target: "es2022",
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
    });
    const scope: Record<string, unknown> = {
      ...cs,
      console: { log: () => {} },
      $check: (value: unknown, want: string) => {
        ++checks;
        check(value, want);
      },
    };
    // What the example declares itself shadows its surroundings.
    const own = surroundings(cs);
    const wrapped = `return async () => {\n${runnable}\n}`;
    const names = Object.keys({ ...own, ...scope });
    const make = new Function(...names, wrapped) as (...values: unknown[]) => () => Promise<void>;
    try {
      await make(...names.map((name) => scope[name] ?? own[name]))();
    } catch (error) {
      assert.fail(`${where}: ${(error as Error).message}\n${runnable}`);
    }
  }
  t.diagnostic(`${all.length} examples, ${checks} checked values`);
  assert.ok(all.length > 50 && checks > 40);
});
