#include "convscope/pad.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/src/axis_cells.h"
#include "core/src/nan.h"
#include "core/src/python_float.h"

namespace convscope {
namespace {

constexpr const char* kModes[] = {"constant", "reflect", "replicate",
                                  "circular"};

const char* ModeName(PaddingMode mode) {
  return kModes[static_cast<size_t>(mode)];
}

std::string Number(int64_t value) { return std::to_string(value); }

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
      return "W: " + Number(sides[0].size);
    case 2:
      return "H: " + Number(sides[1].size) + ", W: " + Number(sides[0].size);
    default:
      return "D: " + Number(sides[2].size) + " H: " + Number(sides[1].size) +
             ", W: " + Number(sides[0].size);
  }
}

// Reflection and replication.
Status CheckBorder(const std::vector<Side>& sides, PaddingMode mode,
                   const Shape& in) {
  const size_t axes = sides.size();
  const bool batched = in.rank() == axes + 2;
  for (size_t axis = batched ? 1 : 0; axis < in.rank(); ++axis) {
    if (in[axis] != 0) continue;
    return Error(Code::kShape,
                 "Expected " + std::to_string(axes + 1) + "D or " +
                     std::to_string(axes + 2) +
                     "D (batch mode) tensor with possibly 0 batch size and "
                     "other non-zero dimensions for input, but got: " +
                     ToString(in));
  }
  if (mode == PaddingMode::kReflect) {
    for (size_t i = 0; i < axes; ++i) {
      const Side& side = sides[i];
      if (side.before < side.size && side.after < side.size) continue;
      return Error(Code::kShape,
                   "Argument #" + std::to_string(4 + 2 * i) +
                       ": Padding size should be less than the corresponding "
                       "input dimension, but got: padding (" +
                       Number(side.before) + ", " + Number(side.after) +
                       ") at dimension " + std::to_string(side.axis) +
                       " of input " + ToString(in));
    }
  }
  if (std::any_of(sides.begin(), sides.end(),
                  [](const Side& side) { return side.out() >= 1; })) {
    return Ok();
  }
  std::string out;
  for (size_t i = axes; i-- > 0;) {
    out += std::string(" ") + "WHD"[i] + ": " + Number(sides[i].out());
  }
  const bool spaced = mode == PaddingMode::kReplicate && axes == 2;
  return Error(Code::kShape, "input (" + InputSizes(sides) +
                                 (spaced ? " )" : ")") +
                                 " is too small. Calculated output" + out);
}

Status CheckModule(int axes, PaddingMode mode, const Shape& in) {
  if (axes == 0 || mode != PaddingMode::kCircular) return Ok();
  const size_t least = static_cast<size_t>(axes) + 1;
  if (in.rank() == least || in.rank() == least + 1) return Ok();
  return Error(Code::kValue, "expected " + std::to_string(least) + "D or " +
                                 std::to_string(least + 1) + "D input (got " +
                                 std::to_string(in.rank()) + "D input)");
}

// What the loops need.
struct Walk {
  Shape in, out;
  std::vector<AxisMap> maps;

  Walk(const Pad& pad, const Shape& in_shape)
      : in(in_shape), out(in_shape), maps(pad.AxisMaps(in_shape)) {
    for (size_t axis = 0; axis < maps.size(); ++axis) {
      out[axis] = maps[axis].out;
    }
  }
};

// Calls visit(to, from) for each row of `cells` (of everything, if null) in
// row-major order: the offsets of the row's cell 0 in output and input, `from`
// -1 where the whole row is constant.
template <class Visit>
void ForEachRow(const Walk& walk, const Product* cells, Visit visit) {
  const size_t outer = walk.out.rank() - 1;
  std::array<AxisCells, Shape::kMaxRank> lists;
  for (size_t axis = 0; axis < outer; ++axis) {
    lists[axis] = AxisCells::Of(cells, axis, walk.out[axis]);
    if (lists[axis].size == 0) return;
  }
  std::array<int64_t, Shape::kMaxRank> at{};
  for (;;) {
    int64_t to = 0;
    int64_t from = 0;
    for (size_t axis = 0; axis < outer; ++axis) {
      const int64_t o = lists[axis][at[axis]];
      to = to * walk.out[axis] + o;
      const int64_t i = walk.maps[axis].Source(o, 0);
      from = from < 0 || i < 0 ? -1 : from * walk.in[axis] + i;
    }
    visit(to * walk.out[outer], from < 0 ? -1 : from * walk.in[outer]);
    size_t axis = outer;
    for (;;) {
      if (axis == 0) return;
      --axis;
      if (++at[axis] < lists[axis].size) break;
      at[axis] = 0;
    }
  }
}

