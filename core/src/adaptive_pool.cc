#include "convscope/adaptive_pool.h"

#include <algorithm>

#include "convscope/arguments.h"
#include "core/src/format.h"
#include "core/src/nan.h"
#include "core/src/pool_windows.h"

namespace convscope {
namespace {

std::string Joined(const std::vector<int64_t>& values, const char* comma) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i == 1 ? ", " : comma;
    text += std::to_string(values[i]);
  }
  return text;
}

// The sizes per axis, None replaced by the input's.
Status SpreadSizes(const OutputSize& given, size_t axes, const Shape& in,
                   std::vector<int64_t>* sizes) {
  if (!given.is_tuple) {
    sizes->assign(axes, given.values[0].value_or(0));
    if (!given.values[0]) {
      for (size_t i = 0; i < axes && i < in.rank(); ++i) {
        (*sizes)[axes - 1 - i] = in[in.rank() - 1 - i];
      }
    }
    return Ok();
  }
  const size_t count = given.values.size();
  if (axes > 1 && in.rank() <= count) {
    return Error(Code::kValue, "Input dimension should be at least {}",
                 {count + 1});
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t axis = in.rank() - count + i;
    sizes->push_back(given.values[i].value_or(axis < in.rank() ? in[axis] : 0));
  }
  return Ok();
}

// torch computes the 1d pools as 2d pools of height 1, and names those in most
// of its messages.
struct Call {
  bool is_max;
  size_t axes;
  Shape in;
  std::vector<int64_t> sizes;

  std::string name() const {
    return Format("adaptive_{}_pool{}d", {is_max ? "max" : "avg", axes});
  }
};

Status ToTwoAxes(Call* call) {
  const Shape in = call->in;
  if (in.rank() != 2 && in.rank() != 3) {
    return Error(Code::kShape,
                 "Expected 2 to 3 dimensions, but got {}-dimensional tensor "
                 "for argument #1 'self' (while checking arguments for {})",
                 {in.rank(), call->name()});
  }
  if (call->sizes.size() != 1) {
    return Error(Code::kShape,
                 "{}() argument 'output_size' should contain one int (got {})",
                 {call->name(), call->sizes.size()});
  }
  call->axes = 2;
  call->sizes.insert(call->sizes.begin(), 1);
  call->in = Shape();
  for (size_t axis = 0; axis + 1 < in.rank(); ++axis) {
    call->in.push_back(in[axis]);
  }
  call->in.push_back(1);
  call->in.push_back(in.back());
  return Ok();
}

// Refuses empty axes from `first` on.
Status CheckNotEmpty(const std::string& name, const Shape& in, size_t first) {
  for (size_t axis = first; axis < in.rank(); ++axis) {
    if (in[axis] != 0) continue;
    return Error(
        Code::kShape,
        "{}(): Expected input to have non-zero size for non-batch dimensions, "
        "but input has sizes {} with dimension {} being empty",
        {name, in, axis});
  }
  return Ok();
}

Status CheckRank(const Call& call) {
  const size_t rank = call.in.rank();
  if (rank == call.axes + 1 || rank == call.axes + 2) return Ok();
  return Error(Code::kShape, "{}(): Expected {} tensor, but got{}{}",
               {call.name(), call.axes == 2 ? "3D or 4D" : "4D or 5D",
                call.is_max ? ": " : " ", call.in});
}

Status CheckAverage(const Call& call) {
  const std::string name = call.name();
  if (call.sizes.size() != call.axes) {
    return Error(Code::kShape, "{}: output_size must be {}", {name, call.axes});
  }
  bool is_mean = true;
  for (int64_t size : call.sizes) {
    is_mean = is_mean && size == 1;
    if (size >= 0) continue;
    return Error(Code::kShape,
                 "{}: elements of output_size must be greater than or equal to "
                 "0 but received {{}}",
                 {name, Joined(call.sizes, ",")});
  }
  // torch takes the plain mean then, which is not a number for no cells.
  if (is_mean) return CheckRank(call);
  if (call.axes == 2) {
    CONVSCOPE_RETURN_IF_ERROR(CheckRank(call));
    return CheckNotEmpty(name, call.in, call.in.rank() - 2);
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckNotEmpty(name, call.in, 1));
  return CheckRank(call);
}

Status CheckMax(const Call& call) {
  CONVSCOPE_RETURN_IF_ERROR(CheckRank(call));
  CONVSCOPE_RETURN_IF_ERROR(CheckNotEmpty(call.name(), call.in, 1));
  if (call.sizes.size() != call.axes) {
    return Error(Code::kShape,
                 "{}(): internal error: output_size.size() must be {}",
                 {call.name(), call.axes});
  }
  return Ok();
}

}  // namespace

std::string AdaptivePool::ToString() const {
  std::string sizes;
  const auto& values = options_.output_size.values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) sizes += ", ";
    sizes += values[i] ? std::to_string(*values[i]) : "None";
  }
  if (options_.output_size.is_tuple) {
    sizes = "(" + sizes + (values.size() == 1 ? ",)" : ")");
  }
  return Format("Adaptive{}Pool{}d(output_size={})",
                {is_max_ ? "Max" : "Avg", options_.axes, sizes});
}

