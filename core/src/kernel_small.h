// Convolution with few output pixels: see kernel_small.cc.
#ifndef CONVSCOPE_SRC_KERNEL_SMALL_H_
#define CONVSCOPE_SRC_KERNEL_SMALL_H_

#include <memory>

#include "convscope/conv.h"
#include "core/src/conv_task.h"

namespace convscope {

// Whether this kernel wastes less than the one of kernel_gemm.h.
bool SuitsSmall(const ConvGeometry& geometry);

// The weights must be finite where windows meet zero padding.
Status MakeSmallKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_SMALL_H_
