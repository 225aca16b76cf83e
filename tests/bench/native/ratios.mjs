// Google Benchmark's JSON on standard input; a table of how long oneDNN takes
// beside us, from the medians of the repetitions.
import { readFileSync } from "node:fs";

const { benchmarks } = JSON.parse(readFileSync(0, "utf8"));
const layers = new Map();
for (const {
  run_name: name,
  aggregate_name: aggregate,
  real_time: time,
  label,
  ...rest
} of benchmarks) {
  if (aggregate !== "median") continue;
  const at = name.lastIndexOf("/");
  const layer = layers.get(name.slice(0, at)) ?? {};
  layer[name.slice(at + 1)] = { time, label, rate: rest["GFLOP/s"] };
  layers.set(name.slice(0, at), layer);
}
const ratios = { reproducible: [], fast: [] };
console.log(
  "| layer | oneDNN, GFLOP/s | reproducible | of oneDNN's speed | fast | of oneDNN's speed |",
);
console.log("| --- | --- | --- | --- | --- | --- |");
for (const [name, { oneDNN, ...ours }] of layers) {
  const cells = ["reproducible", "fast"].flatMap((math) => {
    const ratio = oneDNN.time / ours[math].time;
    ratios[math].push(ratio);
    return [ours[math].rate.toFixed(1), `${ratio.toFixed(2)}×`];
  });
  console.log(`| ${[name, oneDNN.rate.toFixed(1), ...cells].join(" | ")} |`);
}
for (const [math, list] of Object.entries(ratios)) {
  const mean = Math.exp(list.reduce((sum, ratio) => sum + Math.log(ratio), 0) / list.length);
  console.log(`\n${math}: geometric mean ${mean.toFixed(2)}× of oneDNN's speed`);
}
