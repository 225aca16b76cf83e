// The convolution kernels: what computes a whole output as fast as the machine
// allows, with the bits that Conv::ForwardCells defines.
//
// A convolution is split into phases (kernel_phase.h), each an ordinary
// convolution even where the layer is a transposed one, and a kernel is chosen
// by the shape alone:
//
//   "gemm"      many channels: a matrix product whose right side is packed
//               panel by panel out of the input (kernel_gemm.cc)
//   "small"     many channels, few pixels: the same product with the channels
//               in the vectors (kernel_small.cc)
//   "depthwise" one channel from one: down the plane, where it lies
//               (kernel_depthwise.cc)
//   "rows"      few channels: straight out of a padded copy of some rows
//               (kernel_rows.cc)
//   "winograd"  3x3 of stride 1, in fast math only (kernel_winograd.cc)
//   "cells"     anything, one output after the other, where an infinite weight
//               meets a padding cell (conv_cells.cc)
#ifndef CONVSCOPE_SRC_KERNELS_H_
#define CONVSCOPE_SRC_KERNELS_H_

#include <memory>

#include "convscope/conv.h"

namespace convscope {

// A kernel for inputs of this geometry. `weight` ([G * OC][IC][k...],
// transposed [G * IC][OC][k...]) and `bias` ([G * OC] or null) are read now and
// again at each Repack(), so they must stay where they are. Pointers and not a
// Conv, because the gradient by the input is such a convolution, too. Only
// memory can fail.
Status MakeConvKernel(const ConvGeometry& geometry, const float* weight,
                      const float* bias, Math math,
                      std::unique_ptr<Kernel>* kernel);

// Writes the gradient of sum(output * grad_output) by the weight, in the
// weight's own layout; the order of its sums is documented in
// conv_backward.cc. Only memory can fail.
Status WeightGradient(const ConvGeometry& geometry, const float* in,
                      const float* grad_output, float* grad_weight);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNELS_H_
