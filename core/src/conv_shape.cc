// What shape a convolution gives, or why torch refuses the call. The checks
// come in torch's order (at::native::_convolution, check_shape_forward, and the
// slow kernels behind them), so that a call with several mistakes gets torch's
// answer.
#include <algorithm>
#include <limits>
#include <utility>

#include "convscope/conv.h"
#include "convscope/pad.h"

namespace convscope {
namespace {

// Sizes before they are checked: products of two 64-bit numbers fit.
using Wide = __int128;

// Sizes and paddings lie below 2^30, and a window in its padded input: so do
// stamps, in what they make of it. Steps from one to the next stay below this.
constexpr int64_t kMaxStep = int64_t{1} << 32;

int64_t Narrow(Wide value) {
  return static_cast<int64_t>(
      std::clamp<Wide>(value, std::numeric_limits<int64_t>::min(),
                       std::numeric_limits<int64_t>::max()));
}

Wide FloorDiv(Wide a, Wide b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

bool AnyBelow(const std::vector<int64_t>& values, int64_t limit) {
  return std::any_of(values.begin(), values.end(),
                     [limit](int64_t v) { return v < limit; });
}

// A tuple of one number serves all axes, as a number does.
int64_t At(const std::vector<int64_t>& values, size_t axis) {
  return values.size() == 1 ? values[0] : values[axis];
}

// "(3 x 4)", as torch writes sizes per channel.
std::string Crossed(const std::vector<Wide>& sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) text += " x ";
    text += std::to_string(Narrow(sizes[i]));
  }
  return text + ")";
}

// torch runs one axis as two of which the first has size 1, and its messages
// show it.
std::vector<int64_t> AtLeastTwo(std::vector<int64_t> values, int64_t missing) {
  if (values.size() == 1) values.insert(values.begin(), missing);
  return values;
}

// " kernel_height: 3 kernel_width: 2", with a depth where there is one.
std::string Named(const char* what, const std::vector<int64_t>& values) {
  static constexpr const char* kNames[] = {"depth", "height", "width"};
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    text += std::string(" ") + what + "_" + kNames[3 - values.size() + i] +
            ": " + std::to_string(values[i]);
  }
  return text;
}

// The numbers of cells before and after, for a total that one window needs.
std::pair<int64_t, int64_t> Split(Wide total, bool odd_at_end) {
  const int64_t sum = Narrow(total);
  const int64_t half = sum / 2;
  return odd_at_end ? std::pair(half, sum - half) : std::pair(sum - half, half);
}

Status CheckList(const std::vector<int64_t>& values, const char* name,
                 size_t axes) {
  if (values.size() == axes || values.size() == 1) return Ok();
  return Error(Code::kShape,
               std::string("expected ") + name +
                   " to be a single integer value or a list of " +
                   std::to_string(axes) +
                   " values to match the convolution dimensions, but got " +
                   name + "=" + ToString(std::span<const int64_t>(values)));
}

}  // namespace

// Padding before and after axis `axis` of an input with `size` cells there.
std::pair<int64_t, int64_t> Conv::Sides(size_t axis, int64_t size) const {
  const Wide span =
      static_cast<Wide>(At(dilation_, axis)) * (kernel_[axis] - 1);
  switch (options_.padding_kind) {
    case PaddingKind::kNumbers: {
      const int64_t padding = At(padding_, axis);
      return {padding, padding};
    }
    case PaddingKind::kPerSide:
      return options_.padding_sides[axis];
    case PaddingKind::kValid:
      return {0, 0};
    case PaddingKind::kSame:
      return Split(span, true);
    case PaddingKind::kSameUpper:
    case PaddingKind::kSameLower: {
      const Wide stride = At(stride_, axis);
      const Wide out = (size + stride - 1) / stride;
      const Wide total = (out - 1) * stride + span + 1 - size;
      return Split(std::max<Wide>(total, 0),
                   options_.padding_kind == PaddingKind::kSameUpper);
    }
  }
  return {0, 0};
}

