// Files made by hand, right and wrong: .npy, .zip and .safetensors from whatever parts a test wants.

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A .npy file with this header, whatever it says. */
export function npyOf(header: string, body = new Uint8Array(0), version = 1): Uint8Array {
  const bytes = text(header);
  const length = version === 1 ? [bytes.length & 255, bytes.length >> 8] : word(bytes.length);
  return Uint8Array.from([147, 78, 85, 77, 80, 89, version, 0, ...length, ...bytes, ...body]);
}

export const word = (value: number): number[] => [
  value & 255,
  (value >>> 8) & 255,
  (value >>> 16) & 255,
  value >>> 24,
];

/** A zip archive of one member, with whatever is put in place of its fields. */
export function zipOf(
  content: Uint8Array,
  change: {
    method?: number;
    packed?: Uint8Array;
    size?: number;
    crc?: number;
    flags?: number;
    name?: string;
    at?: number;
  } = {},
): Uint8Array {
  const {
    method = 0,
    packed = content,
    size = content.length,
    crc = crc32(content),
    flags = 0,
    name = "x.npy",
    at = 0,
  } = change;
  const letters = text(name);
  const both = [
    20,
    0,
    flags,
    0,
    method,
    0,
    0,
    0,
    33,
    0,
    ...word(crc),
    ...word(packed.length),
    ...word(size),
    letters.length,
    0,
    0,
    0,
  ];
  const local = [...word(0x04034b50), ...both, ...letters, ...packed];
  const central = [
    ...word(0x02014b50),
    20,
    0,
    ...both,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...word(at),
    ...letters,
  ];
  const end = [
    ...word(0x06054b50),
    0,
    0,
    0,
    0,
    1,
    0,
    1,
    0,
    ...word(central.length),
    ...word(local.length),
    0,
    0,
  ];
  return Uint8Array.from([...local, ...central, ...end]);
}

/** By the definition, a bit at a time. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** As zipOf, for contents that are too many for a spread. */
export function bigZip(content: Uint8Array, packed: Uint8Array): Uint8Array {
  const frame = zipOf(new Uint8Array(0), {
    method: 8,
    size: content.length,
    crc: crc32(content),
  });
  const split = 30 + 5;
  const [head, tail] = [frame.slice(0, split), frame.slice(split)];
  head.set(word(packed.length), 18);
  tail.set(word(packed.length), 20);
  tail.set(word(split + packed.length), tail.length - 6);
  return new Uint8Array(Buffer.concat([head, packed, tail]));
}

/** A .safetensors file with this header. */
export function safetensorsOf(header: unknown, body = new Uint8Array(0)): Uint8Array {
  const bytes = text(typeof header === "string" ? header : JSON.stringify(header));
  return Uint8Array.from([...word(bytes.length), 0, 0, 0, 0, ...bytes, ...body]);
}
