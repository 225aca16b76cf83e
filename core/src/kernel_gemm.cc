// Convolution as a matrix product, for layers of many channels.
//
//   out[oc][pixel] = bias[oc] + sum over k of weight[oc][k] * patch[k][pixel]
//
// The patches of the whole image are never built: a few panels of pixels are
// packed for a block of k, multiplied with all output channels, and overwritten
// by the next. Where a pixel's tap lies in the input is looked up in a table
// made for the panel, so padding of every mode, stride, dilation and row ends
// cost the packing a little and the product nothing.
//
// Source: Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008; Dukhan, "The indirect convolution algorithm", 2019.
#include "core/src/kernel_gemm.h"

#include <algorithm>
#include <vector>

#include "core/src/kernel_phase.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_gemm.cc"
#include "core/src/kernel_math-inl.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#ifndef CONVSCOPE_SRC_KERNEL_GEMM_CC_
#define CONVSCOPE_SRC_KERNEL_GEMM_CC_

namespace convscope {

// Terms of the sum that are packed at a time: a panel of them stays in the
// first-level cache, and the sums are stored and read again once per block.
inline constexpr int64_t kBlock = 256;
// Floats of all panels of a block of terms: in the second-level cache.
inline constexpr int64_t kPanelFloats = 32 * 1024;

// What a gemm kernel holds.
struct Gemm {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;
  bool fast;
  Buffer<float> weights;       // per phase and group: tiles of [k][rows]
  Buffer<float> panels;        // [panel][k][columns]
  Buffer<int32_t> sources;     // [tap][column]: offset in the plane, -1: zero
  Buffer<int32_t> contiguous;  // [tap][vector]: sources are n, n + 1, ...
};

}  // namespace convscope
#endif

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// The tile of sums in registers: 4 rows (output channels) by 2 vectors of
// pixels. 8 sums, 2 pixels, 1 weight, 1 product: 12 of the 15 registers that
// V8 has on x64.
inline constexpr int64_t kRows = 4;
inline constexpr int64_t kVectors = 2;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE int64_t Columns() {
  return kVectors * static_cast<int64_t>(hn::Lanes(D()));
}

// c[row][column] (+)= sum over k of w[k][row] * b[k][column]. With `bias` the
// sums start there, else at c. `last` writes results, not sums: no NaN but one.
template <class M>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT w, const float* HWY_RESTRICT b,
                       size_t depth, const float* bias, bool last,
                       float* HWY_RESTRICT c, size_t c_stride) {
  const D d;
  const size_t N = hn::Lanes(d);
  float* c0 = c;
  float* c1 = c + c_stride;
  float* c2 = c1 + c_stride;
  float* c3 = c2 + c_stride;
  V s00, s01, s10, s11, s20, s21, s30, s31;
  if (bias != nullptr) {
    s00 = s01 = hn::Set(d, bias[0]);
    s10 = s11 = hn::Set(d, bias[1]);
    s20 = s21 = hn::Set(d, bias[2]);
    s30 = s31 = hn::Set(d, bias[3]);
  } else {
    s00 = hn::LoadU(d, c0);
    s01 = hn::LoadU(d, c0 + N);
    s10 = hn::LoadU(d, c1);
    s11 = hn::LoadU(d, c1 + N);
    s20 = hn::LoadU(d, c2);
    s21 = hn::LoadU(d, c2 + N);
    s30 = hn::LoadU(d, c3);
    s31 = hn::LoadU(d, c3 + N);
  }
  for (size_t k = 0; k < depth; ++k) {
    const V b0 = hn::LoadU(d, b);
    const V b1 = hn::LoadU(d, b + N);
    b += 2 * N;
    const V w0 = hn::Set(d, w[0]);
    s00 = M::MulAdd(w0, b0, s00);
    s01 = M::MulAdd(w0, b1, s01);
    const V w1 = hn::Set(d, w[1]);
    s10 = M::MulAdd(w1, b0, s10);
    s11 = M::MulAdd(w1, b1, s11);
    const V w2 = hn::Set(d, w[2]);
    s20 = M::MulAdd(w2, b0, s20);
    s21 = M::MulAdd(w2, b1, s21);
    const V w3 = hn::Set(d, w[3]);
    s30 = M::MulAdd(w3, b0, s30);
    s31 = M::MulAdd(w3, b1, s31);
    w += 4;
  }
  if (last) {
    s00 = CanonicalNaN(d, s00);
    s01 = CanonicalNaN(d, s01);
    s10 = CanonicalNaN(d, s10);
    s11 = CanonicalNaN(d, s11);
    s20 = CanonicalNaN(d, s20);
    s21 = CanonicalNaN(d, s21);
    s30 = CanonicalNaN(d, s30);
    s31 = CanonicalNaN(d, s31);
  }
  hn::StoreU(s00, d, c0);
  hn::StoreU(s01, d, c0 + N);
  hn::StoreU(s10, d, c1);
  hn::StoreU(s11, d, c1 + N);
  hn::StoreU(s20, d, c2);
  hn::StoreU(s21, d, c2 + N);
  hn::StoreU(s30, d, c3);
  hn::StoreU(s31, d, c3 + N);
}

