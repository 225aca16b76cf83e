// Windows of a pool, fixed or adaptive, over 1, 2 or 3 axes: one loop for all
// pools, forward and backward.
#ifndef CONVSCOPE_SRC_POOL_WINDOWS_H_
#define CONVSCOPE_SRC_POOL_WINDOWS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "convscope/axis.h"
#include "convscope/cells.h"
#include "core/src/axis_cells.h"

namespace convscope {

// The cells of the input that one output reads along one axis.
struct Taps {
  int64_t begin;   // the first one
  int64_t count;   // how many, `dilation` apart; may be 0
  int64_t padded;  // the same with those that lie in the padding
};

// The window of output `o` on an axis of kind kWindow or kAdaptive.
inline Taps TapsOf(const AxisMap& map, int64_t o) {
  if (map.kind == AxisMap::Kind::kAdaptive) {
    const int64_t begin = o * map.in / map.out;
    const int64_t end = ((o + 1) * map.in + map.out - 1) / map.out;
    return {begin, end - begin, end - begin};
  }
  const int64_t start = o * map.stride - map.before;
  if (map.dilation == 1) {
    // What ceil_mode adds beyond the padding belongs to no window.
    const int64_t end = std::min(start + map.kernel, map.in + map.after);
    const int64_t begin = std::max<int64_t>(start, 0);
    return {begin, std::max<int64_t>(std::min(end, map.in) - begin, 0),
            end - start};
  }
  const int64_t skipped =
      start < 0 ? (-start + map.dilation - 1) / map.dilation : 0;
  const int64_t begin = start + skipped * map.dilation;
  const int64_t inside =
      begin < map.in ? (map.in - 1 - begin) / map.dilation + 1 : 0;
  return {begin, std::max<int64_t>(std::min(map.kernel - skipped, inside), 0),
          map.kernel};
}

// A pool over planes of three axes; missing axes come first and have size 1.
struct PoolGeometry {
  std::vector<int64_t> lead;  // sizes before the pooled axes: [N][C] or [C]
  std::array<AxisMap, 3> axes;

  // From one map per axis of the tensor, the last `pooled` of which are pooled.
  PoolGeometry(const std::vector<AxisMap>& maps, int pooled);

  int64_t in_plane() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_plane() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t planes() const {
    int64_t product = 1;
    for (int64_t size : lead) product *= size;
    return product;
  }
};

// A row of outputs: cells `x` of the last axis, with the window's taps on the
// other two axes.
struct PoolRow {
  int64_t plane;             // number of the plane
  int64_t offset;            // of the row's output 0 in the whole tensor
  std::array<Taps, 3> taps;  // the last one is to be filled in
  AxisCells x;
};

// Calls visit(row) for each row of output cells of `cells` (of all, if null),
// in row-major order.
template <class Visit>
void ForEachOutputRow(const PoolGeometry& pool, const Product* cells,
                      Visit visit) {
  const size_t rank = pool.lead.size();
  // At most [N][C].
  AxisCells n, c;
  if (rank == 2) n = AxisCells::Of(cells, 0, pool.lead[0]);
  if (rank >= 1) c = AxisCells::Of(cells, rank - 1, pool.lead[rank - 1]);
  const int64_t channels = rank >= 1 ? pool.lead[rank - 1] : 1;
  std::array<AxisCells, 3> at;
  const size_t pooled = cells == nullptr ? 3 : cells->axes.size() - rank;
  for (size_t axis = 0; axis < 3; ++axis) {
    const bool given = cells != nullptr && axis + pooled >= 3;
    at[axis] = AxisCells::Of(given ? cells : nullptr, rank + axis + pooled - 3,
                             pool.axes[axis].out);
  }
  if (at[2].size == 0) return;
  PoolRow row;
  row.x = at[2];
  for (int64_t i = 0; i < n.size; ++i) {
    for (int64_t j = 0; j < c.size; ++j) {
      row.plane = n[i] * channels + c[j];
      for (int64_t z = 0; z < at[0].size; ++z) {
        const int64_t oz = row.plane * pool.axes[0].out + at[0][z];
        row.taps[0] = TapsOf(pool.axes[0], at[0][z]);
        for (int64_t y = 0; y < at[1].size; ++y) {
          row.offset = (oz * pool.axes[1].out + at[1][y]) * pool.axes[2].out;
          row.taps[1] = TapsOf(pool.axes[1], at[1][y]);
          visit(row);
        }
      }
    }
  }
}

// Calls visit(plane, o, taps) for each output cell: the plane's number, the
// output's row-major offset in the whole tensor, its window per axis.
template <class Visit>
void ForEachWindow(const PoolGeometry& pool, const Product* cells,
                   Visit visit) {
  ForEachOutputRow(pool, cells, [&](PoolRow& row) {
    for (int64_t k = 0; k < row.x.size; ++k) {
      row.taps[2] = TapsOf(pool.axes[2], row.x[k]);
      visit(row.plane, row.offset + row.x[k], row.taps);
    }
  });
}

// The largest cell of each window, as MaxPool defines it. `cells` null: all.
// `out` and `indices` may be null; both belong to the whole output.
void PoolMax(const PoolGeometry& pool, const float* in, const Product* cells,
             float* out, int32_t* indices);
// Adds the gradient of each output of `cells` to the cell that it took.
void PoolMaxBackward(const PoolGeometry& pool, const float* in,
                     const Product* cells, const float* grad_output,
                     float* grad_input);

// How the sum over a window becomes a mean.
struct Divisor {
  bool count_include_pad = false;
  std::optional<int64_t> fixed;

  float Of(const std::array<Taps, 3>& taps) const {
    if (fixed) return static_cast<float>(*fixed);
    // In double, which is exact where the result matters and never overflows.
    double cells = 1;
    for (const Taps& axis : taps) {
      cells *=
          static_cast<double>(count_include_pad ? axis.padded : axis.count);
    }
    return static_cast<float>(cells);
  }
};

// The mean of each window, as AvgPool defines it.
void PoolMean(const PoolGeometry& pool, const Divisor& divisor, const float* in,
              const Product* cells, float* out);
// Adds the gradient of each output of `cells`, divided, to all cells of its
// window.
void PoolMeanBackward(const PoolGeometry& pool, const Divisor& divisor,
                      const Product* cells, const float* grad_output,
                      float* grad_input);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_POOL_WINDOWS_H_
