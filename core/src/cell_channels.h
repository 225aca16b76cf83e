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

// Keeps a copy of the weight in which output channels lie side by side, eight
// to a block, and computes three positions of a block at once: the weight,
// which is most of what has to be read, is fetched once for the three. What
// they read of the input is gathered first, because the planes of its channels
// lie far apart, often at the same place of the cache.
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

  void Classify(const AxisMap& map, const IndexList& outputs,
                std::vector<TapClass>* classes);
  void FindBlocks(const ConvGeometry& geometry, const IndexList& channels,
                  std::vector<Block>* blocks) const;
  void RunPositions(const ConvGeometry& geometry, const float* bias,
                    const float* in, const ConvCells& cells, float* out);

  Buffer<float> packed_;  // [G][blocks per group][IC][K][8]
  Buffer<float> patch_;   // [IC][taps][3]: what three positions read
  int64_t blocks_ = 0;    // per group
  // Kept between runs so that an edit allocates little.
  std::vector<TapClass> depth_, height_, width_;
  std::vector<Block> found_;
  std::vector<Tap> by_depth_, by_height_, by_width_, upper_, taps_;
  std::vector<int64_t> weights_;    // of the taps, in one input channel's block
  std::vector<int64_t> positions_;  // output offsets within a plane
  std::vector<int64_t> sources_;    // input offsets, [positions][taps]
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CELL_CHANNELS_H_
