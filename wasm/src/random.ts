import { raw } from "./engine.js";
import { toInteger } from "./validate.js";

/**
 * torch.manual_seed: seeds the generator that layers draw their first weights from, and {@link rand} and {@link randn}
 * their numbers. Layers built next have torch's weights, bit for bit.
 *
 * @param seed - any safe integer; it counts modulo 2^32
 *
 * @example
 * ```ts
 * manualSeed(3784828440);
 * const conv = new Conv1d({ inChannels: 3, outChannels: 3, kernelSize: 1 });
 * console.log(conv.weight.get([0, 0, 0])); // 0.1936598…
 * ```
 */
export function manualSeed(seed: number): void {
  raw().manualSeed(toInteger(seed, "seed"));
}
