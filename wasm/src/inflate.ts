// Inflate: what a zip archive's compressed members need (RFC 1951). Synchronous, as files are read in one call; the
// browser's DecompressionStream is not.
import { fileError } from "./bytes.js";

const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Longest code of the format. */
const longest = 15;

/** Lengths and distances come as a base and a number of bits to add: the bits go up by one every `each` symbols. */
function bases(count: number, first: number, each: number): readonly (readonly [number, number])[] {
  let base = first;
  return Array.from({ length: count }, (_, i) => {
    const bits = Math.max(0, Math.floor(i / each) - 1);
    base += 2 ** bits;
    return [base - 2 ** bits, bits] as const;
  });
}
const lengths = [...bases(28, 3, 4), [258, 0] as const];
const distances = bases(30, 1, 2);

/** Codes of up to this many bits are looked up at once. */
const short = 9;

interface Code {
  /** By the next bits: a symbol times 16 plus the length of its code; 0 where the code is longer. */
  readonly table: Uint16Array;
  /** The symbols by the length of their codes, which count up from `first`. */
  readonly symbols: readonly (readonly number[])[];
  readonly first: readonly number[];
}

function makeCode(codeLengths: readonly number[], fail: () => never): Code {
  const table = new Uint16Array(2 ** short);
  const symbols: number[][] = Array.from({ length: longest + 1 }, () => []);
  for (const [symbol, length] of codeLengths.entries()) symbols[length]?.push(symbol);
  const first = [0];
  let code = 0;
  for (let length = 1; length <= longest; ++length) {
    first[length] = code *= 2;
    for (const symbol of symbols[length] as number[]) {
      if (code >= 2 ** length) fail();
      let reversed = 0;
      for (let bit = 0; bit < length; ++bit) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
      if (length <= short) {
        for (let at = reversed; at < table.length; at += 2 ** length)
          table[at] = symbol * 16 + length;
      }
      ++code;
    }
  }
  return { table, symbols, first };
}

/** The compressed bytes made into `size` bytes: neither more nor fewer. */
export function inflate(from: Uint8Array, size: number, who: string): Uint8Array {
  const fail = (): never => {
    throw fileError(`${who}: the compressed data is broken`);
  };
  const out = new Uint8Array(size);
  let written = 0;
  let at = 0;
  let held = 0;
  let heldBits = 0;

  const peek = (count: number): number => {
    // Beyond the end come zeros; drop() sees when one of them is used.
    for (; heldBits < count; heldBits += 8) held |= (from[at++] ?? 0) << heldBits;
    return held & (2 ** count - 1);
  };
  const drop = (count: number): void => {
    held >>>= count;
    heldBits -= count;
    if (at - (heldBits >> 3) > from.length) fail();
  };
  const bits = (count: number): number => {
    const value = peek(count);
    drop(count);
    return value;
  };
  const symbol = ({ table, symbols, first }: Code): number => {
    const next = peek(longest);
    const found = table[next & (2 ** short - 1)] as number;
    if (found !== 0) {
      drop(found & 15);
      return found >> 4;
    }
    let code = 0;
    for (let length = 1; length <= longest; ++length) {
      code = code * 2 + ((next >> (length - 1)) & 1);
      const own = symbols[length]?.[code - (first[length] as number)];
      if (own === undefined) continue;
      drop(length);
      return own;
    }
    return fail();
  };

  const stored = (): void => {
    drop(heldBits & 7);
    const count = bits(16);
    if ((bits(16) ^ count) !== 0xffff) fail();
    at -= heldBits >> 3;
    held = heldBits = 0;
    if (at + count > from.length || written + count > size) fail();
    out.set(from.subarray(at, at + count), written);
    at += count;
    written += count;
  };

  const compressed = (literals: Code, far: Code): void => {
    for (;;) {
      const next = symbol(literals);
      if (next === 256) return;
      if (next < 256) {
        if (written === size) fail();
        out[written++] = next;
        continue;
      }
      const [length, lengthBits] = lengths[next - 257] ?? fail();
      const count = length + bits(lengthBits);
      const [distance, distanceBits] = distances[symbol(far)] ?? fail();
      const back = distance + bits(distanceBits);
      if (back > written || written + count > size) fail();
      for (let i = 0; i < count; ++i, ++written) out[written] = out[written - back] as number;
    }
  };

  const dynamic = (): void => {
    const literals = 257 + bits(5);
    const all = literals + 1 + bits(5);
    const count = 4 + bits(4);
    const own = new Array<number>(19).fill(0);
    for (const place of codeLengthOrder.slice(0, count)) own[place] = bits(3);
    const lengthCode = makeCode(own, fail);
    const given: number[] = [];
    while (given.length < all) {
      const next = symbol(lengthCode);
      if (next < 16) given.push(next);
      else {
        const repeated = next === 16 ? (given.at(-1) ?? fail()) : 0;
        let times = next === 16 ? 3 + bits(2) : next === 17 ? 3 + bits(3) : 11 + bits(7);
        while (times-- > 0) given.push(repeated);
      }
    }
    if (given.length > all) fail();
    compressed(makeCode(given.slice(0, literals), fail), makeCode(given.slice(literals), fail));
  };

  const fixed = (): void => {
    const code = Array.from({ length: 288 }, (_, i) =>
      i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
    );
    compressed(makeCode(code, fail), makeCode(new Array<number>(30).fill(5), fail));
  };

  for (let isLast = 0; isLast === 0;) {
    isLast = bits(1);
    const kind = bits(2);
    if (kind === 0) stored();
    else if (kind === 1) fixed();
    else if (kind === 2) dynamic();
    else fail();
  }
  if (written !== size) fail();
  return out;
}
