// Some positions of a convolution's output in many channels: what an edit of
// the input reaches.
#ifndef CONVSCOPE_SRC_CELL_CHANNELS_H_
#define CONVSCOPE_SRC_CELL_CHANNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "convscope/buffer.h"
#include "convscope/conv.h"
#include "core/src/conv_cells.h"

namespace convscope {

// A matrix product, by the register tile that runs whole layers: the rows are
// positions, whose inputs are gathered first, and the columns output channels,
// side by side in a copy of the weight.
class CellChannels {
 public:
  // `weight` as in ComputeCells. Only memory can fail.
  Status Pack(const ConvGeometry& geometry, const float* weight);
  // The copy takes over element `offset` of the weight.
  void PackOne(const ConvGeometry& geometry, const float* weight,
               int64_t offset);

  // Whether the output channels `channels` fill the blocks that they lie in
  // well enough for Run() to be the fast way.
  bool Suits(const ConvGeometry& geometry, const IndexList& channels) const;

  // The bits of ComputeCells. False if memory ended; then nothing was written.
  bool Run(const ConvGeometry& geometry, const float* bias, const float* in,
           const ConvCells& cells, float* out);

 private:
  // The outputs of one axis that meet the input at the same taps.
  struct TapClass {
    std::vector<Tap> taps;
    IndexList outputs;
  };
  // A weight block that holds wanted channels of a group.
  struct Block {
    int64_t first;      // its first channel, counted over all groups
    size_t begin, end;  // the wanted channels, in ConvCells[1]
  };
  // Entries [begin, end) of positions_ in batch entry `n`.
  struct Positions {
    int64_t n, begin, end;
  };

  void Classify(const AxisMap& map, const IndexList& outputs,
                std::vector<TapClass>* classes);
  void FindBlocks(const ConvGeometry& geometry, const IndexList& channels,
                  std::vector<Block>* blocks) const;
  void RunPositions(const ConvGeometry& geometry, const float* bias,
                    const float* in, const ConvCells& cells, float* out);
  void GatherPatch(const ConvGeometry& geometry, const float* in, int64_t group,
                   const Positions& some);
  const float* WeightsOf(const ConvGeometry& geometry, int64_t block);
  void RunBlock(const ConvGeometry& geometry, const float* bias,
                const IndexList& channels, const Block& block,
                const Positions& some, float* out);

  Buffer<float> packed_;  // [G][blocks per group][IC][K][width_]
  int64_t blocks_ = 0;    // per group
  int64_t width_ = 0;     // channels of a block
  // Kept between runs so that an edit allocates little.
  Buffer<float> patch_;  // [tiles][IC][taps][positions of the tile]
  Buffer<float> few_;    // [IC][taps][width_], where these are not all taps
  Buffer<float> sums_;   // [positions][width_]
  std::vector<TapClass> depths_, heights_, widths_;
  std::vector<Block> found_;
  std::vector<Tap> by_depth_, by_height_, by_width_, upper_, taps_;
  std::vector<int64_t> weights_;    // of the taps, in the kernel
  std::vector<int64_t> positions_;  // output offsets within a plane
  std::vector<int32_t> sources_;    // input offsets, [positions][taps]
  std::vector<int32_t> gathered_;   // the same for a tile, [taps][positions]
  std::vector<int64_t> tiles_;      // their positions
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CELL_CHANNELS_H_