// Where output pixel p of a phase lies in the output's plane.
inline int64_t OutOffset(const Phase& phase, int64_t p) {
  const auto& [d, h, w] = phase.axes;
  const int64_t od = d.first + p / (w.count * h.count) * d.step;
  const int64_t oh = h.first + p / w.count % h.count * h.step;
  const int64_t ow = w.first + p % w.count * w.step;
  return (od * h.map.out + oh) * w.map.out + ow;
}

// Fills the tables for the pixels [p0, p0 + columns) and `count` taps from
// `t0` on, going round at the last tap.
inline void FindSources(Gemm& gemm, const Phase& phase, int64_t p0,
                        int64_t columns, int64_t t0, int64_t count) {
  const auto& [d, h, w] = phase.axes;
  const int64_t N = static_cast<int64_t>(hn::Lanes(D()));
  const int64_t wide = Columns();
  int32_t* sources = gemm.sources.data();
  int32_t* contiguous = gemm.contiguous.data();
  const int64_t taps = phase.taps();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t t = (t0 + i) % taps;
    const int64_t tw = t % w.taps;
    const int64_t th = t / w.taps % h.taps;
    const int64_t td = t / w.taps / h.taps;
    int64_t qw = p0 % w.count;
    int64_t qh = p0 / w.count % h.count;
    int64_t qd = p0 / w.count / h.count;
    int64_t sd = d.Source(qd, td), sh = h.Source(qh, th);
    for (int64_t j = 0; j < wide; ++j) {
      const int64_t sw = j < columns ? w.Source(qw, tw) : -1;
      const bool zero = (sd | sh | sw) < 0;
      sources[j] =
          zero ? -1
               : static_cast<int32_t>((sd * h.map.in + sh) * w.map.in + sw);
      if (++qw == w.count) {
        qw = 0;
        if (++qh == h.count) qh = 0, ++qd;
        if (j + 1 < columns) sd = d.Source(qd, td), sh = h.Source(qh, th);
      }
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      bool run = sources[v * N] >= 0;
      for (int64_t j = 1; j < N; ++j) {
        run &= sources[v * N + j] == sources[v * N] + j;
      }
      contiguous[v] = run;
    }
    sources += wide;
    contiguous += kVectors;
  }
}

