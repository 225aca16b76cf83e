#include "core/src/conv_cell_kernel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "convscope/buffer.h"
#include "core/src/conv_cells.h"
#include "core/src/nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/conv_cell_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#ifndef CONVSCOPE_SRC_CONV_CELL_KERNEL_ONCE
#define CONVSCOPE_SRC_CONV_CELL_KERNEL_ONCE
namespace convscope {

// Where one product of each sum finds its two sides, within an input channel.
struct Pair {
  int64_t factor;  // the same number for all sums
  int64_t row;     // the first of as many numbers as there are sums
};

// `count` sums side by side, on top of what `out` holds: out[i] += over input
// channels and pairs, factors[pair.factor] * rows[pair.row + i].
struct Sums {
  int64_t count;
  int64_t channels;
  const Pair* pairs;
  int64_t pair_count;
  const float* factors;
  int64_t factor_step;  // from one input channel to the next
  const float* rows;
  int64_t row_step;
};

// Output channels are padded to a multiple of this, the most lanes that are
// used.
inline constexpr int64_t kMaxLanes = 16;

}  // namespace convscope
#endif  // CONVSCOPE_SRC_CONV_CELL_KERNEL_ONCE

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sums from `i` on, kVectors vectors of them. Eight at a time hide the
// latency of the additions and leave registers for the operands (WebAssembly
// engines have 15).
template <int kVectors, class D>
HWY_INLINE void AddBlock(D d, const Sums& sums, int64_t i,
                         float* HWY_RESTRICT out) {
  const auto N = static_cast<int64_t>(hn::Lanes(d));
  const auto load = [&](int v) HWY_ATTR {
    return v < kVectors ? hn::LoadU(d, out + i + v * N) : hn::Zero(d);
  };
  auto s0 = load(0), s1 = load(1), s2 = load(2), s3 = load(3);
  auto s4 = load(4), s5 = load(5), s6 = load(6), s7 = load(7);
  const float* factors = sums.factors;
  const float* rows = sums.rows + i;
  for (int64_t channel = 0; channel < sums.channels; ++channel) {
    for (int64_t p = 0; p < sums.pair_count; ++p) {
      const auto factor = hn::Set(d, factors[sums.pairs[p].factor]);
      const float* row = rows + sums.pairs[p].row;
      const auto product = [&](int v) HWY_ATTR {
        return hn::Mul(factor, hn::LoadU(d, row + v * N));
      };
      s0 = hn::Add(s0, product(0));
      if constexpr (kVectors > 1) s1 = hn::Add(s1, product(1));
      if constexpr (kVectors > 2) s2 = hn::Add(s2, product(2));
      if constexpr (kVectors > 2) s3 = hn::Add(s3, product(3));
      if constexpr (kVectors > 4) s4 = hn::Add(s4, product(4));
      if constexpr (kVectors > 4) s5 = hn::Add(s5, product(5));
      if constexpr (kVectors > 4) s6 = hn::Add(s6, product(6));
      if constexpr (kVectors > 4) s7 = hn::Add(s7, product(7));
    }
    factors += sums.factor_step;
    rows += sums.row_step;
  }
  hn::StoreU(s0, d, out + i);
  if constexpr (kVectors > 1) hn::StoreU(s1, d, out + i + N);
  if constexpr (kVectors > 2) hn::StoreU(s2, d, out + i + 2 * N);
  if constexpr (kVectors > 2) hn::StoreU(s3, d, out + i + 3 * N);
  if constexpr (kVectors > 4) hn::StoreU(s4, d, out + i + 4 * N);
  if constexpr (kVectors > 4) hn::StoreU(s5, d, out + i + 5 * N);
  if constexpr (kVectors > 4) hn::StoreU(s6, d, out + i + 6 * N);
  if constexpr (kVectors > 4) hn::StoreU(s7, d, out + i + 7 * N);
}

