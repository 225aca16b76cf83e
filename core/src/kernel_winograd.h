// Winograd's convolution, for 3x3 kernels of stride 1: see kernel_winograd.cc.
#ifndef CONVSCOPE_SRC_KERNEL_WINOGRAD_H_
#define CONVSCOPE_SRC_KERNEL_WINOGRAD_H_

#include <memory>

#include "convscope/conv.h"
#include "core/src/conv_task.h"

namespace convscope {

// The points at which F(4x4) takes its products, beside 0 and infinity: +-a,
// +-b. The usual 1 and 2 err several times as much. a * b = 1.
inline constexpr float kWinogradA = 0.70710678f;
inline constexpr float kWinogradB = 1.41421356f;

// Whether the kernel below may compute such a layer, and would gain by it.
bool SuitsWinograd(const ConvGeometry& geometry);

// Math::kFast only: its sums are others than the reproducible ones. The weights
// must be finite.
Status MakeWinogradKernel(const ConvTask& task,
                          std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_WINOGRAD_H_
