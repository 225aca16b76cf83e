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

// The most terms of the sum that are packed at a time: what the pixels of a
// panel take and the weights of a tile share the first-level cache.
inline constexpr int64_t kMaxBlock = 320;
// Floats of the panels packed at a time: they stay in the second-level cache.
inline constexpr int64_t kPanelFloats = 32 * 1024;
// Floats of the sums of pixels that lie apart in the output.
inline constexpr int64_t kSumsFloats = 32 * 1024;
// Gathers worked out at a time, unless one panel needs more; and as many of all
// phases as are kept for the next run.
inline constexpr int64_t kGathers = 2048;
inline constexpr int64_t kKeptGathers = 8192;
// Terms whose weights are packed at a time.
inline constexpr int64_t kPackedTerms = 64;

struct Gemm : ConvTask {
  Buffer<float> weights;   // per phase, group and block: [tile][k][row]
  Buffer<float> starts;    // bias + 0
  Buffer<float> panels;    // [panel][k][column]
  Buffer<Gather> gathers;  // [panel][tap][column / 4], kept ones per phase
  Buffer<float> sums;      // [phase][oc][pixel]: outputs that lie apart
  bool keeps_gathers = false;
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_GEMM_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// How one phase is cut into blocks.
struct Cut {
  int64_t wide = 0;    // pixels of a panel
  int64_t depth = 0;   // terms of the sum
  int64_t block = 0;   // terms of a block
  int64_t pixels = 0;  // output pixels of a chunk of panels

  Cut() = default;
  Cut(const Gemm& gemm, const Phase& phase) : wide(PanelColumns(gemm.is_fast)) {
    const ConvGeometry& g = gemm.geometry;
    const int64_t taps = phase.taps();
    depth = g.ic * taps;
    const int64_t blocks =
        std::max<int64_t>(1, (depth + kMaxBlock - 1) / kMaxBlock);
    block = std::max<int64_t>(1, (depth + blocks - 1) / blocks);
    const int64_t by_panels = kPanelFloats / (block * wide);
    const int64_t by_gathers = kGathers / std::max<int64_t>(1, taps * wide / 4);
    int64_t panels = std::min(by_panels, by_gathers);
    if (!phase.IsDense()) {
      panels = std::min(panels, kSumsFloats / (g.oc * wide));
    }
    pixels = wide * std::max<int64_t>(1, panels);
  }

  // Gathers of all panels of a phase.
  int64_t gathers(const Phase& phase) const {
    return (phase.pixels() + wide - 1) / wide * phase.taps() * wide / 4;
  }
  // Floats from panel to panel. Not a power of two: those packed together would
  // fall on the same lines of the first-level cache.
  int64_t pitch() const { return block * wide + 16; }
};

// Calls visit(row, rows) for each tile of output channels.
template <class Visit>
HWY_INLINE void ForEachTile(const Gemm& gemm, Visit visit) {
  ForEachShare(gemm.geometry.oc, MaxRows(gemm.is_fast), visit);
}

// A transposed layer of stride 2 along the width has two phases, whose pixels
// take turns in the output. They are computed together where there are as many
// of both, so that they are stored as whole vectors.
HWY_INLINE bool HasPairs(const ConvGeometry& g) {
  const AxisMap& w = g.axes[2];
  return PhaseCount(w) == 2 && w.stride == 2 && w.out % 2 == 0;
}

void MeasureGemm(Gemm& gemm, int64_t* panel_floats, int64_t* gathers,
                 int64_t* sums) {
  const ConvGeometry& g = gemm.geometry;
  *panel_floats = *gathers = *sums = 0;
  int64_t kept = 0;
  ForEachPhase(g, [&](const Phase& phase) {
    const Cut cut(gemm, phase);
    *panel_floats =
        std::max(*panel_floats, cut.pixels / cut.wide * cut.pitch());
    *gathers = std::max(*gathers, cut.pixels / 4 * phase.taps());
    kept += cut.gathers(phase);
    if (!phase.IsDense()) *sums = std::max(*sums, 2 * g.oc * cut.pixels);
  });
  gemm.keeps_gathers = kept <= kKeptGathers;
  if (gemm.keeps_gathers) *gathers = kept;
}

void FindGemmGathers(Gemm& gemm) {
  if (!gemm.keeps_gathers) return;
  Gather* gathers = gemm.gathers.data();
  ForEachPhase(gemm.geometry, [&](const Phase& phase) {
    const Cut cut(gemm, phase);
    FindPanelGathers(phase, 0, phase.pixels(), WholeVectors(1), cut.wide,
                     gathers);
    gathers += cut.gathers(phase);
  });
}

void PackGemm(Gemm& gemm) {
  const ConvGeometry& g = gemm.geometry;
  const int64_t kernel = g.taps();
  // Between neighbours in `weight`. As many terms are packed at a time as share
  // cache lines from tile to tile: a transposed layer's rows lie side by side.
  const int64_t row_step = g.transposed ? kernel : g.ic * kernel;
  const int64_t channel_step = g.transposed ? g.oc * kernel : kernel;
  const int64_t most = g.transposed ? kPackedTerms / 8 : kPackedTerms;
  float* to = gemm.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    const Cut cut(gemm, phase);
    const int64_t taps = phase.taps();
    for (int64_t group = 0; group < g.groups; ++group) {
      const float* weight = gemm.weight + group * g.oc * g.ic * kernel;
      for (int64_t k0 = 0; k0 < cut.depth; k0 += cut.block) {
        const int64_t block = std::min(cut.block, cut.depth - k0);
        for (int64_t done = 0; done < block; done += most) {
          const int64_t terms = std::min(most, block - done);
          const float* cells[kPackedTerms];  // of the next tile's first row
          for (int64_t i = 0; i < terms; ++i) {
            const int64_t k = k0 + done + i;
            cells[i] =
                weight + k / taps * channel_step + phase.KernelTap(k % taps);
          }
          ForEachTile(gemm, [&](int64_t row0, int64_t rows) {
            float* packed = to + row0 * block + done * rows;
            for (int64_t i = 0; i < terms; ++i) {
              const float* cell = cells[i];
              for (int64_t row = 0; row < rows; ++row, cell += row_step) {
                *packed++ = *cell;
              }
              cells[i] = cell;
            }
          });
        }
        to += g.oc * block;
      }
    }
  });
}