// The part of a row, as numbers k of its list, that lies over the input as it
// is: a border, a run that is copied, a border. Empty for lists with gaps.
struct Run {
  int64_t begin, end;
};

Run RunOf(const AxisMap& map, const AxisCells& row) {
  if (row[row.size - 1] - row[0] != row.size - 1) return {row.size, row.size};
  const auto number = [&](int64_t o) {
    return std::clamp<int64_t>(o - row[0], 0, row.size);
  };
  const int64_t begin = number(std::max<int64_t>(map.before, 0));
  return {begin, std::max(begin, number(map.before + map.in))};
}

void Fill(const Walk& walk, float value, const float* in, const Product* cells,
          float* out) {
  if (walk.out.rank() == 0) {
    out[0] = in[0];
    return;
  }
  const size_t last = walk.out.rank() - 1;
  const AxisMap& map = walk.maps[last];
  const AxisCells row = AxisCells::Of(cells, last, walk.out[last]);
  if (row.size == 0) return;
  const Run run = RunOf(map, row);
  ForEachRow(walk, cells, [&](int64_t to, int64_t from) {
    const auto one = [&](int64_t o) {
      const int64_t i = from < 0 ? -1 : map.Source(o, 0);
      out[to + o] = i < 0 ? value : in[from + i];
    };
    for (int64_t k = 0; k < run.begin; ++k) one(row[k]);
    if (run.begin < run.end) {
      float* first = out + to + row[run.begin];
      if (from < 0) {
        std::fill_n(first, run.end - run.begin, value);
      } else {
        std::memcpy(first, in + from + row[run.begin] - map.before,
                    static_cast<size_t>(run.end - run.begin) * sizeof(float));
      }
    }
    for (int64_t k = run.end; k < row.size; ++k) one(row[k]);
  });
}

// Adds the gradients of the output cells `cells` (of all, if null) to the cells
// that they copy.
void FillBackward(const Walk& walk, const Product* cells,
                  const float* grad_output, float* grad_input) {
  if (walk.out.rank() == 0) {
    grad_input[0] += grad_output[0];
    return;
  }
  const size_t last = walk.out.rank() - 1;
  const AxisMap& map = walk.maps[last];
  const AxisCells row = AxisCells::Of(cells, last, walk.out[last]);
  if (row.size == 0) return;
  const Run run = RunOf(map, row);
  ForEachRow(walk, cells, [&](int64_t to, int64_t from) {
    if (from < 0) return;
    const float* add = grad_output + to;
    float* sum = grad_input + from;
    const auto one = [&](int64_t o) {
      const int64_t i = map.Source(o, 0);
      if (i >= 0) sum[i] += add[o];
    };
    for (int64_t k = 0; k < run.begin; ++k) one(row[k]);
    const int64_t first = run.begin < run.end ? row[run.begin] : 0;
    for (int64_t k = 0; k < run.end - run.begin; ++k) {
      sum[first - map.before + k] += add[first + k];
    }
    for (int64_t k = run.end; k < row.size; ++k) one(row[k]);
  });
}

}  // namespace

Status ParsePadMode(std::string_view text, PaddingMode* mode) {
  for (size_t i = 0; i < std::size(kModes); ++i) {
    if (text != kModes[i]) continue;
    *mode = static_cast<PaddingMode>(i);
    return Ok();
  }
  return Error(Code::kNotImplemented,
               "Unrecognised padding mode " + std::string(text));
}

Status Pad::Create(const PadOptions& options, std::unique_ptr<Pad>* pad) {
  auto made = std::make_unique<Pad>();
  made->options_ = options;
  made->padding_ = options.padding.values;
  if (!options.padding.is_tuple) {
    if (options.axes == 0) {
      return Error(Code::kType,
                   "pad(): argument 'pad' (position 2) must be tuple of ints, "
                   "not int");
    }
    made->padding_.assign(static_cast<size_t>(options.axes) * 2,
                          options.padding.values[0]);
  }
  *pad = std::move(made);
  return Ok();
}

