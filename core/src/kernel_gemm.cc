// Convolution as a matrix product, for layers of many channels.
//
//   out[oc][pixel] = bias[oc] + sum over k of weight[oc][k] * patch[k][pixel]
//
// The patches of the whole image are never built: a few panels of pixels are
// packed for a block of terms, multiplied with all output channels, and
// overwritten by the next. The sums of a block are stored as they are and read
// again by the next block, which changes no bit.
//
// Source: Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008; Dukhan, "The indirect convolution algorithm", 2019.
#include "core/src/kernel_gemm.h"

#include <algorithm>

#include "core/src/kernel_gather.h"
#include "core/src/kernel_phase.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_gemm.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_panel-inl.h"
#include "core/src/kernel_tile-inl.h"

#ifndef CONVSCOPE_SRC_KERNEL_GEMM_CC_
#define CONVSCOPE_SRC_KERNEL_GEMM_CC_

namespace convscope {

// The most terms of the sum that are packed at a time: with 8 pixels, what they
// take and the weights of a tile share the first-level cache.
inline constexpr int64_t kMaxBlock = 256;
// Floats of the panels packed at a time: they stay in the second-level cache.
inline constexpr int64_t kPanelFloats = 32 * 1024;
// Gathers worked out at a time, unless one panel needs more.
inline constexpr int64_t kGathers = 2048;

struct Gemm {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;
  bool is_fast;
  Buffer<float> weights;    // per phase and group: tiles of [k][rows]
  Buffer<float> starts;     // bias + 0
  Buffer<float> panels;     // [panel][k][column]
  Buffer<Gather> gathers;   // [panel][tap][column / 4]
  Buffer<int32_t> offsets;  // [pixel]: where it lies in the output's plane
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_GEMM_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Columns of a wide panel and of a narrow one.
HWY_INLINE int64_t Narrow() {
  return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}
HWY_INLINE int64_t Wide() { return 2 * Narrow(); }

// How one phase is cut into blocks.
struct Cut {
  int64_t depth;   // terms of the sum
  int64_t block;   // terms of a block
  int64_t pixels;  // output pixels of a chunk of panels

  Cut(const ConvGeometry& g, int64_t taps) {
    depth = g.ic * taps;
    const int64_t blocks =
        std::max<int64_t>(1, (depth + kMaxBlock - 1) / kMaxBlock);
    block = std::max<int64_t>(1, (depth + blocks - 1) / blocks);
    const int64_t by_panels = kPanelFloats / (block * Wide());
    const int64_t by_gathers =
        kGathers / std::max<int64_t>(1, taps * Wide() / 4);
    pixels = Wide() * std::max<int64_t>(1, std::min(by_panels, by_gathers));
  }
};

// The output channels are shared out to as few tiles as hold them, so evenly
// that their numbers of rows differ by one at most.
template <class M, class Visit>
HWY_INLINE void ForEachTile(int64_t oc, Visit visit) {
  const int64_t tiles = (oc + MaxRows<M>() - 1) / MaxRows<M>();
  for (int64_t tile = 0, row = 0; tile < tiles; ++tile) {
    const int64_t rows = oc / tiles + (tile < oc % tiles ? 1 : 0);
    visit(row, rows);
    row += rows;
  }
}

void MeasureGemm(const ConvGeometry& g, int64_t* panel_floats, int64_t* gathers,
                 int64_t* pixels) {
  *panel_floats = *gathers = *pixels = 0;
  ForEachPhase(g, [&](const Phase& phase) {
    const Cut cut(g, phase.taps());
    *panel_floats = std::max(*panel_floats, cut.pixels * cut.block);
    *gathers = std::max(*gathers, cut.pixels / 4 * phase.taps());
    *pixels = std::max(*pixels, cut.pixels);
  });
}

template <class M>
void PackAll(Gemm& gemm) {
  const ConvGeometry& g = gemm.geometry;
  const int64_t kernel = g.taps();
  float* to = gemm.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    for (int64_t group = 0; group < g.groups; ++group) {
      ForEachTile<M>(g.oc, [&](int64_t row0, int64_t rows) {
        for (int64_t ic = 0; ic < g.ic; ++ic) {
          for (int64_t t = 0; t < phase.taps(); ++t) {
            const int64_t tap = phase.KernelTap(t);
            for (int64_t oc = row0; oc < row0 + rows; ++oc) {
              const int64_t pair = g.transposed
                                       ? (group * g.ic + ic) * g.oc + oc
                                       : (group * g.oc + oc) * g.ic + ic;
              *to++ = gemm.weight[pair * kernel + tap];
            }
          }
        }
      });
    }
  });
}