// Packs terms [k0, k0 + depth) of the panel whose tables are filled.
inline void PackPanel(const Gemm& gemm, const float* in, int64_t plane,
                      int64_t taps, int64_t k0, int64_t depth, float* panel) {
  const D d;
  const size_t N = hn::Lanes(d);
  const int64_t wide = Columns();
  const int64_t rows = std::min(taps, depth);
  const float* x = in + k0 / taps * plane;
  int64_t t = k0 % taps;
  int64_t row = 0;
  for (int64_t k = 0; k < depth; ++k) {
    const int32_t* HWY_RESTRICT sources = gemm.sources.data() + row * wide;
    const int32_t* contiguous = gemm.contiguous.data() + row * kVectors;
    for (int64_t v = 0; v < kVectors; ++v) {
      if (contiguous[v]) {
        hn::StoreU(hn::LoadU(d, x + *sources), d, panel);
      } else {
        for (size_t j = 0; j < N; ++j) {
          panel[j] = sources[j] < 0 ? 0.0f : x[sources[j]];
        }
      }
      sources += N;
      panel += N;
    }
    if (++row == rows) row = 0;
    if (++t == taps) {
      t = 0;
      x += plane;
    }
  }
}

inline int64_t Tiles(int64_t oc) { return (oc + kRows - 1) / kRows; }

// Floats of all packed weights.
int64_t PackedFloats(const Gemm& gemm) {
  const ConvGeometry& g = gemm.geometry;
  int64_t floats = 0;
  ForEachPhase(g, [&](const Phase& phase) {
    floats += g.groups * Tiles(g.oc) * kRows * g.ic * phase.taps();
  });
  return floats;
}
int64_t PanelFloats(const Gemm&) {
  const int64_t panel = kBlock * Columns();
  return std::max(panel, kPanelFloats / panel * panel);
}
int64_t SourceInts(const Gemm& gemm) {
  return std::min(kBlock, gemm.geometry.taps()) * Columns();
}

void PackWeights(Gemm& gemm) {
  const ConvGeometry& g = gemm.geometry;
  const float* weight = gemm.weight;
  const int64_t kernel = g.taps();
  float* to = gemm.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    const int64_t taps = phase.taps();
    for (int64_t group = 0; group < g.groups; ++group) {
      for (int64_t tile = 0; tile < Tiles(g.oc); ++tile) {
        for (int64_t ic = 0; ic < g.ic; ++ic) {
          for (int64_t t = 0; t < taps; ++t) {
            const int64_t tap = phase.KernelTap(t);
            for (int64_t row = 0; row < kRows; ++row) {
              const int64_t oc = tile * kRows + row;
              const int64_t pair = g.transposed
                                       ? (group * g.ic + ic) * g.oc + oc
                                       : (group * g.oc + oc) * g.ic + ic;
              *to++ = oc < g.oc ? weight[pair * kernel + tap] : 0.0f;
            }
          }
        }
      }
    }
  });
}

