// Convolution as a matrix product, for layers of many channels and few pixels:
// the last stages of a network, 7 x 7 and less.
//
//   sums[pixel][oc] = bias[oc] + sum over k of patch[pixel][k] * weight[k][oc]
//
// The product of kernel_gemm.cc the other way round. There vectors run along
// the pixels, and 49 pixels waste a seventh of them; here they run along the
// output channels, and any number of pixels can be shared out to the rows of
// register tiles. All patches of an image fit into the second-level cache, so
// the weights, which are most of what is read, pass by exactly once, in the
// order in which they lie in memory.
//
// Source: the layout of weights is that of Dukhan, "The indirect convolution
// algorithm", 2019.
#include "core/src/kernel_small.h"

#include <algorithm>

#include "core/src/kernel_gather.h"
#include "core/src/kernel_phase.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_small.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_panel-inl.h"
#include "core/src/kernel_tile-inl.h"

#ifndef CONVSCOPE_SRC_KERNEL_SMALL_CC_
#define CONVSCOPE_SRC_KERNEL_SMALL_CC_

namespace convscope {

// The most terms of the sum that are packed at a time: the patches stay in the
// second-level cache, and the sums are seldom stored and read again.
inline constexpr int64_t kSmallBlock = 768;
inline constexpr int64_t kSmallPixels = 96;
// Floats of the sums: as many channels are summed at a time.
inline constexpr int64_t kSmallSums = 48 * 1024;
// Terms that are gathered before they are shared out to the tiles.
inline constexpr int64_t kStageTerms = 16;

struct Small : ConvTask {
  int64_t pixels = 0;
  int64_t row = 0;         // pixels in whole panels
  int64_t block = 0;       // terms of a block
  int64_t chunk = 0;       // output channels summed at a time, in whole panels
  int64_t columns = 0;     // output channels of a group, in whole vectors
  Buffer<float> weights;   // per group and chunk: [block][panel][k][oc]
  Buffer<float> starts;    // bias + 0, per group
  Buffer<Gather> gathers;  // [panel of pixels][tap][pixel / 4]
  Buffer<float> stage;     // [k][pixel]
  Buffer<float> patches;   // [tile][k][pixel]
  Buffer<float> sums;      // [pixel][oc]

