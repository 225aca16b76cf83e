#include "tests/core/support/run.h"

#include <bit>
#include <stdexcept>

namespace convscope::testing {
namespace {

// A NaN that no layer writes.
constexpr uint32_t kGuardBits = 0x7fabcdef;

}  // namespace

Guarded::Guarded(int64_t size)
    : values_(static_cast<size_t>(size) + 2 * kGuard,
              std::bit_cast<float>(kGuardBits)) {}

std::vector<float> Guarded::Take() const {
  for (size_t i = 0; i < kGuard; ++i) {
    if (std::bit_cast<uint32_t>(values_[i]) != kGuardBits ||
        std::bit_cast<uint32_t>(values_[values_.size() - 1 - i]) !=
            kGuardBits) {
      throw std::logic_error("memory beside the result was overwritten");
    }
  }
  return {values_.begin() + kGuard, values_.end() - kGuard};
}

void Require(const Status& status) {
  if (!status.ok()) throw std::runtime_error("refused: " + status.message);
}

Shape OutputShape(const Layer& layer, const Shape& in_shape) {
  Shape shape;
  Require(layer.OutputShape(in_shape, &shape));
  return shape;
}

Status Forward(const Layer& layer, const Shape& in_shape,
               const std::vector<float>& in, Math math,
               std::vector<float>* out) {
  Shape shape;
  CONVSCOPE_RETURN_IF_ERROR(layer.OutputShape(in_shape, &shape));
  std::unique_ptr<Kernel> kernel;
  CONVSCOPE_RETURN_IF_ERROR(layer.MakeKernel(in_shape, math, &kernel));
  Guarded guarded(shape.elements());
  kernel->Run(in.data(), guarded.data());
  *out = guarded.Take();
  return Ok();
}

std::vector<float> Forward(const Layer& layer, const Shape& in_shape,
                           const std::vector<float>& in) {
  std::vector<float> out;
  Require(Forward(layer, in_shape, in, Math::kReproducible, &out));
  return out;
}

AllGradients Backward(const Layer& layer, const Shape& in_shape,
                      const std::vector<float>& in,
                      const std::vector<float>& grad_output) {
  Guarded input(in_shape.elements());
  std::vector<Guarded> parameters;
  for (const Parameter& parameter : layer.Parameters()) {
    parameters.emplace_back(parameter.shape.elements());
  }
  Gradients gradients;
  gradients.input = input.data();
  for (Guarded& guarded : parameters) {
    gradients.parameters.push_back(guarded.data());
  }
  Require(layer.Backward(in_shape, in.data(), grad_output.data(), gradients));
  AllGradients all;
  all.input = input.Take();
  for (const Guarded& guarded : parameters) {
    all.parameters.push_back(guarded.Take());
  }
  return all;
}

}  // namespace convscope::testing
