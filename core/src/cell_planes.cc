#include "core/src/cell_planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/src/cell_rows.h"
#include "core/src/cell_strip.h"
#include "core/src/nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/cell_planes.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums[i] += weight[tap.weight] * input[tap.input + i], tap by tap, for
// kVectors vectors. Eight hide the latency of the additions and leave registers
// for the operands (WebAssembly engines have 15).
template <int kVectors, class D>
HWY_INLINE void AddVectors(D d, const StripTap* taps, size_t tap_count,
                           const float* HWY_RESTRICT weight,
                           const float* HWY_RESTRICT input,
                           float* HWY_RESTRICT sums) {
  const auto N = static_cast<int64_t>(hn::Lanes(d));
  const auto load = [&](int v) HWY_ATTR {
    return v < kVectors ? hn::LoadU(d, sums + v * N) : hn::Zero(d);
  };
  auto s0 = load(0), s1 = load(1), s2 = load(2), s3 = load(3);
  auto s4 = load(4), s5 = load(5), s6 = load(6), s7 = load(7);
  for (size_t t = 0; t < tap_count; ++t) {
    const auto factor = hn::Set(d, weight[taps[t].weight]);
    const float* row = input + taps[t].input;
    const auto product = [&](int v) HWY_ATTR {
      return hn::Mul(factor, hn::LoadU(d, row + v * N));
    };
    s0 = hn::Add(s0, product(0));
    s1 = hn::Add(s1, product(1));
    if constexpr (kVectors > 2) {
      s2 = hn::Add(s2, product(2));
      s3 = hn::Add(s3, product(3));
      s4 = hn::Add(s4, product(4));
      s5 = hn::Add(s5, product(5));
      s6 = hn::Add(s6, product(6));
      s7 = hn::Add(s7, product(7));
    }
  }
  hn::StoreU(s0, d, sums);
  hn::StoreU(s1, d, sums + N);
  if constexpr (kVectors > 2) {
    hn::StoreU(s2, d, sums + 2 * N);
    hn::StoreU(s3, d, sums + 3 * N);
    hn::StoreU(s4, d, sums + 4 * N);
    hn::StoreU(s5, d, sums + 5 * N);
    hn::StoreU(s6, d, sums + 6 * N);
    hn::StoreU(s7, d, sums + 7 * N);
  }
}

// `runs` runs of `count` sums each, a multiple of kRound.
void AddProducts(const StripTap* taps, size_t tap_count, const float* weight,
                 const float* input, int64_t runs, int64_t input_step,
                 int64_t count, float* sums) {
  const hn::CappedTag<float, 8> d;
  const auto N = static_cast<int64_t>(hn::Lanes(d));
  for (; runs > 0; --runs, input += input_step, sums += count) {
    int64_t i = 0;
    for (; i + 8 * N <= count; i += 8 * N) {
      AddVectors<8>(d, taps, tap_count, weight, input + i, sums + i);
    }
    for (; i < count; i += 2 * N) {
      AddVectors<2>(d, taps, tap_count, weight, input + i, sums + i);
    }
  }
}