void AddProducts(const Sums& sums, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, kMaxLanes> d;
  const auto N = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 8 * N <= sums.count; i += 8 * N) AddBlock<8>(d, sums, i, out);
  for (; i + 4 * N <= sums.count; i += 4 * N) AddBlock<4>(d, sums, i, out);
  for (; i + 2 * N <= sums.count; i += 2 * N) AddBlock<2>(d, sums, i, out);
  for (; i + N <= sums.count; i += N) AddBlock<1>(d, sums, i, out);
  const hn::CappedTag<float, 1> one;
  for (; i + 2 <= sums.count; i += 2) AddBlock<2>(one, sums, i, out);
  for (; i < sums.count; ++i) AddBlock<1>(one, sums, i, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(AddProducts);

class ConvCellKernel : public CellKernel {
 public:
  ConvCellKernel(const ConvGeometry& geometry, size_t rank, int axes,
                 const float* weight, const float* bias)
      : g_(geometry), rank_(rank), axes_(axes), weight_(weight), bias_(bias) {}

  Status Pack() {
    if (g_.oc < 2) return Ok();
    channels_ = (g_.oc + kMaxLanes - 1) / kMaxLanes * kMaxLanes;
    CONVSCOPE_RETURN_IF_ERROR(
        packed_.Allocate(g_.groups * g_.ic * g_.taps() * channels_));
    CONVSCOPE_RETURN_IF_ERROR(sums_.Allocate(channels_));
    std::fill_n(packed_.data(), packed_.size(), 0.0f);
    const int64_t count = g_.groups * g_.oc * g_.ic * g_.taps();
    for (int64_t i = 0; i < count; ++i) PackOne(i);
    return Ok();
  }

  void ParameterChanged(size_t parameter, int64_t offset) override {
    if (parameter == 0 && channels_ > 0) PackOne(offset);
  }

  void Run(const float* in, const Product& product, float* out) override {
    const ConvCells cells = FiveAxes(product, rank_, axes_);
    // Positions in one channel, or channels at one position: along which of the
    // two there is more to do.
    const size_t channels = cells[1].size();
    if (channels_ > 0 && channels * 2 > static_cast<size_t>(g_.oc)) {
      AcrossChannels(in, cells, out);
    } else if (CanRunRows()) {
      AlongRows(in, cells, out);
    } else {
      ComputeCells(g_, weight_, bias_, in, cells, out);
    }
  }

 private:
  void PackOne(int64_t offset) {
    const int64_t taps = g_.taps();
    const int64_t k = offset % taps;
    const int64_t second = offset / taps % (g_.transposed ? g_.oc : g_.ic);
    const int64_t first = offset / taps / (g_.transposed ? g_.oc : g_.ic);
    const int64_t per_group = g_.transposed ? g_.ic : g_.oc;
    const int64_t group = first / per_group;
    const int64_t ic = g_.transposed ? first % per_group : second;
    const int64_t oc = g_.transposed ? second : first % per_group;
    packed_.data()[((group * g_.ic + ic) * taps + k) * channels_ + oc] =
        weight_[offset];
  }

  // `taps` as pairs: the input is the factor, the weight's channels the row.
  void AcrossChannels(const float* in, const ConvCells& cells, float* out) {
    const int64_t out_plane = g_.out_plane();
    const int64_t in_plane = g_.in_plane();
    Sums sums{};
    sums.count = channels_;
    sums.channels = g_.ic;
    sums.factor_step = in_plane;
    sums.row_step = g_.taps() * channels_;
    size_t begin = 0;
    // Group by group, because a group reads channels of its own.
    while (begin < cells[1].size()) {
      const int64_t group = cells[1][begin] / g_.oc;
      size_t end = begin;
      while (end < cells[1].size() && cells[1][end] / g_.oc == group) ++end;
      sums.rows = packed_.data() + group * g_.ic * sums.row_step;
      for (int32_t od : cells[2]) {
        TapsOf(g_.axes[0], od, &by_depth_);
        for (int32_t oh : cells[3]) {
          TapsOf(g_.axes[1], oh, &by_height_);
          JoinTaps(by_depth_, by_height_, g_.axes[1], &upper_);
          for (int32_t ow : cells[4]) {
            TapsOf(g_.axes[2], ow, &by_width_);
            JoinTaps(upper_, by_width_, g_.axes[2], &taps_);
            pairs_.clear();
            for (const Tap& tap : taps_) {
              pairs_.push_back({tap.in, tap.weight * channels_});
            }
            sums.pairs = pairs_.data();
            sums.pair_count = static_cast<int64_t>(pairs_.size());
            const int64_t position =
                (od * g_.axes[1].out + oh) * g_.axes[2].out + ow;
            for (int32_t n : cells[0]) {
              sums.factors = in + (n * g_.groups + group) * g_.ic * in_plane;
              StartSums(group);
              HWY_DYNAMIC_DISPATCH(AddProducts)(sums, sums_.data());
              for (size_t i = begin; i < end; ++i) {
                const int64_t c = cells[1][i];
                out[(n * g_.groups * g_.oc + c) * out_plane + position] =
                    OneNaN(sums_.data()[c - group * g_.oc]);
              }
            }
          }
        }
      }
      begin = end;
    }
  }

  // The group's biases, as ComputeCells starts its sums.
  void StartSums(int64_t group) {
    float* sums = sums_.data();
    std::fill_n(sums, channels_, 0.0f);
    if (bias_ == nullptr) return;
    for (int64_t c = 0; c < g_.oc; ++c) sums[c] += bias_[group * g_.oc + c];
  }

  bool CanRunRows() const {
    const AxisMap& width = g_.axes[2];
    return width.kind == AxisMap::Kind::kWindow && width.stride == 1;
  }

  // `taps` as pairs: the weight is the factor, the input's columns the row.
  void AlongRows(const float* in, const ConvCells& cells, float* out) {
    const AxisMap& width = g_.axes[2];
    // Columns whose whole window lies inside the row; the others one by one.
    const int64_t inner_begin = std::max<int64_t>(width.before, 0);
    const int64_t inner_end =
        std::min(width.out,
                 width.in + width.before - (width.kernel - 1) * width.dilation);
    ConvCells border = cells;
    border[4].clear();
    std::vector<std::pair<int64_t, int64_t>> runs;  // first column, count
    for (int32_t column : cells[4]) {
      if (column < inner_begin || column >= inner_end) {
        border[4].push_back(column);
      } else if (!runs.empty() &&
                 runs.back().first + runs.back().second == column) {
        ++runs.back().second;
      } else {
        runs.push_back({column, 1});
      }
    }
    ComputeCells(g_, weight_, bias_, in, border, out);
    const std::vector<Row> rows = RowsOf(cells, runs);
    const int64_t in_plane = g_.in_plane();
    Sums sums{};
    sums.channels = 1;
    for (int32_t n : cells[0]) {
      for (int32_t c : cells[1]) {
        const int64_t group = c / g_.oc;
        float* plane = out + (n * g_.groups * g_.oc + c) * g_.out_plane();
        const float bias = bias_ == nullptr ? 0.0f : bias_[c] + 0.0f;
        for (const Row& row : rows) {
          std::fill_n(plane + row.out, row.count, bias);
        }
        // Input channel by input channel, because their planes lie far apart:
        // row by row would fetch each of them again for every row.
        for (int64_t ic = 0; ic < g_.ic; ++ic) {
          sums.rows = in + ((n * g_.groups + group) * g_.ic + ic) * in_plane;
          sums.factors = weight_ + (c * g_.ic + ic) * g_.taps();
          for (const Row& row : rows) {
            sums.count = row.count;
            sums.pairs = pairs_.data() + row.pairs;
            sums.pair_count = row.pair_count;
            HWY_DYNAMIC_DISPATCH(AddProducts)(sums, plane + row.out);
          }
        }
        for (const Row& row : rows) OneNaN(row.count, plane + row.out);
      }
    }
  }

  // A run of columns in one row of the output plane, and its pairs.
  struct Row {
    int64_t out;
    int64_t count;
    size_t pairs;
    int64_t pair_count;
  };

  std::vector<Row> RowsOf(
      const ConvCells& cells,
      const std::vector<std::pair<int64_t, int64_t>>& runs) {
    const AxisMap& width = g_.axes[2];
    std::vector<Row> rows;
    pairs_.clear();
    for (int32_t od : cells[2]) {
      TapsOf(g_.axes[0], od, &by_depth_);
      for (int32_t oh : cells[3]) {
        TapsOf(g_.axes[1], oh, &by_height_);
        JoinTaps(by_depth_, by_height_, g_.axes[1], &upper_);
        for (const auto& [column, count] : runs) {
          TapsOf(width, column, &by_width_);
          JoinTaps(upper_, by_width_, width, &taps_);
          rows.push_back({(od * g_.axes[1].out + oh) * width.out + column,
                          count, pairs_.size(),
                          static_cast<int64_t>(taps_.size())});
          for (const Tap& tap : taps_) pairs_.push_back({tap.weight, tap.in});
        }
      }
    }
    return rows;
  }

  const ConvGeometry g_;
  const size_t rank_;
  const int axes_;
  const float* weight_;
  const float* bias_;
  int64_t channels_ = 0;  // per group, padded; 0: nothing is packed
  Buffer<float> packed_;  // [G][IC][K][channels_]
  Buffer<float> sums_;
  // Kept between runs so that an edit allocates little.
  std::vector<Tap> by_depth_, by_height_, by_width_, upper_, taps_;
  std::vector<Pair> pairs_;
};

}  // namespace

Status MakeConvCellKernel(const ConvGeometry& geometry, size_t rank, int axes,
                          const float* weight, const float* bias,
                          std::unique_ptr<CellKernel>* kernel) {
  auto made =
      std::make_unique<ConvCellKernel>(geometry, rank, axes, weight, bias);
  CONVSCOPE_RETURN_IF_ERROR(made->Pack());
  *kernel = std::move(made);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
