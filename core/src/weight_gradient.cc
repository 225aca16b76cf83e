// The gradient of a convolution by its weight.
//
//   grad[c][w][k] = sum over n, p of position[n][c][p] * window[n][w][p + k]
//
// It is a matrix product, too, of as many terms as there are positions: rows
// are position channels, columns are the weights of one of them. Every weight's
// sum runs over the batch, then over the positions in row-major order, each
// operation rounded on its own; vectors run across weights.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/src/conv_cells.h"
#include "core/src/kernel_gather.h"
#include "core/src/kernel_phase.h"
#include "core/src/kernels.h"
#include "core/src/nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/weight_gradient.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_panel-inl.h"
#include "core/src/kernel_tile-inl.h"

#ifndef CONVSCOPE_SRC_WEIGHT_GRADIENT_CC_
#define CONVSCOPE_SRC_WEIGHT_GRADIENT_CC_

namespace convscope {

// Positions that are summed at a time, and the gathers they may need at most.
inline constexpr int64_t kPositions = 256;
inline constexpr int64_t kMaxGathers = 4096;
// Columns that are packed at a time: three vectors of any target, several
// times.
inline constexpr int64_t kColumns = 144;

// A weight joins every input cell with every output cell whose window holds it
// there. Both layers see the same pairs, a transposed one from its input's
// side: the kernel slides over one tensor, the window's, and stops at every
// cell of the other, the position's.
struct Pairs {
  ConvGeometry geometry;  // position = convolution of window
  const float* window;
  const float* position;

  Pairs(const ConvGeometry& g, const float* in, const float* grad_output)
      : geometry(g), window(in), position(grad_output) {
    if (g.transposed) {
      geometry = InputGradientGeometry(g);
      std::swap(window, position);
    }
  }
};

struct WeightGradientWork {
  Buffer<Gather> gathers;   // [position / 4][tap]
  Buffer<float> panels;     // [panel][position][column]
  Buffer<float> positions;  // tiles of [position][row]
};

// Positions of a block: a multiple of 4.
inline int64_t PositionBlock(int64_t taps) {
  return std::clamp<int64_t>(kMaxGathers / taps * 4, 4, kPositions);
}

}  // namespace convscope
#endif  // CONVSCOPE_SRC_WEIGHT_GRADIENT_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// to[i * pitch + j] = from[j * 4 + i], 4 x 4.
HWY_INLINE void Transpose(const float* HWY_RESTRICT from,
                          float* HWY_RESTRICT to, size_t pitch) {
  const hn::FixedTag<float, 4> d;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + 4);
  const auto e = hn::LoadU(d, from + 8), f = hn::LoadU(d, from + 12);
  const auto ab_low = hn::InterleaveLower(d, a, b);
  const auto ef_low = hn::InterleaveLower(d, e, f);
  const auto ab_high = hn::InterleaveUpper(d, a, b);
  const auto ef_high = hn::InterleaveUpper(d, e, f);
  hn::StoreU(hn::ConcatLowerLower(d, ef_low, ab_low), d, to);
  hn::StoreU(hn::ConcatUpperUpper(d, ef_low, ab_low), d, to + pitch);
  hn::StoreU(hn::ConcatLowerLower(d, ef_high, ab_high), d, to + 2 * pitch);
  hn::StoreU(hn::ConcatUpperUpper(d, ef_high, ab_high), d, to + 3 * pitch);
}

// One group of one image: positions [p0, p0 + count) of the sum.
void AddPositions(const ConvGeometry& g, WeightGradientWork& work,
                  bool is_first, bool is_last, int64_t count,
                  const float* window, const float* position, float* grad) {
  const int64_t taps = g.taps();
  const int64_t weights = g.ic * taps;
  const int64_t wide = PanelColumns<Reproducible>();
  const int64_t window_plane = g.in_plane();
  const int64_t position_plane = g.out_plane();
  const int64_t max_rows = MaxRows<Reproducible>();
  for (int64_t row0 = 0; row0 < g.oc; row0 += max_rows) {
    const int64_t rows = std::min(max_rows, g.oc - row0);
    float* to = work.positions.data() + row0 * count;
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = position + (row0 + row) * position_plane;
      for (int64_t p = 0; p < count; ++p) to[p * rows + row] = from[p];
    }
  }
  const float zeros[8] = {};
  for (int64_t c0 = 0; c0 < weights; c0 += kColumns) {
    const int64_t c_end = std::min(weights, c0 + kColumns);
    for (int64_t c = c0; c < c_end; c += wide) {
      float* panel = work.panels.data() + (c - c0) * kPositions;
      for (int64_t four = c; four < c + wide; four += 4) {
        for (int64_t p = 0; p < count; p += 4) {
          const Gather* gathers = work.gathers.data() + p / 4 * taps;
          HWY_ALIGN float block[16] = {};
          for (int64_t j = 0; j < 4 && four + j < c_end; ++j) {
            RunGather(gathers[(four + j) % taps],
                      window + (four + j) / taps * window_plane, block + 4 * j);
          }
          Transpose(block, panel + p * wide + (four - c),
                    static_cast<size_t>(wide));
        }
      }
    }
    for (int64_t row0 = 0; row0 < g.oc; row0 += max_rows) {
      const int64_t rows = std::min(max_rows, g.oc - row0);
      TileArguments a = {};
      a.w = work.positions.data() + row0 * count;
      a.b = work.panels.data();
      a.b_pitch = static_cast<size_t>(wide * kPositions);
      a.panels = static_cast<size_t>((c_end - c0) / wide);
      a.depth = static_cast<size_t>(count);
      a.start = is_first ? zeros : nullptr;
      a.is_last = is_last;
      a.c = grad + row0 * weights + c0;
      a.c_stride = static_cast<size_t>(weights);
      AnyTiles<Reproducible>(rows, (c_end - c0) % wide, true, a);
    }
  }
}

