#include "convscope/pad.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/src/axis_cells.h"
#include "core/src/format.h"
#include "core/src/nan.h"
#include "core/src/pad_shape.h"
#include "core/src/python_float.h"

namespace convscope {
namespace {

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

Status Pad::Create(const PadOptions& options, std::unique_ptr<Pad>* pad) {
  if (options.axes != 0) CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
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
    const char* mode = PadModeName(options_.mode);
    if (!is_constant) return Format("pad({}, mode='{}')", {padding, mode});
    return Format("pad({}, mode='{}', value={})",
                  {padding, mode, PythonFloat(options_.value.value_or(0))});
  }
  if (is_constant && options_.value) {
    return Format(
        "{}{}d(padding={}, value={})",
        {kNames[0], options_.axes, padding, PythonFloat(*options_.value)});
  }
  const char* name =
      is_constant ? "ZeroPad" : kNames[static_cast<size_t>(options_.mode)];
  return Format("{}{}d({})", {name, options_.axes, padding});
}

Status Pad::OutputShape(const Shape& in, Shape* out) const {
  return PadOutputShape(options_, padding_, in, out);
}

std::vector<AxisMap> Pad::AxisMaps(const Shape& in) const {
  return PadAxisMaps(options_, padding_, in);
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
