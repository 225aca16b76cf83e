// What shape a convolution gives, or why torch refuses the call. The checks
// come in torch's order (at::native::_convolution, check_shape_forward, and the
// slow kernels behind them), so that a call with several mistakes gets torch's
// answer.
#include <algorithm>
#include <utility>

#include "convscope/conv.h"
#include "convscope/pad.h"
#include "core/src/format.h"
#include "core/src/integers.h"

namespace convscope {
namespace {

bool AnyBelow(const std::vector<int64_t>& values, int64_t limit) {
  return std::any_of(values.begin(), values.end(),
                     [limit](int64_t v) { return v < limit; });
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
    text +=
        Format(" {}_{}: {}", {what, kNames[3 - values.size() + i], values[i]});
  }
  return text;
}

Status CheckList(const std::vector<int64_t>& values, const char* name,
                 size_t axes) {
  if (values.size() == axes || values.size() == 1) return Ok();
  return Error(Code::kShape,
               "expected {} to be a single integer value or a list of {} "
               "values to match the convolution dimensions, but got {}={}",
               {name, axes, name, values});
}

// A window must fit into its padded axis.
Status CheckWindows(const std::vector<AxisMap>& maps) {
  const auto padded_of = [](const AxisMap& map) {
    return static_cast<Wide>(map.in) + map.before + map.after;
  };
  const auto kernel_of = [](const AxisMap& map) {
    return static_cast<Wide>(map.dilation) * (map.kernel - 1) + 1;
  };
  bool is_larger = false;
  for (const AxisMap& map : maps) is_larger |= padded_of(map) < kernel_of(map);
  if (!is_larger) return Ok();
  std::vector<Wide> padded, kernel;
  for (const AxisMap& map : maps) {
    padded.push_back(padded_of(map));
    kernel.push_back(kernel_of(map));
  }
  return Error(Code::kShape,
               "Calculated padded input size per channel: {}. Kernel size: {}. "
               "Kernel size can't be greater than actual input size",
               {Crossed(padded), Crossed(kernel)});
}

// Paddings may be far off and still leave a size that is accepted.
Status CheckSides(const std::vector<AxisMap>& maps) {
  for (const AxisMap& map : maps) {
    for (int64_t side : {map.before, map.after}) {
      if (side > -kMaxElements && side < kMaxElements) continue;
      return Error(Code::kShape, "integer out of range");
    }
  }
  return Ok();
}

// `input` is batched.
Status CheckNoneEmpty(const Shape& input) {
  for (int64_t size : input.span()) {
    if (size != 0) continue;
    Shape four = input;
    if (input.rank() == 3) four = {input[0], input[1], 1, input[2]};
    return Error(Code::kShape,
                 "Only zero batch or zero channel inputs are supported, but "
                 "got input shape: {}",
                 {four});
  }
  return Ok();
}

}  // namespace

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
  const int64_t groups = options_.groups;
  if (input.rank() != weight.rank()) {
    return Error(Code::kShape,
                 "Expected {}-dimensional input for {}-dimensional weight {}, "
                 "but got {}-dimensional input of size {} instead",
                 {weight.rank(), weight.rank(), weight, input.rank(), input});
  }
  if (weight[0] < groups) {
    return Error(Code::kShape,
                 "Given groups={}, expected weight to be at least {} at "
                 "dimension 0, but got weight of size {} instead",
                 {groups, groups, weight});
  }
  if (weight[0] % groups != 0) {
    return Error(Code::kShape,
                 "Given groups={}, expected weight to be divisible by {} at "
                 "dimension 0, but got weight of size {} instead",
                 {groups, groups, weight});
  }
  const int64_t channels = options_.transposed ? weight[0] : weight[1] * groups;
  if (input[1] != channels) {
    return Error(
        Code::kShape,
        "Given {}={}, weight of size {}, expected input{} to have {} channels, "
        "but got {} channels instead",
        {options_.transposed ? "transposed" : "groups",
         options_.transposed ? 1 : groups, weight, input, channels, input[1]});
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
  if (AnyBelow(kernel_, 1)) {
    const std::vector<int64_t> kernel = AtLeastTwo(kernel_, 1);
    const bool is_crossed = axes == 3 && !options_.transposed;
    return Error(Code::kShape,
                 "kernel size should be greater than zero, but got{}",
                 {is_crossed ? Format(": {} x {} x {} (TxHxW)",
                                      {kernel[0], kernel[1], kernel[2]})
                             : Named("kernel", kernel)});
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
                 "dilation, but got{}{}{}",
                 {Named("output_padding", AtLeastTwo(extra, 0)),
                  Named("stride", AtLeastTwo(stride, 1)),
                  Named("dilation", AtLeastTwo(dilation, 1))});
  }
  if (weight_shape_[1] == 0) {
    Shape weight = weight_shape_;
    if (axes == 1) weight = {weight[0], weight[1], 1, weight[2]};
    return Error(Code::kShape,
                 "non-empty {} weight tensor expected, but got: {}",
                 {axes == 3 ? "5D" : "2D or 4D", weight});
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
               "Given input size per channel: {}. Calculated output size per "
               "channel: {}. Output size is too small",
               {Crossed(in_sizes), Crossed(out_sizes)});
}

