#include "core/src/pool_shape.h"

#include <limits>
#include <string>

#include "core/src/format.h"
#include "core/src/integers.h"

namespace convscope {
namespace {

// "kH: 2 kW: 3": the values of the last axes, named.
std::string Labelled(const char* what, const std::vector<int64_t>& values) {
  constexpr const char* kAxes[] = {"T", "H", "W"};
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += " ";
    text += Format("{}{}: {}", {what, kAxes[3 - values.size() + i], values[i]});
  }
  return text;
}

bool AllPositive(const std::vector<int64_t>& values) {
  for (int64_t value : values) {
    if (value <= 0) return false;
  }
  return true;
}

// torch keeps these arguments in 32 bits, which also keeps all products of two
// of them inside 64.
bool AnyOutOfRange(const std::vector<int64_t>& values) {
  for (int64_t value : values) {
    if (value < std::numeric_limits<int32_t>::min() ||
        value > std::numeric_limits<int32_t>::max()) {
      return true;
    }
  }
  return false;
}

Status OutputSize(int64_t in, int64_t kernel, int64_t padding, int64_t stride,
                  int64_t dilation, bool ceil_mode, int64_t* out) {
  if (stride == 0) return Error(Code::kShape, "stride should not be zero");
  if (padding < 0) {
    return Error(Code::kShape, "pad must be non-negative, but got pad: {}",
                 {padding});
  }
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (padding > reach / 2) {
    return Error(Code::kShape,
                 "pad should be at most half of effective kernel size, but got "
                 "pad={}, kernel_size={} and dilation={}",
                 {padding, kernel, dilation});
  }
  *out = FloorDiv(in + 2 * padding - reach + (ceil_mode ? stride - 1 : 0),
                  stride) +
         1;
  // A window that would start in the right padding is dropped.
  if (ceil_mode && (*out - 1) * stride >= in + padding) --*out;
  return Ok();
}

// max_pool1d without indices.
Status CheckMaxPool1d(const PoolArguments& pool, const Shape& in,
                      int64_t* out) {
  const size_t rank = in.rank();
  if ((rank != 2 && rank != 3) || in[rank - 1] == 0 || in[rank - 2] == 0) {
    return Error(Code::kShape,
                 "max_pool1d: Expected 2D or 3D (batch mode) tensor with "
                 "optional 0 dim batch size for input, but got:{}",
                 {in});
  }
  const auto length = [](const std::vector<int64_t>& values, const char* what) {
    if (values.size() == 1) return Ok();
    return Error(Code::kShape, "max_pool1d() {} of size 1 but got size {}",
                 {what, values.size()});
  };
  CONVSCOPE_RETURN_IF_ERROR(
      length(pool.kernel,
             "kernel_size must be an int, list of ints or tuple of ints"));
  const std::vector<int64_t>& stride =
      pool.stride.empty() ? pool.kernel : pool.stride;
  CONVSCOPE_RETURN_IF_ERROR(length(
      stride, "stride must be None, an int, list of ints, or tuple of ints"));
  CONVSCOPE_RETURN_IF_ERROR(length(
      pool.padding, "padding must be an int, list of ints, or tuple of ints"));
  CONVSCOPE_RETURN_IF_ERROR(length(
      pool.dilation, "dilation must be an int, list of ints or tuple of ints"));
  const int64_t k = pool.kernel[0], s = stride[0], p = pool.padding[0],
                d = pool.dilation[0];
  const auto positive = [](int64_t value, const char* what) {
    if (value > 0) return Ok();
    return Error(Code::kShape,
                 "max_pool1d() {} must be greater than zero, but got {}",
                 {what, value});
  };
  CONVSCOPE_RETURN_IF_ERROR(positive(k, "kernel_size"));
  CONVSCOPE_RETURN_IF_ERROR(positive(s, "stride"));
  if (p < 0) {
    return Error(Code::kShape,
                 "max_pool1d() padding must be non-negative, but got {}", {p});
  }
  if (p > k / 2) {
    return Error(Code::kShape,
                 "max_pool1d() padding should be at most half of kernel size, "
                 "but got padding={} and kernel_size={}",
                 {p, k});
  }
  CONVSCOPE_RETURN_IF_ERROR(positive(d, "dilation"));
  if (AnyOutOfRange({k, s, d})) {
    return Error(Code::kShape, "integer out of range");
  }
  CONVSCOPE_RETURN_IF_ERROR(
      OutputSize(in[rank - 1], k, p, s, d, pool.ceil_mode, out));
  if (*out <= 0) {
    return Error(Code::kShape, "max_pool1d() Invalid computed output size: {}",
                 {*out});
  }
  return Ok();
}

Status CheckLength(const PoolArguments& pool,
                   const std::vector<int64_t>& values, const char* what) {
  if (values.size() == 1 || values.size() == pool.axes) return Ok();
  return Error(Code::kShape, "{}_pool{}d: {} a single int, or a tuple of {}",
               {pool.is_max ? "max" : "avg", pool.axes, what,
                (pool.axes == 2 ? "two ints" : "three ints")});
}

// Spreads single numbers over the axes.
Status SpreadArguments(const PoolArguments& from, PoolArguments* to) {
  *to = from;
  // Each text is worded in its own way.
  const bool is_avg3d = !from.is_max && from.axes == 3;
  CONVSCOPE_RETURN_IF_ERROR(CheckLength(
      from, from.kernel,
      is_avg3d ? "kernel_size must be" : "kernel_size must either be"));
  if (to->stride.empty()) to->stride = to->kernel;
  CONVSCOPE_RETURN_IF_ERROR(CheckLength(
      from, to->stride,
      is_avg3d ? "stride must be omitted," : "stride must either be omitted,"));
  CONVSCOPE_RETURN_IF_ERROR(
      CheckLength(from, from.padding,
                  is_avg3d ? "padding must be" : "padding must either be"));
  CONVSCOPE_RETURN_IF_ERROR(
      CheckLength(from, from.dilation, "dilation must be either"));
  for (std::vector<int64_t>* values :
       {&to->kernel, &to->stride, &to->padding, &to->dilation}) {
    if (AnyOutOfRange(*values)) {
      return Error(Code::kShape, "integer out of range");
    }
    if (values->size() == 1) values->resize(from.axes, values->front());
  }
  return Ok();
}

// "(2x5x5)"
std::string Sizes(int64_t channels, const std::vector<int64_t>& sizes) {
  std::string text = Format("({}", {channels});
  for (int64_t size : sizes) text += Format("x{}", {size});
  return text + ")";
}

Status CheckEmptyAxes(const PoolArguments& pool, const Shape& in) {
  const size_t first = in.rank() - pool.axes - 1;  // the channels
  if (pool.axes == 2) {
    for (size_t axis = first; axis < in.rank(); ++axis) {
      if (in[axis] != 0) continue;
      return Error(Code::kShape,
                   "Expected 3D or 4D (batch mode) tensor with optional 0 dim "
                   "batch size for input, but got:{}",
                   {in});
    }
    return Ok();
  }
  for (size_t axis = first; axis < in.rank(); ++axis) {
    if (in[axis] != 0) continue;
    return Error(Code::kShape,
                 "{}: Expected input's non-batch dimensions to have positive "
                 "length, but input has a shape of {} and non-batch dimension "
                 "0 has length zero!",
                 {pool.is_max ? "max_pool3d_with_indices_out_cpu_template()"
                              : "avg_pool3d()",
                  in});
  }
  return Ok();
}

// The checks of 3d pools on top of those of 2d pools.
Status CheckPool3d(const PoolArguments& pool, const std::vector<int64_t>& in) {
  const std::vector<int64_t>& k = pool.kernel;
  const std::vector<int64_t>& p = pool.padding;
  if (!pool.is_max && (in[0] < k[0] || in[1] < k[1] || in[2] < k[2])) {
    return Error(Code::kShape, "input image ({}) smaller than kernel size ({})",
                 {Labelled("", in), Labelled("k", k)});
  }
  if (p[0] > k[0] / 2 || p[1] > k[1] / 2 || p[2] > k[2] / 2) {
    const auto reach = [&](size_t axis) {
      return (k[axis] - 1) * pool.dilation[axis] + 1;
    };
    return Error(Code::kShape,
                 "pad should be smaller than or equal to half of effective "
                 "kernel size, but got padT: {} padW: {} padH: {} effectiveKT: "
                 "{} effectiveKW: {} effectiveKH: {}",
                 {p[0], p[2], p[1], reach(0), reach(2), reach(1)});
  }
  return Ok();
}

// Pools over 2 or 3 axes.
Status CheckPool(const PoolArguments& given, const Shape& in,
                 std::vector<int64_t>* out) {
  PoolArguments pool;
  CONVSCOPE_RETURN_IF_ERROR(SpreadArguments(given, &pool));
  const size_t axes = pool.axes;
  const size_t rank = in.rank();
  if (rank != axes + 1 && rank != axes + 2) {
    const char* ranks = axes == 2 ? "3D or 4D" : "4D or 5D";
    const bool is_avg2d = !pool.is_max && axes == 2;
    if (!is_avg2d) {
      return Error(Code::kShape,
                   "non-empty {} (batch mode) tensor expected for input",
                   {ranks});
    }
    return Error(Code::kShape,
                 "Expected {} (batch mode) tensor with optional 0 dim batch "
                 "size for input, but got:{}",
                 {ranks, in});
  }
  if (pool.divisor && *pool.divisor == 0) {
    return Error(Code::kShape, "divisor must be not zero");
  }
  const std::vector<int64_t> sizes(in.end() - axes, in.end());
  out->assign(axes, 0);
  for (size_t axis = 0; axis < axes; ++axis) {
    CONVSCOPE_RETURN_IF_ERROR(OutputSize(
        sizes[axis], pool.kernel[axis], pool.padding[axis], pool.stride[axis],
        pool.dilation[axis], pool.ceil_mode, &(*out)[axis]));
  }
  if (!AllPositive(pool.kernel)) {
    return Error(Code::kShape,
                 "kernel size should be greater than zero, but got {}",
                 {Labelled("k", pool.kernel)});
  }
  if (!AllPositive(pool.stride)) {
    return Error(Code::kShape, "stride should be greater than zero, but got {}",
                 {Labelled("d", pool.stride)});
  }
  if (!AllPositive(pool.dilation)) {
    return Error(Code::kShape,
                 "dilation should be greater than zero, but got {}",
                 {Labelled("dilation", pool.dilation)});
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckEmptyAxes(pool, in));
  if (axes == 3) CONVSCOPE_RETURN_IF_ERROR(CheckPool3d(pool, sizes));
  if (!AllPositive(*out)) {
    const int64_t channels = in[rank - axes - 1];
    return Error(Code::kShape,
                 "Given input size: {}. Calculated output size: {}. Output "
                 "size is too small",
                 {Sizes(channels, sizes), Sizes(channels, *out)});
  }
  return Ok();
}

// avg_pool1d, and max_pool1d with indices: 2d pools of height 1.
Status CheckPool1dAs2d(const PoolArguments& given, const Shape& in,
                       int64_t* out) {
  const char* name = given.is_max ? "max_pool1d" : "avg_pool1d";
  if (in.rank() != 2 && in.rank() != 3) {
    return Error(Code::kShape,
                 "Expected 2 to 3 dimensions, but got {}-dimensional tensor "
                 "for argument #1 'self' (while checking arguments for {})",
                 {in.rank(), name});
  }
  PoolArguments pool = given;
  if (pool.stride.empty()) pool.stride = pool.kernel;
  struct Named {
    const char* name;
    std::vector<int64_t>* values;
    int64_t height;
  };
  for (const Named& argument :
       {Named{"kernel_size", &pool.kernel, 1}, Named{"stride", &pool.stride, 1},
        Named{"padding", &pool.padding, 0},
        Named{"dilation", &pool.dilation, 1}}) {
    if (argument.values->size() != 1) {
      return Error(Code::kShape,
                   "{}() argument '{}' should contain one int (got {})",
                   {name, argument.name, argument.values->size()});
    }
    argument.values->insert(argument.values->begin(), argument.height);
  }
  pool.axes = 2;
  Shape flat;
  for (size_t axis = 0; axis + 1 < in.rank(); ++axis) flat.push_back(in[axis]);
  flat.push_back(1);
  flat.push_back(in.back());
  std::vector<int64_t> sizes;
  CONVSCOPE_RETURN_IF_ERROR(CheckPool(pool, flat, &sizes));
  *out = sizes[1];
  return Ok();
}

}  // namespace

