// What the kernels of convolutions are made of, and how one is made.
#ifndef CONVSCOPE_SRC_CONV_TASK_H_
#define CONVSCOPE_SRC_CONV_TASK_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "convscope/conv.h"

namespace convscope {

// A convolution of one input shape, with its numbers as in ComputeCells.
struct ConvTask {
  ConvGeometry geometry;
  const float* weight;
  const float* bias;  // null: 0
  bool is_fast;       // Math::kFast

  // What the sums of output channel `c`, counted over all groups, begin with.
  // + 0 as in ComputeCells.
  float StartOf(int64_t c) const {
    return bias == nullptr ? 0.0f : bias[c] + 0.0f;
  }
};

// A kernel of class K, which takes the task first and memory then: only that
// can fail.
template <class K>
Status MakeKernelOf(const ConvTask& task, std::unique_ptr<Kernel>* kernel) {
  auto made = std::make_unique<K>(task);
  CONVSCOPE_RETURN_IF_ERROR(made->Allocate());
  *kernel = std::move(made);
  return Ok();
}

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CONV_TASK_H_