// Multiplies the packed panels of pixels [p0, p_end) with all output channels:
// block [k0, k0 + block) of the sum.
template <class M>
void MultiplyPanels(Gemm& gemm, const Phase& phase, const Cut& cut, int64_t p0,
                    int64_t p_end, int64_t k0, const float* weights,
                    const float* starts, float* out) {
  const ConvGeometry& g = gemm.geometry;
  const int64_t plane = g.out_plane();
  const int64_t block = std::min(cut.block, cut.depth - k0);
  const bool is_last = k0 + block == cut.depth;
  // Pixels of a transposed layer's phase lie apart.
  const bool is_dense = phase.IsDense();
  HWY_ALIGN float scratch[6 * 2 * HWY_MAX_BYTES / sizeof(float)];
  ForEachTile<M>(g.oc, [&](int64_t row0, int64_t rows) {
    const float* w = weights + row0 * cut.depth + k0 * rows;
    const float* start = k0 == 0 ? starts + row0 : nullptr;
    float* to = out + row0 * plane;
    for (int64_t p = p0; p < p_end; p += Wide()) {
      const float* panel = gemm.panels.data() + (p - p0) * cut.block;
      const int64_t count = std::min(Wide(), p_end - p);
      const int64_t columns = count > Narrow() ? Wide() : Narrow();
      if (is_dense && count == columns) {
        AnyTile<M>(rows, columns == Wide(), w, panel,
                   static_cast<size_t>(block), start, is_last, to + p,
                   static_cast<size_t>(plane));
        continue;
      }
      const int32_t* offsets = gemm.offsets.data() + (p - p0);
      const auto for_each = [&](auto visit) {
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t j = 0; j < count; ++j) {
            visit(to[row * plane + offsets[j]], scratch[row * columns + j]);
          }
        }
      };
      if (start == nullptr) for_each([](float& o, float& s) { s = o; });
      AnyTile<M>(rows, columns == Wide(), w, panel, static_cast<size_t>(block),
                 start, is_last, scratch, static_cast<size_t>(columns));
      for_each([](float& o, float& s) { o = s; });
    }
  });
}

// One group of one image in one phase.
template <class M>
void RunPhase(Gemm& gemm, const Phase& phase, const float* weights,
              const float* starts, const float* in, float* out) {
  const int64_t taps = phase.taps();
  const int64_t in_plane = gemm.geometry.in_plane();
  const Cut cut(gemm.geometry, taps);
  const int64_t pixels = phase.pixels();
  const int64_t panel_gathers = taps * Wide() / 4;
  const bool is_dense = phase.IsDense();
  for (int64_t p0 = 0; p0 < pixels; p0 += cut.pixels) {
    const int64_t p_end = std::min(pixels, p0 + cut.pixels);
    const auto for_each_panel = [&](auto visit) {
      for (int64_t p = p0; p < p_end; p += Wide()) {
        const int64_t count = std::min(Wide(), p_end - p);
        visit(p, count, count > Narrow() ? Wide() : Narrow(),
              gemm.gathers.data() + (p - p0) / Wide() * panel_gathers);
      }
    };
    for (int64_t p = p0; p < p_end; ++p) {
      gemm.offsets.data()[p - p0] =
          static_cast<int32_t>(is_dense ? p : OutOffset(phase, p));
    }
    for_each_panel(
        [&](int64_t p, int64_t count, int64_t columns, Gather* gathers) {
          FindGathers(phase, p, count, columns, gathers);
        });
    int64_t k0 = 0;
    do {
      const int64_t block = std::min(cut.block, cut.depth - k0);
      if (block > 0) {
        for_each_panel([&](int64_t p, int64_t, int64_t columns,
                           const Gather* gathers) {
          PackPanel(gathers, taps, static_cast<size_t>(columns), in, in_plane,
                    k0, block, gemm.panels.data() + (p - p0) * cut.block);
        });
      }
      MultiplyPanels<M>(gemm, phase, cut, p0, p_end, k0, weights, starts, out);
      k0 += block;
    } while (k0 < cut.depth);
  }
}