Status AdaptivePool::OutputShape(const Shape& in, Shape* out) const {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  const size_t axes = static_cast<size_t>(options_.axes);
  Call call{is_max_, axes, in, {}};
  CONVSCOPE_RETURN_IF_ERROR(
      SpreadSizes(options_.output_size, axes, in, &call.sizes));
  if (axes == 1) {
    const std::string name = call.name();
    CONVSCOPE_RETURN_IF_ERROR(ToTwoAxes(&call));
    if (is_max_) CONVSCOPE_RETURN_IF_ERROR(CheckNotEmpty(name, in, 1));
  }
  CONVSCOPE_RETURN_IF_ERROR(is_max_ ? CheckMax(call) : CheckAverage(call));
  // The message about a negative size shows the tensor that torch would make.
  Shape made = call.in;
  for (size_t i = 0; i < call.axes; ++i) {
    made[made.rank() - call.axes + i] = call.sizes[i];
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(made, "output"));
  *out = in;
  for (size_t i = 0; i < axes; ++i) {
    (*out)[in.rank() - axes + i] = made[made.rank() - axes + i];
  }
  return Ok();
}

std::vector<AxisMap> AdaptivePool::AxisMaps(const Shape& in) const {
  Shape out;
  if (!OutputShape(in, &out).ok()) return {};
  const size_t lead = in.rank() - static_cast<size_t>(options_.axes);
  std::vector<AxisMap> maps;
  for (size_t axis = 0; axis < in.rank(); ++axis) {
    maps.push_back(axis < lead ? AxisMap::Identity(in[axis])
                               : AxisMap::Adaptive(in[axis], out[axis]));
  }
  return maps;
}

Status AdaptiveAvgPool::Create(const AdaptivePoolOptions& options,
                               std::unique_ptr<AdaptiveAvgPool>* pool) {
  CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
  *pool = std::unique_ptr<AdaptiveAvgPool>(new AdaptiveAvgPool(options, false));
  return Ok();
}

void AdaptiveAvgPool::Forward(const Shape& in_shape, const float* in,
                              float* out) const {
  PoolMean(PoolGeometry(AxisMaps(in_shape), options_.axes), Divisor(), in,
           nullptr, out);
}

void AdaptiveAvgPool::ForwardCells(const Shape& in_shape, const float* in,
                                   const Product& cells, float* out) const {
  PoolMean(PoolGeometry(AxisMaps(in_shape), options_.axes), Divisor(), in,
           &cells, out);
}

Status AdaptiveAvgPool::Backward(const Shape& in_shape, const float*,
                                 const float* grad_output,
                                 const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  std::fill_n(gradients.input, in_shape.elements(), 0.0f);
  PoolMeanBackward(PoolGeometry(AxisMaps(in_shape), options_.axes), Divisor(),
                   nullptr, grad_output, gradients.input);
  OneNaN(in_shape.elements(), gradients.input);
  return Ok();
}

Status AdaptiveAvgPool::BackwardCells(const Shape& in_shape, const float*,
                                      const Product& cells,
                                      const float* grad_output,
                                      float* grad_input) const {
  PoolMeanBackward(PoolGeometry(AxisMaps(in_shape), options_.axes), Divisor(),
                   &cells, grad_output, grad_input);
  return Ok();
}

Status AdaptiveMaxPool::Create(const AdaptivePoolOptions& options,
                               std::unique_ptr<AdaptiveMaxPool>* pool) {
  CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
  *pool = std::unique_ptr<AdaptiveMaxPool>(new AdaptiveMaxPool(options, true));
  return Ok();
}

void AdaptiveMaxPool::Forward(const Shape& in_shape, const float* in,
                              float* out) const {
  ForwardWithIndices(in_shape, in, out, nullptr);
}

void AdaptiveMaxPool::ForwardWithIndices(const Shape& in_shape, const float* in,
                                         float* out, int32_t* indices) const {
  PoolMax(PoolGeometry(AxisMaps(in_shape), options_.axes), in, nullptr, out,
          indices);
}

void AdaptiveMaxPool::ForwardCells(const Shape& in_shape, const float* in,
                                   const Product& cells, float* out) const {
  PoolMax(PoolGeometry(AxisMaps(in_shape), options_.axes), in, &cells, out,
          nullptr);
}

std::string AdaptiveMaxPool::WhyKept(const Shape&, const float*, const Shape&,
                                     std::span<const int32_t>,
                                     std::span<const int32_t>) const {
  return "another cell is the maximum";
}

Status AdaptiveMaxPool::Backward(const Shape& in_shape, const float* in,
                                 const float* grad_output,
                                 const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  std::fill_n(gradients.input, in_shape.elements(), 0.0f);
  PoolMaxBackward(PoolGeometry(AxisMaps(in_shape), options_.axes), in, nullptr,
                  grad_output, gradients.input);
  OneNaN(in_shape.elements(), gradients.input);
  return Ok();
}

Status AdaptiveMaxPool::BackwardCells(const Shape& in_shape, const float* in,
                                      const Product& cells,
                                      const float* grad_output,
                                      float* grad_input) const {
  PoolMaxBackward(PoolGeometry(AxisMaps(in_shape), options_.axes), in, &cells,
                  grad_output, grad_input);
  return Ok();
}

}  // namespace convscope
