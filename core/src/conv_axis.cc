// Where the windows of a convolution lie along each axis, and how many.
#include <algorithm>
#include <tuple>
#include <utility>

#include "convscope/conv.h"
#include "core/src/format.h"
#include "core/src/integers.h"

namespace convscope {
namespace {

// Sizes and paddings lie below 2^30, and a window in its padded input: so do
// stamps, in what they make of it. Steps from one to the next stay below this.
constexpr int64_t kMaxStep = int64_t{1} << 32;

// A tuple of one number serves all axes, as a number does.
int64_t At(const std::vector<int64_t>& values, size_t axis) {
  return values.size() == 1 ? values[0] : values[axis];
}

// The numbers of cells before and after, for a total that one window needs.
std::pair<int64_t, int64_t> Split(Wide total, bool odd_at_end) {
  const int64_t sum = Narrow(total);
  const int64_t half = sum / 2;
  return odd_at_end ? std::pair(half, sum - half) : std::pair(sum - half, half);
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
                 static_cast<Wide>(map.stride)) +
        1);
  }
  // Of accepted layers, larger ones belong to a single position or tap, which
  // they do not move. So no sum or product of an axis leaves 64 bits.
  map.stride = std::min(map.stride, kMaxStep);
  map.dilation = std::min(map.dilation, kMaxStep);
  return map;
}

Status Conv::ForOutputSize(const Shape& in,
                           std::span<const int64_t> output_size,
                           std::unique_ptr<Conv>* conv) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  if (in.rank() != axes + 1 && in.rank() != axes + 2) {
    Shape out;
    return OutputShape(in, &out);
  }
  const size_t full = in.rank();
  if (output_size.size() != axes && output_size.size() != full) {
    return Error(Code::kValue,
                 "ConvTranspose{}D: for {}D input, output_size must have {} or "
                 "{} elements (got {})",
                 {axes, full, axes, full, output_size.size()});
  }
  output_size = output_size.last(axes);
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  // The layer's own output_padding is not looked at.
  Conv smallest = *this;
  smallest.output_padding_.assign(axes, 0);
  if (kernel_.size() != axes ||
      options_.padding_kind != PaddingKind::kNumbers ||
      !smallest.CheckArguments(axes).ok()) {
    Shape out;
    return OutputShape(in, &out);
  }
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
    return Error(Code::kValue,
                 "requested an output size of {}, but valid sizes range from "
                 "{} to {} (for an input of torch.Size({}))",
                 {output_size, least, most, in.span().last(axes)});
  }
  for (size_t axis = 0; axis < axes; ++axis) {
    extra.push_back(output_size[axis] - least[axis]);
  }
  *conv = std::make_unique<Conv>(*this);
  (*conv)->output_padding_ = std::move(extra);
  return Ok();
}

}  // namespace convscope
