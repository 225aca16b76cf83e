// Whether the cost of a layer grows with its work and no faster: a dense 3x3 layer, 64 to 64 channels, on planes of 56 x 56
// to 448 x 448, through plans of the package in this Node. All sizes take turns, each with as much work; the best of the
// rounds counts, in time of the processor, so that little of what else the machine does falls on it.
//
//   node scaling.mjs [rounds, default 12]
import { init, manualSeed, randn, Conv2d } from "../../dist/index.js";

const rounds = Number(process.argv[2] ?? 12);
const CHANNELS = 64,
  SIZES = [56, 112, 224, 448];
await init();
manualSeed(1);

console.log(`| math | ${SIZES.map((size) => `${size} × ${size}`).join(" | ")} | spread |`);
console.log(`| --- | ${SIZES.map(() => "---").join(" | ")} | --- |`);
for (const math of ["reproducible", "fast"]) {
  const conv = new Conv2d({
    inChannels: CHANNELS,
    outChannels: CHANNELS,
    kernelSize: 3,
    padding: 1,
    math,
  });
  const jobs = SIZES.map((size) => {
    const shape = [CHANNELS, size, size];
    const plan = conv.plan(shape);
    const { data } = randn(shape);
    plan.input.set(data);
    return { plan, runs: (SIZES.at(-1) / size) ** 2, best: Infinity };
  });
  for (const { plan } of jobs) plan.run();
  for (let round = 0; round < rounds; ++round) {
    for (const job of jobs) {
      const begin = process.cpuUsage();
      for (let i = 0; i < job.runs; ++i) job.plan.run();
      const { user, system } = process.cpuUsage(begin);
      job.best = Math.min(job.best, user + system);
    }
  }
  const operations = 2 * CHANNELS * CHANNELS * 9 * SIZES.at(-1) ** 2;
  const rates = jobs.map(({ best }) => operations / best / 1e3);
  const spread = 1 - Math.min(...rates) / Math.max(...rates);
  const cells = rates.map((rate) => `${rate.toFixed(1)} GFLOP/s`);
  console.log(`| ${math} | ${cells.join(" | ")} | ${(100 * spread).toFixed(0)} % |`);
  for (const { plan } of jobs) plan.dispose();
}
