// Convolution as a matrix product: see kernel_gemm.cc.
#ifndef CONVSCOPE_SRC_KERNEL_GEMM_H_
#define CONVSCOPE_SRC_KERNEL_GEMM_H_

#include <memory>

#include "convscope/conv.h"
#include "core/src/conv_task.h"

namespace convscope {

// The weights must be finite where windows meet zero padding: a padding cell is
// multiplied here.
Status MakeGemmKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_GEMM_H_
