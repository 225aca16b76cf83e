// Convolution row by row, for few channels: grouped layers, the first layer of
// a network, single planes where kernel_depthwise.cc does not suit.
//
// With few channels a patch would be used too seldom to be worth packing. The
// input of a few output rows is copied once with its padding (kernel_strip.h),
// and every tap is a load from the copy, at an offset that a small table holds.
// Vectors run along the row, over one channel or a few.
#include "core/src/kernel_rows.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/src/kernel_phase.h"
#include "core/src/kernel_rowtile.h"
#include "core/src/kernel_strip.h"

#ifndef CONVSCOPE_SRC_KERNEL_ROWS_CC_
#define CONVSCOPE_SRC_KERNEL_ROWS_CC_

namespace convscope {

// Floats of a strip: it stays in the second-level cache.
inline constexpr int64_t kStripFloats = 24 * 1024;
// Cells from the first tap to the last, in all: more are not for this kernel.
inline constexpr double kMaxReach = 1 << 18;
// Output channels of a tile.
inline constexpr int64_t kTileChannels = 5;

// How one strip's rows are cut into tiles, for one number of channels per tile.
struct TileRow {
  int64_t column;
  int64_t count;   // columns
  int64_t direct;  // rows written in place; the others go through a scratch
  int vectors;
  RowTileFunction function;
};

struct Rows : ConvTask {
  // Floats behind a strip's row that a tile may read, and behind an output row
  // that it may write.
  int64_t slack;
  Buffer<float> weights;        // per phase and group: tiles of [term][channel]
  Buffer<float> starts;         // bias + 0
  Buffer<float> strip;          // [ic][StripShape]
  Buffer<int32_t> offsets;      // of each term in the strip
  Buffer<int32_t> run_offsets;  // of each run of terms along the width
  StripCopy copy;
  std::vector<TileRow> tiles;
  // The strip whose zeros are in place; of other strips they lie elsewhere.
  bool has_single_strip = false;
  bool is_ready = false;
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

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/kernel_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
//
#include "core/src/kernel_copy-inl.h"
#include "core/src/kernel_rowtile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// What the widest tile may read or write too much.
int64_t RowSlack() {
  return MaxVectors(1) *
         static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}

// A tile that is too wide spills over into the next row. That is harmless where
// the cells there are computed later, and saves a copy: the last tile of the
// rows goes first, and no tile writes behind `room` floats.
void CutRows(const Phase& phase, bool is_fast, int64_t channels, bool by_runs,
             int64_t width, int64_t height, int64_t room,
             std::vector<TileRow>* tiles) {
  const auto& [d, h, w] = phase.axes;
  const int64_t N = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const bool may_spill = w.step == 1 && h.step == 1 && d.step == 1;
  tiles->clear();
  for (int64_t column = 0; column < width;) {
    TileRow tile;
    tile.vectors = MaxVectors(channels);
    while (tile.vectors > 1 && (tile.vectors - 1) * N >= width - column) {
      tile.vectors /= 2;
    }
    const auto find = is_fast ? &FindRowTile<Fast> : &FindRowTile<Reproducible>;
    tile.function = find(channels, tile.vectors, by_runs ? w.stride : 0);
    tile.column = column;
    tile.count = std::min(tile.vectors * N, width - column);
    const bool spills = tile.count < tile.vectors * N;
    const int64_t rest = room - column - tile.vectors * N;
    tile.direct = 0;
    if (w.step == 1 && !spills) {
      tile.direct = height;
    } else if (may_spill && rest >= 0) {
      tile.direct = std::min(height, rest / w.map.out + 1);
    }
    column += tile.count;
    tiles->push_back(tile);
  }
  std::rotate(tiles->begin(), tiles->end() - 1, tiles->end());
}

// One strip of one phase.
struct StripRunner {
  const Rows& rows;
  const Phase& phase;
  const StripShape& shape;
  int64_t height;
  int64_t offset;  // of the strip's first output in the plane
  std::vector<TileRow>* tiles;

