// Convolution row by row, for few channels: depthwise, grouped, image filters,
// the first layer of a network.
//
// With few channels a patch would be used too seldom to be worth packing. The
// input of a few output rows is copied once with its padding (kernel_strip.h),
// and every tap is a load from the copy, at an offset that a small table holds.
// Vectors run along the row, over one channel or a few.
#include "core/src/kernel_rows.h"

#include <algorithm>

#include "core/src/kernel_phase.h"
#include "core/src/kernel_strip.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_rowtile-inl.h"

#ifndef CONVSCOPE_SRC_KERNEL_ROWS_CC_
#define CONVSCOPE_SRC_KERNEL_ROWS_CC_

namespace convscope {

// Floats of a strip: it stays in the second-level cache.
inline constexpr int64_t kStripFloats = 24 * 1024;
// Output channels of a tile.
inline constexpr int64_t kTileChannels = 5;
// Floats behind a strip's row that a tile may read: 8 vectors of any target.
inline constexpr int64_t kSlack = 8 * HWY_MAX_BYTES / sizeof(float);

struct Rows {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;
  bool is_fast;
  Buffer<float> weights;    // per phase and group: tiles of [term][channel]
  Buffer<float> starts;     // bias + 0
  Buffer<float> strip;      // [ic][StripShape]
  Buffer<int32_t> offsets;  // of each term in the strip
  StripCopy copy;
  // The strip whose zeros are in place; of other strips they lie elsewhere.
  bool has_single_strip;
  bool is_ready;
};

// The output channels are shared out to as few tiles as hold them, so evenly
// that their numbers of channels differ by one at most.
template <class Visit>
void ForEachRowTile(int64_t oc, Visit visit) {
  const int64_t tiles = (oc + kTileChannels - 1) / kTileChannels;
  for (int64_t tile = 0, first = 0; tile < tiles; ++tile) {
    const int64_t channels = oc / tiles + (tile < oc % tiles ? 1 : 0);
    visit(first, channels);
    first += channels;
  }
}

}  // namespace convscope
#endif  // CONVSCOPE_SRC_KERNEL_ROWS_CC_

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Copies what lies inside the input from one channel's plane to the strip.
void CopyChannel(const StripCopy& copy, const float* HWY_RESTRICT in,
                 float* HWY_RESTRICT strip) {
  const hn::ScalableTag<float> d;
  const int32_t N = static_cast<int32_t>(hn::Lanes(d));
  for (const StripCopy::Run& run : copy.runs) {
    float* HWY_RESTRICT to = strip + run.to;
    const float* HWY_RESTRICT from = in + run.from;
    int32_t i = 0;
    if (copy.step == 1) {
      if (run.count >= N) {
        for (; i <= run.count - N; i += N) {
          hn::StoreU(hn::LoadU(d, from + i), d, to + i);
        }
        i = run.count - N;
        hn::StoreU(hn::LoadU(d, from + i), d, to + i);
      } else {
        for (; i < run.count; ++i) to[i] = from[i];
      }
      continue;
    }
    if (copy.step == 2) {
      // The last vector would read one float too many.
      for (; i < run.count - N; i += N) {
        hn::Vec<decltype(d)> even, odd;
        hn::LoadInterleaved2(d, from + 2 * i, even, odd);
        hn::StoreU(even, d, to + i);
      }
    }
    for (; i < run.count; ++i) to[i] = from[i * copy.step];
  }
  for (const StripCopy::Run& cell : copy.cells) strip[cell.to] = in[cell.from];
}

