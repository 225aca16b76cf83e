// Convolution of single planes, for depthwise layers and image filters: see
// kernel_depthwise.cc.
#ifndef CONVSCOPE_SRC_KERNEL_DEPTHWISE_H_
#define CONVSCOPE_SRC_KERNEL_DEPTHWISE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "convscope/conv.h"
#include "core/src/conv_task.h"

namespace convscope {

// Some columns of outputs. Offsets in floats.
struct WalkBlock {
  int64_t x;     // of what tap 0 of the first column reads
  int64_t out;   // of the first column, from the first output row
  bool is_edge;  // x lies in `edges`, not in the input
};

// Vectors per block that a walk holds of unfinished rows, at most.
inline constexpr size_t kWalkSums = 8;

// Some rows of a plane, as the functions of kernel_depthwise-inl.h go through
// them. Distances in floats.
struct Walk {
  const WalkBlock* blocks;
  size_t count;  // of blocks
  const float* in;
  size_t in_row;       // from row to row
  const float* edges;  // columns that meet the padding, copied with it
  size_t edge_row;
  const float* zeros;    // a block's reach
  const float* weights;  // of one plane, in the order that the function asks
  size_t taps;           // columns of the kernel
  float bias;
  float* sums;           // [block][kWalkSums] vectors: unfinished rows
  bool resumes, pauses;  // whether to read them first, to leave them at last
  float* out;
  size_t out_row;
  size_t rows;   // input rows; of stride 2, turns of an even and an odd row
  size_t late;   // complete rows of sums that lie above the first output
  size_t flush;  // rows of sums that are complete when the input ends
  // Of stride 2: whether the first even row, or the last odd one, is padding.
  bool begins_odd, ends_even;
};

// Whether the kernel below is made for such a layer.
bool SuitsDepthwise(const ConvGeometry& geometry);

// The weights must be finite where windows meet zero padding: some of its cells
// are multiplied here.
Status MakeDepthwiseKernel(const ConvTask& task,
                           std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_DEPTHWISE_H_
