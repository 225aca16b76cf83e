// The timing itself, in the page.
import { layers, multiplications, numbers, product, spotChecks, weightShape } from "./layers.mjs";
import { packages, Unsupported } from "./peers.mjs";
import { peak } from "./peak.mjs";

const now = () => performance.now();
const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[values.length >> 1];

// Milliseconds per call of `count` calls in a row. Awaiting costs a microsecond, so only what is asynchronous waits.
async function time(call, count) {
  const start = now();
  for (let i = 0; i < count; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
  return (now() - start) / count;
}

// Calls long enough for the clock and the optimising compiler: how many take `ms`.
async function warm(call, ms) {
  let count = 1;
  for (const end = now() + 100; ;) {
    const each = await time(call, count);
    if (each * count < ms) count *= 2;
    else if (now() > end) return Math.max(1, Math.round(ms / each));
  }
}

// All jobs in turns, round after round: what disturbs one disturbs its neighbours too.
async function timeInTurns(jobs, rounds) {
  for (const job of jobs) job.count = await warm(job.call, 4);
  for (const job of jobs) job.times = [];
  for (let round = 0; round < rounds; round++) {
    for (const job of jobs) {
      // The first call after others ran finds its data and code cold.
      await time(job.call, 1);
      const slice = [];
      for (const end = now() + 30; slice.length < 3 || now() < end;)
        slice.push(await time(job.call, job.count));
      job.times.push(median(slice));
    }
  }
}

function check(layer, x, w, output) {
  for (const [offset, expected, magnitude] of spotChecks(layer, x, w, 100)) {
    const error = Math.abs(output[offset] - expected);
    // What float32 sums may err by, with room for Winograd.
    if (!(error <= 1e-5 * magnitude + 1e-6))
      throw new Error(`output ${offset} is ${output[offset]}, not ${expected}`);
  }
}

async function timeLayer(layer, chosen, rounds) {
  const x = numbers(product([layer.inChannels, ...layer.size]), 1),
    w = numbers(product(weightShape(layer)), 2);
  const row = {
    name: layer.name,
    family: layer.family,
    operations: 2 * multiplications(layer),
    packages: {},
  };
  const jobs = [],
    prepared = [];
  for (const { name, prepare } of chosen) {
    try {
      const made = await prepare(layer, x, w);
      prepared.push(made);
      check(layer, x, w, made.output(await made.call()));
      jobs.push({ name, kind: "call", call: made.call }, { name, kind: "run", call: made.run });
      if (made.backward && layer.groups === 1)
        jobs.push({ name, kind: "backward", call: made.backward });
    } catch (error) {
      row.packages[name] = {
        missing: error instanceof Unsupported ? error.message : `failed: ${error.message ?? error}`,
      };
    }
  }
  for (const isFused of [false, true]) {
    const made = peak(isFused);
    if (made)
      jobs.push({
        name: isFused ? "fused" : "multiplyAdd",
        kind: "peak",
        call: made.run,
        operations: made.operations,
      });
  }
  await timeInTurns(jobs, rounds);
  for (const { name, kind, times, operations } of jobs) {
    if (kind === "peak") (row.peak ??= {})[name] = operations / sorted(times)[0] / 1e6;
    else
      (row.packages[name] ??= {})[kind] = { times, median: median(times), best: sorted(times)[0] };
  }
  for (const made of prepared) await made.dispose();
  return row;
}

window.runBench = async ({ only, without, rounds }) => {
  const address = (path) => new URL(`/${path}`, location.href).href;
  const chosen = [];
  for (const one of packages) {
    if (without.includes(one.name)) continue;
    try {
      await one.start(address);
      chosen.push(one);
    } catch (error) {
      console.log(`${one.name} did not start: ${error.message}`);
    }
  }
  const rows = [];
  for (const layer of layers) {
    if (only.length > 0 && !only.some((text) => layer.name.includes(text) || layer.family === text))
      continue;
    const row = await timeLayer(layer, chosen, rounds);
    rows.push(row);
    const cell = ([name, p]) =>
      `${name} ${p.missing ?? `${p.call.median.toPrecision(3)} ms (${(row.operations / p.run.best / 1e6).toFixed(1)} GFLOP/s)`}`;
    console.log(`${layer.name}: ${Object.entries(row.packages).map(cell).join(", ")}`);
  }
  return { packages: chosen.map(({ name }) => name), rows };
};
window.isReady = true;