AxisMap Conv::Axis(size_t axis, int64_t size) const {
  AxisMap map;
  map.in = size;
  map.kernel = kernel_[axis];
  map.stride = At(stride_, axis);
  map.dilation = At(dilation_, axis);
  std::tie(map.before, map.after) = Sides(axis, size);
  map.mode = options_.padding_mode;
  const Wide span = static_cast<Wide>(map.dilation) * (map.kernel - 1);
  if (options_.transposed) {
    map.kind = AxisMap::Kind::kTransposed;
    map.out = Narrow(static_cast<Wide>(size - 1) * map.stride - map.before -
                     map.after + span + At(output_padding_, axis) + 1);
  } else {
    map.kind = AxisMap::Kind::kWindow;
    map.out = Narrow(
        FloorDiv(static_cast<Wide>(size) + map.before + map.after - span - 1,
                 map.stride) +
        1);
  }
  // Of accepted layers, larger ones belong to a single position or tap, which
  // they do not move. So no sum or product of an axis leaves 64 bits.
  map.stride = std::min(map.stride, kMaxStep);
  map.dilation = std::min(map.dilation, kMaxStep);
  return map;
}

Status Conv::CheckArguments(size_t axes) const {
  CONVSCOPE_RETURN_IF_ERROR(CheckList(stride_, "stride", axes));
  CONVSCOPE_RETURN_IF_ERROR(CheckList(padding_, "padding", axes));
  CONVSCOPE_RETURN_IF_ERROR(CheckList(dilation_, "dilation", axes));
  CONVSCOPE_RETURN_IF_ERROR(CheckList(output_padding_, "output_padding", axes));
  const bool is_cropping = options_.padding_mode == PaddingMode::kZeros &&
                           options_.padding_kind == PaddingKind::kNumbers &&
                           AnyBelow(padding_, 0);
  if (is_cropping) {
    return Error(Code::kShape, "negative padding is not supported");
  }
  if (AnyBelow(output_padding_, 0)) {
    return Error(Code::kShape, "negative output_padding is not supported");
  }
  if (AnyBelow(stride_, 1)) {
    return Error(Code::kShape, "non-positive stride is not supported");
  }
  if (AnyBelow(dilation_, 0)) {
    return Error(Code::kShape, "dilation should be greater than zero");
  }
  if (options_.padding_kind == PaddingKind::kSame && AnyBelow(stride_, 1)) {
    return Error(Code::kShape,
                 "padding='same' is not supported for strided convolutions");
  }
  return Ok();
}

// `input` is the batched input as torch shows it here: after the padding that
// torch makes before the convolution.
Status Conv::CheckChannels(const Shape& input) const {
  const Shape& weight = weight_shape_;
  const std::string rank = std::to_string(weight.rank());
  const std::string groups = std::to_string(options_.groups);
  if (input.rank() != weight.rank()) {
    return Error(Code::kShape, "Expected " + rank + "-dimensional input for " +
                                   rank + "-dimensional weight " +
                                   convscope::ToString(weight) + ", but got " +
                                   std::to_string(input.rank()) +
                                   "-dimensional input of size " +
                                   convscope::ToString(input) + " instead");
  }
  if (weight[0] < options_.groups) {
    return Error(Code::kShape, "Given groups=" + groups +
                                   ", expected weight to be at least " +
                                   groups +
                                   " at dimension 0, but got weight of size " +
                                   convscope::ToString(weight) + " instead");
  }
  if (weight[0] % options_.groups != 0) {
    return Error(Code::kShape, "Given groups=" + groups +
                                   ", expected weight to be divisible by " +
                                   groups +
                                   " at dimension 0, but got weight of size " +
                                   convscope::ToString(weight) + " instead");
  }
  const int64_t channels =
      options_.transposed ? weight[0] : weight[1] * options_.groups;
  if (input[1] != channels) {
    return Error(Code::kShape,
                 (options_.transposed ? "Given transposed=1"
                                      : "Given groups=" + groups) +
                     ", weight of size " + convscope::ToString(weight) +
                     ", expected input" + convscope::ToString(input) +
                     " to have " + std::to_string(channels) +
                     " channels, but got " + std::to_string(input[1]) +
                     " channels instead");
  }
  return Ok();
}

