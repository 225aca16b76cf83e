#include "core/src/cell_strip.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace convscope {
namespace {

// What a strip should read of an input channel, in numbers: half of a
// first-level cache.
constexpr int64_t kStripInputs = 4096;
// Columns beyond this are another strip.
constexpr int64_t kStripColumns = 1024;

}  // namespace

std::vector<AxisRun> RunsOf(const AxisMap& map, const IndexList& outputs) {
  std::vector<AxisRun> runs;
  const bool is_window = map.kind == AxisMap::Kind::kWindow;
  const int64_t phases = is_window ? 1 : map.stride;
  for (int64_t phase = 0; phase < phases; ++phase) {
    AxisRun run;
    run.step = phases;
    run.in_step = is_window ? map.stride : 1;
    for (int32_t o : outputs) {
      if (o % phases == phase) run.outputs.push_back(o);
    }
    if (run.outputs.empty()) continue;
    // Positions are counted in input cells.
    const int64_t first = run.outputs.front();
    for (int32_t o : run.outputs) run.places.push_back((o - first) / phases);
    for (int64_t k = 0; k < map.kernel; ++k) {
      if (is_window) {
        run.taps.push_back(
            {first * map.stride - map.before + k * map.dilation, k});
      } else if ((first + map.before - k * map.dilation) % map.stride == 0) {
        run.taps.push_back(
            {(first + map.before - k * map.dilation) / map.stride, k});
      }
    }
    if (run.taps.empty()) {
      runs.push_back(std::move(run));
      continue;
    }
    const auto [low, high] = std::minmax_element(
        run.taps.begin(), run.taps.end(),
        [](const Tap& a, const Tap& b) { return a.in < b.in; });
    const int64_t begin = low->in;
    const int64_t end = high->in + (run.length() - 1) * run.in_step + 1;
    for (int64_t position = begin; position < end; ++position) {
      if (is_window) {
        run.sources.push_back(map.At(position));
      } else {
        run.sources.push_back(position >= 0 && position < map.in ? position
                                                                 : -1);
      }
    }
    for (Tap& tap : run.taps) tap.in -= begin;
    runs.push_back(std::move(run));
  }
  return runs;
}

int64_t Reach(const std::vector<Tap>& taps) {
  int64_t reach = 1;
  for (const Tap& tap : taps) reach = std::max(reach, tap.in + 1);
  return reach;
}

void FindStretches(const std::vector<int64_t>& sources, int64_t begin,
                   int64_t end, int64_t step, int64_t pitch,
                   std::vector<Stretch>* stretches) {
  stretches->clear();
  for (int64_t phase = 0; phase < step; ++phase) {
    int64_t to = phase * pitch;
    for (int64_t i = begin + phase; i < end; i += step, ++to) {
      const int64_t source = sources[static_cast<size_t>(i)];
      if (source < 0) continue;
      if (!stretches->empty()) {
        Stretch& last = stretches->back();
        if (source == last.source + last.count * step &&
            to == last.to + last.count) {
          ++last.count;
          continue;
        }
      }
      stretches->push_back({to, source, 1});
    }
  }
}

Strip::Strip(const ConvGeometry& g, const AxisRun& d, const AxisRun& h,
             const AxisRun& w)
    : depth(&d), height(&h), width(&w) {
  const int64_t column_reach = Reach(w.taps);
  columns = std::min(w.length(), std::max(kStripColumns, 2 * column_reach));
  phase_pitch = columns - 1 + (column_reach + w.in_step - 1) / w.in_step;
  pitch = phase_pitch * w.in_step;
  row_reach = Reach(h.taps);
  const auto planes = static_cast<int64_t>(d.taps.size());
  const int64_t fitting = kStripInputs / (pitch * std::max<int64_t>(planes, 1));
  // Not so few that most of a copy would be what the strips share.
  rows = std::max(fitting - row_reach, row_reach) / h.in_step + 1;
  rows = std::min(rows, h.length());
  copy_rows = (rows - 1) * h.in_step + row_reach;
  copy_size = planes * copy_rows * pitch + 2 * kRound;
  is_flat = h.in_step == 1 && w.in_step == 1;
  sums_pitch = is_flat ? pitch : RoundUp(columns);
  sums_size = RoundUp(rows * sums_pitch);
  for (size_t plane = 0; plane < d.taps.size(); ++plane) {
    for (const Tap& y : h.taps) {
      for (const Tap& x : w.taps) {
        taps.push_back(
            {(d.taps[plane].weight * g.axes[1].kernel + y.weight) *
                     g.axes[2].kernel +
                 x.weight,
             (static_cast<int64_t>(plane) * copy_rows + y.in) * pitch +
                 x.in % w.in_step * phase_pitch + x.in / w.in_step});
      }
    }
  }
}

}  // namespace convscope