  int64_t depth() const { return geometry.ic * geometry.taps(); }
  int64_t sums_pitch() const { return chunk + 16; }
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_SMALL_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Floats from tile to tile of the patches; a row of them is copied in two whole
// vectors.
HWY_INLINE int64_t TilePitch(const Small& small) {
  return small.block * MaxRows(small.is_fast) + PanelColumns(small.is_fast);
}

void PlanSmall(Small& small) {
  const ConvGeometry& g = small.geometry;
  const int64_t wide = PanelColumns(small.is_fast);
  small.row = (small.pixels + wide - 1) / wide * wide;
  const int64_t blocks =
      std::max<int64_t>(1, (small.depth() + kSmallBlock - 1) / kSmallBlock);
  small.block = (small.depth() + blocks - 1) / blocks;
  small.columns = WholeVectors(g.oc);
  small.chunk =
      std::min(small.columns, kSmallSums / small.pixels / wide * wide);
}

void FindSmallGathers(Small& small) {
  Phase phase;
  for (size_t axis = 0; axis < 3; ++axis) {
    phase.axes[axis] = PhaseOf(small.geometry.axes[axis], 0);
  }
  const int64_t wide = PanelColumns(small.is_fast);
  FindPanelGathers(phase, 0, small.pixels, wide, wide, small.gathers.data());
}

// Calls visit(oc0, count) for each chunk of output channels.
template <class Visit>
HWY_INLINE void ForEachChunk(const Small& small, Visit visit) {
  for (int64_t oc0 = 0; oc0 < small.columns; oc0 += small.chunk) {
    visit(oc0, std::min(small.chunk, small.columns - oc0));
  }
}

void PackSmall(Small& small) {
  const ConvGeometry& g = small.geometry;
  const int64_t wide = PanelColumns(small.is_fast), depth = small.depth();
  float* to = small.weights.data();
  for (int64_t group = 0; group < g.groups; ++group) {
    const float* weight = small.weight + group * g.oc * depth;
    ForEachChunk(small, [&](int64_t oc0, int64_t count) {
      for (int64_t k0 = 0; k0 < depth; k0 += small.block) {
        const int64_t k_end = std::min(depth, k0 + small.block);
        for (int64_t oc = oc0; oc < oc0 + count; oc += wide) {
          for (int64_t k = k0; k < k_end; ++k) {
            for (int64_t i = oc; i < std::min(oc + wide, oc0 + count); ++i) {
              *to++ = i < g.oc ? weight[i * depth + k] : 0.0f;
            }
          }
        }
      }
    });
  }
}

// Packs the terms [k0, k0 + count) of all pixels, tile by tile.
void PackPatches(Small& small, int64_t k0, int64_t count, const float* in) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const ConvGeometry& g = small.geometry;
  const size_t wide = static_cast<size_t>(PanelColumns(small.is_fast));
  const size_t pitch = static_cast<size_t>(small.row);
  for (int64_t k = 0; k < count; k += kStageTerms) {
    const int64_t terms = std::min(kStageTerms, count - k);
    PackPanels(small.gathers.data(), g.taps(), wide,
               small.row / static_cast<int64_t>(wide), wide, pitch, in,
               g.in_plane(), k0 + k, terms, small.stage.data());
    float* tile = small.patches.data();
    ForEachShare(small.pixels, MaxRows(small.is_fast),
                 [&](int64_t pixel, int64_t rows) {
                   const float* HWY_RESTRICT from = small.stage.data() + pixel;
                   float* HWY_RESTRICT to = tile + k * rows;
                   for (int64_t i = 0; i < terms; ++i) {
                     hn::StoreU(hn::LoadU(d, from), d, to);
                     hn::StoreU(hn::LoadU(d, from + N), d, to + N);
                     from += pitch;
                     to += rows;
                   }
                   tile += TilePitch(small);
                 });
  }
}

// Output channels [oc0, oc0 + count) of one group of one image; `out` is that
// of channel oc0.
void RunChunk(Small& small, int64_t oc0, int64_t count, const float* weights,
              const float* starts, const float* in, float* out) {
  const ConvGeometry& g = small.geometry;
  const int64_t wide = PanelColumns(small.is_fast), depth = small.depth();
  const int64_t pitch = small.sums_pitch();
  for (int64_t p = 0; p < small.pixels; ++p) {
    std::copy_n(starts + oc0, count, small.sums.data() + p * pitch);
  }
  const auto run = small.is_fast ? &AnyTile<Fast> : &AnyTile<Reproducible>;
  for (int64_t k0 = 0; k0 < depth; k0 += small.block) {
    TileArguments a = {};
    a.panels = 1;
    a.c_stride = static_cast<size_t>(pitch);
    const int64_t terms = std::min(small.block, depth - k0);
    a.depth = static_cast<size_t>(terms);
    a.is_last = k0 + terms == depth;
    PackPatches(small, k0, terms, in);
    for (int64_t oc = 0; oc < count; oc += wide) {
      const int64_t columns = std::min(wide, count - oc);
      a.b = weights;
      a.w = small.patches.data();
      ForEachShare(small.pixels, MaxRows(small.is_fast),
                   [&](int64_t pixel, int64_t rows) {
                     a.c = small.sums.data() + pixel * pitch + oc;
                     run(rows, columns / WholeVectors(1), a);
                     a.w += TilePitch(small);
                   });
      weights += terms * columns;
    }
  }
  for (int64_t oc = 0; oc < std::min(count, g.oc - oc0); ++oc) {
    const float* from = small.sums.data() + oc;
    for (int64_t p = 0; p < small.pixels; ++p) *out++ = from[p * pitch];
  }
}

void RunSmall(Small& small, const float* in, float* out) {
  const ConvGeometry& g = small.geometry;
  for (int64_t image = 0; image < g.n * g.groups; ++image) {
    const int64_t group = image % g.groups;
    const float* weights =
        small.weights.data() + group * small.columns * small.depth();
    ForEachChunk(small, [&](int64_t oc0, int64_t count) {
      RunChunk(small, oc0, count, weights + oc0 * small.depth(),
               small.starts.data() + group * small.columns, in,
               out + oc0 * small.pixels);
    });
    in += g.ic * g.in_plane();
    out += g.oc * small.pixels;
  }
}

// Floats of the packed patches.
int64_t PatchFloats(const Small& small) {
  const int64_t most = MaxRows(small.is_fast);
  return (small.pixels + most - 1) / most * TilePitch(small);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(FindSmallGathers);
HWY_EXPORT(PackSmall);
HWY_EXPORT(PatchFloats);
HWY_EXPORT(PlanSmall);
HWY_EXPORT(RunSmall);

class SmallKernel : public Kernel {
 public:
  explicit SmallKernel(const ConvTask& task) : small_{task} {
    small_.pixels = task.geometry.out_plane();
  }

  Status Allocate() {
    const ConvGeometry& g = small_.geometry;
    HWY_DYNAMIC_DISPATCH(PlanSmall)(small_);
    const int64_t channels = g.groups * small_.columns;
    CONVSCOPE_RETURN_IF_ERROR(
        small_.weights.Allocate(channels * small_.depth()));
    CONVSCOPE_RETURN_IF_ERROR(small_.starts.Allocate(channels));
    CONVSCOPE_RETURN_IF_ERROR(
        small_.gathers.Allocate(small_.row / 4 * g.taps()));
    // The last tile's pixels are copied in whole vectors, too.
    CONVSCOPE_RETURN_IF_ERROR(
        small_.stage.Allocate((kStageTerms + 2) * small_.row));
    CONVSCOPE_RETURN_IF_ERROR(
        small_.patches.Allocate(HWY_DYNAMIC_DISPATCH(PatchFloats)(small_)));
    CONVSCOPE_RETURN_IF_ERROR(
        small_.sums.Allocate(small_.pixels * small_.sums_pitch()));
    std::fill_n(small_.stage.data(), small_.stage.size(), 0.0f);
    HWY_DYNAMIC_DISPATCH(FindSmallGathers)(small_);
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunSmall)(small_, in, out);
  }
  void Repack() override {
    const int64_t oc = small_.geometry.oc;
    for (int64_t i = 0; i < small_.starts.size(); ++i) {
      const int64_t group = i / small_.columns, c = i % small_.columns;
      small_.starts.data()[i] = c < oc ? small_.StartOf(group * oc + c) : 0.0f;
    }
    HWY_DYNAMIC_DISPATCH(PackSmall)(small_);
  }
  const char* algorithm() const override { return "small"; }
  int64_t workspace_bytes() const override {
    return small_.weights.bytes() + small_.starts.bytes() +
           small_.gathers.bytes() + small_.stage.bytes() +
           small_.patches.bytes() + small_.sums.bytes();
  }

 private:
  Small small_;
};

}  // namespace

bool SuitsSmall(const ConvGeometry& g) {
  const int64_t pixels = g.out_plane();
  const auto whole = [](int64_t n) { return (n + 7) / 8 * 8; };
  return !g.transposed && pixels <= kSmallPixels &&
         pixels * whole(g.oc) < whole(pixels) * g.oc;
}

Status MakeSmallKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel) {
  return MakeKernelOf<SmallKernel>(task, kernel);
}

}  // namespace convscope
#endif  // HWY_ONCE