std::string Pad::ToString() const {
  constexpr const char* kNames[] = {"ConstantPad", "ReflectionPad",
                                    "ReplicationPad", "CircularPad"};
  const bool is_constant = options_.mode == PaddingMode::kZeros;
  const std::string padding = TupleToString(padding_);
  if (options_.axes == 0) {
    std::string text =
        "pad(" + padding + ", mode='" + ModeName(options_.mode) + "'";
    if (is_constant)
      text += ", value=" + PythonFloat(options_.value.value_or(0));
    return text + ")";
  }
  const std::string dimension = std::to_string(options_.axes) + "d(";
  if (is_constant && options_.value) {
    return kNames[0] + dimension + "padding=" + padding +
           ", value=" + PythonFloat(*options_.value) + ")";
  }
  return (is_constant ? "ZeroPad"
                      : kNames[static_cast<size_t>(options_.mode)]) +
         dimension + padding + ")";
}

Status Pad::OutputShape(const Shape& in, Shape* out) const {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  const PaddingMode mode = options_.mode;
  CONVSCOPE_RETURN_IF_ERROR(CheckModule(options_.axes, mode, in));
  const size_t length = padding_.size();
  const size_t rank = in.rank();
  if (length % 2 != 0) {
    return Error(Code::kShape, "Padding length must be divisible by 2");
  }
  if (length > 2 * rank) {
    return Error(Code::kShape,
                 "Padding length should be less than or equal to two times the "
                 "input dimension but got padding length " +
                     std::to_string(length) + " and input of dimension " +
                     std::to_string(rank));
  }
  const std::vector<Side> sides = SidesOf(padding_, in);
  if (mode == PaddingMode::kZeros) {
    CONVSCOPE_RETURN_IF_ERROR(CheckConstant(sides));
  } else {
    // Not a number is not 0 either.
    if (options_.value && !(*options_.value == 0)) {
      return Error(Code::kShape, std::string("Padding mode \"") +
                                     ModeName(mode) +
                                     "\" doesn't take in value argument");
    }
    const size_t axes = length / 2;
    if (axes < 1 || axes > 3 || (rank != axes + 1 && rank != axes + 2)) {
      return Error(
          Code::kNotImplemented,
          "Padding size " + std::to_string(length) + " is not supported for " +
              std::to_string(rank) +
              "D input tensor.\n"
              "Supported combinations for non-constant padding:\n"
              "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
              "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
              "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)");
    }
    CONVSCOPE_RETURN_IF_ERROR(mode == PaddingMode::kCircular
                                  ? CheckCircular(sides)
                                  : CheckBorder(sides, mode, in));
  }
  for (int64_t padding : padding_) {
    // Both ends may be far off and still leave a size that is accepted.
    if (padding != Clamped(padding)) {
      return Error(Code::kShape, "integer out of range");
    }
  }
  *out = in;
  for (const Side& side : sides) (*out)[side.axis] = side.out();
  return CheckElements(*out, "output");
}

std::vector<AxisMap> Pad::AxisMaps(const Shape& in) const {
  std::vector<AxisMap> maps;
  for (int64_t size : in.span()) maps.push_back(AxisMap::Identity(size));
  for (const Side& side : SidesOf(padding_, in)) {
    AxisMap& map = maps[side.axis];
    map.kind = AxisMap::Kind::kWindow;
    map.mode = options_.mode;
    map.before = side.before;
    map.after = side.after;
    map.out = side.out();
  }
  return maps;
}

void Pad::Forward(const Shape& in_shape, const float* in, float* out) const {
  Fill(Walk(*this, in_shape), static_cast<float>(options_.value.value_or(0)),
       in, nullptr, out);
}

void Pad::ForwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, float* out) const {
  Fill(Walk(*this, in_shape), static_cast<float>(options_.value.value_or(0)),
       in, &cells, out);
}

Status Pad::Backward(const Shape& in_shape, const float*,
                     const float* grad_output,
                     const Gradients& gradients) const {
  float* grad_input = gradients.input;
  if (grad_input == nullptr) return Ok();
  std::fill_n(grad_input, in_shape.elements(), 0.0f);
  FillBackward(Walk(*this, in_shape), nullptr, grad_output, grad_input);
  OneNaN(in_shape.elements(), grad_input);
  return Ok();
}

Status Pad::BackwardCells(const Shape& in_shape, const float*,
                          const Product& cells, const float* grad_output,
                          float* grad_input) const {
  FillBackward(Walk(*this, in_shape), &cells, grad_output, grad_input);
  return Ok();
}

}  // namespace convscope
