// A mutation fuzzer: changes known inputs at random, and keeps for further changes those that were answered in a way not seen before.
import assert from "node:assert/strict";
import { ConvscopeError } from "convscope";

/** Numbers that parsers get wrong: limits of sizes and signs. */
const EDGES = [0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** The same numbers for the same seed (mulberry32). */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * end);
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** A few changes to `bytes`; `other` lends pieces. */
export function mutate(bytes: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  let made: Uint8Array = bytes.slice();
  for (let changes = 1 + dice.below(4); changes > 0; --changes) {
    const at = dice.below(made.length + 1);
    const length = 1 + dice.below(dice.below(8) === 0 ? 64 : 8);
    const rest = made.subarray(at);
    const join = (...parts: Uint8Array[]): Uint8Array => {
      const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let to = 0;
      for (const part of parts) {
        whole.set(part, to);
        to += part.length;
      }
      return whole;
    };
    switch (dice.below(8)) {
      case 0: // A bit.
        if (at < made.length) made[at]! ^= 1 << dice.below(8);
        break;
      case 1: // A byte, mostly one that texts hold.
        if (at < made.length) made[at] = dice.below(3) ? 32 + dice.below(95) : dice.below(256);
        break;
      case 2: // A number in two, four or eight bytes.
        if (at + 8 <= made.length) {
          const view = new DataView(made.buffer, made.byteOffset + at, 8);
          const edge = dice.pick(EDGES);
          const kind = dice.below(3);
          if (kind === 0) view.setUint16(0, edge, true);
          else if (kind === 1) view.setUint32(0, edge, true);
          else view.setBigUint64(0, dice.below(2) ? BigInt(edge) : 2n ** 64n - BigInt(edge), true);
        }
        break;
      case 3: // Less.
        made = join(made.subarray(0, at), rest.subarray(length));
        break;
      case 4: // The same again.
        made = join(made.subarray(0, at), rest.subarray(0, length), rest);
        break;
      case 5: // A piece of another input.
        made = join(
          made.subarray(0, at),
          other.subarray(dice.below(other.length + 1)).subarray(0, length),
          rest,
        );
        break;
      case 6: // A number as a text.
        made = join(
          made.subarray(0, at),
          new TextEncoder().encode(
            dice.pick(["-1", "0", "99999999999999999999", "1e400", "NaN", "4294967296"]),
          ),
          rest,
        );
        break;
      default: // The end is missing.
        if (dice.below(4) === 0) made = made.slice(0, at);
    }
  }
  return made;
}

/** What `read` tells, or the words in which it refuses. Any other failure is a fault. */
export function answerOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof assert.AssertionError || !(error instanceof Error)) throw error;
    const isOurs =
      error instanceof ConvscopeError ||
      ((error instanceof RangeError || error instanceof TypeError) &&
        !/^(Invalid|Cannot|undefined|Maximum|Offset|offset)/u.test(error.message));
    if (!isOurs) throw error;
    assert.ok(error.message.length > 0 && error.message.length < 2000, error.message);
    return error.message;
  }
}

/** Longer inputs repeat what shorter ones say. */
const MAX_BYTES = 4096;
const MAX_KEPT = 4000;

/**
 * Calls `answer` with changed `seeds` for so many seconds. It tells in a few words how the input was answered, and throws where a promise is
 * broken: then the input is printed and the program ends. A seed for the dice may follow the seconds on the command line.
 */
export async function fuzz(
  seeds: readonly Uint8Array[],
  answer: (input: Uint8Array, dice: Dice) => string | Promise<string>,
): Promise<void> {
  const seconds = Number(process.argv[2] ?? 20);
  const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32);
  const dice = new Dice(seed);
  const kept = [...seeds];
  const seen = new Set<string>();
  const until = Date.now() + seconds * 1000;
  let runs = 0;
  while (Date.now() < until) {
    const input =
      runs < seeds.length
        ? seeds[runs]!
        : mutate(dice.pick(kept), dice.pick(kept), dice).subarray(0, MAX_BYTES);
    ++runs;
    const began = process.cpuUsage();
    try {
      const told = await answer(input, dice);
      // Quotes, numbers and names differ from input to input; the words are what counts.
      const kind = told
        .replace(/["'“].*["'”]/gsu, "…")
        .replace(/\S*[A-Z\d_]\S*/gu, "…")
        .slice(0, 100);
      if (!seen.has(kind)) {
        seen.add(kind);
        if (kept.length < MAX_KEPT) kept.push(input);
        else kept[dice.below(kept.length)] = input;
      }
      // Of the processor: the clock also counts what others do on a loaded machine.
      const { user, system } = process.cpuUsage(began);
      const took = (user + system) / 1000;
      if (took > 20_000) throw new Error(`the answer took ${took} ms`);
    } catch (error) {
      console.error(error);
      console.error(
        `seed ${seed}, run ${runs}, input (base64): ${Buffer.from(input).toString("base64")}`,
      );
      process.exit(1);
    }
  }
  console.log(
    `Done ${runs} runs in ${seconds} second(s), ${seen.size} kinds of answer, seed ${seed}`,
  );
}