// What torch's kernels refuse once the call as a whole was accepted.
Status Conv::CheckKernel(const Shape& input) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  const auto spread = [axes](std::vector<int64_t> values) {
    if (values.size() < axes) values.assign(axes, values[0]);
    return values;
  };
  const std::vector<int64_t> kernel = AtLeastTwo(kernel_, 1);
  if (AnyBelow(kernel, 1)) {
    const bool is_crossed = axes == 3 && !options_.transposed;
    return Error(Code::kShape,
                 "kernel size should be greater than zero, but got" +
                     (is_crossed ? ": " + std::to_string(kernel[0]) + " x " +
                                       std::to_string(kernel[1]) + " x " +
                                       std::to_string(kernel[2]) + " (TxHxW)"
                                 : Named("kernel", kernel)));
  }
  if (AnyBelow(dilation_, 1)) {
    return Error(Code::kShape, "non-positive dilation is not supported");
  }
  if (!options_.transposed) return Ok();
  const std::vector<int64_t> extra = spread(output_padding_);
  const std::vector<int64_t> stride = spread(stride_);
  const std::vector<int64_t> dilation = spread(dilation_);
  for (size_t axis = 0; axis < axes; ++axis) {
    if (extra[axis] < stride[axis] || extra[axis] < dilation[axis]) continue;
    return Error(Code::kShape,
                 "output padding must be smaller than either stride or "
                 "dilation, but got" +
                     Named("output_padding", AtLeastTwo(extra, 0)) +
                     Named("stride", AtLeastTwo(stride, 1)) +
                     Named("dilation", AtLeastTwo(dilation, 1)));
  }
  if (weight_shape_[1] == 0) {
    Shape weight = weight_shape_;
    if (axes == 1) weight = {weight[0], weight[1], 1, weight[2]};
    return Error(
        Code::kShape,
        (axes == 3 ? "non-empty 5D weight tensor expected, but got: "
                   : "non-empty 2D or 4D weight tensor expected, but got: ") +
            convscope::ToString(weight));
  }
  std::vector<Wide> in_sizes, out_sizes;
  if (axes == 1) in_sizes.push_back(1), out_sizes.push_back(1);
  bool is_too_small = false;
  for (size_t axis = 0; axis < axes; ++axis) {
    in_sizes.push_back(input[2 + axis]);
    out_sizes.push_back(Axis(axis, input[2 + axis]).out);
    is_too_small |= out_sizes.back() < 1;
  }
  if (!is_too_small) return Ok();
  return Error(Code::kShape,
               "Given input size per channel: " + Crossed(in_sizes) +
                   ". Calculated output size per channel: " +
                   Crossed(out_sizes) + ". Output size is too small");
}

Status Conv::OutputShape(const Shape& in, Shape* out) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  const std::string name =
      std::string(options_.transposed ? "conv_transpose" : "conv") +
      std::to_string(axes) + "d";
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  if (options_.transposed && options_.padding_kind != PaddingKind::kNumbers) {
    return Error(Code::kType,
                 name +
                     "(): argument 'padding' (position 5) must be tuple of "
                     "ints, but found element of type str at pos 0");
  }
  // What the input is after the padding that torch makes beforehand: all of it
  // in the copying modes, the odd cell of 'same' else.
  Shape shown = in;
  const bool is_copying = options_.padding_mode != PaddingMode::kZeros;
  const bool fits = in.rank() >= axes && kernel_.size() == axes &&
                    (dilation_.size() == axes || dilation_.size() == 1) &&
                    (stride_.size() == axes || stride_.size() == 1) &&
                    !AnyBelow(stride_, 1) &&
                    (padding_.size() == axes || padding_.size() == 1);
  if (is_copying && fits) {
    PadOptions pad;
    pad.mode = options_.padding_mode;
    for (size_t axis = axes; axis-- > 0;) {
      const auto [before, after] = Sides(axis, in[in.rank() - axes + axis]);
      pad.padding.values.insert(pad.padding.values.end(), {before, after});
    }
    std::unique_ptr<Pad> layer;
    CONVSCOPE_RETURN_IF_ERROR(Pad::Create(pad, &layer));
    CONVSCOPE_RETURN_IF_ERROR(layer->OutputShape(in, &shown));
  } else if (options_.padding_kind == PaddingKind::kSame && fits) {
    for (size_t axis = 0; axis < axes; ++axis) {
      const auto [before, after] = Sides(axis, 0);
      shown[in.rank() - axes + axis] += after - before;
    }
  }
  if (in.rank() != axes + 1 && in.rank() != axes + 2) {
    return Error(Code::kShape,
                 "Expected " + std::to_string(axes + 1) + "D (unbatched) or " +
                     std::to_string(axes + 2) + "D (batched) input to " + name +
                     ", but got input of size: " + convscope::ToString(in));
  }
  const bool is_batched = in.rank() == axes + 2;
  if (!is_batched) {
    Shape batched{1};
    for (int64_t size : shown.span()) batched.push_back(size);
    shown = batched;
  }
  if (kernel_.empty()) {
    return Error(Code::kShape, "weight should have at least three dimensions");
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckArguments(kernel_.size()));
  CONVSCOPE_RETURN_IF_ERROR(CheckChannels(shown));
  std::vector<AxisMap> maps;
  for (size_t axis = 0; axis < axes; ++axis) {
    maps.push_back(Axis(axis, in[in.rank() - axes + axis]));
  }
  if (!options_.transposed) {
    std::vector<Wide> padded, kernel;
    bool is_larger = false;
    for (const AxisMap& map : maps) {
      padded.push_back(static_cast<Wide>(map.in) + map.before + map.after);
      kernel.push_back(static_cast<Wide>(map.dilation) * (map.kernel - 1) + 1);
      is_larger |= padded.back() < kernel.back();
    }
    if (is_larger) {
      return Error(Code::kShape,
                   "Calculated padded input size per channel: " +
                       Crossed(padded) + ". Kernel size: " + Crossed(kernel) +
                       ". Kernel size can't be greater than actual input size");
    }
  }
  const bool is_empty = shown[0] == 0 || shown[1] == 0;
  if (!is_empty) {
    for (int64_t size : shown.span()) {
      if (size != 0) continue;
      Shape four = shown;
      if (axes == 1) four = {shown[0], shown[1], 1, shown[2]};
      return Error(Code::kShape,
                   "Only zero batch or zero channel inputs are supported, but "
                   "got input shape: " +
                       convscope::ToString(four));
    }
    CONVSCOPE_RETURN_IF_ERROR(CheckKernel(shown));
  }
  for (const AxisMap& map : maps) {
    // Both may be far off and still leave a size that is accepted.
    for (int64_t side : {map.before, map.after}) {
      if (side > -kMaxElements && side < kMaxElements) continue;
      return Error(Code::kShape, "integer out of range");
    }
  }
  Shape result;
  if (is_batched) result.push_back(in[0]);
  result.push_back(options_.in_channels == 0 ? 0 : options_.out_channels);
  for (const AxisMap& map : maps) {
    result.push_back(std::max<int64_t>(map.out, 0));
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(result, "output"));
  *out = result;
  return Ok();
}

