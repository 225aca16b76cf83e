// Joins: which input and which weight meet in which output. A convolution is a product of its
// axes, so one layer per axis is asked, and the answers are put together: exact for layers of any
// size, where asking every output would keep the mouse waiting.
import { zeros } from "convscope";
import { evaluate, makeLayer } from "./model.js";
import { perAxis, type Ints, type LayerArgs, type Stage } from "./state.js";
import { count, indexOf, offsetOf } from "./tensors.js";

/** On one axis: the weight and the input (null: zero padding) that meet in an output. */
interface Join {
  readonly input: number | null;
  readonly weight: number;
  readonly output: number;
}

const latest = { args: null as LayerArgs | null, shape: "", axes: [] as readonly Join[][] };

function joinsByAxis({ args, input }: Stage): readonly (readonly Join[])[] {
  const sizes = input.shape.slice(1);
  if (latest.args !== args || latest.shape !== String(sizes))
    Object.assign(latest, {
      args,
      shape: String(sizes),
      axes: sizes.map((size, axis) => joinsOf(args, axis, size)),
    });
  return latest.axes;
}

function joinsOf(args: LayerArgs, axis: number, size: number): Join[] {
  const on = (value: Ints): number => perAxis(value, args.axes)[axis]!;
  const alone: LayerArgs = {
    ...args,
    axes: 1,
    inChannels: 1,
    outChannels: 1,
    groups: 1,
    bias: false,
    kernelSize: on(args.kernelSize),
    stride: on(args.stride),
    padding: typeof args.padding === "string" ? args.padding : on(args.padding),
    outputPadding: on(args.outputPadding),
    dilation: on(args.dilation),
  };
  const layer = makeLayer(alone, { weight: zeros([1, 1, on(args.kernelSize)]), bias: null });
  const probe = zeros([1, size]);
  return Array.from({ length: layer.outputShape(probe.shape)[1]! }, (_, output) =>
    layer.explain(probe, [0, output]).terms.map(({ input, weight }) => ({
      input: input && input[1]!,
      weight: weight[2]!,
      output,
    })),
  ).flat();
}

/** A channel of the input, and one of the output that reads it, share the kernel at these indices. */
function* channelJoins({ args, weight }: Stage): Generator<Join> {
  const [inputs, outputs] = [args.inChannels / args.groups, args.outChannels / args.groups];
  const width = weight.shape[1]!;
  for (let input = 0; input < args.inChannels; ++input) {
    const group = Math.floor(input / inputs);
    for (let i = 0; i < outputs; ++i) {
      const output = group * outputs + i;
      const kernel = args.transposed ? input * width + i : output * width + (input % inputs);
      yield { input, weight: kernel, output };
    }
  }
}

/** The pairs that a weight joins, in the order of the outputs; input null: a cell of zero padding. */
export function* pairsOf(
  stage: Stage,
  index: readonly number[],
): Generator<{ input: number | null; output: number }> {
  const { input, weight } = stage;
  const plane = evaluate(stage).output.shape.slice(1);
  const kernel = index[0]! * weight.shape[1]! + index[1]!;
  // Of each axis: the input at each output.
  const met = joinsByAxis(stage).map((joins, axis) => {
    const mine = joins.filter((join) => join.weight === index[axis + 2]);
    return new Map(mine.map((join) => [join.output, join.input]));
  });
  const positions = Array.from({ length: count(plane) }, (_, offset) => indexOf(offset, plane));
  for (const channels of channelJoins(stage)) {
    if (channels.weight !== kernel) continue;
    for (const [offset, position] of positions.entries()) {
      const cells = position.map((at, axis) => met[axis]!.get(at));
      if (cells.includes(undefined)) continue;
      const output = channels.output * positions.length + offset;
      const from = [channels.input, ...cells] as (number | null)[];
      yield {
        input: from.includes(null) ? null : offsetOf(from as number[], input.shape),
        output,
      };
    }
  }
}

/** The weights by which an input is multiplied in any output. */
export function weightsOf(stage: Stage, [channel, ...place]: readonly number[]): Set<number> {
  const kernel = stage.weight.shape.slice(2);
  const lists = joinsByAxis(stage).map((joins, axis) => [
    ...new Set(joins.filter(({ input }) => input === place[axis]).map(({ weight }) => weight)),
  ]);
  const places = lists.reduce<number[][]>(
    (starts, list) => starts.flatMap((start) => list.map((at) => [...start, at])),
    [[]],
  );
  const weights = new Set<number>();
  for (const join of channelJoins(stage)) {
    if (join.input !== channel) continue;
    for (const at of places) weights.add(join.weight * count(kernel) + offsetOf(at, kernel));
  }
  return weights;
}
