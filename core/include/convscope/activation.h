// Activations: functions of one cell.
#ifndef CONVSCOPE_ACTIVATION_H_
#define CONVSCOPE_ACTIVATION_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "convscope/layer.h"

namespace convscope {

// With the options that each one takes.
enum class ActivationKind {
  kReLU,       // max(x, 0)
  kReLU6,      // min(max(x, 0), 6)
  kLeakyReLU,  // x > 0 ? x : negative_slope * x
  kELU,        // x > 0 ? x : alpha * (exp(x) - 1)
  kSELU,       // an ELU times 1.0507…, with alpha 1.6732…
  kCELU,       // x > 0 ? x : alpha * (exp(x / alpha) - 1)
  kGELU,       // x * P(a normal number < x); approximate "tanh"
  kSiLU,       // x * sigmoid(x)
  kMish,       // x * tanh(softplus(x))
  kSigmoid,    // 1 / (1 + exp(-x))
  kTanh,
  kSoftplus,     // log(1 + exp(beta * x)) / beta; x where beta * x > threshold
  kSoftsign,     // x / (1 + |x|)
  kHardswish,    // x * min(max(x + 3, 0), 6) / 6
  kHardsigmoid,  // min(max(x + 3, 0), 6) / 6
  kHardtanh,     // min(max(x, min_val), max_val)
  kLogSigmoid,   // log(sigmoid(x))
};

// torch.nn's name: "ReLU", "LogSigmoid".
const char* ToString(ActivationKind kind);
// False if torch.nn's `name` is none of them.
bool ParseActivationKind(std::string_view name, ActivationKind* kind);

// torch's arguments under torch's names, with torch's defaults. An option that
// the kind does not take is ignored.
struct ActivationOptions {
  ActivationKind kind = ActivationKind::kReLU;
  double negative_slope = 0.01;
  double alpha = 1.0;
  std::string approximate = "none";  // or "tanh"
  double beta = 1.0;
  double threshold = 20.0;
  double min_val = -1.0;
  double max_val = 1.0;
};

// Applies the function to every cell of an input of any shape.
//
// Evaluated in double precision and rounded once, by code of our own for exp
// and its like (exact_math.h), because the bits of those differ from one
// machine's library to the next. At a kink the derivative is the one torch
// takes.
//
// Source: torch.nn; the formulas' special values are those of ATen's kernels.
class Activation : public Layer {
 public:
  static Status Create(const ActivationOptions& options,
                       std::unique_ptr<Activation>* activation);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  std::string WhyKept(const Shape& in_shape, const float* in,
                      const Shape& index, std::span<const int32_t> inputs,
                      std::span<const int32_t> weights) const override;

  const ActivationOptions& options() const { return options_; }

 private:
  ActivationOptions options_;
};

}  // namespace convscope

#endif  // CONVSCOPE_ACTIVATION_H_
