// The package's types as a strict project sees them: what is used is typed, and what is wrong is refused.
import {
  Conv2d,
  F,
  init,
  loadNpz,
  Sequential,
  tensor,
  watch,
  type Change,
  type Tensor,
} from "convscope";

export async function main(bytes: ArrayBuffer): Promise<Change | null> {
  await init({ math: "fast" });
  const conv = new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: [2, 3], padding: "same" });
  const net: Sequential = new Sequential(conv);
  const x: Tensor | undefined = loadNpz(bytes)["x"];
  const y: Tensor = net.forward(
    x ??
      tensor([
        [
          [1, 2],
          [3, 4],
        ],
      ]),
  );
  const bias: Tensor | null = conv.bias;
  F.relu(bias ?? y);
  // @ts-expect-error: the option's name is kernelSize
  new Conv2d({ inChannels: 1, outChannels: 2, kernel: 3 });
  // @ts-expect-error: padding is a number, numbers, sides, or one of four names
  new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: 3, padding: "full" });
  using w = watch(net, y);
  return w.undo();
}
