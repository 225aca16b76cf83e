#include "core/src/cell_channels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/src/cell_channels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
//
#include "core/src/kernel_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Output channels side by side: the columns of the tile.
int64_t BlockChannels() { return PanelColumns<Reproducible>(); }

// At most so many positions are the rows of one tile.
int64_t TilePositions() { return MaxRows<Reproducible>(); }

// Adds to sums[positions][channels] the products of patch[terms][positions] and
// weight[terms][channels], one after the other.
void AddProducts(int64_t positions, const float* patch, const float* weight,
                 int64_t terms, float* sums) {
  TileArguments a = {};
  a.w = patch;
  a.b = weight;
  a.panels = 1;
  a.depth = static_cast<size_t>(terms);
  a.is_last = true;
  a.c = sums;
  a.c_stride = static_cast<size_t>(BlockChannels());
  AnyTile<Reproducible>(positions, MaxVectors<Reproducible>(), a);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace convscope {
namespace {

HWY_EXPORT(BlockChannels);
HWY_EXPORT(TilePositions);
HWY_EXPORT(AddProducts);

// The most positions whose inputs are gathered at once: a second tile should
// find the weights that the first one read in the cache.
constexpr int64_t kMostPositions = 10;

bool SameWeights(const std::vector<Tap>& a, const std::vector<Tap>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const Tap& x, const Tap& y) { return x.weight == y.weight; });
}

}  // namespace

Status CellChannels::Pack(const ConvGeometry& g, const float* weight) {
  width_ = HWY_DYNAMIC_DISPATCH(BlockChannels)();
  blocks_ = (g.oc + width_ - 1) / width_;
  CONVSCOPE_RETURN_IF_ERROR(
      packed_.Allocate(g.groups * blocks_ * g.ic * g.taps() * width_));
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
  const int64_t block = group * blocks_ + oc / width_;
  packed_.data()[((block * g.ic + ic) * taps + k) * width_ + oc % width_] =
      weight[offset];
}

void CellChannels::FindBlocks(const ConvGeometry& g, const IndexList& channels,
                              std::vector<Block>* blocks) const {
  blocks->clear();
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t group = channels[i] / g.oc;
    const int64_t first = channels[i] - (channels[i] - group * g.oc) % width_;
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
  return channels.size() * 2 > blocks.size() * static_cast<size_t>(width_);
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
      classes->push_back({taps_, {}});
      found = classes->end() - 1;
    }
    found->outputs.push_back(o);
  }
}

bool CellChannels::Run(const ConvGeometry& g, const float* bias,
                       const float* in, const ConvCells& cells, float* out) {
  const int64_t terms = g.ic * g.taps();
  if (patch_.size() == 0 && (!patch_.Allocate(terms * kMostPositions).ok() ||
                             !few_.Allocate(terms * width_).ok() ||
                             !sums_.Allocate(kMostPositions * width_).ok())) {
    return false;
  }
  FindBlocks(g, cells[1], &found_);
  Classify(g.axes[0], cells[2], &depths_);
  Classify(g.axes[1], cells[3], &heights_);
  Classify(g.axes[2], cells[4], &widths_);
  for (const TapClass& depth : depths_) {
    for (const TapClass& height : heights_) {
      for (const TapClass& width : widths_) {
        JoinTaps(depth.taps, height.taps, g.axes[1], &upper_);
        JoinTaps(upper_, width.taps, g.axes[2], &taps_);
        weights_.clear();
        for (const Tap& tap : taps_) weights_.push_back(tap.weight);
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
              for (const Tap& tap : taps_) {
                sources_.push_back(static_cast<int32_t>(tap.in));
              }
            }
          }
        }
        RunPositions(g, bias, in, cells, out);
      }
    }
  }
  return true;
}

