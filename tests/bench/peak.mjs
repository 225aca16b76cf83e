// What the machine can do: multiply + add, or relaxed fused multiply-add, on f32x4 registers and nothing else. The
// ceiling of every direct convolution, measured in the same page and the same minutes as the layers.

const I32 = 0x7f,
  F32 = 0x7d,
  V128 = 0x7b;
const leb = (value) => (value < 128 ? [value] : [128 | (value & 127), ...leb(value >> 7)]);
const simd = (opcode) => [0xfd, ...leb(opcode)];
const section = (id, content) => [id, ...leb(content.length), ...content];
const f32 = (value) => [0x43, ...new Uint8Array(new Float32Array([value]).buffer)];
const get = (local) => [0x20, ...leb(local)];
const set = (local) => [0x21, ...leb(local)];

const SPLAT = simd(19),
  ADD = simd(228),
  MULTIPLY = simd(230),
  FUSED = simd(261),
  EXTRACT = [...simd(31), 0];

// `chains` sums, each a = a * c + d, as many times as the argument says, four at a time. Locals: 0 counts, 1 is c,
// 2 is d, the sums follow.
function loop(chains, isFused) {
  const sums = Array.from({ length: chains }, (_, i) => 3 + i);
  const step = sums.flatMap((sum) =>
    isFused
      ? [...get(sum), ...get(1), ...get(2), ...FUSED, ...set(sum)]
      : [...get(sum), ...get(1), ...MULTIPLY, ...get(2), ...ADD, ...set(sum)],
  );
  const code = [
    ...f32(0.999),
    ...SPLAT,
    ...set(1),
    ...f32(0.001),
    ...SPLAT,
    ...set(2),
    ...sums.flatMap((sum) => [...f32(sum), ...SPLAT, ...set(sum)]),
    0x03,
    0x40,
    ...step,
    ...step,
    ...step,
    ...step,
    ...get(0),
    0x41,
    1,
    0x6b,
    0x22,
    0,
    0x0d,
    0,
    0x0b,
    ...get(sums[0]),
    ...sums.slice(1).flatMap((sum) => [...get(sum), ...ADD]),
    ...EXTRACT,
    0x0b,
  ];
  const body = [1, ...leb(chains + 2), V128, ...code];
  return new Uint8Array([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode("run"), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

// A function that runs for about a millisecond, and its floating-point operations. Null where the engine lacks them.
export function peak(isFused) {
  const chains = 13,
    turns = 100000;
  try {
    const { run } = new WebAssembly.Instance(new WebAssembly.Module(loop(chains, isFused))).exports;
    return { run: () => run(turns), operations: turns * 4 * chains * 4 * 2 };
  } catch {
    return null;
  }
}