void SumWeightGradient(const Pairs& pairs, WeightGradientWork& work,
                       float* grad) {
  const ConvGeometry& g = pairs.geometry;
  const int64_t taps = g.taps();
  const int64_t block = PositionBlock(taps);
  Phase phase;
  for (size_t axis = 0; axis < 3; ++axis) {
    phase.axes[axis] = PhaseOf(g.axes[axis], 0);
  }
  const int64_t positions = phase.pixels();
  for (int64_t n = 0; n < g.n; ++n) {
    for (int64_t p0 = 0; p0 < positions; p0 += block) {
      const int64_t count = std::min(block, positions - p0);
      for (int64_t p = 0; p < count; p += 4) {
        FindGathers(phase, p0 + p, std::min<int64_t>(4, count - p), 4,
                    work.gathers.data() + p / 4 * taps);
      }
      for (int64_t group = 0; group < g.groups; ++group) {
        const int64_t image = n * g.groups + group;
        AddPositions(g, work, n == 0 && p0 == 0,
                     n + 1 == g.n && p0 + count == positions, count,
                     pairs.window + image * g.ic * g.in_plane(),
                     pairs.position + image * g.oc * g.out_plane() + p0,
                     grad + group * g.oc * g.ic * taps);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(SumWeightGradient);

// The same sums weight by weight, leaving padding cells out: where an infinite
// gradient would make a NaN of the zero in one.
void SumOneByOne(const Pairs& pairs, float* grad) {
  const ConvGeometry& g = pairs.geometry;
  const auto& [depth, height, width] = g.axes;
  // For one tap: offset in the window's plane, offset in the position's.
  std::vector<std::pair<int64_t, int64_t>> met;
  for (int64_t k = 0; k < g.taps(); ++k) {
    const int64_t kw = k % width.kernel;
    const int64_t kh = k / width.kernel % height.kernel;
    const int64_t kd = k / width.kernel / height.kernel;
    met.clear();
    for (int64_t od = 0; od < depth.out; ++od) {
      const int64_t id = depth.Source(od, kd);
      for (int64_t oh = 0; id >= 0 && oh < height.out; ++oh) {
        const int64_t ih = height.Source(oh, kh);
        for (int64_t ow = 0; ih >= 0 && ow < width.out; ++ow) {
          const int64_t iw = width.Source(ow, kw);
          if (iw < 0) continue;
          met.push_back({(id * height.in + ih) * width.in + iw,
                         (od * height.out + oh) * width.out + ow});
        }
      }
    }
    for (int64_t c = 0; c < g.groups * g.oc; ++c) {
      for (int64_t ic = 0; ic < g.ic; ++ic) {
        float sum = 0;
        for (int64_t n = 0; n < g.n; ++n) {
          const float* x =
              pairs.window +
              ((n * g.groups + c / g.oc) * g.ic + ic) * g.in_plane();
          const float* y =
              pairs.position + (n * g.groups * g.oc + c) * g.out_plane();
          for (const auto& [from, to] : met) {
            const float product = x[from] * y[to];
            sum = sum + product;
          }
        }
        grad[(c * g.ic + ic) * g.taps() + k] = OneNaN(sum);
      }
    }
  }
}

}  // namespace

Status WeightGradient(const ConvGeometry& g, const float* in,
                      const float* grad_output, float* grad_weight) {
  const Pairs pairs(g, in, grad_output);
  const ConvGeometry& p = pairs.geometry;
  if (MeetsZeroPadding(p)) {
    const int64_t count = p.n * p.groups * p.oc * p.out_plane();
    bool is_finite = true;
    for (int64_t i = 0; i < count; ++i)
      is_finite &= std::isfinite(pairs.position[i]);
    if (!is_finite) {
      SumOneByOne(pairs, grad_weight);
      return Ok();
    }
  }
  WeightGradientWork work;
  const int64_t block = PositionBlock(p.taps());
  CONVSCOPE_RETURN_IF_ERROR(work.gathers.Allocate(block / 4 * p.taps()));
  CONVSCOPE_RETURN_IF_ERROR(work.panels.Allocate(kColumns * kPositions));
  // A block ends in whole fours.
  CONVSCOPE_RETURN_IF_ERROR(work.positions.Allocate(p.oc * (block + 4)));
  HWY_DYNAMIC_DISPATCH(SumWeightGradient)(pairs, work, grad_weight);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
