// The vectors: a folder of what PyTorch gives, described in its README.md.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { TestContext } from "node:test";
import assert from "node:assert/strict";

/** The folder, CONVSCOPE_VECTORS; by default the repository's, seen from the packed tests or from their sources. */
const folder = process.env.CONVSCOPE_VECTORS ?? path.resolve("tests/data/vectors");

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface VectorTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** A case of a .cvec file, with its tensors read. */
export interface Case {
  readonly id: string;
  readonly op: string;
  readonly api: string;
  readonly args: JsonObject;
  readonly given: JsonObject;
  readonly json: JsonObject;
  readonly tensors: ReadonlyMap<string, VectorTensor>;
}

/** The bytes of a file; null if it is missing, and then the test is reported as skipped. */
export async function readBytes(t: TestContext, name: string): Promise<Buffer | null> {
  try {
    return await readFile(path.join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // A folder that the user named may lack files; our own may not.
    assert.ok(process.env.CONVSCOPE_VECTORS !== undefined, `${name} is missing from ${folder}`);
    t.skip(`${name} is missing`);
    return null;
  }
}

/** The cases of a .cvec file; null if it is missing, and then the test is reported as skipped. */
export async function readCvec(t: TestContext, name: string): Promise<readonly Case[] | null> {
  const bytes = await readBytes(t, name);
  if (bytes === null) return null;
  assert.equal(bytes.toString("latin1", 0, 8), "CNVEC01\n");
  const start = 16 + bytes.readUInt32LE(12);
  const header = JSON.parse(bytes.toString("utf8", 16, start)) as { cases: readonly JsonObject[] };
  // A copy, so that the elements are aligned.
  const elements = new Uint8Array(bytes.subarray(start)).buffer;
  return header.cases.map((json) => {
    const places = Object.entries(
      json.tensors as Record<string, { shape: number[]; offset: number; dtype?: string }>,
    );
    const tensors = new Map(
      places.map(([key, { shape, offset, dtype }]): [string, VectorTensor] => {
        const count = shape.reduce((product, size) => product * size, 1);
        const type = dtype === "i32" ? Int32Array : Float32Array;
        return [key, { shape, data: new type(elements, 4 * offset, count) }];
      }),
    );
    const { id, op, api, args, given } = json as unknown as Case;
    return { id, op, api, args, given, json, tensors };
  });
}

export async function readJson<T>(t: TestContext, name: string): Promise<T | null> {
  const bytes = await readBytes(t, name);
  return bytes === null ? null : (JSON.parse(bytes.toString("utf8")) as T);
}

/** Runs every case, prints the counts, and fails with the list of those that failed; one that throws has failed. */
export function runCases<T>(
  t: TestContext,
  name: string,
  cases: readonly T[],
  idOf: (test: T) => string,
  check: (test: T) => void,
): void {
  const failures: string[] = [];
  for (const test of cases) {
    try {
      check(test);
    } catch (error) {
      failures.push(`${idOf(test)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const passed = cases.length - failures.length;
  t.diagnostic(`${name}: ${passed} passed, ${failures.length} failed`);
  assert.ok(cases.length > 0, `${name} holds no cases`);
  const shown = failures.slice(0, 40).join("\n");
  assert.equal(
    failures.length,
    0,
    `${name}: ${passed} passed, ${failures.length} failed:\n${shown}`,
  );
}
