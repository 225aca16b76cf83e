// init(): every way to hand the WebAssembly over, and every way in which that can fail.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { builds, fresh, type Package } from "./support/package.js";

const dist = path.dirname(fileURLToPath(import.meta.resolve("convscope")));
const file = path.join(dist, "convscope.simd.wasm");

/** What a server does with the file, by the path asked for. */
const answers: Readonly<
  Record<string, (wasm: Buffer) => readonly [status: number, type: string, body: Buffer]>
> = {
  "/good.wasm": (wasm) => [200, "application/wasm", wasm],
  "/untyped.wasm": (wasm) => [200, "text/plain", wasm],
  "/page.wasm": () => [200, "text/html", Buffer.from("<!doctype html><title>Not found</title>")],
  "/half.wasm": (wasm) => [200, "application/wasm", wasm.subarray(0, wasm.length / 2)],
  "/half-untyped.wasm": (wasm) => [200, "text/plain", wasm.subarray(0, wasm.length / 2)],
};

let server: Server;
let origin: string;
let wasm: Buffer;

before(async () => {
  wasm = await readFile(file);
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer === undefined) {
      response.writeHead(404).end("nothing here");
      return;
    }
    const [status, type, body] = answer(wasm);
    response.writeHead(status, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

/** A convolution by hand: what shows that the engine works. */
function works(cs: Package): void {
  assert.deepEqual(cs.F.conv1d(cs.tensor([[1, 2, 4]]), cs.tensor([[[1, -1]]])).toArray(), [
    [-1, -2],
  ]);
}

const sources: Readonly<Record<string, () => unknown>> = {
  "no options": () => undefined,
  "a file's URL": () => new URL(`file://${file}`),
  "a file's URL as a string": () => `file://${file}`,
  "a path": () => path.relative(process.cwd(), file),
  "an http address": () => `${origin}/good.wasm`,
  "an http address under another type": () => `${origin}/untyped.wasm`,
  "an ArrayBuffer": () => new Uint8Array(wasm).buffer,
  "a view of bytes": () => wasm,
  "a compiled module": () => new WebAssembly.Module(new Uint8Array(wasm)),
};
for (const [name, source] of Object.entries(sources)) {
  test(`init takes ${name}`, async () => {
    const cs = await fresh(name);
    const from = source() as string | undefined;
    const info = await cs.init(
      from === undefined ? { build: "simd" } : { wasm: from, build: "simd" },
    );
    assert.deepEqual(info, cs.engine());
    works(cs);
  });
}

test("by default the build is the best that this engine can run", async () => {
  const cs = await fresh("default");
  assert.equal((await cs.init()).build, builds.at(-1));
  works(cs);
});

test("the engine's version is the package's", async () => {
  const cs = await fresh("version");
  await cs.init();
  const { version } = JSON.parse(await readFile(path.join(dist, "../package.json"), "utf8")) as {
    version: string;
  };
  assert.deepEqual(
    { ...cs.engine(), build: "simd" },
    { build: "simd", math: "reproducible", simd: true, version },
  );
});

const failures: Readonly<Record<string, { wasm: () => unknown; code: string; message: RegExp }>> = {
  "a missing file": {
    wasm: () => new URL("file:///nowhere/convscope.wasm"),
    code: "wasm-missing",
    message: /file:\/\/\/nowhere\/convscope\.wasm could not be loaded.*init\(\{ wasm \}\)/,
  },
  "an address that answers 404": {
    wasm: () => `${origin}/nothing.wasm`,
    code: "wasm-missing",
    message: /nothing\.wasm could not be loaded: the server answers 404/,
  },
  "an address that cannot be reached": {
    wasm: () => "http://127.0.0.1:1/convscope.wasm",
    code: "wasm-missing",
    message: /the address cannot be reached/,
  },
  "a page where the file should be": {
    wasm: () => `${origin}/page.wasm`,
    code: "wasm-invalid",
    message: /holds no WebAssembly, but content of type text\/html/,
  },
  "half a file": {
    wasm: () => `${origin}/half.wasm`,
    code: "wasm-invalid",
    message: /is it whole\?/,
  },
  "half a file under another type": {
    wasm: () => `${origin}/half-untyped.wasm`,
    code: "wasm-invalid",
    message: /is it whole\?/,
  },
  "bytes that are no WebAssembly": {
    wasm: () => new Uint8Array(100),
    code: "wasm-invalid",
    message: /the bytes given holds no WebAssembly/,
  },
  "somebody else's module": {
    wasm: () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
    code: "wasm-invalid",
    message: /does not belong to this version of convscope/,
  },
};
for (const [name, { wasm: source, code, message }] of Object.entries(failures)) {
  test(`${name} is a clear error, and init may be tried again`, async () => {
    const cs = await fresh(name);
    const attempt = (): Promise<unknown> => cs.init({ wasm: source() as string, build: "simd" });
    await assert.rejects(attempt, { name: "ConvscopeError", code, message });
    assert.throws(() => cs.engine(), { code: "not-initialized" });
    await cs.init({ build: "simd" });
    works(cs);
  });
}

/** Puts something else in a place of WebAssembly's for the time of one call. */
async function instead<K extends "validate" | "compile">(
  key: K,
  value: (typeof WebAssembly)[K],
  run: () => Promise<void>,
): Promise<void> {
  const original = WebAssembly[key];
  WebAssembly[key] = value;
  try {
    await run();
  } finally {
    WebAssembly[key] = original;
  }
}

test("an engine without SIMD is told what has it", async () => {
  const cs = await fresh("no-simd");
  await instead(
    "validate",
    () => false,
    () =>
      assert.rejects(cs.init(), { code: "no-simd", message: /Chrome and Edge have it from 91/ }),
  );
});

test("relaxed SIMD that is not there is refused only when asked for", async () => {
  const cs = await fresh("no-relaxed");
  const { validate } = WebAssembly;
  // The relaxed operation's number, 0x105, as two bytes.
  const withoutRelaxed = (bytes: BufferSource): boolean =>
    !Buffer.from(bytes as Uint8Array).includes(Buffer.from([253, 133, 2])) && validate(bytes);
  await instead("validate", withoutRelaxed, async () => {
    await assert.rejects(cs.init({ build: "relaxed" }), {
      code: "no-simd",
      message: /build: "simd"/,
    });
    assert.equal((await cs.init()).build, "simd");
  });
  works(cs);
});

test("a content-security policy without 'wasm-unsafe-eval' is named as the cause", async () => {
  const cs = await fresh("blocked");
  // Chromium's words.
  const text =
    "WebAssembly.compile(): Refused to compile or instantiate WebAssembly module because neither 'wasm-eval' nor 'unsafe-eval' is an allowed source of script";
  await instead(
    "compile",
    () => Promise.reject(new WebAssembly.CompileError(text)),
    () =>
      assert.rejects(cs.init({ build: "simd" }), {
        code: "wasm-blocked",
        message: /add 'wasm-unsafe-eval' to its script-src/,
      }),
  );
  await cs.init({ build: "simd" });
  works(cs);
});

test("a second init gives the same engine, and other options are refused in words", async () => {
  const cs = await fresh("twice");
  const [a, b] = await Promise.all([cs.init({ build: "simd" }), cs.init()]);
  assert.equal(a, b);
  assert.equal(await cs.init({ build: "simd" }), a);
  for (const options of [{ math: "fast" }, { build: "relaxed" }, { wasm: "other.wasm" }] as const) {
    const [key] = Object.keys(options);
    await assert.rejects(cs.init(options), {
      code: "already-initialized",
      message: new RegExp(`another "${key}"`),
    });
  }
  works(cs);
});

test("math given to init is every layer's default, and a layer's own goes before it", async () => {
  const cs = await fresh("fast");
  await cs.init({ build: "simd", math: "fast" });
  assert.equal(cs.engine().math, "fast");
  const options = { inChannels: 1, outChannels: 1, kernelSize: 1 };
  assert.equal(new cs.Conv1d(options).math, "fast");
  const own = new cs.Conv1d({ ...options, math: "reproducible" });
  assert.equal(own.math, "reproducible");
  assert.equal(own.plan([1, 3]).math, "reproducible");
  assert.equal(own.plan([1, 3], { math: "fast" }).math, "fast");
});

test("options of the wrong kind are refused", async () => {
  const cs = await fresh("kinds");
  for (const options of [
    null,
    3,
    "x",
    { wasm: 3 },
    { build: "best" },
    { math: "exact" },
    { wsam: "typo" },
  ]) {
    await assert.rejects(cs.init(options as object), { name: "TypeError" });
  }
  await cs.init({ build: "simd" });
});

test("before init every call that needs the engine says so, and tensors can be made", async () => {
  const cs = await fresh("before");
  const x = cs.tensor([[1, -2]]);
  assert.deepEqual(x.toArray(), [[1, -2]]);
  const calls: (() => unknown)[] = [
    () => cs.engine(),
    () => cs.manualSeed(0),
    () => cs.rand([1]),
    () => String(x),
    () => new cs.Conv1d({ inChannels: 1, outChannels: 1, kernelSize: 1 }),
    () => new cs.ReLU(),
    () => new cs.Sequential(),
    () => cs.F.relu(x),
    () => cs.F.conv1d(x, cs.zeros([1, 1, 1])),
    () => cs.fromPyTorch("nn.ReLU()"),
  ];
  for (const call of calls) {
    assert.throws(call, {
      name: "ConvscopeError",
      code: "not-initialized",
      message: /call and await init\(\) first/,
    });
  }
});

test("two copies of the package do not disturb each other", async () => {
  const [a, b] = [await fresh("copy-a"), await fresh("copy-b")];
  await a.init({ build: "simd" });
  await b.init({ build: "simd", math: "fast" });
  a.manualSeed(1);
  b.manualSeed(1);
  const options = { inChannels: 1, outChannels: 1, kernelSize: 2 };
  const [first, second] = [new a.Conv1d(options), new b.Conv1d(options)];
  assert.deepEqual(first.weight.toArray(), second.weight.toArray());
  assert.equal(a.engine().math, "reproducible");
  assert.throws(() => first.forward(b.zeros([1, 3]) as never), {
    name: "TypeError",
    message: /Expected Tensor for x/,
  });
  assert.throws(() => a.watch(second as never, a.zeros([1, 3])), { name: "TypeError" });
});
