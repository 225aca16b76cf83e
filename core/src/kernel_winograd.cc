// Winograd's convolution, F(4x4, 3x3): 36 multiplications where the direct sum
// takes 144. On small planes F(2x2, 3x3), 16 instead of 36, whose tiles hang
// over the edge less, and whose weights, most of what is read there, are half
// as many.
//
//   Y = A^T [ sum over ic of (G w G^T) * (B^T x B) ] A     (* cell by cell)
//
// Every 4 x 4 tile of outputs reads 6 x 6 inputs x. They are transformed, which
// turns the convolution into 36 independent matrix products over the input
// channels (2 x 2: 4 x 4 and 16); what these give is transformed back. A block
// of tiles at a time, so that the transformed block stays in the second-level
// cache.
//
// A dilated convolution is several plain ones, each of the planes of every
// dilation-th row and column.
//
// The transforms cost accuracy, more with larger tiles: 4 x 4 are the largest
// whose error stays near that of the direct sum in float32.
//
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks",
// 2015; Alam et al., "Winograd convolution for deep neural
// networks: efficient point selection", 2022, for the points.
#include "core/src/kernel_winograd.h"

#include <algorithm>
#include <vector>

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
#include "core/src/kernel_winograd-inl.h"

#ifndef CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_
#define CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_

namespace convscope {

inline constexpr int64_t kStripSlack = 16;
inline constexpr int64_t kPitchSlack = 16;
// A strip reaches over all rows and columns between those that are read.
inline constexpr int64_t kMaxDilation = 8;
// Floats of a transformed block, inputs and outputs.
inline constexpr int64_t kBlockFloats = 160 * 1024;
// The most input channels that are summed at a time: the inputs of two panels
// and the weights of a tile share the first-level cache.
inline constexpr int64_t kMaxDepth = 128;

struct Winograd : ConvTask {
  int64_t out = 0;  // outputs of a tile's row: 4 or 2
  // Tiles of the outputs first + q * step, as a convolution of their stride.
  Phase tiles;
  int64_t height = 0, width = 0;  // outputs of that plane
  int64_t block = 0;      // columns of a block, four tiles of a row each 4
  int64_t depth = 0;      // input channels summed at a time
  Buffer<float> weights;  // [product][depth]: tiles of [ic][rows]
  Buffer<float> strip;    // one channel of one row of tiles
  Buffer<float> inputs;   // [product][depth][panel][ic][column]
  Buffer<float> sums;     // [product][oc][column]
  StripShape shape;
  StripCopy copy;

