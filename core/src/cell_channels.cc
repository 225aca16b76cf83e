#include "core/src/cell_channels.h"

#include <algorithm>

#include "core/src/nan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/cell_channels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#ifndef CONVSCOPE_SRC_CELL_CHANNELS_ONCE
#define CONVSCOPE_SRC_CELL_CHANNELS_ONCE
namespace convscope {

inline constexpr int64_t kBlock = 8;  // output channels side by side
// Windows are mostly odd: 3, 9 or 25 outputs read one input.
inline constexpr int64_t kPositions = 3;

// The sums of kPositions positions in one block of channels.
struct TileSums {
  int64_t channels;     // input channels
  const float* patch;   // [channels][taps][kPositions]
  const float* weight;  // [channels][...][kBlock]
  int64_t weight_step;  // from one input channel to the next
  const int64_t* taps;  // where in an input channel's weights each tap lies
  int64_t tap_count;
};

}  // namespace convscope
#endif  // CONVSCOPE_SRC_CELL_CHANNELS_ONCE

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adds the products of `t` to sums[kPositions][kBlock], one after the other.
// Six vectors of sums, two of weights and one of input fit the 15 registers
// that WebAssembly engines leave, and hide the latency of the additions.
void AddTile(const TileSums& t, float* HWY_RESTRICT sums) {
  const hn::FixedTag<float, 4> d;
  auto a0 = hn::LoadU(d, sums), b0 = hn::LoadU(d, sums + 4);
  auto a1 = hn::LoadU(d, sums + 8), b1 = hn::LoadU(d, sums + 12);
  auto a2 = hn::LoadU(d, sums + 16), b2 = hn::LoadU(d, sums + 20);
  const float* HWY_RESTRICT x = t.patch;
  const float* HWY_RESTRICT weight = t.weight;
  for (int64_t channel = 0; channel < t.channels; ++channel) {
    for (int64_t k = 0; k < t.tap_count; ++k) {
      const auto wa = hn::LoadU(d, weight + t.taps[k]);
      const auto wb = hn::LoadU(d, weight + t.taps[k] + 4);
      const auto x0 = hn::Set(d, x[0]);
      a0 = hn::Add(a0, hn::Mul(wa, x0));
      b0 = hn::Add(b0, hn::Mul(wb, x0));
      const auto x1 = hn::Set(d, x[1]);
      a1 = hn::Add(a1, hn::Mul(wa, x1));
      b1 = hn::Add(b1, hn::Mul(wb, x1));
      const auto x2 = hn::Set(d, x[2]);
      a2 = hn::Add(a2, hn::Mul(wa, x2));
      b2 = hn::Add(b2, hn::Mul(wb, x2));
      x += kPositions;
    }
    weight += t.weight_step;
  }
  hn::StoreU(a0, d, sums);
  hn::StoreU(b0, d, sums + 4);
  hn::StoreU(a1, d, sums + 8);
  hn::StoreU(b1, d, sums + 12);
  hn::StoreU(a2, d, sums + 16);
  hn::StoreU(b2, d, sums + 20);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(AddTile);

bool SameWeights(const std::vector<Tap>& a, const std::vector<Tap>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const Tap& x, const Tap& y) { return x.weight == y.weight; });
}

}  // namespace

Status CellChannels::Pack(const ConvGeometry& g, const float* weight) {
  blocks_ = (g.oc + kBlock - 1) / kBlock;
  CONVSCOPE_RETURN_IF_ERROR(
      packed_.Allocate(g.groups * blocks_ * g.ic * g.taps() * kBlock));
  std::fill_n(packed_.data(), packed_.size(), 0.0f);
  const int64_t count = g.groups * g.oc * g.ic * g.taps();
  for (int64_t i = 0; i < count; ++i) PackOne(g, weight, i);
  return Ok();
}

void CellChannels::PackOne(const ConvGeometry& g, const float* weight,
                           int64_t offset) {
  const int64_t taps = g.taps();
  const int64_t k = offset % taps;
  const int64_t second = offset / taps % (g.transposed ? g.oc : g.ic);
  const int64_t first = offset / taps / (g.transposed ? g.oc : g.ic);
  const int64_t per_group = g.transposed ? g.ic : g.oc;
  const int64_t group = first / per_group;
  const int64_t ic = g.transposed ? first % per_group : second;
  const int64_t oc = g.transposed ? second : first % per_group;
  const int64_t block = group * blocks_ + oc / kBlock;
  packed_.data()[((block * g.ic + ic) * taps + k) * kBlock + oc % kBlock] =
      weight[offset];
}

void CellChannels::FindBlocks(const ConvGeometry& g, const IndexList& channels,
                              std::vector<Block>* blocks) const {
  blocks->clear();
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t group = channels[i] / g.oc;
    const int64_t first = channels[i] - (channels[i] - group * g.oc) % kBlock;
    if (blocks->empty() || blocks->back().first != first) {
      blocks->push_back({first, i, i});
    }
    blocks->back().end = i + 1;
  }
}

bool CellChannels::Suits(const ConvGeometry& g,
                         const IndexList& channels) const {
  if (packed_.size() == 0) return false;
  std::vector<Block> blocks;
  FindBlocks(g, channels, &blocks);
  return channels.size() * 2 > blocks.size() * kBlock;
}

