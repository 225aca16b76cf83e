// NumPy's .npy format, version 1.0, little-endian float32.
import type { Tensor } from "convscope";
import { tuple } from "./tensors.js";

export function npyFile({ shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const about = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape.length === 0 ? "()" : tuple(shape)}, }`;
  // Magic, version and length take 10 bytes; blanks fill up to a multiple of 64.
  const length = Math.ceil((10 + about.length + 1) / 64) * 64 - 10;
  const header = `${about.padEnd(length - 1)}\n`;
  const bytes = new Uint8Array(10 + length + 4 * data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  view.setUint16(8, length, true);
  for (let i = 0; i < length; ++i) bytes[10 + i] = header.charCodeAt(i);
  data.forEach((value, i) => view.setFloat32(10 + length + 4 * i, value, true));
  return bytes;
}
