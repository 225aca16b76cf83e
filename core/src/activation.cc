#include "convscope/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/src/exact_math.h"
#include "core/src/format.h"
#include "core/src/nan.h"
#include "core/src/python_float.h"

namespace convscope {
namespace {

constexpr const char* kNames[] = {
    "ReLU",     "ReLU6",     "LeakyReLU",   "ELU",      "SELU",      "CELU",
    "GELU",     "SiLU",      "Mish",        "Sigmoid",  "Tanh",      "Softplus",
    "Softsign", "Hardswish", "Hardsigmoid", "Hardtanh", "LogSigmoid"};

constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSqrtHalf = 0.70710678118654752;
constexpr double kInvSqrt2Pi = 0.39894228040143268;   // 1 / sqrt(2 pi)
constexpr double kSqrt2OverPi = 0.79788456080286536;  // sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;

// NaN passes both, as through torch's clamp.
double AtLeast(double x, double low) { return x < low ? low : x; }
double AtMost(double x, double high) { return x > high ? high : x; }

double Sigmoid(double x) { return 1 / (1 + ExactExp(-x)); }

// Each function below is a pair: its value at x, and the gradient g * f'(x).
// The gradient is no plain product, because where f is flat it is 0 even if g
// is infinite. Infinite x take the limits of the formula as torch writes it:
// gelu(-inf) is -inf * 0, not a number.

struct ReLU {
  double Value(double x) const { return AtLeast(x, 0); }
  double Gradient(double x, double g) const { return x <= 0 ? 0 : g; }
};

struct Clamp {
  double low, high;
  double Value(double x) const { return AtMost(AtLeast(x, low), high); }
  double Gradient(double x, double g) const {
    return x <= low || x >= high ? 0 : g;
  }
};

struct LeakyReLU {
  double slope;
  double Value(double x) const { return x > 0 ? x : x * slope; }
  double Gradient(double x, double g) const { return x > 0 ? g : g * slope; }
};

// scale * (x > 0 ? x : alpha * (exp(x * rate) - 1)): ELU, SELU and CELU.
struct Exponential {
  double alpha, rate, scale;
  double Value(double x) const {
    return x <= 0 ? ExactExpm1(x * rate) * (alpha * scale) : x * scale;
  }
  double Gradient(double x, double g) const {
    return x <= 0 ? g * rate * (alpha * scale) * ExactExp(x * rate) : g * scale;
  }
};

struct GELU {
  double Value(double x) const { return x * (0.5 * ExactErfc(-x * kSqrtHalf)); }
  double Gradient(double x, double g) const {
    return g * (0.5 * ExactErfc(-x * kSqrtHalf) +
                x * (kInvSqrt2Pi * ExactExp(-0.5 * x * x)));
  }
};

struct TanhGELU {
  static double Inner(double x) {
    return kSqrt2OverPi * (x + kGeluCubic * (x * x * x));
  }
  double Value(double x) const { return 0.5 * x * (1 + ExactTanh(Inner(x))); }
  double Gradient(double x, double g) const {
    const double tanh = ExactTanh(Inner(x));
    const double slope = kSqrt2OverPi * (1 + 3 * kGeluCubic * (x * x));
    return g * (0.5 * (1 + tanh) + 0.5 * x * ((1 - tanh * tanh) * slope));
  }
};

struct SiLU {
  double Value(double x) const { return x / (1 + ExactExp(-x)); }
  double Gradient(double x, double g) const {
    const double s = Sigmoid(x);
    return g * (s * (1 + x * (1 - s)));
  }
};

struct Mish {
  // tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2) with e = exp(x).
  static double TanhSoftplus(double x) {
    if (x > 40) return 1;  // to the last bit, and e^2 would overflow
    const double e = ExactExp(x);
    const double z = e * (e + 2);
    return z / (z + 2);
  }
  double Value(double x) const { return x * TanhSoftplus(x); }
  double Gradient(double x, double g) const {
    const double t = TanhSoftplus(x);
    return g * (t + x * Sigmoid(x) * (1 - t * t));
  }
};

struct SigmoidFunction {
  double Value(double x) const { return Sigmoid(x); }
  double Gradient(double x, double g) const {
    const double s = Sigmoid(x);
    return g * ((1 - s) * s);
  }
};

struct Tanh {
  double Value(double x) const { return ExactTanh(x); }
  double Gradient(double x, double g) const {
    const double t = ExactTanh(x);
    return g * (1 - t * t);
  }
};

struct Softplus {
  double beta, threshold;
  double Value(double x) const {
    const double z = x * beta;
    return z > threshold ? x : ExactLog1p(ExactExp(z)) / beta;
  }
  double Gradient(double x, double g) const {
    const double z = x * beta;
    if (z > threshold) return g;
    const double e = ExactExp(z);
    return g * e / (e + 1);
  }
};

struct Softsign {
  double Value(double x) const { return x / (1 + std::fabs(x)); }
  double Gradient(double x, double g) const {
    const double size = 1 + std::fabs(x);
    // The chain rule's second part is inf / inf there.
    if (std::isinf(size)) return std::numeric_limits<double>::quiet_NaN();
    return g / size / size;
  }
};

struct Hardswish {
  double Value(double x) const { return x * AtMost(AtLeast(x + 3, 0), 6) / 6; }
  double Gradient(double x, double g) const {
    if (x <= -3) return 0;
    return x < 3 ? g * (x / 3 + 0.5) : g;
  }
};

struct Hardsigmoid {
  double Value(double x) const { return AtMost(AtLeast(x + 3, 0), 6) / 6; }
  double Gradient(double x, double g) const {
    return x > -3 && x < 3 ? g * (1.0 / 6) : 0;
  }
};

struct LogSigmoid {
  double Value(double x) const {
    return AtMost(x, 0) - ExactLog1p(ExactExp(-std::fabs(x)));
  }
  double Gradient(double x, double g) const {
    const double z = ExactExp(-std::fabs(x));
    return g * (x < 0 ? 1 - z / (1 + z) : z / (1 + z));
  }
};

// Calls use(function) with the function that `options` names.
template <class Use>
void WithFunction(const ActivationOptions& options, Use use) {
  switch (options.kind) {
    case ActivationKind::kReLU:
      return use(ReLU{});
    case ActivationKind::kReLU6:
      return use(Clamp{0, 6});
    case ActivationKind::kLeakyReLU:
      return use(LeakyReLU{options.negative_slope});
    case ActivationKind::kELU:
      return use(Exponential{options.alpha, 1, 1});
    case ActivationKind::kSELU:
      return use(Exponential{kSeluAlpha, 1, kSeluScale});
    case ActivationKind::kCELU:
      return use(Exponential{options.alpha, 1 / options.alpha, 1});
    case ActivationKind::kGELU:
      if (options.approximate == "tanh") return use(TanhGELU{});
      return use(GELU{});
    case ActivationKind::kSiLU:
      return use(SiLU{});
    case ActivationKind::kMish:
      return use(Mish{});
    case ActivationKind::kSigmoid:
      return use(SigmoidFunction{});
    case ActivationKind::kTanh:
      return use(Tanh{});
    case ActivationKind::kSoftplus:
      return use(Softplus{options.beta, options.threshold});
    case ActivationKind::kSoftsign:
      return use(Softsign{});
    case ActivationKind::kHardswish:
      return use(Hardswish{});
    case ActivationKind::kHardsigmoid:
      return use(Hardsigmoid{});
    case ActivationKind::kHardtanh:
      return use(Clamp{options.min_val, options.max_val});
    case ActivationKind::kLogSigmoid:
      return use(LogSigmoid{});
  }
}

// out = f(in) for `count` cells in a row, and in the same way the gradients.
void ValuesOf(const ActivationOptions& options, const float* in, int64_t count,
              float* out) {
  WithFunction(options, [&](const auto& function) {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = OneNaN(static_cast<float>(function.Value(in[i])));
    }
  });
}

void GradientsOf(const ActivationOptions& options, const float* in,
                 const float* grad_output, int64_t count, float* grad_input) {
  WithFunction(options, [&](const auto& function) {
    for (int64_t i = 0; i < count; ++i) {
      grad_input[i] =
          OneNaN(static_cast<float>(function.Gradient(in[i], grad_output[i])));
    }
  });
}

// Calls visit(begin, count) for each run of cells that lie side by side.
template <class Visit>
void ForEachRun(const Shape& shape, const Product& cells, Visit visit) {
  int64_t begin = 0;
  int64_t end = 0;
  ForEachOffset(shape, cells, [&](int64_t offset) {
    if (offset != end) {
      if (end > begin) visit(begin, end - begin);
      begin = offset;
    }
    end = offset + 1;
  });
  if (end > begin) visit(begin, end - begin);
}

}  // namespace

