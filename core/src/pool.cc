#include "convscope/pool.h"

#include <algorithm>

#include "core/src/format.h"
#include "core/src/nan.h"
#include "core/src/pool_shape.h"
#include "core/src/pool_windows.h"

namespace convscope {
namespace {

PoolArguments Arguments(const MaxPoolOptions& options) {
  PoolArguments pool;
  pool.is_max = true;
  pool.axes = static_cast<size_t>(options.axes);
  pool.kernel = options.kernel_size.values;
  if (options.stride) pool.stride = options.stride->values;
  pool.padding = options.padding.values;
  pool.dilation = options.dilation.values;
  pool.ceil_mode = options.ceil_mode;
  pool.return_indices = options.return_indices;
  return pool;
}

PoolArguments Arguments(const AvgPoolOptions& options) {
  PoolArguments pool;
  pool.is_max = false;
  pool.axes = static_cast<size_t>(options.axes);
  pool.kernel = options.kernel_size.values;
  if (options.stride) pool.stride = options.stride->values;
  pool.padding = options.padding.values;
  pool.dilation = {1};
  pool.ceil_mode = options.ceil_mode;
  pool.divisor = options.divisor_override;
  return pool;
}

template <class Options>
PoolGeometry Geometry(const Options& options, const Shape& in) {
  return PoolGeometry(PoolAxisMaps(Arguments(options), in), options.axes);
}

Divisor DivisorOf(const AvgPoolOptions& options) {
  return {options.count_include_pad, options.divisor_override};
}

}  // namespace

Status MaxPool::Create(const MaxPoolOptions& options,
                       std::unique_ptr<MaxPool>* pool) {
  CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
  *pool = std::make_unique<MaxPool>();
  (*pool)->options_ = options;
  return Ok();
}

std::string MaxPool::ToString() const {
  const MaxPoolOptions& o = options_;
  return Format(
      "MaxPool{}d(kernel_size={}, stride={}, padding={}, dilation={}, "
      "ceil_mode={})",
      {o.axes, convscope::ToString(o.kernel_size),
       convscope::ToString(o.stride.value_or(o.kernel_size)),
       convscope::ToString(o.padding), convscope::ToString(o.dilation),
       o.ceil_mode ? "True" : "False"});
}

Status MaxPool::OutputShape(const Shape& in, Shape* out) const {
  return PoolOutputShape(Arguments(options_), in, out);
}

std::vector<AxisMap> MaxPool::AxisMaps(const Shape& in) const {
  return PoolAxisMaps(Arguments(options_), in);
}

void MaxPool::Forward(const Shape& in_shape, const float* in,
                      float* out) const {
  PoolMax(Geometry(options_, in_shape), in, nullptr, out, nullptr);
}

void MaxPool::ForwardWithIndices(const Shape& in_shape, const float* in,
                                 float* out, int32_t* indices) const {
  PoolMax(Geometry(options_, in_shape), in, nullptr, out, indices);
}

void MaxPool::ForwardCells(const Shape& in_shape, const float* in,
                           const Product& cells, float* out) const {
  PoolMax(Geometry(options_, in_shape), in, &cells, out, nullptr);
}

Status MaxPool::Backward(const Shape& in_shape, const float* in,
                         const float* grad_output,
                         const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  std::fill_n(gradients.input, in_shape.elements(), 0.0f);
  PoolMaxBackward(Geometry(options_, in_shape), in, nullptr, grad_output,
                  gradients.input);
  OneNaN(in_shape.elements(), gradients.input);
  return Ok();
}

Status MaxPool::BackwardCells(const Shape& in_shape, const float* in,
                              const Product& cells, const float* grad_output,
                              float* grad_input) const {
  PoolMaxBackward(Geometry(options_, in_shape), in, &cells, grad_output,
                  grad_input);
  return Ok();
}

std::string MaxPool::WhyKept(const Shape&, const float*, const Shape&,
                             std::span<const int32_t>,
                             std::span<const int32_t>) const {
  return "another cell is the maximum";
}

Status AvgPool::Create(const AvgPoolOptions& options,
                       std::unique_ptr<AvgPool>* pool) {
  CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
  if (options.axes == 1 && options.divisor_override) {
    return Error(Code::kType,
                 "AvgPool1d.__init__() got an unexpected keyword argument "
                 "'divisor_override'");
  }
  *pool = std::make_unique<AvgPool>();
  (*pool)->options_ = options;
  return Ok();
}

std::string AvgPool::ToString() const {
  const AvgPoolOptions& o = options_;
  // With one axis torch makes tuples of the arguments before it keeps them.
  const auto text = [&](const Ints& ints) {
    return o.axes == 1 ? TupleToString(ints.values) : convscope::ToString(ints);
  };
  return Format("AvgPool{}d(kernel_size={}, stride={}, padding={})",
                {o.axes, text(o.kernel_size),
                 text(o.stride.value_or(o.kernel_size)), text(o.padding)});
}

Status AvgPool::OutputShape(const Shape& in, Shape* out) const {
  return PoolOutputShape(Arguments(options_), in, out);
}

std::vector<AxisMap> AvgPool::AxisMaps(const Shape& in) const {
  return PoolAxisMaps(Arguments(options_), in);
}

void AvgPool::Forward(const Shape& in_shape, const float* in,
                      float* out) const {
  PoolMean(Geometry(options_, in_shape), DivisorOf(options_), in, nullptr, out);
}

void AvgPool::ForwardCells(const Shape& in_shape, const float* in,
                           const Product& cells, float* out) const {
  PoolMean(Geometry(options_, in_shape), DivisorOf(options_), in, &cells, out);
}

Status AvgPool::Backward(const Shape& in_shape, const float*,
                         const float* grad_output,
                         const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  std::fill_n(gradients.input, in_shape.elements(), 0.0f);
  PoolMeanBackward(Geometry(options_, in_shape), DivisorOf(options_), nullptr,
                   grad_output, gradients.input);
  OneNaN(in_shape.elements(), gradients.input);
  return Ok();
}

Status AvgPool::BackwardCells(const Shape& in_shape, const float*,
                              const Product& cells, const float* grad_output,
                              float* grad_input) const {
  PoolMeanBackward(Geometry(options_, in_shape), DivisorOf(options_), &cells,
                   grad_output, grad_input);
  return Ok();
}

}  // namespace convscope