  // Inputs of a tile's row, and matrix products.
  int64_t in() const { return out + 2; }
  int64_t products() const { return in() * in(); }
  // Floats from product to product. No power of two: the transforms' numbers,
  // one of each product, would fall on the same lines of the first-level cache.
  int64_t inputs_pitch() const { return geometry.ic * block + kPitchSlack; }
  int64_t sums_pitch() const { return geometry.oc * block + kPitchSlack; }
  // Of the channels that are summed together with channel ic, the first; and
  // from that one on their number.
  int64_t FirstOfBlock(int64_t ic) const { return ic / depth * depth; }
  int64_t DepthFrom(int64_t ic0) const {
    return std::min(depth, geometry.ic - ic0);
  }
  // Begins with the plane of outputs (rh + q * dilation, rw + q * dilation).
  void StartPlane(int64_t rh, int64_t rw);
  template <class Visit>
  void ForEachPlane(Visit visit) {
    for (int64_t rh = 0; rh < geometry.axes[1].dilation; ++rh) {
      for (int64_t rw = 0; rw < geometry.axes[2].dilation; ++rw) {
        StartPlane(rh, rw);
        visit();
      }
    }
  }
  // What `count` tiles from (qh, qw) on read, without the cells between those:
  // into the strip from float qw on.
  void FindCopy(int64_t qh, int64_t qw, int64_t count);
  // Columns of a row of tiles: whole fours.
  int64_t row() const { return (tiles.axes[2].count + 3) / 4 * 4; }
  int64_t columns() const { return row() * tiles.axes[1].count; }
};

inline void Winograd::StartPlane(int64_t rh, int64_t rw) {
  for (size_t axis = 0; axis < 3; ++axis) {
    PhaseAxis& part = tiles.axes[axis];
    part = PhaseOf(geometry.axes[axis], 0);
    if (axis == 0) continue;
    part.step = part.shift_step;
    part.first = axis == 1 ? rh : rw;
    part.shift_first += part.first;
    const int64_t cells = (part.count - part.first + part.step - 1) / part.step;
    (axis == 1 ? height : width) = cells;
    part.count = (cells + out - 1) / out;
    part.stride = out * part.step;
    part.taps = in();
  }
  shape = ShapeStrips(tiles, 1, 0, kStripSlack);
  shape.columns = tiles.axes[2].count;
  shape.pitch = shape.columns + kStripSlack;
  shape.channel = shape.height * shape.row();
}

inline void Winograd::FindCopy(int64_t qh, int64_t qw, int64_t count) {
  StripShape part = shape;
  part.columns = count;
  copy.Find(tiles, part, 0, qh, qw);
  const int64_t dh = tiles.axes[1].step, dw = tiles.axes[2].step;
  if (dh * dw == 1) return;
  for (auto* list : {&copy.runs, &copy.zeros, &copy.cells}) {
    std::erase_if(*list, [&](const StripCopy::Run& run) {
      return run.to / shape.row() % dh != 0 ||
             run.to % shape.row() / shape.pitch % dw != 0;
    });
  }
}

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_WINOGRAD_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Columns of the panel that column c lies in, of `count`.
HWY_INLINE int64_t ColumnsOfPanel(int64_t c, int64_t count) {
  const int64_t wide = PanelColumns<Fast>();
  return std::min(wide, WholeVectors(count) - c / wide * wide);
}

// Transforms the inputs of columns [c0, c0 + count): `count` is whole fours.
template <int kOut>
void TransformInputs(Winograd& work, const float* in, int64_t c0,
                     int64_t count) {
  const ConvGeometry& g = work.geometry;
  const StripShape& shape = work.shape;
  const int64_t row = work.row();
  const int64_t slot = work.tiles.axes[2].step * shape.pitch;
  const int64_t input_row = work.tiles.axes[1].step * shape.row();
  const int64_t wide = PanelColumns<Fast>();
  const size_t product = static_cast<size_t>(work.inputs_pitch());
  constexpr int kIn = kOut + 2;
  HWY_ALIGN float half[kIn * kIn * 4];
  for (int64_t c = c0; c < c0 + count;) {
    const int64_t qh = c / row;
    const int64_t end = std::min(c0 + count, (qh + 1) * row);
    const int64_t qw = c - qh * row;
    float* strip = work.strip.data() + qw;
    work.FindCopy(qh, qw, end - c);
    for (const StripCopy::Run& run : work.copy.zeros) {
      std::fill_n(strip + run.to, run.count, 0.0f);
    }
    for (int64_t ic = 0; ic < g.ic; ++ic) {
      const int64_t ic0 = work.FirstOfBlock(ic), depth = work.DepthFrom(ic0);
      CopyChannel(work.copy, in + ic * g.in_plane(), strip);
      for (int64_t four = c; four < end; four += 4) {
        const float* x = strip + (four - c);
        for (int64_t j = 0; j < kIn; ++j) {
          TransformInput<kOut>(x + j % kOut * slot + j / kOut,
                               static_cast<size_t>(input_row), half + 4 * j,
                               4 * kIn);
        }
        const int64_t at = four - c0;
        float* to = work.inputs.data() + ic0 * WholeVectors(count) +
                    at / wide * wide * depth +
                    (ic - ic0) * ColumnsOfPanel(at, count) + at % wide;
        for (int64_t i = 0; i < kIn; ++i) {
          TransformInput<kOut>(half + 4 * kIn * i, 4,
                               to + static_cast<size_t>(kIn * i) * product,
                               product);
        }
      }
    }
    c = end;
  }
}

void Multiply(Winograd& work, int64_t count) {
  const ConvGeometry& g = work.geometry;
  const int64_t wide = PanelColumns<Fast>();
  const float zeros[8] = {};
  TileArguments a = {};
  a.w = work.weights.data();
  a.panels = static_cast<size_t>(count / wide);
  a.c_stride = static_cast<size_t>(work.block);
  const int64_t rest = WholeVectors(count % wide);
  for (int64_t product = 0; product < work.products(); ++product) {
    a.b = work.inputs.data() + product * work.inputs_pitch();
    for (int64_t ic = 0; ic < g.ic; ic += work.depth) {
      const int64_t depth = work.DepthFrom(ic);
      a.depth = static_cast<size_t>(depth);
      a.b_pitch = static_cast<size_t>(wide * depth);
      a.start = ic == 0 ? zeros : nullptr;
      a.c = work.sums.data() + product * work.sums_pitch();
      for (int64_t oc = 0; oc < g.oc;) {
        const int64_t rows = std::min<int64_t>(MaxRows<Fast>(), g.oc - oc);
        AnyTiles<Fast>(rows, rest, false, a);
        a.w += rows * depth;
        a.c += rows * work.block;
        oc += rows;
      }
      a.b += depth * WholeVectors(count);
    }
  }
}

// Transforms the sums of columns [c0, c0 + count) back and writes the outputs.
template <int kOut>
void TransformOutputs(const Winograd& work, int64_t c0, int64_t count,
                      float* out) {
  const D4 d;
  const ConvGeometry& g = work.geometry;
  const int64_t row = work.row();
  const PhaseAxis &h = work.tiles.axes[1], &w = work.tiles.axes[2];
  const int64_t width = g.axes[2].out;
  const size_t product = static_cast<size_t>(work.sums_pitch());
  constexpr int kIn = kOut + 2;
  HWY_ALIGN float half[kOut * kIn * 4];
  HWY_ALIGN float cells[4 * kOut];
  for (int64_t oc = 0; oc < g.oc; ++oc, out += g.out_plane()) {
    const V4 bias = hn::Set(d, work.bias == nullptr ? 0.0f : work.bias[oc]);
    for (int64_t c = c0; c < c0 + count; c += 4) {
      const float* from = work.sums.data() + oc * work.block + (c - c0);
      V4 y[kOut];
      for (int64_t j = 0; j < kIn; ++j) {
        TransformOutput<kOut>(from + static_cast<size_t>(j) * product,
                              kIn * product, y);
        HWY_UNROLL(4)
        for (int i = 0; i < kOut; ++i) {
          hn::StoreU(y[i], d, half + 4 * (i * kIn + j));
        }
      }
      const int64_t oh = c / row * kOut, ow = c % row * kOut;
      const int64_t rows = std::min<int64_t>(kOut, work.height - oh);
      const int64_t columns = std::min<int64_t>(4 * kOut, work.width - ow);
      for (int64_t i = 0; i < rows; ++i) {
        TransformOutput<kOut>(half + 4 * kIn * i, 4, y);
        HWY_UNROLL(4)
        for (int j = 0; j < kOut; ++j) {
          y[j] = CanonicalNaN(d, hn::Add(y[j], bias));
        }
        float* to =
            out + (h.first + (oh + i) * h.step) * width + w.first + ow * w.step;
        if (columns == 4 * kOut && w.step == 1) {
          StoreTiles<kOut>(y, to);
        } else {
          StoreTiles<kOut>(y, cells);
          for (int64_t j = 0; j < columns; ++j) to[j * w.step] = cells[j];
        }
      }
    }
  }
}

void RunWinograd(Winograd& work, const float* in, float* out) {
  const ConvGeometry& g = work.geometry;
  const bool is_large = work.out == 4;
  for (int64_t n = 0; n < g.n; ++n) {
    work.ForEachPlane([&] {
      const int64_t columns = work.columns();
      for (int64_t c0 = 0; c0 < columns; c0 += work.block) {
        const int64_t count = std::min(work.block, columns - c0);
        (is_large ? TransformInputs<4> : TransformInputs<2>)(work, in, c0,
                                                             count);
        Multiply(work, count);
        (is_large ? TransformOutputs<4> : TransformOutputs<2>)(work, c0, count,
                                                               out);
      }
    });
    in += g.ic * g.in_plane();
    out += g.oc * g.out_plane();
  }
}

// Columns of a block and rows of the packed weights' tiles.
void MeasureWinograd(const Winograd& work, int64_t* block, int64_t* rows) {
  const ConvGeometry& g = work.geometry;
  const int64_t wide = PanelColumns<Fast>();
  const int64_t fit =
      kBlockFloats / (work.products() * (g.ic + g.oc)) / wide * wide;
  const int64_t all = WholeVectors(work.columns());
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

// Outputs of a tile's row, 0 if planes are so small that tiles cover too much
// in vain.
int64_t TileOf(const ConvGeometry& g) {
  const int64_t h = g.axes[1].out / g.axes[1].dilation;
  const int64_t w = g.axes[2].out / g.axes[2].dilation;
  if (h >= 8 && w >= 8) return 4;
  const int64_t columns = ((h + 1) / 2 * ((w + 7) / 8 * 4) + 7) / 8 * 8;
  return 16 * columns <= 6 * h * w ? 2 : 0;
}

class WinogradKernel : public Kernel {
 public:
  explicit WinogradKernel(const ConvTask& task) : work_{task} {
    work_.out = TileOf(task.geometry);
    work_.StartPlane(0, 0);  // The largest one.
    const int64_t ic = task.geometry.ic;
    const int64_t blocks = (ic + kMaxDepth - 1) / kMaxDepth;
    work_.depth = (ic + blocks - 1) / blocks;
  }

  Status Allocate() {
    const ConvGeometry& g = work_.geometry;
    HWY_DYNAMIC_DISPATCH(MeasureWinograd)(work_, &work_.block, &rows_);
    CONVSCOPE_RETURN_IF_ERROR(
        work_.weights.Allocate(work_.products() * g.ic * g.oc));
    CONVSCOPE_RETURN_IF_ERROR(work_.strip.Allocate(work_.shape.channel));
    CONVSCOPE_RETURN_IF_ERROR(
        work_.inputs.Allocate(work_.products() * work_.inputs_pitch()));
    CONVSCOPE_RETURN_IF_ERROR(
        work_.sums.Allocate(work_.products() * work_.sums_pitch()));
    // Columns that no tile fills are computed with, too: no denormals.
    std::fill_n(work_.strip.data(), work_.strip.size(), 0.0f);
    std::fill_n(work_.inputs.data(), work_.inputs.size(), 0.0f);
    work_.ForEachPlane([&] {
      for (int64_t qh = 0; qh < work_.tiles.axes[1].count; ++qh) {
        // Lists that were once this long never allocate again.
        work_.FindCopy(qh, 0, work_.row());
      }
    });
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunWinograd)(work_, in, out);
  }

  void Repack() override {
    // Row of point p: 1, p, p^2 over the product of its distances to the
    // others.
    const double a = kWinogradA, b = kWinogradB;
    const double at_a = 2 * a * a * (a * a - b * b);
    const double at_b = 2 * b * b * (b * b - a * a);
    const double rows_of_4[6][3] = {
        {1 / (a * a * b * b), 0, 0},         {1 / at_a, a / at_a, a * a / at_a},
        {1 / at_a, -a / at_a, a * a / at_a}, {1 / at_b, b / at_b, b * b / at_b},
        {1 / at_b, -b / at_b, b * b / at_b}, {0, 0, 1},
    };
    // At 0, 1, -1 and infinity.
    const double rows_of_2[4][3] = {
        {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    const double(*rows_of_g)[3] = work_.out == 4 ? rows_of_4 : rows_of_2;
    const int64_t in = work_.in();
    const ConvGeometry& g = work_.geometry;
    for (int64_t oc = 0; oc < g.oc; ++oc) {
      const int64_t first = oc / rows_ * rows_;
      const int64_t rows = std::min(rows_, g.oc - first);
      for (int64_t ic = 0; ic < g.ic; ++ic) {
        const float* w = work_.weight + (oc * g.ic + ic) * 9;
        const int64_t ic0 = work_.FirstOfBlock(ic);
        float* to = work_.weights.data() + ic0 * g.oc +
                    first * work_.DepthFrom(ic0) + (ic - ic0) * rows +
                    (oc - first);
        for (int64_t i = 0; i < in; ++i) {
          double half[3] = {};
          for (int64_t k = 0; k < 9; ++k)
            half[k % 3] += rows_of_g[i][k / 3] * w[k];
          for (int64_t j = 0; j < in; ++j) {
            const double sum = rows_of_g[j][0] * half[0] +
                               rows_of_g[j][1] * half[1] +
                               rows_of_g[j][2] * half[2];
            to[(i * in + j) * g.ic * g.oc] = static_cast<float>(sum);
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
    return map.kernel == 3 && map.stride == 1 && map.dilation <= kMaxDilation;
  };
  // Few channels do not pay for the transforms.
  return !g.transposed && g.groups == 1 && d.in == 1 && d.kernel == 1 &&
         d.out == 1 && is_plain(h) && is_plain(w) && g.ic >= 16 && g.oc >= 16 &&
         TileOf(g) > 0;
}

Status MakeWinogradKernel(const ConvTask& task,
                          std::unique_ptr<Kernel>* kernel) {
  return MakeKernelOf<WinogradKernel>(task, kernel);
}

}  // namespace convscope
#endif  // HWY_ONCE