// One group of one image in one phase.
template <class M>
void RunPhase(Gemm& gemm, const Phase& phase, const float* weights,
              const float* bias, const float* in, float* out) {
  const ConvGeometry& g = gemm.geometry;
  const int64_t taps = phase.taps();
  const int64_t depth = g.ic * taps;
  const int64_t pixels = phase.pixels();
  const int64_t wide = Columns();
  const int64_t in_plane = g.in_plane();
  const int64_t out_plane = g.out_plane();
  const bool dense = !g.transposed;
  const int64_t chunk = PanelFloats(gemm) / (kBlock * wide) * wide;
  HWY_ALIGN float scratch[kRows * kVectors * HWY_MAX_BYTES / sizeof(float)];
  for (int64_t p0 = 0; p0 < pixels; p0 += chunk) {
    const int64_t p_end = std::min(pixels, p0 + chunk);
    int64_t k0 = 0;
    do {
      const int64_t k = std::min(kBlock, depth - k0);
      const bool last = k0 + k == depth;
      if (k > 0) {
        float* panel = gemm.panels.data();
        for (int64_t p = p0; p < p_end; p += wide, panel += kBlock * wide) {
          FindSources(gemm, phase, p, std::min(wide, p_end - p), k0 % taps,
                      std::min(taps, k));
          PackPanel(gemm, in, in_plane, taps, k0, k, panel);
        }
      }
      for (int64_t oc = 0; oc < g.oc; oc += kRows) {
        const float* w = weights + oc * depth + k0 * kRows;
        const int64_t rows = std::min(kRows, g.oc - oc);
        float start[kRows] = {};
        for (int64_t row = 0; bias != nullptr && row < rows; ++row) {
          start[row] = bias[oc + row] + 0.0f;
        }
        const float* first = k0 == 0 ? start : nullptr;
        const float* panel = gemm.panels.data();
        for (int64_t p = p0; p < p_end; p += wide, panel += kBlock * wide) {
          const int64_t columns = std::min(wide, p_end - p);
          if (dense && rows == kRows && columns == wide) {
            Tile<M>(w, panel, static_cast<size_t>(k), first, last,
                    out + oc * out_plane + p, static_cast<size_t>(out_plane));
            continue;
          }
          const auto for_each = [&](auto visit) {
            for (int64_t j = 0; j < columns; ++j) {
              const int64_t o = dense ? p + j : OutOffset(phase, p + j);
              for (int64_t row = 0; row < rows; ++row) {
                visit(out[(oc + row) * out_plane + o], scratch[row * wide + j]);
              }
            }
          };
          if (first == nullptr) for_each([](float& o, float& s) { s = o; });
          Tile<M>(w, panel, static_cast<size_t>(k), first, last, scratch,
                  static_cast<size_t>(wide));
          for_each([](float& o, float& s) { o = s; });
        }
      }
      k0 += k;
    } while (k0 < depth);
  }
}

template <class M>
void RunAll(Gemm& gemm, const float* in, float* out) {
  const ConvGeometry& g = gemm.geometry;
  const float* bias = gemm.bias;
  const float* weights = gemm.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    const int64_t group_floats = Tiles(g.oc) * kRows * g.ic * phase.taps();
    for (int64_t group = 0; group < g.groups; ++group) {
      for (int64_t n = 0; n < g.n; ++n) {
        const int64_t image = n * g.groups + group;
        RunPhase<M>(gemm, phase, weights,
                    bias == nullptr ? nullptr : bias + group * g.oc,
                    in + image * g.ic * g.in_plane(),
                    out + image * g.oc * g.out_plane());
      }
      weights += group_floats;
    }
  });
}

void RunGemm(Gemm& gemm, const float* in, float* out) {
  gemm.fast ? RunAll<Fast>(gemm, in, out) : RunAll<Reproducible>(gemm, in, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(PackedFloats);
HWY_EXPORT(PanelFloats);
HWY_EXPORT(SourceInts);
HWY_EXPORT(PackWeights);
HWY_EXPORT(RunGemm);

class GemmKernel : public Kernel {
 public:
  GemmKernel(const ConvGeometry& geometry, const float* weight,
             const float* bias, Math math)
      : gemm_{geometry, weight, bias, math == Math::kFast, {}, {}, {}, {}} {}

  Status Allocate() {
    CONVSCOPE_RETURN_IF_ERROR(
        gemm_.weights.Allocate(HWY_DYNAMIC_DISPATCH(PackedFloats)(gemm_)));
    CONVSCOPE_RETURN_IF_ERROR(
        gemm_.panels.Allocate(HWY_DYNAMIC_DISPATCH(PanelFloats)(gemm_)));
    const int64_t sources = HWY_DYNAMIC_DISPATCH(SourceInts)(gemm_);
    CONVSCOPE_RETURN_IF_ERROR(gemm_.sources.Allocate(sources));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.contiguous.Allocate(sources));
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunGemm)(gemm_, in, out);
  }
  void Repack() override { HWY_DYNAMIC_DISPATCH(PackWeights)(gemm_); }
  const char* algorithm() const override { return "gemm"; }
  int64_t workspace_bytes() const override {
    return gemm_.weights.bytes() + gemm_.panels.bytes() +
           gemm_.sources.bytes() + gemm_.contiguous.bytes();
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
