// Winograd's convolution F(4x4, 3x3): 36 multiplications where the direct sum
// takes 144.
//
//   Y = A^T [ sum over ic of (G w G^T) * (B^T x B) ] A     (* cell by cell)
//
// Every 4 x 4 tile of outputs reads 6 x 6 inputs x. They are transformed, which
// turns the convolution into 36 independent matrix products over the input
// channels; what these give is transformed back. A block of tiles at a time, so
// that the transformed block stays in the second-level cache.
//
// The transforms cost accuracy, more with larger tiles: these are the largest
// whose error stays near that of the direct sum in float32.
//
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks",
// 2015; Alam et al., "Winograd convolution for deep neural
// networks: efficient point selection", 2022, for the points.
#include "core/src/kernel_winograd.h"

#include <algorithm>

#include "core/src/kernel_phase.h"
#include "core/src/kernel_strip.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_winograd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_copy-inl.h"
#include "core/src/kernel_tile-inl.h"

#ifndef CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_
#define CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_

namespace convscope {

inline constexpr int64_t kOut = 4;               // outputs of a tile's row
inline constexpr int64_t kIn = kOut + 2;         // inputs of a tile's row
inline constexpr int64_t kProducts = kIn * kIn;  // matrix products
// The points at which the products are taken, beside 0 and infinity: +-a, +-b.
// The usual 1 and 2 err several times as much. a * b = 1.
inline constexpr float kA = 0.70710678f;
inline constexpr float kB = 1.41421356f;
inline constexpr int64_t kStripSlack = 16;
// Floats of a transformed block, inputs and outputs.
inline constexpr int64_t kBlockFloats = 160 * 1024;

struct Winograd {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;
  Phase tiles;            // as a convolution of stride 4 with 6 x 6 taps
  int64_t block = 0;      // columns of a block, four tiles of a row each 4
  Buffer<float> weights;  // [product]: tiles of [ic][rows]
  Buffer<float> strip;    // one channel of one row of tiles
  Buffer<float> inputs;   // [product][panel][ic][column]
  Buffer<float> sums;     // [product][oc][column]
  StripShape shape;
  StripCopy copy;