const char* ToString(ActivationKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

bool ParseActivationKind(std::string_view name, ActivationKind* kind) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name != kNames[i]) continue;
    *kind = static_cast<ActivationKind>(i);
    return true;
  }
  return false;
}

Status Activation::Create(const ActivationOptions& options,
                          std::unique_ptr<Activation>* activation) {
  switch (options.kind) {
    case ActivationKind::kGELU:
      if (options.approximate != "none" && options.approximate != "tanh") {
        return Error(Code::kShape,
                     "approximate argument must be either none or tanh.");
      }
      break;
    case ActivationKind::kCELU:
      if (options.alpha == 0) {
        return Error(Code::kValue, "alpha cannot be 0 for CELU");
      }
      break;
    case ActivationKind::kHardtanh:
      if (options.min_val > options.max_val) {
        return Error(Code::kValue, "min_val cannot be greater than max_val");
      }
      break;
    default:
      break;
  }
  *activation = std::make_unique<Activation>();
  (*activation)->options_ = options;
  return Ok();
}

std::string Activation::ToString() const {
  const ActivationOptions& o = options_;
  std::string arguments;
  switch (o.kind) {
    case ActivationKind::kLeakyReLU:
      arguments = Format("negative_slope={}", {PythonFloat(o.negative_slope)});
      break;
    case ActivationKind::kELU:
    case ActivationKind::kCELU:
      arguments = Format("alpha={}", {PythonFloat(o.alpha)});
      break;
    case ActivationKind::kGELU:
      arguments = Format("approximate='{}'", {o.approximate});
      break;
    case ActivationKind::kSoftplus:
      arguments = Format("beta={}, threshold={}",
                         {PythonFloat(o.beta), PythonFloat(o.threshold)});
      break;
    case ActivationKind::kHardtanh:
      arguments = Format("min_val={}, max_val={}",
                         {PythonFloat(o.min_val), PythonFloat(o.max_val)});
      break;
    default:
      break;
  }
  return Format("{}({})", {convscope::ToString(o.kind), arguments});
}

