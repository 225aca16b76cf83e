#include "core/src/cell_rows.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/src/nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/cell_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

#ifndef CONVSCOPE_SRC_CELL_ROWS_ONCE
#define CONVSCOPE_SRC_CELL_ROWS_ONCE
namespace convscope {

// What one input channel, at one tap of the depth, adds to some rows.
struct RowSums {
  const float* input;   // under the first tap of the first output
  int64_t in_row;       // from row to row
  int64_t dilation;     // from tap to tap within a row
  const float* weight;  // of nine taps
  int64_t rows, columns;
  float* out;  // the running sums
  int64_t out_row;
};

// Rows of the tile: nine weights, four sums, an input and a product are the 15
// registers that V8 has on x64.
inline constexpr int64_t kTileRows = 4;

}  // namespace convscope
#endif  // CONVSCOPE_SRC_CELL_ROWS_ONCE

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

using D = hn::CappedTag<float, 8>;

int64_t TileColumns() { return static_cast<int64_t>(hn::Lanes(D())); }

// Rows of outputs share what they read of the same row of inputs, as in
// Depthwise3x3().
void AddRows(const RowSums& s) {
  const D d;
  using V = hn::Vec<D>;
  V w[9];
  HWY_UNROLL(9)
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Set(d, s.weight[tap]);
  for (int64_t row = 0; row < s.rows; row += kTileRows) {
    for (int64_t column = 0; column < s.columns; column += TileColumns()) {
      float* const to = s.out + row * s.out_row + column;
      const float* HWY_RESTRICT from = s.input + row * s.in_row + column;
      V s0 = hn::LoadU(d, to);
      V s1 = hn::LoadU(d, to + s.out_row);
      V s2 = hn::LoadU(d, to + 2 * s.out_row);
      V s3 = hn::LoadU(d, to + 3 * s.out_row);
      // Every load opens a block of its own, which for all LLVM knows may be
      // skipped: within a block it would make all products before the first
      // sum, for which there are no registers.
      int64_t loads = s.rows | 64;
      hwy::PreventElision(loads);
      HWY_UNROLL(6)
      for (int y = 0; y < 6; ++y) {
        HWY_UNROLL(3)
        for (int k = 0; k < 3; ++k) {
          if (HWY_UNLIKELY(loads == 3 * y + k)) continue;
          const V x = hn::LoadU(d, from + k * s.dilation);
          const auto add = [&](int r, V& sum) HWY_ATTR {
            const int tap = 3 * (y - r) + k;
            if (tap < 0 || tap >= 9) return;
            sum = Reproducible::MulAdd(w[tap], x, sum);
          };
          add(0, s0);
          add(1, s1);
          add(2, s2);
          add(3, s3);
        }
        from += s.in_row;
      }
      hn::StoreU(s0, d, to);
      hn::StoreU(s1, d, to + s.out_row);
      hn::StoreU(s2, d, to + 2 * s.out_row);
      hn::StoreU(s3, d, to + 3 * s.out_row);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(TileColumns);
HWY_EXPORT(AddRows);

// The running sums of so many outputs stay in a first-level cache.
constexpr int64_t kStripSums = 3072;

// Of consecutive `outputs`, those whose taps all lie inside the input.
CellRange Inside(const AxisMap& map, const IndexList& outputs) {
  const int64_t first = outputs.front();
  const int64_t end = outputs.back() + 1;
  if (end - first != static_cast<int64_t>(outputs.size())) return {};
  const int64_t reach = (map.kernel - 1) * map.dilation;
  CellRange range;
  range.begin = std::max(first, map.before);
  range.end = std::min(end, map.in + map.before - reach);
  range.end = std::max(range.begin, range.end);
  return range;
}

}  // namespace

CellBox FindRows(const ConvGeometry& g, const ConvCells& cells) {
  for (size_t axis = 1; axis < 3; ++axis) {
    const AxisMap& map = g.axes[axis];
    if (map.kind != AxisMap::Kind::kWindow || map.kernel != 3 ||
        map.stride != 1) {
      return {};
    }
  }
  if (g.axes[1].dilation != 1) return {};
  std::vector<Tap> depths;
  for (int32_t od : cells[2]) {
    TapsOf(g.axes[0], od, &depths);
    if (depths.empty()) return {};  // nothing but padding
  }
  CellBox box{Inside(g.axes[1], cells[3]), Inside(g.axes[2], cells[4])};
  box.rows.end -= box.rows.size() % kTileRows;
  box.columns.end -= box.columns.size() % HWY_DYNAMIC_DISPATCH(TileColumns)();
  // A copy for half of the cells or more may as well serve them all.
  const auto all = static_cast<int64_t>(cells[3].size() * cells[4].size());
  if (2 * box.rows.size() * box.columns.size() < all) return {};
  return box;
}

void ComputeRows(const ConvGeometry& g, const float* weight, const float* bias,
                 const float* in, const ConvCells& cells, const CellBox& box,
                 float* out) {
  const AxisMap& height = g.axes[1];
  const AxisMap& width = g.axes[2];
  RowSums sums{};
  sums.in_row = width.in;
  sums.dilation = width.dilation;
  sums.columns = box.columns.size();
  sums.out_row = width.out;
  // Through a pointer that no optimiser sees through: inlined here, too many
  // numbers are alive for the sums to stay in registers.
  auto volatile add_rows = HWY_DYNAMIC_POINTER(AddRows);
  const int64_t strip =
      std::max<int64_t>(kStripSums / sums.columns / kTileRows, 1) * kTileRows;
  const int64_t in_rows = height.in * width.in;
  const int64_t left = box.columns.begin - width.before;
  std::vector<Tap> depths;
  for (int32_t n : cells[0]) {
    for (int32_t c : cells[1]) {
      const int64_t group = c / g.oc;
      const float* planes = in + (n * g.groups + group) * g.ic * g.in_plane();
      // + 0 as in ComputeCells.
      const float start = bias == nullptr ? 0.0f : bias[c] + 0.0f;
      for (int32_t od : cells[2]) {
        TapsOf(g.axes[0], od, &depths);
        float* const plane =
            out + ((n * g.groups * g.oc + c) * g.axes[0].out + od) *
                      height.out * width.out;
        for (int64_t row = box.rows.begin; row < box.rows.end; row += strip) {
          sums.rows = std::min(strip, box.rows.end - row);
          sums.out = plane + row * width.out + box.columns.begin;
          const int64_t first = (row - height.before) * width.in + left;
          for (int64_t i = 0; i < sums.rows; ++i) {
            std::fill_n(sums.out + i * sums.out_row, sums.columns, start);
          }
          for (int64_t ic = 0; ic < g.ic; ++ic) {
            for (size_t k = 0; k < depths.size(); ++k) {
              sums.input =
                  planes + ic * g.in_plane() + depths[k].in * in_rows + first;
              sums.weight =
                  weight +
                  ((c * g.ic + ic) * g.axes[0].kernel + depths[k].weight) * 9;
              add_rows(sums);
            }
          }
          for (int64_t i = 0; i < sums.rows; ++i) {
            OneNaN(sums.columns, sums.out + i * sums.out_row);
          }
        }
      }
    }
  }
}

}  // namespace convscope
#endif  // HWY_ONCE
