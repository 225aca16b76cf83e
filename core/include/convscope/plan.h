// Plan: a layer made ready for one input shape, with its buffers.
#ifndef CONVSCOPE_PLAN_H_
#define CONVSCOPE_PLAN_H_

#include <memory>

#include "convscope/buffer.h"
#include "convscope/layer.h"

namespace convscope {

// Usage: Create once, then write input(), Run(), read output(), as often as
// wanted. What depends on shapes is done in Create; Run cannot fail.
class Plan {
 public:
  // `layer` must outlive the plan.
  static Status Create(const Layer& layer, const Shape& in, Math math,
                       std::unique_ptr<Plan>* plan);

  void Run() { kernel_->Run(input_.data(), output_.data()); }
  // Reads the layer's parameters anew.
  void Repack() { kernel_->Repack(); }

  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return output_shape_; }
  float* input() { return input_.data(); }
  float* output() { return output_.data(); }
  const char* algorithm() const { return kernel_->algorithm(); }
  int64_t workspace_bytes() const { return kernel_->workspace_bytes(); }

 private:
  Shape input_shape_;
  Shape output_shape_;
  Buffer<float> input_;
  Buffer<float> output_;
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace convscope

#endif  // CONVSCOPE_PLAN_H_
