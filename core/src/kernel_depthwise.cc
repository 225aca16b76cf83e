// Convolution of single planes: depthwise layers and image filters of 3 and of
// 5 rows, where the cost of every copy shows.
//
// The input is read where it lies. Rows of padding are left out: they would add
// nothing. Only the columns at the left and the right edge, whose windows reach
// into the padding, are copied with it first.
#include "core/src/kernel_depthwise.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "core/src/nan.h"

#ifndef CONVSCOPE_SRC_KERNEL_DEPTHWISE_CC_
#define CONVSCOPE_SRC_KERNEL_DEPTHWISE_CC_

namespace convscope {

// Floats of a few rows, read and written, to which a walk comes back for the
// next few columns: they should still be in the first-level cache. And the rows
// at the least: of long ones more would lie on the same few cache lines.
inline constexpr int64_t kStepFloats = 4096;
inline constexpr int64_t kStepRows = 4;
// Floats of the smallest plane that is fetched before it is walked through, and
// of a cache line.
inline constexpr int64_t kFetched = 1024;
inline constexpr int64_t kLine = 16;
// Outputs of a row, at most: there is a list of its blocks.
inline constexpr int64_t kMaxColumns = 8192;

struct Depthwise : ConvTask {
  std::vector<WalkBlock> blocks;
  // Columns of the input that are copied to `edges`.
  struct Edge {
    int64_t from = 0, to = 0, count = 0;
  };
  std::vector<Edge> edge_columns;
  int64_t step;           // input rows of a walk; of stride 2, turns
  int64_t edge_row;       // floats from row to row of `edges`
  int64_t edge_plane;     // floats of one walk's
  int64_t columns;        // of a block
  Buffer<float> edges;    // [2][input row of a walk][edge_row], then zeros
  Buffer<float> weights;  // [plane][tap]
  Buffer<float> sums;     // [block][kWalkSums][lane]
  Buffer<float> narrow;  // [output row][columns], if a block is wider than rows
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_DEPTHWISE_CC_

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_depthwise.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_depthwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Cuts the rows into blocks, the last one moved back over done work.
Status PrepareDepthwise(Depthwise& depthwise) {
  const ConvGeometry& g = depthwise.geometry;
  const AxisMap &h = g.axes[1], &w = g.axes[2];
  const int64_t columns = static_cast<int64_t>(
      FindWalk(depthwise.is_fast, h.kernel, h.stride).columns);
  // Cells of a row that a block reads.
  const int64_t reach = (columns - 1) * w.stride + w.kernel;
  depthwise.columns = columns;
  int64_t edge = 0;    // floats of `edges` in use
  int64_t first = 0;   // what position of the row is the last edge's first one
  int64_t behind = 0;  // the first position behind it
  for (int64_t column = 0; column < w.out; column += columns) {
    const int64_t left =
        std::max<int64_t>(0, std::min(column, w.out - columns));
    const int64_t x = left * w.stride - w.before;
    if (x >= 0 && x + reach <= w.in) {
      depthwise.blocks.push_back({x, left, false});
      continue;
    }
    // Blocks that read the same cells share an edge.
    if (depthwise.edge_columns.empty() || x >= behind) {
      depthwise.edge_columns.push_back({});
      first = x - edge;
    }
    behind = x + reach;
    edge = behind - first;
    depthwise.blocks.push_back({x - first, left, true});
    Depthwise::Edge& copy = depthwise.edge_columns.back();
    if (copy.count == 0) {
      copy.from = std::max<int64_t>(0, x);
      copy.to = copy.from - first;
    }
    copy.count = std::min(w.in, behind) - copy.from;
  }
  depthwise.edge_row = edge;
  depthwise.step = std::max(kStepRows, kStepFloats / (w.in + w.out));
  const int64_t rows = depthwise.step * h.stride;
  depthwise.edge_plane = rows * edge;
  const int64_t floats = 2 * depthwise.edge_plane + reach;
  CONVSCOPE_RETURN_IF_ERROR(depthwise.edges.Allocate(floats));
  std::fill_n(depthwise.edges.data(), floats, 0.0f);
  CONVSCOPE_RETURN_IF_ERROR(depthwise.sums.Allocate(
      static_cast<int64_t>(depthwise.blocks.size() * kWalkSums) * columns / 2));
  return columns > w.out ? depthwise.narrow.Allocate(h.out * columns) : Ok();
}

// Copies `rows` rows of the edges from a plane of the input.
void CopyEdges(const Depthwise& depthwise, const float* in, int64_t rows,
               float* edges) {
  const WalkTag d;
  const size_t N = hn::Lanes(d);
  const size_t in_row = static_cast<size_t>(depthwise.geometry.axes[2].in);
  const size_t edge_row = static_cast<size_t>(depthwise.edge_row);
  for (const Depthwise::Edge& edge : depthwise.edge_columns) {
    const float* HWY_RESTRICT from = in + edge.from;
    float* HWY_RESTRICT to = edges + edge.to;
    const size_t count = static_cast<size_t>(edge.count);
    for (int64_t row = 0; row < rows; ++row) {
      if (count < N) {
        for (size_t i = 0; i < count; ++i) to[i] = from[i];
      } else {
        // By two: of a loop by one compilers would make a call of memcpy(),
        // which is slow for a few bytes in WebAssembly.
        size_t i = 0;
        for (; i + 2 * N < count; i += 2 * N) {
          const auto a = hn::LoadU(d, from + i);
          const auto b = hn::LoadU(d, from + i + N);
          hn::StoreU(a, d, to + i);
          hn::StoreU(b, d, to + i + N);
        }
        // The last vectors are moved back over done work.
        i = std::min(i, count - N);
        const auto a = hn::LoadU(d, from + i);
        const auto b = hn::LoadU(d, from + count - N);
        hn::StoreU(a, d, to + i);
        hn::StoreU(b, d, to + count - N);
      }
      from += in_row;
      to += edge_row;
    }
  }
}

// Brings cells into the cache in the order in which they lie, which hardware
// foresees: it would not foresee the next row of a walk. Few long rows it does.
void Fetch(const float* cells, int64_t count) {
  uint32_t bits = 0;
  for (int64_t i = 0; i < count; i += kLine) {
    bits |= std::bit_cast<uint32_t>(cells[i]);
  }
  hwy::PreventElision(bits);
}

// How a plane is gone through from top to bottom.
struct Passage {
  int64_t end;      // behind the last input row that is read
  int64_t rows;     // input rows; of stride 2, turns
  int64_t late;     // rows of sums that are complete above the first output
  int64_t skipped;  // input rows that the first turn lacks
  bool ends_even;   // whether the last turn lacks its odd row