  // `channels` output channels from one plane of `out` on.
  void RunTiles(const float* weights, const float* starts, int64_t channels,
                bool by_runs, float* out) const {
    const ConvGeometry& g = rows.geometry;
    const auto& [d, h, w] = phase.axes;
    const size_t N = hn::Lanes(hn::ScalableTag<float>());
    HWY_ALIGN float scratch[10 * HWY_MAX_BYTES / sizeof(float)];
    RowTileArguments a = {};
    a.weights = weights;
    a.offsets = (by_runs ? rows.run_offsets : rows.offsets).data();
    a.terms = static_cast<size_t>(g.ic * phase.taps());
    a.run = static_cast<size_t>(w.taps);
    a.pitch = static_cast<size_t>(shape.pitch);
    a.starts = starts;
    a.x_row = static_cast<size_t>(h.stride * shape.row());
    const size_t out_row = static_cast<size_t>(h.step * w.map.out);
    const size_t plane = static_cast<size_t>(g.out_plane());
    for (const TileRow& tile : *tiles) {
      const float* x = rows.strip.data() + tile.column;
      float* to = out + offset + tile.column * w.step;
      if (tile.direct > 0) {
        a.rows = static_cast<size_t>(tile.direct);
        a.out_row = out_row;
        a.out_plane = plane;
        tile.function(a, x, to);
      }
      a.rows = 1;
      a.out_plane = static_cast<size_t>(tile.vectors) * N;
      for (int64_t row = tile.direct; row < height; ++row) {
        tile.function(a, x + static_cast<size_t>(row) * a.x_row, scratch);
        for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
          float* cells = to + static_cast<size_t>(row) * out_row + c * plane;
          const float* from = scratch + c * a.out_plane;
          for (int64_t i = 0; i < tile.count; ++i) cells[i * w.step] = from[i];
        }
      }
    }
  }
};

// Offsets of the terms, and of the runs of terms along the width.
void FindOffsets(Rows& rows, const Phase& phase, const StripShape& shape) {
  const int64_t taps = phase.taps();
  const int64_t run = phase.axes[2].taps;
  for (int64_t k = 0; k < rows.geometry.ic * taps; ++k) {
    const int32_t offset = static_cast<int32_t>(
        k / taps * shape.channel + TapOffset(phase, shape, k % taps));
    rows.offsets.data()[k] = offset;
    if (k % run == 0) rows.run_offsets.data()[k / run] = offset;
  }
}

void RunPhase(Rows& rows, const Phase& phase, const float* weights,
              const float* in, float* out) {
  const ConvGeometry& g = rows.geometry;
  // No structured binding: lambdas of Clang before 16 capture none.
  const PhaseAxis &d = phase.axes[0], &h = phase.axes[1], &w = phase.axes[2];
  const int64_t terms = g.ic * phase.taps();
  const int64_t images = g.n * g.groups;
  const int64_t plane = g.out_plane();
  const StripShape shape = ShapeStrips(phase, g.ic, kStripFloats, rows.slack);
  if (!rows.is_ready) FindOffsets(rows, phase, shape);
  const auto run_strip = [&](int64_t qd, int64_t qh, int64_t qw) {
    const int64_t height = std::min(shape.rows, h.count - qh);
    const int64_t width = std::min(shape.columns, w.count - qw);
    const int64_t offset =
        ((d.first + qd * d.step) * h.map.out + h.first + qh * h.step) *
            w.map.out +
        w.first + qw * w.step;
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
    const StripRunner runner{rows, phase, shape, height, offset, &rows.tiles};
    int64_t cut_channels = 0, cut_room = 0;
    for (int64_t image = 0; image < images; ++image) {
      const int64_t group = image % g.groups;
      for (int64_t ic = 0; ic < g.ic; ++ic) {
        CopyChannel(rows.copy, in + (image * g.ic + ic) * g.in_plane(),
                    rows.strip.data() + ic * shape.channel);
      }
      ForEachRowTile(g.oc, [&](int64_t oc, int64_t channels) {
        const int64_t channel = group * g.oc + oc;
        const bool by_runs = channels == 1 && w.taps <= kRunTaps &&
                             w.stride <= 2 && w.shift_step == 1;
        // Of single strips, the next plane is computed later, too.
        int64_t planes = 1;
        if (rows.has_single_strip && channels == 1) {
          planes = std::min(images * g.oc - (image * g.oc + oc),
                            2 + rows.slack / plane);
        }
        const int64_t room = planes * plane - offset;
        if (channels != cut_channels || room != cut_room) {
          CutRows(phase, rows.is_fast, channels, by_runs, width, height, room,
                  &rows.tiles);
          cut_channels = channels;
          cut_room = room;
        }
        runner.RunTiles(weights + channel * terms, rows.starts.data() + channel,
                        channels, by_runs, out + (image * g.oc + oc) * plane);
      });
    }
  };
  for (int64_t qd = 0; qd < d.count; ++qd) {
    for (int64_t qh = 0; qh < h.count; qh += shape.rows) {
      for (int64_t qw = 0; qw < w.count; qw += shape.columns) {
        run_strip(qd, qh, qw);
      }
    }
  }
}

void RunRows(Rows& rows, const float* in, float* out) {
  const ConvGeometry& g = rows.geometry;
  const float* weights = rows.weights.data();
  ForEachPhase(g, [&](const Phase& phase) {
    const int64_t taps = phase.taps();
    if (taps == 0) return FillPhase(g, phase, rows.starts.data(), out);
    RunPhase(rows, phase, weights, in, out);
    weights += g.groups * g.oc * g.ic * taps;
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(RowSlack);
HWY_EXPORT(RunRows);

class RowsKernel : public Kernel {
 public:
  explicit RowsKernel(const ConvTask& task)
      : rows_{task, HWY_DYNAMIC_DISPATCH(RowSlack)()} {}

  Status Allocate() {
    const ConvGeometry& g = rows_.geometry;
    int64_t strip = 0, terms = 0, strips = 0;
    StripCopy largest;
    ForEachPhase(g, [&](const Phase& phase) {
      const int64_t taps = phase.taps();
      if (taps == 0) return;
      const StripShape shape =
          ShapeStrips(phase, g.ic, kStripFloats, rows_.slack);
      strip = std::max(strip, g.ic * shape.channel + rows_.slack);
      terms = std::max(terms, g.ic * taps);
      rows_.tiles.reserve(static_cast<size_t>(shape.columns / 4 + 2));
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
    CONVSCOPE_RETURN_IF_ERROR(rows_.run_offsets.Allocate(terms));
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
      rows_.starts.data()[oc] = rows_.StartOf(oc);
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
           rows_.offsets.bytes() + rows_.run_offsets.bytes();
  }

 private:
  Rows rows_;
};

}  // namespace

bool SuitsRows(const ConvGeometry& g) {
  if (g.ic == 0 || g.oc == 0 || g.ic * g.taps() > 512) return false;
  // A strip reaches from the first tap to the last: with huge dilations or
  // strides it would be all gaps.
  double floats = static_cast<double>(g.ic);
  for (const AxisMap& map : g.axes) {
    const PhaseAxis axis = PhaseOf(map, 0);
    floats *= static_cast<double>(std::max<int64_t>(1, axis.taps)) *
                  static_cast<double>(std::abs(axis.shift_step)) +
              static_cast<double>(axis.stride);
  }
  if (floats > kMaxReach) return false;
  return g.oc <= 8 || (g.ic <= 4 && g.oc < 128);
}

Status MakeRowsKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel) {
  return MakeKernelOf<RowsKernel>(task, kernel);
}

}  // namespace convscope
#endif  // HWY_ONCE