// A phase and its packed weights, all groups.
struct Part {
  Phase phase;
  Cut cut;
  const float* weights;
  Gather* gathers;  // of all pixels if they are kept, else room for some
};

// Multiplies the packed panels of `pixels` pixels with all output channels of a
// group: block [k0, k0 + block) of the sum. Where `fills` is set, the rows of c
// have room for whole panels.
void MultiplyPanels(Gemm& gemm, const Part& part, int64_t group, int64_t pixels,
                    int64_t k0, bool fills, float* c, int64_t c_stride) {
  const ConvGeometry& g = gemm.geometry;
  const Cut& cut = part.cut;
  const int64_t block = std::min(cut.block, cut.depth - k0);
  const bool is_last = k0 + block == cut.depth;
  const float* weights = part.weights + g.oc * (group * cut.depth + k0);
  const float* starts = gemm.starts.data() + group * g.oc;
  const auto tiles = gemm.is_fast ? &AnyTiles<Fast> : &AnyTiles<Reproducible>;
  TileArguments a = {};
  a.b = gemm.panels.data();
  a.b_pitch = static_cast<size_t>(cut.pitch());
  a.depth = static_cast<size_t>(block);
  a.is_last = is_last;
  a.c_stride = static_cast<size_t>(c_stride);
  a.panels = static_cast<size_t>(pixels / cut.wide);
  int64_t rest = pixels % cut.wide;
  if (fills) rest = WholeVectors(rest);
  ForEachTile(gemm, [&](int64_t row0, int64_t rows) {
    a.w = weights + row0 * block;
    a.start = k0 == 0 ? starts + row0 : nullptr;
    a.c = c + row0 * c_stride;
    tiles(rows, rest, false, a);
  });
}

// Computes pixels [p0, p_end) of one group of one image in one phase.
void RunPart(Gemm& gemm, const Part& part, int64_t group, int64_t p0,
             int64_t p_end, bool fills, const float* in, float* c,
             int64_t c_stride) {
  const Cut& cut = part.cut;
  const int64_t taps = part.phase.taps();
  const int64_t panel_gathers = taps * cut.wide / 4;
  Gather* gathers = part.gathers;
  if (gemm.keeps_gathers) {
    gathers += p0 / cut.wide * panel_gathers;
  } else {
    FindPanelGathers(part.phase, p0, p_end, WholeVectors(1), cut.wide, gathers);
  }
  const int64_t whole = (p_end - p0) / cut.wide;
  const int64_t rest = WholeVectors((p_end - p0) % cut.wide);
  int64_t k0 = 0;
  do {
    const int64_t block = std::min(cut.block, cut.depth - k0);
    const auto pack = [&](int64_t first, int64_t count, int64_t columns) {
      PackPanels(gathers + first * panel_gathers, taps,
                 static_cast<size_t>(columns), count,
                 static_cast<size_t>(cut.pitch()), static_cast<size_t>(columns),
                 in, gemm.geometry.in_plane(), k0, block,
                 gemm.panels.data() + first * cut.pitch());
    };
    if (block > 0) {
      pack(0, whole, cut.wide);
      if (rest > 0) pack(whole, 1, rest);
    }
    MultiplyPanels(gemm, part, group, p_end - p0, k0, fills, c, c_stride);
    k0 += block;
  } while (k0 < cut.depth);
}