  explicit Passage(const AxisMap& h)
      : end(std::min(h.in, (h.out - 1) * h.stride - h.before + h.kernel)),
        rows(end),
        late(h.kernel - 1 - h.before),
        skipped(0),
        ends_even((end - 1 + h.before) % 2 == 0) {
    if (h.stride != 2) return;
    skipped = h.before % 2;
    rows = (end - 1 + h.before) / 2 - h.before / 2 + 1;
    late = 1 - h.before / 2;
  }
};

// What is the same in all steps through all planes.
Walk StartWalk(const Depthwise& depthwise, const Passage& passage) {
  const AxisMap &h = depthwise.geometry.axes[1],
                &w = depthwise.geometry.axes[2];
  Walk walk = {};
  walk.blocks = depthwise.blocks.data();
  walk.count = depthwise.blocks.size();
  walk.in_row = static_cast<size_t>(w.in);
  walk.edge_row = static_cast<size_t>(depthwise.edge_row);
  walk.zeros = depthwise.edges.data() + 2 * depthwise.edge_plane;
  walk.taps = static_cast<size_t>(w.kernel);
  walk.flush = static_cast<size_t>(h.out - (passage.rows - passage.late));
  return walk;
}

void RunDepthwise(Depthwise& depthwise, const float* in, float* out) {
  const ConvGeometry& g = depthwise.geometry;
  const AxisMap &h = g.axes[1], &w = g.axes[2];
  const auto function =
      FindWalk(depthwise.is_fast, h.kernel, h.stride).function;
  const int64_t in_plane = g.in_plane(), out_plane = g.out_plane();
  const int64_t planes = g.n * g.groups;
  const Passage passage(h);
  const int64_t rows = passage.rows, late = passage.late;
  Walk walk = StartWalk(depthwise, passage);
  walk.sums = depthwise.sums.data();
  // A block that is wider than the rows writes into the next row. That is
  // harmless where the cells there are computed later, and not so at the end.
  int64_t safe = planes;
  if (depthwise.columns > w.out) {
    const int64_t written = (h.out - 1) * w.out + depthwise.columns;
    safe = std::max<int64_t>(0, planes - (written - 1) / out_plane);
  }
  // A plane is walked through in steps of some rows. The edges of the next step
  // are copied before the walk through this one: loads of what was stored just
  // now, in other vectors, would wait.
  const int64_t step = std::min(depthwise.step, rows);
  float* edges = depthwise.edges.data();
  float* next_edges = edges + depthwise.edge_plane;
  const auto first_row = [&](int64_t row) {
    return std::max<int64_t>(0, row * h.stride - passage.skipped);
  };
  const bool fetches = depthwise.step > kStepRows && in_plane >= kFetched;
  const auto prepare = [&](int64_t plane, int64_t row, float* to) {
    const int64_t y = first_row(row);
    const float* cells = in + plane * in_plane + y * w.in;
    const int64_t count = std::min(passage.end, first_row(row + step)) - y;
    if (fetches) Fetch(cells, count * w.in);
    CopyEdges(depthwise, cells, count, to);
  };
  prepare(0, 0, edges);
  int64_t group = 0;
  for (int64_t plane = 0; plane < planes; ++plane) {
    float* const cells = out + plane * out_plane;
    const bool is_safe = plane < safe;
    float* const to = is_safe ? cells : depthwise.narrow.data();
    walk.weights = depthwise.weights.data() + group * g.taps();
    walk.bias = depthwise.bias == nullptr ? 0.0f : depthwise.bias[group] + 0.0f;
    walk.out_row = static_cast<size_t>(is_safe ? w.out : depthwise.columns);
    bool has_nan = false;
    for (int64_t row = 0; row < rows; row += step) {
      const int64_t next = row + step;
      if (next < rows) {
        prepare(plane, next, next_edges);
      } else if (plane + 1 < planes) {
        prepare(plane + 1, 0, next_edges);
      }
      walk.in = in + plane * in_plane + first_row(row) * w.in;
      walk.edges = edges;
      walk.resumes = row > 0;
      walk.pauses = next < rows;
      walk.rows = static_cast<size_t>(std::min(step, rows - row));
      walk.late = static_cast<size_t>(std::max<int64_t>(0, late - row));
      walk.out = to + static_cast<size_t>(std::max<int64_t>(0, row - late)) *
                          walk.out_row;
      walk.begins_odd = row == 0 && passage.skipped != 0;
      walk.ends_even = next >= rows && passage.ends_even;
      has_nan |= function(walk);
      std::swap(edges, next_edges);
    }
    if (!is_safe) {
      for (int64_t row = 0; row < h.out; ++row) {
        std::copy_n(to + row * depthwise.columns, w.out, cells + row * w.out);
      }
    }
    if (has_nan) OneNaN(out_plane, cells);
    if (++group == g.groups) group = 0;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(PrepareDepthwise);
HWY_EXPORT(RunDepthwise);

class DepthwiseKernel : public Kernel {
 public:
  explicit DepthwiseKernel(const ConvTask& task) : depthwise_{task} {}

  Status Allocate() {
    const ConvGeometry& g = depthwise_.geometry;
    CONVSCOPE_RETURN_IF_ERROR(
        HWY_DYNAMIC_DISPATCH(PrepareDepthwise)(depthwise_));
    CONVSCOPE_RETURN_IF_ERROR(depthwise_.weights.Allocate(g.groups * g.taps()));
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunDepthwise)(depthwise_, in, out);
  }
  void Repack() override {
    const ConvGeometry& g = depthwise_.geometry;
    const int64_t rows = g.axes[1].kernel, columns = g.axes[2].kernel;
    float* to = depthwise_.weights.data();
    const float* from = depthwise_.weight;
    for (int64_t group = 0; group < g.groups; ++group, from += g.taps()) {
      if (depthwise_.geometry.axes[1].stride == 2) {
        to = std::copy_n(from, g.taps(), to);
        continue;
      }
      for (int64_t column = 0; column < columns; ++column) {
        for (int64_t row = rows - 1; row >= 0; --row) {
          *to++ = from[row * columns + column];
        }
      }
    }
  }
  const char* algorithm() const override { return "depthwise"; }
  int64_t workspace_bytes() const override {
    return depthwise_.edges.bytes() + depthwise_.weights.bytes() +
           depthwise_.sums.bytes() + depthwise_.narrow.bytes();
  }

 private:
  Depthwise depthwise_;
};

}  // namespace

bool SuitsDepthwise(const ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  if (g.transposed || g.ic != 1 || g.oc != 1) return false;
  if (d.in != 1 || d.out != 1 || d.kernel != 1 || d.before != 0) return false;
  // Every window reads a cell that is no padding.
  for (const AxisMap& map : {h, w}) {
    if (map.dilation != 1 || map.mode != PaddingMode::kZeros) return false;
    if (map.before < 0 || map.before >= map.kernel) return false;
    if ((map.out - 1) * map.stride - map.before >= map.in) return false;
  }
  if (h.stride != w.stride || h.stride > 2 || w.out > kMaxColumns) return false;
  if (h.stride == 2) return h.kernel == 3 && w.kernel == 3;
  return h.kernel == 3 ? w.kernel <= 3 : h.kernel == 5 && w.kernel <= 16;
}

Status MakeDepthwiseKernel(const ConvTask& task,
                           std::unique_ptr<Kernel>* kernel) {
  return MakeKernelOf<DepthwiseKernel>(task, kernel);
}

}  // namespace convscope
#endif  // HWY_ONCE
