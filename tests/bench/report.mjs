// From measured times to ratios, tables and a chart.

const OURS = ["convscope", "convscope fast"];
const geometricMean = (values) =>
  Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// The other package's time over ours, round by round: the load of a moment falls on both.
const ratioTo = (row, ours, peer, kind) =>
  median(
    row.packages[ours][kind].times.map(
      (time, round) => row.packages[peer][kind].times[round] / time,
    ),
  );

// Against the package that is fastest on this layer.
export function bestPeer(row, ours, kind) {
  const peers = Object.keys(row.packages).filter(
    (name) => !OURS.includes(name) && row.packages[name][kind],
  );
  if (!row.packages[ours]?.[kind] || peers.length === 0) return null;
  const ratios = peers.map((name) => ({ name, ratio: ratioTo(row, ours, name, kind) }));
  return ratios.reduce((a, b) => (b.ratio < a.ratio ? b : a));
}

const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const line = (cells) => `| ${cells.join(" | ")} |`;

export function tables(results) {
  const names = results.packages;
  const peers = names.filter((name) => !OURS.includes(name));
  const gflops = (row, name) => row.operations / row.packages[name].run.best / 1e6;
  const out = [`${results.engine}, one thread, ${results.machine}, ${results.date}.`, ""];
  out.push(
    "Milliseconds of a call, `Float32Array` to `Float32Array`, each package in its own layout:",
    "",
  );
  out.push(line(["layer", ...names]), line(["---", ...names.map(() => "---:")]));
  for (const row of results.rows) {
    out.push(
      line([
        row.name,
        ...names.map((name) => {
          const { call } = row.packages[name] ?? {};
          return call ? digits(call.median) : "–";
        }),
      ]),
    );
  }
  for (const ours of OURS.filter((name) => names.includes(name))) {
    const ceiling = ours === "convscope" ? "multiplyAdd" : "fused";
    out.push(
      "",
      `How many times faster ${ours} is, copies included, and its share of the machine's peak:`,
      "",
    );
    out.push(
      line(["layer", ...peers, "GFLOP/s", "of peak"]),
      line(["---", ...peers.map(() => "---:"), "---:", "---:"]),
    );
    for (const row of results.rows) {
      if (!row.packages[ours]?.run) continue;
      const speed = gflops(row, ours),
        peak = row.peak?.[ceiling];
      out.push(
        line([
          row.name,
          ...peers.map((name) =>
            row.packages[name]?.call ? `${digits(ratioTo(row, ours, name, "call"))}×` : "–",
          ),
          speed.toFixed(1),
          peak ? `${Math.round((100 * speed) / peak)} %` : "–",
        ]),
      );
    }
    const kinds = { call: "copies in and out included", run: "every package on its own tensors" };
    for (const [kind, words] of Object.entries(kinds)) {
      const best = results.rows.map((row) => bestPeer(row, ours, kind)).filter(Boolean);
      if (best.length === 0) continue;
      const ahead = best.filter(({ ratio }) => ratio >= 1).length;
      out.push(
        "",
        `Against the best of the others, layer by layer, ${words}: geometric mean ${digits(geometricMean(best.map((b) => b.ratio)))}×, ahead on ${ahead} of ${best.length}.`,
      );
    }
  }
  const gradients = results.rows
    .filter((row) => row.packages.convscope?.backward)
    .map((row) => {
      const { backward, call } = row.packages.convscope;
      // Two gradients: by the input and by the weight.
      return [row.name, median(backward.times.map((time, round) => time / 2 / call.times[round]))];
    });
  if (gradients.length > 0) {
    out.push(
      "",
      "Time of `backward` per gradient, in times of `forward`:",
      "",
      line(["layer", "times"]),
      line(["---", "---:"]),
    );
    for (const [name, ratio] of gradients) out.push(line([name, digits(ratio)]));
  }
  return `${out.join("\n")}\n`;
}

// Two bars per layer, reproducible and fast: the ratio to the best other package, on a scale of powers of two.
export function chart(results) {
  const rows = results.rows
    .map((row) => ({ row, best: OURS.map((ours) => bestPeer(row, ours, "run")) }))
    .filter(({ best }) => best.every(Boolean));
  const left = 290,
    unit = 70,
    high = 22,
    top = 62;
  const most = Math.max(...rows.flatMap(({ best }) => best.map(({ ratio }) => ratio)));
  const steps = Math.max(2, Math.ceil(Math.log2(most)));
  const width = left + (steps + 1) * unit + 190,
    height = top + rows.length * high + 12;
  const x = (ratio) => left + unit * (1 + Math.log2(Math.max(ratio, 0.5)));
  const text = (at, y, content, more = "") =>
    `<text x="${at}" y="${y}" ${more}>${content.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`;
  const marks = Array.from({ length: steps + 2 }, (_, i) => 2 ** (i - 1)).map(
    (ratio) =>
      `<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${top - 6}" y2="${height - 8}" class="${ratio === 1 ? "one" : "mark"}"/>` +
      text(x(ratio), top - 12, `${ratio}×`, 'text-anchor="middle"'),
  );
  const bar = (ratio, y, kind) => {
    const from = Math.min(x(1), x(ratio)),
      to = Math.max(x(1), x(ratio));
    return `<rect x="${from}" y="${y}" width="${Math.max(1, to - from)}" height="8" class="${kind}"/>`;
  };
  const bars = rows.map(({ row, best: [exact, fast] }, i) => {
    const y = top + i * high;
    const end = Math.max(x(1), x(exact.ratio), x(fast.ratio));
    return (
      text(left - 8, y + 13, row.name, 'text-anchor="end"') +
      bar(exact.ratio, y + 1, "exact") +
      bar(fast.ratio, y + 9, "fast") +
      text(
        end + 6,
        y + 13,
        `${digits(exact.ratio)}×, fast ${digits(fast.ratio)}× (${exact.name})`,
        'class="who"',
      )
    );
  });
  const key = (at, kind, words) =>
    `<rect x="${at}" y="24" width="14" height="8" class="${kind}"/>${text(at + 20, 32, words)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" role="img">
<title>How many times faster convscope is than the fastest other package, layer by layer</title>
<style>text{fill:#333}.who{fill:#777}.exact{fill:#2f7f86}.fast{fill:#8cc3c7}.mark{stroke:#ddd}.one{stroke:#888}@media(prefers-color-scheme:dark){text{fill:#ddd}.who{fill:#999}.exact{fill:#4fb0b8}.fast{fill:#2b6367}.mark{stroke:#333}}</style>
${text(8, 16, `Times faster than the fastest other package, each on its own tensors (${results.engine.split(".")[0]}, one thread, ${results.date})`, 'font-size="12"')}
${key(8, "exact", "reproducible, the default")}${key(170, "fast", "fast")}
${marks.join("\n")}
${bars.join("\n")}
</svg>
`;
}
