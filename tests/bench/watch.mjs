// What an edit of a watch costs beside a full run of the layer, through the package in this Node, everything that the answer
// holds included. All parts take turns; medians of the rounds.
//
//   node watch.mjs [rounds, default 12]
import { init, manualSeed, randn, Conv2d, Sequential, watch } from "../../dist/index.js";

const rounds = Number(process.argv[2] ?? 12);
await init({ build: "simd" });
manualSeed(1);

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const timed = (list, run) => {
  const begin = performance.now();
  run();
  list.push(performance.now() - begin);
};
const micro = (milliseconds) => `${(milliseconds * 1000).toFixed(1)} µs`;

console.log(
  "| input | full run | edit of an input | of a full run | edit of a weight | of a full run | influence |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const [channels, size] of [
  [64, 64],
  [64, 128],
  [64, 256],
  [16, 1024],
]) {
  const shape = [channels, size, size];
  const conv = new Conv2d({ inChannels: channels, outChannels: 64, kernelSize: 3, padding: 1 });
  const x = randn(shape);
  const w = watch(conv, x);
  const plan = conv.plan(shape);
  plan.input.set(x.data);
  const times = { full: [], input: [], weight: [], influence: [] };
  let value = 0;
  for (let round = 0; round < rounds; ++round) {
    timed(times.full, () => plan.run());
    for (let i = 0; i < 200; ++i) {
      timed(times.input, () => {
        const { changed, reached } = w.set("input", [3, size >> 1, size >> 1], ++value);
        if (changed.indices.length !== 576 || reached.size !== 576)
          throw new Error("a wrong answer");
      });
    }
    for (let i = 0; i < 5; ++i) timed(times.weight, () => w.set("weight", [5, 3, 1, 1], ++value));
    for (let i = 0; i < 200; ++i)
      timed(times.influence, () => conv.influence(shape, [3, i % size, 5]));
  }
  const full = median(times.full);
  const input = median(times.input);
  const weight = median(times.weight);
  const cells = [
    shape.join("×"),
    `${full.toFixed(1)} ms`,
    micro(input),
    `1/${(full / input).toFixed(0)}`,
    `${weight.toFixed(2)} ms`,
    `1/${(full / weight).toFixed(1)}`,
    micro(median(times.influence)),
  ];
  console.log(`| ${cells.join(" | ")} |`);
  w.dispose();
  plan.dispose();
}

const stack = new Sequential(
  ...Array.from(
    { length: 10 },
    () => new Conv2d({ inChannels: 8, outChannels: 8, kernelSize: 3, padding: 1 }),
  ),
);
const times = [];
for (let i = 0; i < 500; ++i) timed(times, () => stack.influence([8, 128, 128], [3, 64, i % 128]));
console.log(`\ninfluence through ten layers: ${micro(median(times))}`);