void CellChannels::Classify(const AxisMap& map, const IndexList& outputs,
                            std::vector<TapClass>* classes) {
  classes->clear();
  for (int32_t o : outputs) {
    TapsOf(map, o, &taps_);
    auto found = std::find_if(
        classes->begin(), classes->end(),
        [&](const TapClass& some) { return SameWeights(some.taps, taps_); });
    if (found == classes->end()) {
      found = classes->insert(classes->end(), {taps_, {}});
    }
    found->outputs.push_back(o);
  }
}

bool CellChannels::Run(const ConvGeometry& g, const float* bias,
                       const float* in, const ConvCells& cells, float* out) {
  const int64_t patch = g.ic * g.taps() * kPositions;
  if (patch_.size() < patch && !patch_.Allocate(patch).ok()) return false;
  FindBlocks(g, cells[1], &found_);
  Classify(g.axes[0], cells[2], &depth_);
  Classify(g.axes[1], cells[3], &height_);
  Classify(g.axes[2], cells[4], &width_);
  for (const TapClass& depth : depth_) {
    for (const TapClass& height : height_) {
      JoinTaps(depth.taps, height.taps, g.axes[1], &upper_);
      for (const TapClass& width : width_) {
        JoinTaps(upper_, width.taps, g.axes[2], &taps_);
        weights_.clear();
        for (const Tap& tap : taps_) {
          weights_.push_back(tap.weight * kBlock);
        }
        positions_.clear();
        sources_.clear();
        for (int32_t od : depth.outputs) {
          TapsOf(g.axes[0], od, &by_depth_);
          for (int32_t oh : height.outputs) {
            TapsOf(g.axes[1], oh, &by_height_);
            JoinTaps(by_depth_, by_height_, g.axes[1], &upper_);
            for (int32_t ow : width.outputs) {
              TapsOf(g.axes[2], ow, &by_width_);
              JoinTaps(upper_, by_width_, g.axes[2], &taps_);
              positions_.push_back((od * g.axes[1].out + oh) * g.axes[2].out +
                                   ow);
              for (const Tap& tap : taps_) sources_.push_back(tap.in);
            }
          }
        }
        RunPositions(g, bias, in, cells, out);
        JoinTaps(depth.taps, height.taps, g.axes[1], &upper_);
      }
    }
  }
  return true;
}

// All positions of positions_, three at a time; the last ones are computed with
// repetitions, whose sums nobody takes.
void CellChannels::RunPositions(const ConvGeometry& g, const float* bias,
                                const float* in, const ConvCells& cells,
                                float* out) {
  const int64_t in_plane = g.in_plane();
  const int64_t out_plane = g.out_plane();
  const auto count = static_cast<int64_t>(positions_.size());
  // Through a pointer that no optimiser sees through: inlined here, too many
  // numbers are alive for the sums to stay in registers.
  auto volatile add_tile = HWY_DYNAMIC_POINTER(AddTile);
  TileSums tile{};
  tile.channels = g.ic;
  tile.patch = patch_.data();
  tile.weight_step = g.taps() * kBlock;
  tile.taps = weights_.data();
  tile.tap_count = static_cast<int64_t>(weights_.size());
  for (int32_t n : cells[0]) {
    for (int64_t begin = 0; begin < count; begin += kPositions) {
      int64_t gathered = -1;  // the group whose input the patch holds
      for (const Block& block : found_) {
        const int64_t group = block.first / g.oc;
        if (group != gathered) {
          gathered = group;
          const float* plane = in + (n * g.groups + group) * g.ic * in_plane;
          float* to = patch_.data();
          const int64_t* sources[kPositions];
          for (int64_t p = 0; p < kPositions; ++p) {
            sources[p] = sources_.data() +
                         std::min(begin + p, count - 1) * tile.tap_count;
          }
          for (int64_t ic = 0; ic < g.ic; ++ic, plane += in_plane) {
            for (int64_t k = 0; k < tile.tap_count; ++k) {
              for (int64_t p = 0; p < kPositions; ++p) {
                *to++ = plane[sources[p][k]];
              }
            }
          }
        }
        const int64_t channel = block.first - group * g.oc;
        float sums[kPositions * kBlock] = {};
        if (bias != nullptr) {
          // + 0 as in ComputeCells.
          const int64_t width = std::min(kBlock, g.oc - channel);
          for (int64_t i = 0; i < width; ++i) {
            const float start = bias[block.first + i] + 0.0f;
            for (int64_t p = 0; p < kPositions; ++p)
              sums[p * kBlock + i] = start;
          }
        }
        tile.weight = packed_.data() + (group * blocks_ + channel / kBlock) *
                                           g.ic * tile.weight_step;
        add_tile(tile, sums);
        const int64_t end = std::min(begin + kPositions, count);
        for (size_t i = block.begin; i < block.end; ++i) {
          const int64_t c = cells[1][i];
          float* plane = out + (n * g.groups * g.oc + c) * out_plane;
          for (int64_t at = begin; at < end; ++at) {
            plane[positions_[static_cast<size_t>(at)]] =
                OneNaN(sums[(at - begin) * kBlock + c - block.first]);
          }
        }
      }
    }
  }
}

}  // namespace convscope
#endif  // HWY_ONCE