Status Conv::ForOutputSize(const Shape& in,
                           std::span<const int64_t> output_size,
                           std::unique_ptr<Conv>* conv) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  const std::string dimensions = std::to_string(axes) + "D";
  if (in.rank() != axes + 1 && in.rank() != axes + 2) {
    Shape out;
    return OutputShape(in, &out);
  }
  const size_t full = in.rank();
  if (output_size.size() != axes && output_size.size() != full) {
    return Error(Code::kValue, "ConvTranspose" + dimensions + ": for " +
                                   std::to_string(full) +
                                   "D input, output_size must have " +
                                   std::to_string(axes) + " or " +
                                   std::to_string(full) + " elements (got " +
                                   std::to_string(output_size.size()) + ")");
  }
  output_size = output_size.last(axes);
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  if (kernel_.size() != axes ||
      options_.padding_kind != PaddingKind::kNumbers ||
      !CheckArguments(axes).ok()) {
    Shape out;
    return OutputShape(in, &out);
  }
  Conv smallest = *this;
  smallest.output_padding_.assign(axes, 0);
  std::vector<int64_t> least, most, extra;
  bool is_valid = true;
  for (size_t axis = 0; axis < axes; ++axis) {
    const AxisMap map = smallest.Axis(axis, in[full - axes + axis]);
    least.push_back(map.out);
    most.push_back(Narrow(static_cast<Wide>(map.out) + At(stride_, axis) - 1));
    is_valid &=
        output_size[axis] >= least.back() && output_size[axis] <= most.back();
  }
  if (!is_valid) {
    return Error(
        Code::kValue,
        "requested an output size of " + convscope::ToString(output_size) +
            ", but valid sizes range from " +
            convscope::ToString(std::span<const int64_t>(least)) + " to " +
            convscope::ToString(std::span<const int64_t>(most)) +
            " (for an input of torch.Size(" +
            convscope::ToString(in.span().last(axes)) + "))");
  }
  for (size_t axis = 0; axis < axes; ++axis) {
    extra.push_back(output_size[axis] - least[axis]);
  }
  *conv = std::make_unique<Conv>(*this);
  (*conv)->output_padding_ = std::move(extra);
  return Ok();
}

}  // namespace convscope