Status PoolOutputShape(const PoolArguments& pool, const Shape& in, Shape* out) {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  std::vector<int64_t> sizes(1);
  if (pool.axes != 1) {
    CONVSCOPE_RETURN_IF_ERROR(CheckPool(pool, in, &sizes));
  } else if (pool.is_max && !pool.return_indices) {
    CONVSCOPE_RETURN_IF_ERROR(CheckMaxPool1d(pool, in, &sizes[0]));
  } else {
    CONVSCOPE_RETURN_IF_ERROR(CheckPool1dAs2d(pool, in, &sizes[0]));
  }
  Shape pooled = in;
  for (size_t axis = 0; axis < pool.axes; ++axis) {
    pooled[in.rank() - pool.axes + axis] = sizes[axis];
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(pooled, "output"));
  *out = pooled;
  return Ok();
}

std::vector<AxisMap> PoolAxisMaps(const PoolArguments& pool, const Shape& in) {
  Shape out;
  if (!PoolOutputShape(pool, in, &out).ok()) return {};
  const auto value = [&](const std::vector<int64_t>& values, size_t axis) {
    return values.size() == 1 ? values[0] : values[axis];
  };
  const size_t lead = in.rank() - pool.axes;
  std::vector<AxisMap> maps;
  for (size_t axis = 0; axis < lead; ++axis) {
    maps.push_back(AxisMap::Identity(in[axis]));
  }
  for (size_t axis = 0; axis < pool.axes; ++axis) {
    AxisMap map;
    map.kind = AxisMap::Kind::kWindow;
    map.in = in[lead + axis];
    map.out = out[lead + axis];
    map.kernel = value(pool.kernel, axis);
    map.stride = pool.stride.empty() ? map.kernel : value(pool.stride, axis);
    map.dilation = value(pool.dilation, axis);
    map.before = map.after = value(pool.padding, axis);
    maps.push_back(map);
  }
  return maps;
}

}  // namespace convscope