// Stores the sums of pixels [p0, p_end) where they belong: of one phase, or of
// two whose pixels take turns.
void StoreSums(const Gemm& gemm, const Phase& phase, bool is_pair, int64_t p0,
               int64_t p_end, int64_t pitch, float* out) {
  const hn::ScalableTag<float> d;
  const int64_t N = WholeVectors(1);
  const PhaseAxis& w = phase.axes[2];
  const ConvGeometry& g = gemm.geometry;
  for (int64_t p = p0; p < p_end;) {
    // A part of a row.
    const int64_t count = std::min(p_end - p, w.count - p % w.count);
    const float* from = gemm.sums.data() + (p - p0);
    float* to = out + OutOffset(phase, p);
    for (int64_t oc = 0; oc < g.oc; ++oc) {
      int64_t i = 0;
      if (is_pair) {
        const float* second = from + g.oc * pitch;
        for (; i + N <= count; i += N) {
          hn::StoreInterleaved2(hn::LoadU(d, from + i),
                                hn::LoadU(d, second + i), d, to + 2 * i);
        }
        for (int64_t j = i; j < count; ++j) to[2 * j + 1] = second[j];
      }
      for (; i < count; ++i) to[i * w.step] = from[i];
      from += pitch;
      to += g.out_plane();
    }
    p += count;
  }
}

// One group of one image in one phase, or in two at a time.
void RunParts(Gemm& gemm, const Part* parts, int count, int64_t group,
              const float* in, float* out) {
  const Phase& phase = parts[0].phase;
  const int64_t pixels = phase.pixels();
  const int64_t plane = gemm.geometry.out_plane();
  int64_t chunk = parts[0].cut.pixels;
  if (count == 2) chunk = std::min(chunk, parts[1].cut.pixels);
  for (int64_t p0 = 0; p0 < pixels; p0 += chunk) {
    const int64_t p_end = std::min(pixels, p0 + chunk);
    if (phase.IsDense()) {
      RunPart(gemm, parts[0], group, p0, p_end, false, in, out + p0, plane);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      RunPart(gemm, parts[i], group, p0, p_end, true, in,
              gemm.sums.data() + i * gemm.geometry.oc * chunk, chunk);
    }
    StoreSums(gemm, phase, count == 2, p0, p_end, chunk, out);
  }
}

void RunGemm(Gemm& gemm, const float* in, float* out) {
  const ConvGeometry& g = gemm.geometry;
  const float* weights = gemm.weights.data();
  Gather* gathers = gemm.gathers.data();
  const bool has_pairs = HasPairs(g);
  Part parts[2] = {};
  int count = 0;
  ForEachPhase(g, [&](const Phase& phase) {
    const Cut cut(gemm, phase);
    parts[count++] = {phase, cut, weights, gathers};
    if (gemm.keeps_gathers) gathers += cut.gathers(phase);
    weights += g.groups * g.oc * g.ic * phase.taps();
    if (has_pairs && count == 1) return;
    for (int64_t image = 0; image < g.n * g.groups; ++image) {
      RunParts(gemm, parts, count, image % g.groups,
               in + image * g.ic * g.in_plane(),
               out + image * g.oc * g.out_plane());
    }
    count = 0;
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(FindGemmGathers);
HWY_EXPORT(MeasureGemm);
HWY_EXPORT(PackGemm);
HWY_EXPORT(RunGemm);

class GemmKernel : public Kernel {
 public:
  explicit GemmKernel(const ConvTask& task) : gemm_{task} {}

  Status Allocate() {
    const ConvGeometry& g = gemm_.geometry;
    int64_t panel_floats, gathers, sums;
    HWY_DYNAMIC_DISPATCH(MeasureGemm)(gemm_, &panel_floats, &gathers, &sums);
    const int64_t channels = g.groups * g.oc;
    CONVSCOPE_RETURN_IF_ERROR(
        gemm_.weights.Allocate(channels * g.ic * g.taps()));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.starts.Allocate(channels));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.panels.Allocate(panel_floats));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.gathers.Allocate(gathers));
    CONVSCOPE_RETURN_IF_ERROR(gemm_.sums.Allocate(sums));
    HWY_DYNAMIC_DISPATCH(FindGemmGathers)(gemm_);
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunGemm)(gemm_, in, out);
  }
  void Repack() override {
    for (int64_t oc = 0; oc < gemm_.starts.size(); ++oc) {
      gemm_.starts.data()[oc] = gemm_.StartOf(oc);
    }
    HWY_DYNAMIC_DISPATCH(PackGemm)(gemm_);
  }
  const char* algorithm() const override { return "gemm"; }
  int64_t workspace_bytes() const override {
    return gemm_.weights.bytes() + gemm_.starts.bytes() + gemm_.panels.bytes() +
           gemm_.gathers.bytes() + gemm_.sums.bytes();
  }

 private:
  Gemm gemm_;
};

}  // namespace

Status MakeGemmKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel) {
  return MakeKernelOf<GemmKernel>(task, kernel);
}

}  // namespace convscope
#endif  // HWY_ONCE
