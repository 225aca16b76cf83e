// Some cells of a convolution, fast: what a Watch computes after an edit.
#ifndef CONVSCOPE_SRC_CONV_CELL_KERNEL_H_
#define CONVSCOPE_SRC_CONV_CELL_KERNEL_H_

#include <cstddef>
#include <memory>

#include "convscope/conv.h"

namespace convscope {

// The bits of ComputeCells. An input edit reaches few positions in many output
// channels: it runs across channels (cell_channels.h). A weight edit reaches
// one channel at every position: it runs along rows (cell_planes.h). `rank` is
// that of the layer's tensors; `weight` and `bias` must stay where they are.
// Only memory can fail.
Status MakeConvCellKernel(const ConvGeometry& geometry, size_t rank, int axes,
                          const float* weight, const float* bias,
                          std::unique_ptr<CellKernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CONV_CELL_KERNEL_H_