// torch pads beforehand in the copying modes, and the odd cell of 'same': the
// input as its messages show it then.
Status Conv::PadAsTorch(const Shape& in, Shape* shown) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  *shown = in;
  const bool fits = in.rank() >= axes && kernel_.size() == axes &&
                    (dilation_.size() == axes || dilation_.size() == 1) &&
                    (stride_.size() == axes || stride_.size() == 1) &&
                    !AnyBelow(stride_, 1) &&
                    (padding_.size() == axes || padding_.size() == 1);
  if (!fits) return Ok();
  if (options_.padding_mode != PaddingMode::kZeros) {
    PadOptions pad;
    pad.mode = options_.padding_mode;
    for (size_t axis = axes; axis-- > 0;) {
      const auto [before, after] = Sides(axis, in[in.rank() - axes + axis]);
      pad.padding.values.insert(pad.padding.values.end(), {before, after});
    }
    std::unique_ptr<Pad> layer;
    CONVSCOPE_RETURN_IF_ERROR(Pad::Create(pad, &layer));
    return layer->OutputShape(in, shown);
  }
  if (options_.padding_kind == PaddingKind::kSame) {
    for (size_t axis = 0; axis < axes; ++axis) {
      const auto [before, after] = Sides(axis, 0);
      (*shown)[in.rank() - axes + axis] += after - before;
    }
  }
  return Ok();
}

Status Conv::OutputShape(const Shape& in, Shape* out) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  const char* const name = options_.transposed ? "conv_transpose" : "conv";
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  if (options_.transposed && options_.padding_kind != PaddingKind::kNumbers) {
    return Error(Code::kType,
                 "{}{}d(): argument 'padding' (position 5) must be tuple of "
                 "ints, but found element of type str at pos 0",
                 {name, axes});
  }
  Shape shown;
  CONVSCOPE_RETURN_IF_ERROR(PadAsTorch(in, &shown));
  if (in.rank() != axes + 1 && in.rank() != axes + 2) {
    return Error(Code::kShape,
                 "Expected {}D (unbatched) or {}D (batched) input to {}{}d, "
                 "but got input of size: {}",
                 {axes + 1, axes + 2, name, axes, in});
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
  std::vector<AxisMap> maps(axes);
  for (size_t axis = 0; axis < axes; ++axis) {
    maps[axis] = Axis(axis, in[in.rank() - axes + axis]);
  }
  if (!options_.transposed) CONVSCOPE_RETURN_IF_ERROR(CheckWindows(maps));
  const bool is_empty = shown[0] == 0 || shown[1] == 0;
  if (!is_empty) {
    CONVSCOPE_RETURN_IF_ERROR(CheckNoneEmpty(shown));
    CONVSCOPE_RETURN_IF_ERROR(CheckKernel(shown));
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckSides(maps));
  Shape result;
  if (is_batched) result.push_back(in[0]);
  result.push_back(options_.in_channels == 0 ? 0 : options_.out_channels);
  for (const AxisMap& map : maps) {
    // A transposed layer's on an empty batch: CheckKernel() refuses the rest.
    if (map.out < 0) {
      return Error(Code::kShape, "invalid shape dimension {}", {map.out});
    }
    result.push_back(map.out);
  }
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(result, "output"));
  *out = result;
  return Ok();
}

}  // namespace convscope
