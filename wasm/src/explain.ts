// An output written out: the sum behind it, term by term.
import { check, collect, floats, ints, raw, withCopy } from "./engine.js";
import type { RawLayer } from "./bindings.js";
import { postQuestion } from "./native.js";
import { dataOf, toTensor } from "./tensor.js";
import { indexAt } from "./validate.js";

/** One product of the sum behind an output. */
export interface Term {
  /** The input cell; null for a cell of zero padding. */
  readonly input: number[] | null;
  /** The cell's value; 0 for padding. */
  readonly x: number;
  /** The cell of the weight. */
  readonly weight: number[];
  /** Its value. */
  readonly w: number;
  /** x * w, rounded to float32. */
  readonly product: number;
}

/** An output written out: `value` is `bias` plus the terms' products, added one by one in float32. */
export interface Explanation {
  readonly value: number;
  /** 0 for a layer without bias. */
  readonly bias: number;
  /** In the order of the sum. */
  readonly terms: readonly Term[];
}

/** Asks the engine's layer, whose parameters are up to date. */
export function explainOutput(
  layer: RawLayer,
  weightShape: readonly number[],
  x: unknown,
  outputIndex: readonly number[],
): Explanation {
  const input = toTensor(x, "x");
  const shape = postQuestion(input.shape, outputIndex, "outputIndex");
  check(() =>
    withCopy(dataOf(input), (address) =>
      raw().explain(layer, shape.length, outputIndex.length, address),
    ),
  );
  const [value, bias, count, offsetsAt, numbersAt] = collect(5) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const offsets = ints().slice(offsetsAt / 4, offsetsAt / 4 + 2 * count);
  const numbers = floats().slice(numbersAt / 4, numbersAt / 4 + 3 * count);
  const terms = Array.from({ length: count }, (_, t): Term => {
    const from = offsets[2 * t] as number;
    return {
      input: from < 0 ? null : indexAt(shape, from),
      x: numbers[3 * t] as number,
      weight: indexAt(weightShape, offsets[2 * t + 1] as number),
      w: numbers[3 * t + 1] as number,
      product: numbers[3 * t + 2] as number,
    };
  });
  return { value, bias, terms };
}
