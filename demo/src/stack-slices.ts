// Stack slices: in Stack mode, the slices that bring into sight what a chosen cell sees and what
// sees it.
import type { Slices } from "./slices.js";
import { lineage, tower } from "./stack.js";
import { levelOf, type PlacedCell, type Stage } from "./state.js";
import { indexOf } from "./tensors.js";

export function lineageSlices(stage: Stage, { role, offset }: PlacedCell, shown: Slices): Slices {
  const level = levelOf(role);
  const { tensors } = tower(stage);
  if (level === null || offset >= (tensors[level]?.size ?? 0)) return shown;
  const next: { -readonly [place in keyof Slices]: Slices[place] } = { ...shown };
  lineage(stage, level, offset).forEach((cells, i) => {
    const place = `level${i}` as const;
    const slices = new Set([...cells].map((cell) => indexOf(cell, tensors[i]!.shape).at(-3)!));
    if (slices.size > 0 && !slices.has(next[place] ?? 0)) next[place] = Math.min(...slices);
  });
  return next;
}