// `rows` rows of `count` cells, `from_step` and `to_step` apart.
void CopyCells(const float* from, int64_t from_step, int64_t rows,
               int64_t count, float* to, int64_t to_step) {
  const hn::CappedTag<float, 8> d;
  const auto N = static_cast<int64_t>(hn::Lanes(d));
  for (; rows > 0; --rows, from += from_step, to += to_step) {
    int64_t i = 0;
    // By two: of a loop by one compilers would make a call of memcpy(), which
    // is slow for the few bytes of a row in WebAssembly.
    for (; i + 2 * N <= count; i += 2 * N) {
      const auto a = hn::LoadU(d, from + i);
      const auto b = hn::LoadU(d, from + i + N);
      hn::StoreU(a, d, to + i);
      hn::StoreU(b, d, to + i + N);
    }
    for (; i < count; ++i) to[i] = from[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(AddProducts);
HWY_EXPORT(CopyCells);

// Fewer positions than this are not worth a copy of what they read.
constexpr int64_t kFewestPositions = 32;
// The weights of output channel `c` for input channel `ic` of its group.
const float* WeightsOf(const ConvGeometry& g, const float* weight, int64_t c,
                       int64_t ic) {
  const int64_t group = c / g.oc;
  const int64_t pair =
      g.transposed ? (group * g.ic + ic) * g.oc + c % g.oc : c * g.ic + ic;
  return weight + pair * g.taps();
}

bool AllFinite(const ConvGeometry& g, const float* weight,
               const IndexList& channels) {
  for (int32_t c : channels) {
    for (int64_t ic = 0; ic < g.ic; ++ic) {
      const float* w = WeightsOf(g, weight, c, ic);
      for (int64_t k = 0; k < g.taps(); ++k) {
        if (!std::isfinite(w[k])) return false;
      }
    }
  }
  return true;
}

// Copies `count` rows of an input plane, `width` wide, to rows `pitch` apart:
// of each stretch the cells that are `step` apart.
void CopyRows(const float* row, int64_t width, int64_t count, int64_t step,
              const std::vector<Stretch>& stretches, float* to, int64_t pitch) {
  for (const Stretch& stretch : stretches) {
    const float* from = row + stretch.source;
    float* copy = to + stretch.to;
    if (step == 1) {
      HWY_DYNAMIC_DISPATCH(CopyCells)
      (from, width, count, stretch.count, copy, pitch);
      continue;
    }
    for (int64_t y = 0; y < count; ++y, from += width, copy += pitch) {
      for (int64_t i = 0; i < stretch.count; ++i) copy[i] = from[i * step];
    }
  }
}

}  // namespace

bool CellPlanes::Run(const ConvGeometry& g, const float* weight,
                     const float* bias, const float* in, const ConvCells& cells,
                     float* out) {
  int64_t positions = 1;
  for (size_t axis = 0; axis < 3; ++axis) {
    const IndexList& outputs = cells[axis + 2];
    if (outputs.empty()) return false;
    positions *= static_cast<int64_t>(outputs.size());
    // Far apart, most of what is computed would be for nobody.
    const int64_t step = g.transposed ? g.axes[axis].stride : 1;
    const int64_t reach = (outputs.back() - outputs.front()) / step + 1;
    if (reach > 2 * static_cast<int64_t>(outputs.size())) return false;
  }
  if (positions < kFewestPositions || !AllFinite(g, weight, cells[1])) {
    return false;
  }
  const CellBox box = FindRows(g, cells);
  if (box.rows.size() == 0) return RunBox(g, weight, bias, in, cells, out);
  ComputeRows(g, weight, bias, in, cells, box, out);
  // What is left around the box: above and below it, then beside it.
  const auto part = [](const IndexList& list, int64_t begin, int64_t end) {
    IndexList some;
    for (int32_t i : list) {
      if (begin <= i && i < end) some.push_back(i);
    }
    return some;
  };
  const auto [rows, columns] = box;
  const int64_t last_row = g.axes[1].out;
  const int64_t last_column = g.axes[2].out;
  ConvCells rest = cells;
  const auto run_rest = [&](int64_t row, int64_t row_end, int64_t column,
                            int64_t column_end) {
    rest[3] = part(cells[3], row, row_end);
    rest[4] = part(cells[4], column, column_end);
    return rest[3].empty() || rest[4].empty() ||
           RunBox(g, weight, bias, in, rest, out);
  };
  return run_rest(0, rows.begin, 0, last_column) &&
         run_rest(rows.end, last_row, 0, last_column) &&
         run_rest(rows.begin, rows.end, 0, columns.begin) &&
         run_rest(rows.begin, rows.end, columns.end, last_column);
}

bool CellPlanes::RunBox(const ConvGeometry& g, const float* weight,
                        const float* bias, const float* in,
                        const ConvCells& cells, float* out) {
  std::array<std::vector<AxisRun>, 3> runs;
  for (size_t axis = 0; axis < 3; ++axis) {
    runs[axis] = RunsOf(g.axes[axis], cells[axis + 2]);
  }
  std::vector<Strip> strips;
  int64_t copy_size = 0;
  int64_t sums_size = 0;
  for (const AxisRun& depth : runs[0]) {
    for (const AxisRun& height : runs[1]) {
      for (const AxisRun& width : runs[2]) {
        strips.emplace_back(g, depth, height, width);
        copy_size = std::max(copy_size, strips.back().copy_size);
        sums_size = std::max(sums_size, strips.back().sums_size);
      }
    }
  }
  if ((copy_.size() < copy_size && !copy_.Allocate(copy_size).ok()) ||
      (sums_.size() < sums_size && !sums_.Allocate(sums_size).ok())) {
    return false;
  }
  for (const Strip& strip : strips) {
    RunStrips(g, weight, bias, in, cells, strip, out);
  }
  return true;
}

void CellPlanes::RunStrips(const ConvGeometry& g, const float* weight,
                           const float* bias, const float* in,
                           const ConvCells& cells, const Strip& strip,
                           float* out) {
  const AxisRun& width = *strip.width;
  std::vector<Stretch> stretches;
  for (int64_t column = 0; column < width.length(); column += strip.columns) {
    const int64_t begin = column * width.in_step;
    const int64_t end = std::min<int64_t>(
        begin + (strip.columns - 1) * width.in_step + Reach(width.taps),
        static_cast<int64_t>(width.sources.size()));
    FindStretches(width.sources, begin, end, width.in_step, strip.phase_pitch,
                  &stretches);
    // The padding of rows; also what is read behind the last row, for sums that
    // nobody takes.
    std::fill_n(copy_.data(), copy_.size(), 0.0f);
    for (int32_t n : cells[0]) {
      for (int32_t c : cells[1]) {
        for (int32_t od : strip.depth->outputs) {
          for (int64_t row = 0; row < strip.height->length();
               row += strip.rows) {
            const Place place{n, c, od, row, column};
            SumStrip(g, weight, bias, in, strip, stretches, place);
            TakeStrip(g, strip, place, out);
          }
        }
      }
    }
  }
}

// Leaves the sums of the strip at `place` in sums_.
void CellPlanes::SumStrip(const ConvGeometry& g, const float* weight,
                          const float* bias, const float* in,
                          const Strip& strip,
                          const std::vector<Stretch>& stretches,
                          const Place& place) {
  const AxisRun& depth = *strip.depth;
  const AxisRun& height = *strip.height;
  const int64_t rows = std::min(strip.rows, height.length() - place.row);
  // + 0 as in ComputeCells.
  std::fill_n(sums_.data(), sums_.size(),
              bias == nullptr ? 0.0f : bias[place.c] + 0.0f);
  if (strip.taps.empty()) return;
  const int64_t group = place.c / g.oc;
  const float* plane = in + (place.n * g.groups + group) * g.ic * g.in_plane();
  const int64_t first_depth =
      (place.od - depth.outputs.front()) / depth.step * depth.in_step;
  const int64_t first_row = place.row * height.in_step;
  const int64_t copy_rows = (rows - 1) * height.in_step + strip.row_reach;
  const int64_t columns =
      std::min(strip.columns, strip.width->length() - place.column);
  const int64_t runs = strip.is_flat ? 1 : rows;
  const int64_t count = strip.is_flat
                            ? RoundUp((rows - 1) * strip.pitch + columns)
                            : strip.sums_pitch;
  // Through a pointer that no optimiser sees through: inlined here, too many
  // numbers are alive for the sums to stay in registers.
  auto volatile add_products = HWY_DYNAMIC_POINTER(AddProducts);
  for (int64_t ic = 0; ic < g.ic; ++ic, plane += g.in_plane()) {
    float* to = copy_.data();
    for (const Tap& tap : depth.taps) {
      const int64_t d =
          depth.sources[static_cast<size_t>(first_depth + tap.in)];
      for (int64_t row = 0; row < copy_rows;) {
        const int64_t* h = height.sources.data() + first_row + row;
        float* copy = to + row * strip.pitch;
        if (d < 0 || *h < 0) {
          std::fill_n(copy, strip.pitch, 0.0f);
          ++row;
          continue;
        }
        // As many as follow one another in the input, too.
        int64_t together = 1;
        while (row + together < copy_rows && h[together] == *h + together) {
          ++together;
        }
        const int64_t width = g.axes[2].in;
        CopyRows(plane + (d * g.axes[1].in + *h) * width, width, together,
                 strip.width->in_step, stretches, copy, strip.pitch);
        row += together;
      }
      to += strip.copy_rows * strip.pitch;
    }
    add_products(strip.taps.data(), strip.taps.size(),
                 WeightsOf(g, weight, place.c, ic), copy_.data(), runs,
                 height.in_step * strip.pitch, count, sums_.data());
  }
}

// Writes those sums that were asked for.
void CellPlanes::TakeStrip(const ConvGeometry& g, const Strip& strip,
                           const Place& place, float* out) const {
  const AxisRun& height = *strip.height;
  const AxisRun& width = *strip.width;
  float* plane = out + (place.n * g.groups * g.oc + place.c) * g.out_plane() +
                 place.od * g.axes[1].out * g.axes[2].out;
  for (size_t h = 0; h < height.outputs.size(); ++h) {
    const int64_t row = height.places[h] - place.row;
    if (row < 0 || row >= strip.rows) continue;
    const float* sums = sums_.data() + row * strip.sums_pitch;
    float* to = plane + height.outputs[h] * g.axes[2].out;
    for (size_t w = 0; w < width.outputs.size(); ++w) {
      const int64_t column = width.places[w] - place.column;
      if (column < 0 || column >= strip.columns) continue;
      to[width.outputs[w]] = OneNaN(sums[column]);
    }
  }
}

}  // namespace convscope
#endif  // HWY_ONCE