template <class M>
void RunAll(Gemm& gemm, const float* in, float* out) {
  const ConvGeometry& g = gemm.geometry;
  const float* weights = gemm.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    for (int64_t group = 0; group < g.groups; ++group) {
      for (int64_t n = 0; n < g.n; ++n) {
        const int64_t image = n * g.groups + group;
        RunPhase<M>(gemm, phase, weights, gemm.starts.data() + group * g.oc,
                    in + image * g.ic * g.in_plane(),
                    out + image * g.oc * g.out_plane());
      }
      weights += g.oc * g.ic * phase.taps();
    }
  });
}

void PackGemm(Gemm& gemm) {
  gemm.is_fast ? PackAll<Fast>(gemm) : PackAll<Reproducible>(gemm);
}
void RunGemm(Gemm& gemm, const float* in, float* out) {
  gemm.is_fast ? RunAll<Fast>(gemm, in, out)
               : RunAll<Reproducible>(gemm, in, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(MeasureGemm);
HWY_EXPORT(PackGemm);
HWY_EXPORT(RunGemm);

class GemmKernel : public Kernel {
 public:
  GemmKernel(const ConvGeometry& geometry, const float* weight,
             const float* bias, Math math)
      : gemm_{geometry, weight, bias, math == Math::kFast, {}, {}, {}, {}, {}} {
  }

  Status Allocate() {
    const ConvGeometry& g = gemm_.geometry;
    int64_t panel_floats, gathers, pixels;
    HWY_DYNAMIC_DISPATCH(MeasureGemm)(g, &panel_floats, &gathers, &pixels);
    const int64_t channels = g.groups * g.oc;
    CONVSCOPE_RETURN_IF_ERROR(
        gemm_.weights.Allocate(channels * g.ic * g.taps()));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.starts.Allocate(channels));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.panels.Allocate(panel_floats));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.gathers.Allocate(gathers));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.offsets.Allocate(pixels));
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunGemm)(gemm_, in, out);
  }
  void Repack() override {
    for (int64_t oc = 0; oc < gemm_.starts.size(); ++oc) {
      gemm_.starts.data()[oc] =
          gemm_.bias == nullptr ? 0.0f : gemm_.bias[oc] + 0.0f;
    }
    HWY_DYNAMIC_DISPATCH(PackGemm)(gemm_);
  }
  const char* algorithm() const override { return "gemm"; }
  int64_t workspace_bytes() const override {
    return gemm_.weights.bytes() + gemm_.starts.bytes() + gemm_.panels.bytes() +
           gemm_.gathers.bytes() + gemm_.offsets.bytes();
  }

 private:
  Gemm gemm_;
};

}  // namespace

Status MakeGemmKernel(const ConvGeometry& geometry, const float* weight,
                      const float* bias, Math math,
                      std::unique_ptr<Kernel>* kernel) {
  auto gemm = std::make_unique<GemmKernel>(geometry, weight, bias, math);
  CONVSCOPE_RETURN_IF_ERROR(gemm->Allocate());
  *kernel = std::move(gemm);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