Status Activation::OutputShape(const Shape& in, Shape* out) const {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  *out = in;
  return Ok();
}

void Activation::Forward(const Shape& in_shape, const float* in,
                         float* out) const {
  ValuesOf(options_, in, in_shape.elements(), out);
}

void Activation::ForwardCells(const Shape& in_shape, const float* in,
                              const Product& cells, float* out) const {
  ForEachRun(in_shape, cells, [&](int64_t begin, int64_t count) {
    ValuesOf(options_, in + begin, count, out + begin);
  });
}

Status Activation::Backward(const Shape& in_shape, const float* in,
                            const float* grad_output,
                            const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  GradientsOf(options_, in, grad_output, in_shape.elements(), gradients.input);
  return Ok();
}

Status Activation::BackwardCells(const Shape& in_shape, const float* in,
                                 const Product& cells, const float* grad_output,
                                 float* grad_input) const {
  ForEachRun(in_shape, cells, [&](int64_t begin, int64_t count) {
    constexpr int64_t kPiece = 64;
    float piece[kPiece];
    for (int64_t i = begin; i < begin + count; i += kPiece) {
      const int64_t size = std::min(kPiece, begin + count - i);
      GradientsOf(options_, in + i, grad_output + i, size, piece);
      for (int64_t k = 0; k < size; ++k) grad_input[i + k] += piece[k];
    }
  });
  return Ok();
}

std::vector<AxisMap> Activation::AxisMaps(const Shape& in) const {
  std::vector<AxisMap> maps;
  for (int64_t size : in.span()) maps.push_back(AxisMap::Identity(size));
  return maps;
}

std::string Activation::WhyKept(const Shape&, const float*, const Shape&,
                                std::span<const int32_t>,
                                std::span<const int32_t>) const {
  switch (options_.kind) {
    // Flat where they cut.
    case ActivationKind::kReLU:
    case ActivationKind::kReLU6:
    case ActivationKind::kHardswish:
    case ActivationKind::kHardsigmoid:
    case ActivationKind::kHardtanh:
      return std::string(convscope::ToString(options_.kind)) + " cut it";
    default:
      return "rounded away";
  }
}

}  // namespace convscope