  // Columns of a row of tiles: whole fours.
  int64_t row() const { return (tiles.axes[2].count + 3) / 4 * 4; }
  int64_t columns() const { return row() * tiles.axes[1].count; }
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

using D4 = hn::FixedTag<float, 4>;
using V4 = hn::Vec<D4>;

// One row of the transforms, for four tiles: to = B^T from, 6 numbers to 6.
HWY_INLINE void TransformInput(const float* HWY_RESTRICT from, size_t from_step,
                               float* HWY_RESTRICT to, size_t to_step) {
  const D4 d;
  const V4 x0 = hn::LoadU(d, from), x1 = hn::LoadU(d, from + from_step);
  const V4 x2 = hn::LoadU(d, from + 2 * from_step);
  const V4 x3 = hn::LoadU(d, from + 3 * from_step);
  const V4 x4 = hn::LoadU(d, from + 4 * from_step);
  const V4 x5 = hn::LoadU(d, from + 5 * from_step);
  // x^4 - ... at the points 0, +-a, +-b and infinity.
  const V4 minus_a2 = hn::Set(d, -kA * kA), minus_b2 = hn::Set(d, -kB * kB);
  const V4 minus_both = hn::Set(d, -(kA * kA + kB * kB));
  const V4 even_a = Fast::MulAdd(minus_b2, x2, x4);
  const V4 odd_a = hn::Mul(hn::Set(d, kA), Fast::MulAdd(minus_b2, x1, x3));
  const V4 even_b = Fast::MulAdd(minus_a2, x2, x4);
  const V4 odd_b = hn::Mul(hn::Set(d, kB), Fast::MulAdd(minus_a2, x1, x3));
  hn::StoreU(hn::Add(Fast::MulAdd(minus_both, x2, x4), x0), d, to);
  hn::StoreU(hn::Add(even_a, odd_a), d, to + to_step);
  hn::StoreU(hn::Sub(even_a, odd_a), d, to + 2 * to_step);
  hn::StoreU(hn::Add(even_b, odd_b), d, to + 3 * to_step);
  hn::StoreU(hn::Sub(even_b, odd_b), d, to + 4 * to_step);
  hn::StoreU(hn::Add(Fast::MulAdd(minus_both, x3, x5), x1), d,
             to + 5 * to_step);
}

// to = A^T from, 6 numbers to 4.
HWY_INLINE void TransformOutput(const float* HWY_RESTRICT from,
                                size_t from_step, V4& y0, V4& y1, V4& y2,
                                V4& y3) {
  const D4 d;
  const V4 m0 = hn::LoadU(d, from), m1 = hn::LoadU(d, from + from_step);
  const V4 m2 = hn::LoadU(d, from + 2 * from_step);
  const V4 m3 = hn::LoadU(d, from + 3 * from_step);
  const V4 m4 = hn::LoadU(d, from + 4 * from_step);
  const V4 m5 = hn::LoadU(d, from + 5 * from_step);
  const V4 sum = hn::Add(m1, m2), difference = hn::Sub(m1, m2);
  const V4 sum2 = hn::Add(m3, m4), difference2 = hn::Sub(m3, m4);
  y0 = hn::Add(hn::Add(m0, sum), sum2);
  y1 = Fast::MulAdd(hn::Set(d, kB), difference2,
                    hn::Mul(hn::Set(d, kA), difference));
  y2 = Fast::MulAdd(hn::Set(d, kB * kB), sum2,
                    hn::Mul(hn::Set(d, kA * kA), sum));
  y3 = Fast::MulAdd(hn::Set(d, kB * kB * kB), difference2,
                    Fast::MulAdd(hn::Set(d, kA * kA * kA), difference, m5));
}

// Columns of a panel of the matrix products.
HWY_INLINE int64_t PanelColumns() {
  return 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}

// Transforms the inputs of columns [c0, c0 + count): `count` is whole fours.
void TransformInputs(Winograd& work, const float* in, int64_t c0,
                     int64_t count) {
  const ConvGeometry& g = work.geometry;
  const StripShape& shape = work.shape;
  const int64_t row = work.row();
  const int64_t wide = PanelColumns();
  const size_t product = static_cast<size_t>(work.block * g.ic);
  HWY_ALIGN float half[kIn * kIn * 4];
  for (int64_t c = c0; c < c0 + count;) {
    const int64_t qh = c / row;
    const int64_t end = std::min(c0 + count, (qh + 1) * row);
    work.copy.Find(work.tiles, shape, 0, qh, 0);
    for (const StripCopy::Run& run : work.copy.zeros) {
      std::fill_n(work.strip.data() + run.to, run.count, 0.0f);
    }
    for (int64_t ic = 0; ic < g.ic; ++ic) {
      CopyChannel(work.copy, in + ic * g.in_plane(), work.strip.data());
      for (int64_t four = c; four < end; four += 4) {
        const float* x = work.strip.data() + (four - qh * row);
        for (int64_t j = 0; j < kIn; ++j) {
          TransformInput(x + j % kOut * shape.pitch + j / kOut,
                         static_cast<size_t>(shape.row()), half + 4 * j,
                         4 * kIn);
        }
        const int64_t at = four - c0;
        float* to =
            work.inputs.data() + (at / wide * g.ic + ic) * wide + at % wide;
        for (int64_t i = 0; i < kIn; ++i) {
          TransformInput(half + 4 * kIn * i, 4,
                         to + static_cast<size_t>(kIn * i) * product, product);
        }
      }
    }
    c = end;
  }
}

void Multiply(Winograd& work, int64_t count) {
  const ConvGeometry& g = work.geometry;
  const int64_t wide = PanelColumns();
  const float zeros[8] = {};
  const float* w = work.weights.data();
  for (int64_t product = 0; product < kProducts; ++product) {
    const float* x = work.inputs.data() + product * work.block * g.ic;
    float* sums = work.sums.data() + product * work.block * g.oc;
    for (int64_t oc = 0; oc < g.oc;) {
      const int64_t rows = std::min<int64_t>(MaxRows<Fast>(), g.oc - oc);
      for (int64_t c = 0; c < count; c += wide) {
        AnyTile<Fast>(rows, true, w, x + c * g.ic, static_cast<size_t>(g.ic),
                      zeros, false, sums + oc * work.block + c,
                      static_cast<size_t>(work.block));
      }
      w += rows * g.ic;
      oc += rows;
    }
  }
}

// Transforms the sums of columns [c0, c0 + count) back and writes the outputs.
void TransformOutputs(const Winograd& work, int64_t c0, int64_t count,
                      float* out) {
  const D4 d;
  const ConvGeometry& g = work.geometry;
  const int64_t row = work.row();
  const int64_t height = g.axes[1].out, width = g.axes[2].out;
  const size_t product = static_cast<size_t>(work.block * g.oc);
  HWY_ALIGN float half[kOut * kIn * 4];
  HWY_ALIGN float cells[16];
  for (int64_t oc = 0; oc < g.oc; ++oc, out += g.out_plane()) {
    const V4 bias = hn::Set(d, work.bias == nullptr ? 0.0f : work.bias[oc]);
    for (int64_t c = c0; c < c0 + count; c += 4) {
      const float* from = work.sums.data() + oc * work.block + (c - c0);
      V4 y0, y1, y2, y3;
      for (int64_t j = 0; j < kIn; ++j) {
        TransformOutput(from + static_cast<size_t>(j) * product, kIn * product,
                        y0, y1, y2, y3);
        hn::StoreU(y0, d, half + 4 * j);
        hn::StoreU(y1, d, half + 4 * (kIn + j));
        hn::StoreU(y2, d, half + 4 * (2 * kIn + j));
        hn::StoreU(y3, d, half + 4 * (3 * kIn + j));
      }
      const int64_t y = c / row * kOut, x = c % row * kOut;
      const int64_t rows = std::min(kOut, height - y);
      const int64_t columns = std::min(4 * kOut, width - x);
      for (int64_t i = 0; i < rows; ++i) {
        TransformOutput(half + 4 * kIn * i, 4, y0, y1, y2, y3);
        y0 = CanonicalNaN(d, hn::Add(y0, bias));
        y1 = CanonicalNaN(d, hn::Add(y1, bias));
        y2 = CanonicalNaN(d, hn::Add(y2, bias));
        y3 = CanonicalNaN(d, hn::Add(y3, bias));
        float* to = out + (y + i) * width + x;
        if (columns == 4 * kOut) {
          hn::StoreInterleaved4(y0, y1, y2, y3, d, to);
        } else {
          hn::StoreInterleaved4(y0, y1, y2, y3, d, cells);
          std::copy_n(cells, std::max<int64_t>(columns, 0), to);
        }
      }
    }
  }
}

void RunWinograd(Winograd& work, const float* in, float* out) {
  const ConvGeometry& g = work.geometry;
  const int64_t columns = work.columns();
  for (int64_t n = 0; n < g.n; ++n) {
    for (int64_t c0 = 0; c0 < columns; c0 += work.block) {
      const int64_t count = std::min(work.block, columns - c0);
      TransformInputs(work, in, c0, count);
      Multiply(work, count);
      TransformOutputs(work, c0, count, out);
    }
    in += g.ic * g.in_plane();
    out += g.oc * g.out_plane();
  }
}

// Columns of a block and rows of the packed weights' tiles.
void MeasureWinograd(const Winograd& work, int64_t* block, int64_t* rows) {
  const ConvGeometry& g = work.geometry;
  const int64_t wide = PanelColumns();
  const int64_t fit = kBlockFloats / (kProducts * (g.ic + g.oc)) / wide * wide;
  const int64_t all = (work.columns() + wide - 1) / wide * wide;
  *block = std::min(all, std::max(fit, 2 * wide));
  *rows = MaxRows<Fast>();
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(MeasureWinograd);
HWY_EXPORT(RunWinograd);

class WinogradKernel : public Kernel {
 public:
  WinogradKernel(const ConvGeometry& geometry, const float* weight,
                 const float* bias) {
    work_.geometry = geometry;
    work_.weight = weight;
    work_.bias = bias;
    for (size_t axis = 0; axis < 3; ++axis) {
      PhaseAxis& tiles = work_.tiles.axes[axis];
      tiles = PhaseOf(geometry.axes[axis], 0);
      if (axis == 0) continue;
      tiles.count = (tiles.count + kOut - 1) / kOut;
      tiles.stride = kOut;
      tiles.taps = kIn;
    }
  }

  Status Allocate() {
    const ConvGeometry& g = work_.geometry;
    HWY_DYNAMIC_DISPATCH(MeasureWinograd)(work_, &work_.block, &rows_);
    work_.shape = ShapeStrips(work_.tiles, 1, 0, kStripSlack);
    work_.shape.columns = work_.tiles.axes[2].count;
    work_.shape.pitch = work_.shape.columns + kStripSlack;
    work_.shape.channel = work_.shape.height * work_.shape.row();
    CONVSCOPE_RETURN_IF_ERROR(work_.weights.Allocate(kProducts * g.ic * g.oc));
    CONVSCOPE_RETURN_IF_ERROR(work_.strip.Allocate(work_.shape.channel));
    CONVSCOPE_RETURN_IF_ERROR(
        work_.inputs.Allocate(kProducts * g.ic * work_.block));
    CONVSCOPE_RETURN_IF_ERROR(
        work_.sums.Allocate(kProducts * g.oc * work_.block));
    // Columns that no tile fills are computed with, too: no denormals.
    std::fill_n(work_.strip.data(), work_.strip.size(), 0.0f);
    std::fill_n(work_.inputs.data(), work_.inputs.size(), 0.0f);
    for (int64_t qh = 0; qh < work_.tiles.axes[1].count; ++qh) {
      // Lists that were once this long never allocate again.
      work_.copy.Find(work_.tiles, work_.shape, 0, qh, 0);
    }
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunWinograd)(work_, in, out);
  }

  void Repack() override {
    // Row of point p: 1, p, p^2 over the product of its distances to the
    // others.
    const double a = kA, b = kB;
    const double at_a = 2 * a * a * (a * a - b * b);
    const double at_b = 2 * b * b * (b * b - a * a);
    const double rows_of_g[kIn][3] = {
        {1 / (a * a * b * b), 0, 0},         {1 / at_a, a / at_a, a * a / at_a},
        {1 / at_a, -a / at_a, a * a / at_a}, {1 / at_b, b / at_b, b * b / at_b},
        {1 / at_b, -b / at_b, b * b / at_b}, {0, 0, 1},
    };
    const ConvGeometry& g = work_.geometry;
    for (int64_t oc = 0; oc < g.oc; ++oc) {
      const int64_t first = oc / rows_ * rows_;
      const int64_t rows = std::min(rows_, g.oc - first);
      for (int64_t ic = 0; ic < g.ic; ++ic) {
        const float* w = work_.weight + (oc * g.ic + ic) * 9;
        float* to =
            work_.weights.data() + first * g.ic + ic * rows + (oc - first);
        for (int64_t i = 0; i < kIn; ++i) {
          double half[3] = {};
          for (int64_t k = 0; k < 9; ++k)
            half[k % 3] += rows_of_g[i][k / 3] * w[k];
          for (int64_t j = 0; j < kIn; ++j) {
            const double sum = rows_of_g[j][0] * half[0] +
                               rows_of_g[j][1] * half[1] +
                               rows_of_g[j][2] * half[2];
            to[(i * kIn + j) * g.ic * g.oc] = static_cast<float>(sum);
          }
        }
      }
    }
  }
  const char* algorithm() const override { return "winograd"; }
  int64_t workspace_bytes() const override {
    return work_.weights.bytes() + work_.strip.bytes() + work_.inputs.bytes() +
           work_.sums.bytes();
  }

 private:
  Winograd work_;
  int64_t rows_ = 0;
};

}  // namespace

bool SuitsWinograd(const ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  const auto is_plain = [](const AxisMap& map) {
    return map.kernel == 3 && map.stride == 1 && map.dilation == 1;
  };
  // Few channels do not pay for the transforms, nor do small planes, of which
  // tiles cover half in vain.
  return !g.transposed && g.groups == 1 && d.in == 1 && d.kernel == 1 &&
         d.out == 1 && is_plain(h) && is_plain(w) && g.ic >= 16 && g.oc >= 16 &&
         h.out >= 8 && w.out >= 8;
}

Status MakeWinogradKernel(const ConvGeometry& geometry, const float* weight,
                          const float* bias, std::unique_ptr<Kernel>* kernel) {
  auto winograd = std::make_unique<WinogradKernel>(geometry, weight, bias);
  CONVSCOPE_RETURN_IF_ERROR(winograd->Allocate());
  *kernel = std::move(winograd);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