// All positions of positions_, which meet the input at the same taps.
void CellChannels::RunPositions(const ConvGeometry& g, const float* bias,
                                const float* in, const ConvCells& cells,
                                float* out) {
  const auto count = static_cast<int64_t>(positions_.size());
  for (int32_t n : cells[0]) {
    for (int64_t begin = 0; begin < count; begin += kMostPositions) {
      const Positions some{n, begin, std::min(begin + kMostPositions, count)};
      int64_t gathered = -1;  // the group whose input the patch holds
      for (const Block& block : found_) {
        const int64_t group = block.first / g.oc;
        if (group != gathered) GatherPatch(g, in, group, some);
        gathered = group;
        RunBlock(g, bias, cells[1], block, some, out);
      }
    }
  }
}

// Lays side by side what the positions read, tile by tile.
void CellChannels::GatherPatch(const ConvGeometry& g, const float* in,
                               int64_t group, const Positions& some) {
  const int64_t in_plane = g.in_plane();
  const auto taps = static_cast<int64_t>(weights_.size());
  const int64_t most = HWY_DYNAMIC_DISPATCH(TilePositions)();
  tiles_.clear();
  float* to = patch_.data();
  for (int64_t begin = some.begin; begin < some.end;) {
    // As even as can be: 9 are 5 and 4, 6 are 3 and 3.
    const int64_t left = some.end - begin;
    const int64_t tiles = (left + most - 1) / most;
    const int64_t tile = (left + tiles - 1) / tiles;
    tiles_.push_back(tile);
    gathered_.clear();
    for (int64_t k = 0; k < taps; ++k) {
      for (int64_t p = 0; p < tile; ++p) {
        gathered_.push_back(
            sources_[static_cast<size_t>((begin + p) * taps + k)]);
      }
    }
    const float* plane = in + (some.n * g.groups + group) * g.ic * in_plane;
    for (int64_t ic = 0; ic < g.ic; ++ic, plane += in_plane) {
      for (int32_t source : gathered_) *to++ = plane[source];
    }
    begin += tile;
  }
}

// The weights of a block for the taps that the positions have.
const float* CellChannels::WeightsOf(const ConvGeometry& g, int64_t block) {
  const float* all = packed_.data() + block * g.ic * g.taps() * width_;
  if (static_cast<int64_t>(weights_.size()) == g.taps()) return all;
  float* to = few_.data();
  for (int64_t ic = 0; ic < g.ic; ++ic, all += g.taps() * width_) {
    for (int64_t k : weights_) to = std::copy_n(all + k * width_, width_, to);
  }
  return few_.data();
}

// The wanted channels of one block at some positions.
void CellChannels::RunBlock(const ConvGeometry& g, const float* bias,
                            const IndexList& channels, const Block& block,
                            const Positions& some, float* out) {
  const int64_t group = block.first / g.oc;
  const int64_t first = block.first % g.oc;
  const float* weights = WeightsOf(g, group * blocks_ + first / width_);
  const int64_t terms = g.ic * static_cast<int64_t>(weights_.size());
  std::fill_n(sums_.data(), sums_.size(), 0.0f);
  if (bias != nullptr) {
    const int64_t filled = std::min(width_, g.oc - first);
    for (int64_t p = 0; p < some.end - some.begin; ++p) {
      // + 0 as in ComputeCells.
      for (int64_t c = 0; c < filled; ++c) {
        sums_.data()[p * width_ + c] = bias[block.first + c] + 0.0f;
      }
    }
  }
  const float* patch = patch_.data();
  float* sums = sums_.data();
  for (int64_t tile : tiles_) {
    HWY_DYNAMIC_DISPATCH(AddProducts)(tile, patch, weights, terms, sums);
    patch += tile * terms;
    sums += tile * width_;
  }
  for (size_t wanted = block.begin; wanted < block.end; ++wanted) {
    const int64_t c = channels[wanted];
    float* plane = out + (some.n * g.groups * g.oc + c) * g.out_plane();
    const float* sum = sums_.data() + c - block.first;
    for (int64_t p = some.begin; p < some.end; ++p, sum += width_) {
      plane[positions_[static_cast<size_t>(p)]] = *sum;
    }
  }
}

}  // namespace convscope
#endif  // HWY_ONCE
