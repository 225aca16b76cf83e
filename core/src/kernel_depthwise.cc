// Convolution of single planes: depthwise layers and image filters of 3x3 and
// of 5 rows, where the cost of every copy shows.
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

// Input rows of a band, and floats that it reads. A walk comes back to the same
// rows for the next few columns: they should still be in the first-level cache
// if they are short, and in the second-level cache if they are long.
inline constexpr int64_t kBandRows = 112;
inline constexpr int64_t kBandFloats = 64 * 1024;
// Floats of a plane or band from which on it is fetched before the walk, and
// those of a cache line.
inline constexpr size_t kFetched = 1024;
inline constexpr size_t kLine = 16;
// Outputs of a row, at most: there is a list of its blocks.
inline constexpr int64_t kMaxColumns = 8192;

struct Depthwise {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;
  bool is_fast;
  std::vector<WalkBlock> blocks;
  // Columns of the input that are copied to `edges`.
  struct Edge {
    int64_t from = 0, to = 0, count = 0;
  };
  std::vector<Edge> edge_columns;
  int64_t band_rows;      // output rows
  int64_t edge_row;       // floats from row to row of `edges`
  int64_t edge_plane;     // floats of one plane's
  int64_t columns;        // of a block
  Buffer<float> edges;    // [2][input row of a band][edge_row], then zeros
  Buffer<float> weights;  // [plane][tap]
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
  const int64_t most =
      std::clamp(kBandFloats / w.in, 8 * h.kernel, kBandRows) / h.stride;
  const int64_t bands = (h.out + most - 1) / most;
  depthwise.band_rows = (h.out + bands - 1) / bands;
  const int64_t rows = (depthwise.band_rows - 1) * h.stride + h.kernel;
  depthwise.edge_plane = rows * edge;
  const int64_t floats = 2 * depthwise.edge_plane + reach;
  CONVSCOPE_RETURN_IF_ERROR(depthwise.edges.Allocate(floats));
  std::fill_n(depthwise.edges.data(), floats, 0.0f);
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

// Brings cells into the cache in the order in which they lie. A walk down the
// columns would wait for each row's cells, as no hardware foresees them.
void Fetch(const float* cells, size_t count) {
  if (count < kFetched) return;
  uint32_t bits = 0;
  for (size_t i = 0; i < count; i += kLine) {
    bits |= std::bit_cast<uint32_t>(cells[i]);
  }
  hwy::PreventElision(bits);
}

// One band of all planes.
void RunBand(Depthwise& depthwise, int64_t o, int64_t o_end, const float* in,
             float* out) {
  const ConvGeometry& g = depthwise.geometry;
  const AxisMap &h = g.axes[1], &w = g.axes[2];
  const auto function =
      FindWalk(depthwise.is_fast, h.kernel, h.stride).function;
  const int64_t in_plane = g.in_plane(), out_plane = g.out_plane();
  const int64_t planes = g.n * g.groups;
  // The input rows that the band reads.
  const int64_t y = std::max<int64_t>(0, o * h.stride - h.before);
  const int64_t y_end =
      std::min(h.in, (o_end - 1) * h.stride - h.before + h.kernel);
  // The first row of sums that is complete after the first row, or turn.
  int64_t done = y + h.before - h.kernel + 1;
  int64_t rows = y_end - y;
  Walk walk = {};
  if (h.stride == 2) {
    const int64_t turn = (y + h.before) / 2, end = y_end - 1 + h.before;
    done = turn - 1;
    rows = end / 2 - turn + 1;
    walk.begins_odd = (y + h.before) % 2 != 0;
    walk.ends_even = end % 2 == 0;
  }
  walk.rows = static_cast<size_t>(rows);
  walk.late = static_cast<size_t>(o - done);
  walk.flush = static_cast<size_t>(o_end - done - rows);
  walk.blocks = depthwise.blocks.data();
  walk.count = depthwise.blocks.size();
  walk.in_row = static_cast<size_t>(w.in);
  walk.edge_row = static_cast<size_t>(depthwise.edge_row);
  walk.zeros = depthwise.edges.data() + 2 * depthwise.edge_plane;
  walk.taps = static_cast<size_t>(w.kernel);
  // A block that is wider than the rows writes into the next row. That is
  // harmless where the cells there are computed later.
  int64_t safe = planes;
  if (depthwise.columns > w.out) {
    const int64_t written = (h.out - 1) * w.out + depthwise.columns;
    safe = depthwise.band_rows < h.out
               ? 0
               : std::max<int64_t>(0, planes - (written - 1) / out_plane);
  }
  // The edges of the next plane are copied before the walk through this one:
  // loads of what was stored just now, in other vectors, would wait.
  float* edges = depthwise.edges.data();
  float* next_edges = edges + depthwise.edge_plane;
  in += y * w.in;
  out += o * w.out;
  CopyEdges(depthwise, in, y_end - y, edges);
  int64_t group = 0;
  for (int64_t plane = 0; plane < planes; ++plane) {
    if (plane + 1 < planes) {
      CopyEdges(depthwise, in + in_plane, y_end - y, next_edges);
    }
    Fetch(in, static_cast<size_t>((y_end - y) * w.in));
    Fetch(out, static_cast<size_t>((o_end - o) * w.out));
    walk.in = in;
    walk.edges = edges;
    walk.weights = depthwise.weights.data() + group * g.taps();
    walk.bias = depthwise.bias == nullptr ? 0.0f : depthwise.bias[group] + 0.0f;
    walk.out = plane < safe ? out : depthwise.narrow.data();
    walk.out_row =
        static_cast<size_t>(plane < safe ? w.out : depthwise.columns);
    const bool has_nan = function(walk);
    if (plane >= safe) {
      for (int64_t row = 0; row < o_end - o; ++row) {
        std::copy_n(walk.out + row * depthwise.columns, w.out,
                    out + row * w.out);
      }
    }
    if (has_nan) OneNaN((o_end - o) * w.out, out);
    std::swap(edges, next_edges);
    in += in_plane;
    out += out_plane;
    if (++group == g.groups) group = 0;
  }
}

void RunDepthwise(Depthwise& depthwise, const float* in, float* out) {
  const int64_t rows = depthwise.geometry.axes[1].out;
  for (int64_t o = 0; o < rows; o += depthwise.band_rows) {
    RunBand(depthwise, o, std::min(rows, o + depthwise.band_rows), in, out);
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
  DepthwiseKernel(const ConvGeometry& geometry, const float* weight,
                  const float* bias, Math math) {
    depthwise_.geometry = geometry;
    depthwise_.weight = weight;
    depthwise_.bias = bias;
    depthwise_.is_fast = math == Math::kFast;
  }

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
      if (rows == 3) {
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
           depthwise_.narrow.bytes();
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
  if (h.kernel == 3 && w.kernel == 3) return true;
  return h.kernel == 5 && w.kernel <= 16 && h.stride == 1;
}

Status MakeDepthwiseKernel(const ConvGeometry& geometry, const float* weight,
                           const float* bias, Math math,
                           std::unique_ptr<Kernel>* kernel) {
  auto depthwise =
      std::make_unique<DepthwiseKernel>(geometry, weight, bias, math);
  CONVSCOPE_RETURN_IF_ERROR(depthwise->Allocate());
  *kernel = std::move(depthwise);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