// The rows of one strip for all output channels of a group.
template <class M>
void RunStrip(const Rows& rows, const Phase& phase, const StripShape& shape,
              const float* weights, const float* starts, int64_t qd, int64_t qh,
              int64_t qw, float* out) {
  const ConvGeometry& g = rows.geometry;
  const auto& [d, h, w] = phase.axes;
  const int64_t N = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const int64_t plane = g.out_plane();
  const int64_t height = std::min(shape.rows, h.count - qh);
  const int64_t width = std::min(shape.columns, w.count - qw);
  const auto out_offset = [&](int64_t row) {
    return ((d.first + qd * d.step) * h.map.out + h.first +
            (qh + row) * h.step) *
               w.map.out +
           w.first + qw * w.step;
  };
  const int64_t terms = g.ic * phase.taps();
  const bool is_dense = w.step == 1;
  // A tile that is too wide spills over into the next row. That is harmless
  // where the cells there are computed later, and so saves a copy.
  const bool may_spill = is_dense && h.step == 1 && d.step == 1;
  HWY_ALIGN float scratch[10 * HWY_MAX_BYTES / sizeof(float)];
  ForEachRowTile(g.oc, [&](int64_t oc, int64_t channels) {
    RowTileArguments a;
    a.weights = weights + oc * terms;
    a.offsets = rows.offsets.data();
    a.terms = static_cast<size_t>(terms);
    a.starts = starts + oc;
    a.x_row = static_cast<size_t>(h.stride * shape.row());
    const auto vectors_at = [&](int64_t column) {
      int vectors = MaxVectors(channels);
      while (vectors > 1 && (vectors - 1) * N >= width - column) vectors /= 2;
      return vectors;
    };
    const auto run = [&](int64_t column) {
      const int vectors = vectors_at(column);
      const int64_t count = std::min(vectors * N, width - column);
      const bool spills = count < vectors * N;
      const float* x = rows.strip.data() + column;
      int64_t row = 0;
      if (is_dense && (may_spill || !spills)) {
        // No tile writes behind the plane.
        const int64_t room = plane - out_offset(0) - column - vectors * N;
        if (!spills) {
          row = height;
        } else if (room >= 0) {
          row = std::min(height, room / w.map.out + 1);
        }
        a.rows = static_cast<size_t>(row);
        a.out_row = static_cast<size_t>(h.step * w.map.out);
        a.out_plane = static_cast<size_t>(plane);
        AnyRowTile<M>(channels, vectors, a, x,
                      out + oc * plane + out_offset(0) + column);
      }
      a.rows = 1;
      a.out_plane = static_cast<size_t>(vectors * N);
      for (; row < height; ++row) {
        AnyRowTile<M>(channels, vectors, a, x + row * h.stride * shape.row(),
                      scratch);
        for (int64_t c = 0; c < channels; ++c) {
          float* to =
              out + (oc + c) * plane + out_offset(row) + column * w.step;
          const float* from = scratch + c * vectors * N;
          for (int64_t i = 0; i < count; ++i) to[i * w.step] = from[i];
        }
      }
    };
    // The last tile of the rows first: what it spills is overwritten.
    int64_t last = 0;
    while (last + vectors_at(last) * N < width) last += vectors_at(last) * N;
    run(last);
    for (int64_t column = 0; column < last; column += vectors_at(column) * N) {
      run(column);
    }
  });
}

template <class M>
void RunPhase(Rows& rows, const Phase& phase, const float* weights,
              const float* in, float* out) {
  const ConvGeometry& g = rows.geometry;
  const auto& [d, h, w] = phase.axes;
  const int64_t terms = g.ic * phase.taps();
  const StripShape shape = ShapeStrips(phase, g.ic, kStripFloats, kSlack);
  if (!rows.is_ready) {
    for (int64_t k = 0; k < terms; ++k) {
      rows.offsets.data()[k] =
          static_cast<int32_t>(k / phase.taps() * shape.channel +
                               TapOffset(phase, shape, k % phase.taps()));
    }
  }
  for (int64_t qd = 0; qd < d.count; ++qd) {
    for (int64_t qh = 0; qh < h.count; qh += shape.rows) {
      for (int64_t qw = 0; qw < w.count; qw += shape.columns) {
        if (!rows.is_ready) {
          rows.copy.Find(phase, shape, qd, qh, qw);
          for (int64_t ic = 0; ic < g.ic; ++ic) {
            for (const StripCopy::Run& run : rows.copy.zeros) {
              std::fill_n(rows.strip.data() + ic * shape.channel + run.to,
                          run.count, 0.0f);
            }
          }
        }
        rows.is_ready = rows.has_single_strip;
        for (int64_t image = 0; image < g.n * g.groups; ++image) {
          const int64_t group = image % g.groups;
          for (int64_t ic = 0; ic < g.ic; ++ic) {
            CopyChannel(rows.copy, in + (image * g.ic + ic) * g.in_plane(),
                        rows.strip.data() + ic * shape.channel);
          }
          RunStrip<M>(rows, phase, shape, weights + group * g.oc * terms,
                      rows.starts.data() + group * g.oc, qd, qh, qw,
                      out + image * g.oc * g.out_plane());
        }
      }
    }
  }
}

template <class M>
void RunAll(Rows& rows, const float* in, float* out) {
  const ConvGeometry& g = rows.geometry;
  const float* weights = rows.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    const int64_t taps = phase.taps();
    if (taps == 0) return FillPhase(g, phase, rows.starts.data(), out);
    RunPhase<M>(rows, phase, weights, in, out);
    weights += g.groups * g.oc * g.ic * taps;
  });
}

