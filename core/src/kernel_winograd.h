// Winograd's convolution, for 3x3 kernels of stride 1: see kernel_winograd.cc.
#ifndef CONVSCOPE_SRC_KERNEL_WINOGRAD_H_
#define CONVSCOPE_SRC_KERNEL_WINOGRAD_H_

#include <memory>

#include "convscope/conv.h"

namespace convscope {

// Whether the kernel below may compute such a layer, and would gain by it.
bool SuitsWinograd(const ConvGeometry& geometry);

// Math::kFast only: its sums are others than the reproducible ones. The weights
// must be finite.
Status MakeWinogradKernel(const ConvGeometry& geometry, const float* weight,
                          const float* bias, std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_WINOGRAD_H_
