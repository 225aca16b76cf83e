#include "core/src/pad_shape.h"

#include <algorithm>
#include <string>

#include "core/src/format.h"

namespace convscope {
namespace {

constexpr const char* kModes[] = {"constant", "reflect", "replicate",
                                  "circular"};

// Far beyond any size that is accepted, and small enough to be added up.
int64_t Clamped(int64_t padding) {
  constexpr int64_t kFar = int64_t{1} << 40;
  return std::clamp(padding, -kFar, kFar);
}

// One padded axis.
struct Side {
  size_t axis;
  int64_t size;    // of the input
  int64_t before;  // as given
  int64_t after;

  int64_t out() const { return size + Clamped(before) + Clamped(after); }
};

// From the last axis to the first padded one, as torch lists them.
std::vector<Side> SidesOf(const std::vector<int64_t>& padding,
                          const Shape& in) {
  std::vector<Side> sides;
  for (size_t i = 0; i + 1 < padding.size(); i += 2) {
    const size_t axis = in.rank() - 1 - i / 2;
    sides.push_back({axis, in[axis], padding[i], padding[i + 1]});
  }
  return sides;
}

Status CheckConstant(const std::vector<Side>& sides) {
  for (size_t i = sides.size(); i-- > 0;) {
    // torch crops before it pads, one side after the other.
    int64_t left =
        sides[i].size + std::min<int64_t>(Clamped(sides[i].before), 0);
    if (left >= 0) left += std::min<int64_t>(Clamped(sides[i].after), 0);
    if (left < 0) {
      return Error(Code::kShape, "narrow(): length must be non-negative.");
    }
  }
  return Ok();
}

Status CheckCircular(const std::vector<Side>& sides) {
  for (size_t i = sides.size(); i-- > 0;) {
    const Side& side = sides[i];
    if (side.before <= side.size && side.after <= side.size && side.out() < 0) {
      return Error(Code::kShape,
                   "Negative padding value is resulting in an empty dimension");
    }
    // torch compares with the size before cropping, and where only the cropped
    // size is too small its result is undefined.
    const int64_t cropped = side.size +
                            std::min<int64_t>(Clamped(side.before), 0) +
                            std::min<int64_t>(Clamped(side.after), 0);
    const int64_t turn = std::max<int64_t>(cropped, 0);
    if (side.before > turn || side.after > turn) {
      return Error(Code::kShape,
                   "Padding value causes wrapping around more than once.");
    }
  }
  return Ok();
}

// "D: 3 H: 4, W: 5": torch's way of naming sizes in this place.
std::string InputSizes(const std::vector<Side>& sides) {
  switch (sides.size()) {
    case 1:
      return Format("W: {}", {sides[0].size});
    case 2:
      return Format("H: {}, W: {}", {sides[1].size, sides[0].size});
    default:
      return Format("D: {} H: {}, W: {}",
                    {sides[2].size, sides[1].size, sides[0].size});
  }
}

// Reflection and replication.
Status CheckBorder(const std::vector<Side>& sides, PaddingMode mode,
                   const Shape& in) {
  const size_t axes = sides.size();
  const bool batched = in.rank() == axes + 2;
  for (size_t axis = batched ? 1 : 0; axis < in.rank(); ++axis) {
    if (in[axis] != 0) continue;
    return Error(
        Code::kShape,
        "Expected {}D or {}D (batch mode) tensor with possibly 0 batch size "
        "and other non-zero dimensions for input, but got: {}",
        {axes + 1, axes + 2, in});
  }
  if (mode == PaddingMode::kReflect) {
    for (size_t i = 0; i < axes; ++i) {
      const Side& side = sides[i];
      if (side.before < side.size && side.after < side.size) continue;
      return Error(Code::kShape,
                   "Argument #{}: Padding size should be less than the "
                   "corresponding input dimension, but got: padding ({}, {}) "
                   "at dimension {} of input {}",
                   {4 + 2 * i, side.before, side.after, side.axis, in});
    }
  }
  if (std::any_of(sides.begin(), sides.end(),
                  [](const Side& side) { return side.out() >= 1; })) {
    return Ok();
  }
  constexpr const char* kNames[] = {"W", "H", "D"};
  std::string out;
  for (size_t i = axes; i-- > 0;) {
    out += Format(" {}: {}", {kNames[i], sides[i].out()});
  }
  const bool spaced = mode == PaddingMode::kReplicate && axes == 2;
  return Error(Code::kShape, "input ({}{} is too small. Calculated output{}",
               {InputSizes(sides), (spaced ? " )" : ")"), out});
}

Status CheckModule(int axes, PaddingMode mode, const Shape& in) {
  if (axes == 0 || mode != PaddingMode::kCircular) return Ok();
  const size_t least = static_cast<size_t>(axes) + 1;
  if (in.rank() == least || in.rank() == least + 1) return Ok();
  return Error(Code::kValue, "expected {}D or {}D input (got {}D input)",
               {least, least + 1, in.rank()});
}

}  // namespace

const char* PadModeName(PaddingMode mode) {
  return kModes[static_cast<size_t>(mode)];
}

Status ParsePadMode(std::string_view text, PaddingMode* mode) {
  for (size_t i = 0; i < std::size(kModes); ++i) {
    if (text != kModes[i]) continue;
    *mode = static_cast<PaddingMode>(i);
    return Ok();
  }
  return Error(Code::kNotImplemented, "Unrecognised padding mode {}",
               {std::string(text)});
}

Status PadOutputShape(const PadOptions& options,
                      const std::vector<int64_t>& list, const Shape& in,
                      Shape* out) {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  const PaddingMode mode = options.mode;
  CONVSCOPE_RETURN_IF_ERROR(CheckModule(options.axes, mode, in));
  const size_t length = list.size();
  const size_t rank = in.rank();
  if (length % 2 != 0) {
    return Error(Code::kShape, "Padding length must be divisible by 2");
  }
  if (length > 2 * rank) {
    return Error(
        Code::kShape,
        "Padding length should be less than or equal to two times the input "
        "dimension but got padding length {} and input of dimension {}",
        {length, rank});
  }
  const std::vector<Side> sides = SidesOf(list, in);
  if (mode == PaddingMode::kZeros) {
    CONVSCOPE_RETURN_IF_ERROR(CheckConstant(sides));
  } else {
    // Not a number is not 0 either.
    if (options.value && !(*options.value == 0)) {
      return Error(Code::kShape,
                   "Padding mode \"{}\" doesn't take in value argument",
                   {PadModeName(mode)});
    }
    const size_t axes = length / 2;
    if (axes < 1 || axes > 3 || (rank != axes + 1 && rank != axes + 2)) {
      return Error(
          Code::kNotImplemented,
          "Padding size {} is not supported for {}D input tensor.\nSupported "
          "combinations for non-constant padding:\n  - 2D or 3D input: padding "
          "size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = "
          "4 (pads last 2 dimensions)\n  - 4D or 5D input: padding size = 6 "
          "(pads last 3 dimensions)",
          {length, rank});
    }
    CONVSCOPE_RETURN_IF_ERROR(mode == PaddingMode::kCircular
                                  ? CheckCircular(sides)
                                  : CheckBorder(sides, mode, in));
  }
  for (int64_t padding : list) {
    // Both ends may be far off and still leave a size that is accepted.
    if (padding != Clamped(padding)) {
      return Error(Code::kShape, "integer out of range");
    }
  }
  Shape padded = in;
  for (const Side& side : sides) padded[side.axis] = side.out();
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(padded, "output"));
  *out = padded;
  return Ok();
}

std::vector<AxisMap> PadAxisMaps(const PadOptions& options,
                                 const std::vector<int64_t>& list,
                                 const Shape& in) {
  std::vector<AxisMap> maps;
  for (int64_t size : in.span()) maps.push_back(AxisMap::Identity(size));
  for (const Side& side : SidesOf(list, in)) {
    AxisMap& map = maps[side.axis];
    map.kind = AxisMap::Kind::kWindow;
    map.mode = options.mode;
    map.before = side.before;
    map.after = side.after;
    map.out = side.out();
  }
  return maps;
}

}  // namespace convscope