void RunRows(Rows& rows, const float* in, float* out) {
  rows.is_fast ? RunAll<Fast>(rows, in, out)
               : RunAll<Reproducible>(rows, in, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(RunRows);

class RowsKernel : public Kernel {
 public:
  RowsKernel(const ConvGeometry& geometry, const float* weight,
             const float* bias, Math math)
      : rows_{geometry, weight, bias, math == Math::kFast, {}, {}, {}, {},
              {},       false,  false} {}

  Status Allocate() {
    const ConvGeometry& g = rows_.geometry;
    int64_t strip = 0, terms = 0, strips = 0;
    StripCopy largest;
    ForEachPhase(g, [&](const Phase& phase) {
      const int64_t taps = phase.taps();
      if (taps == 0) return;
      const StripShape shape = ShapeStrips(phase, g.ic, kStripFloats, kSlack);
      strip = std::max(strip, g.ic * shape.channel + kSlack);
      terms = std::max(terms, g.ic * taps);
      const auto& [d, h, w] = phase.axes;
      for (int64_t qd = 0; qd < d.count; ++qd) {
        for (int64_t qh = 0; qh < h.count; qh += shape.rows) {
          for (int64_t qw = 0; qw < w.count; qw += shape.columns) {
            // Lists that were once this long never allocate again.
            rows_.copy.Find(phase, shape, qd, qh, qw);
            ++strips;
          }
        }
      }
    });
    rows_.has_single_strip = strips == 1;
    const int64_t channels = g.groups * g.oc;
    CONVSCOPE_RETURN_IF_ERROR(
        rows_.weights.Allocate(channels * g.ic * g.taps()));
    CONVSCOPE_RETURN_IF_ERROR(rows_.starts.Allocate(channels));
    CONVSCOPE_RETURN_IF_ERROR(rows_.strip.Allocate(strip));
    CONVSCOPE_RETURN_IF_ERROR(rows_.offsets.Allocate(terms));
    // What is never written is computed with, though not stored: no denormals.
    std::fill_n(rows_.strip.data(), strip, 0.0f);
    Repack();
    return Ok();
  }

  void Run(const float* in, float* out) override {
    HWY_DYNAMIC_DISPATCH(RunRows)(rows_, in, out);
  }

  void Repack() override {
    const ConvGeometry& g = rows_.geometry;
    for (int64_t oc = 0; oc < rows_.starts.size(); ++oc) {
      rows_.starts.data()[oc] =
          rows_.bias == nullptr ? 0.0f : rows_.bias[oc] + 0.0f;
    }
    float* to = rows_.weights.data();
    ForEachPhase(g, [&](const Phase& phase) {
      for (int64_t group = 0; group < g.groups; ++group) {
        ForEachRowTile(g.oc, [&](int64_t first, int64_t channels) {
          for (int64_t ic = 0; ic < g.ic; ++ic) {
            for (int64_t t = 0; t < phase.taps(); ++t) {
              const int64_t tap = phase.KernelTap(t);
              for (int64_t oc = first; oc < first + channels; ++oc) {
                const int64_t pair = g.transposed
                                         ? (group * g.ic + ic) * g.oc + oc
                                         : (group * g.oc + oc) * g.ic + ic;
                *to++ = rows_.weight[pair * g.taps() + tap];
              }
            }
          }
        });
      }
    });
  }
  const char* algorithm() const override { return "rows"; }
  int64_t workspace_bytes() const override {
    return rows_.weights.bytes() + rows_.starts.bytes() + rows_.strip.bytes() +
           rows_.offsets.bytes();
  }

 private:
  Rows rows_;
};

}  // namespace

bool SuitsRows(const ConvGeometry& g) {
  if (g.ic == 0 || g.oc == 0 || g.ic * g.taps() > 512) return false;
  return g.ic * g.taps() <= 128 || g.oc <= 8;
}

Status MakeRowsKernel(const ConvGeometry& geometry, const float* weight,
                      const float* bias, Math math,
                      std::unique_ptr<Kernel>* kernel) {
  auto rows = std::make_unique<RowsKernel>(geometry, weight, bias, math);
  CONVSCOPE_RETURN_IF_ERROR(rows->Allocate());
  *kernel = std::move(rows);
  return Ok();
}

}  // namespace convscope
#endif  // HWY_ONCE
