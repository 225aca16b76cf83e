// A layer run on plain vectors, with guards around everything it writes.
#ifndef CONVSCOPE_TESTS_SUPPORT_RUN_H_
#define CONVSCOPE_TESTS_SUPPORT_RUN_H_

#include <vector>

#include "convscope/layer.h"

namespace convscope::testing {

// Memory of `size` floats between guards.
class Guarded {
 public:
  explicit Guarded(int64_t size);
  float* data() { return values_.data() + kGuard; }
  // The content; throws std::logic_error if a guard was overwritten.
  std::vector<float> Take() const;

 private:
  static constexpr size_t kGuard = 64;
  std::vector<float> values_;
};

// layer.MakeKernel and Kernel::Run.
Status Forward(const Layer& layer, const Shape& in_shape,
               const std::vector<float>& in, Math math,
               std::vector<float>* out);

// The reproducible run. Throws std::runtime_error where it is refused.
std::vector<float> Forward(const Layer& layer, const Shape& in_shape,
                           const std::vector<float>& in);

struct AllGradients {
  std::vector<float> input;
  std::vector<std::vector<float>> parameters;
};
// layer.Backward for everything. Throws where it is refused.
AllGradients Backward(const Layer& layer, const Shape& in_shape,
                      const std::vector<float>& in,
                      const std::vector<float>& grad_output);

// layer.OutputShape. Throws where it is refused.
Shape OutputShape(const Layer& layer, const Shape& in_shape);

// Throws std::runtime_error with the message of a refusal.
void Require(const Status& status);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_RUN_H_
