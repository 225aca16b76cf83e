#include "convscope/conv.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/src/conv_cell_kernel.h"
#include "core/src/conv_cells.h"
#include "core/src/format.h"
#include "core/src/kernels.h"
#include "core/src/nan.h"

namespace convscope {
namespace {

bool IsOnly(const std::vector<int64_t>& values, int64_t value) {
  return std::all_of(values.begin(), values.end(),
                     [value](int64_t v) { return v == value; });
}

std::string PaddingToString(const ConvOptions& options,
                            const std::vector<int64_t>& padding) {
  switch (options.padding_kind) {
    case PaddingKind::kNumbers:
      return IsOnly(padding, 0) ? "" : TupleToString(padding);
    case PaddingKind::kPerSide: {
      std::string text = "(";
      for (const auto& [before, after] : options.padding_sides) {
        if (text.size() > 1) text += ", ";
        text += TupleToString({before, after});
      }
      return text + (options.padding_sides.size() == 1 ? ",)" : ")");
    }
    case PaddingKind::kValid:
      return "valid";
    case PaddingKind::kSame:
      return "same";
    case PaddingKind::kSameUpper:
      return "same-upper";
    case PaddingKind::kSameLower:
      return "same-lower";
  }
  return "";
}

Status CheckModule(const ConvOptions& options,
                   const std::vector<int64_t>& stride) {
  if (options.groups <= 0) {
    return Error(Code::kValue, "groups must be a positive integer");
  }
  if (options.in_channels % options.groups != 0) {
    return Error(Code::kValue, "in_channels must be divisible by groups");
  }
  if (options.out_channels % options.groups != 0) {
    return Error(Code::kValue, "out_channels must be divisible by groups");
  }
  if (options.padding_kind == PaddingKind::kSame && !IsOnly(stride, 1)) {
    return Error(Code::kValue,
                 "padding='same' is not supported for strided convolutions");
  }
  return Ok();
}

}  // namespace

Status ParsePadding(std::string_view text, ConvOptions* options) {
  if (text == "valid") {
    options->padding_kind = PaddingKind::kValid;
  } else if (text == "same") {
    options->padding_kind = PaddingKind::kSame;
  } else if (text == "same-upper") {
    options->padding_kind = PaddingKind::kSameUpper;
  } else if (text == "same-lower") {
    options->padding_kind = PaddingKind::kSameLower;
  } else if (options->is_module) {
    return Error(
        Code::kValue,
        "Invalid padding string '{}', should be one of {'same', 'valid'}",
        {std::string(text)});
  } else {
    return Error(Code::kShape, "Invalid padding string: '{}'",
                 {std::string(text)});
  }
  return Ok();
}

Status ParsePaddingMode(std::string_view text, ConvOptions* options) {
  if (ParsePaddingMode(text, &options->padding_mode)) return Ok();
  if (options->transposed) {
    return Error(
        Code::kValue,
        "Only \"zeros\" padding mode is supported for ConvTranspose{}d",
        {options->axes});
  }
  return Error(Code::kValue,
               "padding_mode must be one of {'zeros', 'reflect', 'replicate', "
               "'circular'}, but got padding_mode='{}'",
               {std::string(text)});
}

Status Conv::Create(const ConvOptions& options, Generator* generator,
                    std::unique_ptr<Conv>* conv) {
  CONVSCOPE_RETURN_IF_ERROR(CheckAxes(options.axes));
  auto made = std::make_unique<Conv>();
  const size_t axes = static_cast<size_t>(options.axes);
  made->options_ = options;
  made->kernel_ = PerAxis(options.kernel_size, axes);
  made->stride_ = PerAxis(options.stride, axes);
  made->padding_ = PerAxis(options.padding, axes);
  made->output_padding_ = PerAxis(options.output_padding, axes);
  made->dilation_ = PerAxis(options.dilation, axes);
  // torch's functional has no padding_mode at all.
  if (options.transposed && options.padding_mode != PaddingMode::kZeros) {
    return Error(
        Code::kValue,
        "Only \"zeros\" padding mode is supported for ConvTranspose{}d",
        {options.axes});
  }
  if (options.is_module) {
    CONVSCOPE_RETURN_IF_ERROR(CheckModule(options, made->stride_));
  } else if (options.groups <= 0) {
    return Error(Code::kShape, "non-positive groups is not supported");
  }
  if (made->kernel_.size() > Shape::kMaxRank - 2) {
    return Error(Code::kValue, "kernel_size has too many numbers");
  }
  if (options.padding_kind == PaddingKind::kPerSide &&
      options.padding_sides.size() != axes) {
    return Error(
        Code::kValue,
        "padding per side needs one [before, after] for each of the {} axes",
        {axes});
  }
  Shape& shape = made->weight_shape_;
  shape.push_back(options.transposed ? options.in_channels
                                     : options.out_channels);
  shape.push_back(
      (options.transposed ? options.out_channels : options.in_channels) /
      options.groups);
  for (int64_t size : made->kernel_) shape.push_back(size);
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(shape, "weight"));
  CONVSCOPE_RETURN_IF_ERROR(CheckElements({options.out_channels}, "bias"));
  made->parameters_ = std::make_shared<Numbers>();
  Buffer<float>& weight = made->parameters_->weight;
  Buffer<float>& bias = made->parameters_->bias;
  CONVSCOPE_RETURN_IF_ERROR(weight.Allocate(shape.elements()));
  std::fill_n(weight.data(), weight.size(), 0.0f);
  if (options.bias) {
    CONVSCOPE_RETURN_IF_ERROR(bias.Allocate(options.out_channels));
    std::fill_n(bias.data(), bias.size(), 0.0f);
  }
  made->ResetParameters(generator);
  *conv = std::move(made);
  return Ok();
}

void Conv::ResetParameters(Generator* generator, bool weight, bool bias) {
  if (generator == nullptr) return;
  double fan_in = 1;
  for (size_t axis = 1; axis < weight_shape_.rank(); ++axis) {
    fan_in *= static_cast<double>(weight_shape_[axis]);
  }
  if (fan_in == 0) return;
  const float bound = static_cast<float>(1.0 / std::sqrt(fan_in));
  Numbers& numbers = *parameters_;
  if (weight) {
    generator->FillUniform(bound, numbers.weight.size(), numbers.weight.data());
  }
  if (bias) {
    generator->FillUniform(bound, numbers.bias.size(), numbers.bias.data());
  }
}

std::string Conv::ToString() const {
  std::string text =
      Format("{}{}d({}, {}, kernel_size={}, stride={}",
             {options_.transposed ? "ConvTranspose" : "Conv", options_.axes,
              options_.in_channels, options_.out_channels,
              TupleToString(kernel_), TupleToString(stride_)});
  const std::string padding = PaddingToString(options_, padding_);
  if (!padding.empty()) text += ", padding=" + padding;
  if (!IsOnly(dilation_, 1)) text += ", dilation=" + TupleToString(dilation_);
  if (!IsOnly(output_padding_, 0)) {
    text += ", output_padding=" + TupleToString(output_padding_);
  }
  if (options_.groups != 1) {
    text += ", groups=" + std::to_string(options_.groups);
  }
  if (!options_.bias) text += ", bias=False";
  if (options_.padding_mode != PaddingMode::kZeros) {
    text += std::string(", padding_mode=") +
            convscope::ToString(options_.padding_mode);
  }
  return text + ")";
}

std::vector<Parameter> Conv::Parameters() const {
  const Parameter weight{"weight", weight_shape_, parameters_->weight.data()};
  if (!options_.bias) return {weight};
  return {weight, {"bias", {options_.out_channels}, parameters_->bias.data()}};
}

ConvGeometry Conv::Geometry(const Shape& in) const {
  const size_t axes = static_cast<size_t>(options_.axes);
  const bool is_batched = in.rank() == axes + 2;
  ConvGeometry g;
  g.n = is_batched ? in[0] : 1;
  g.groups = options_.groups;
  g.ic = options_.in_channels / g.groups;
  // Without input channels torch gives no output channels.
  g.oc = options_.in_channels == 0 ? 0 : options_.out_channels / g.groups;
  g.transposed = options_.transposed;
  for (AxisMap& map : g.axes) map.kind = AxisMap::Kind::kWindow;
  for (size_t axis = 0; axis < axes; ++axis) {
    AxisMap& map = g.axes[3 - axes + axis];
    map = Axis(axis, in[in.rank() - axes + axis]);
  }
  return g;
}

Status Conv::MakeCellKernel(const Shape& in,
                            std::unique_ptr<CellKernel>* kernel) const {
  return MakeConvCellKernel(Geometry(in), in.rank(), options_.axes, weight(),
                            bias(), kernel);
}

void Conv::ForwardCells(const Shape& in_shape, const float* in,
                        const Product& cells, float* out) const {
  ComputeCells(Geometry(in_shape), weight(), bias(), in,
               FiveAxes(cells, in_shape.rank(), options_.axes), out);
}

Status Conv::MakeKernel(const Shape& in, Math math,
                        std::unique_ptr<Kernel>* kernel) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in, &out));
  return MakeConvKernel(Geometry(in), weight(), bias(), math, kernel);
}

std::vector<AxisMap> Conv::AxisMaps(const Shape& in) const {
  const ConvGeometry g = Geometry(in);
  const size_t axes = static_cast<size_t>(options_.axes);
  std::vector<AxisMap> maps;
  if (in.rank() == axes + 2) maps.push_back(AxisMap::Identity(g.n));
  maps.push_back(AxisMap::Groups(g.groups * g.ic, g.groups * g.oc, g.groups));
  maps.insert(maps.end(), g.axes.end() - options_.axes, g.axes.end());
  return maps;
}

Status Conv::ReadByParameter(const Shape& in, size_t parameter,
                             const Product& cells, CellSet* outputs) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in, &out));
  *outputs = CellSet(out);
  const std::vector<AxisMap> maps = AxisMaps(in);
  const size_t axes = static_cast<size_t>(options_.axes);
  const size_t channel = maps.size() - axes - 1;
  Product all;
  for (int64_t size : out.span()) {
    if (size > kMaxListLength) {
      return Error(
          Code::kMemory,
          "the set of cells is too large: more than 2^25 indices along "
          "one axis");
    }
  }
  if (channel == 1) all.axes.push_back(Everything(out[0]));
  if (parameter == 1) {
    all.axes.push_back(cells.axes[0]);
    for (size_t axis = 0; axis < axes; ++axis) {
      all.axes.push_back(Everything(out[channel + 1 + axis]));
    }
    outputs->Add(std::move(all));
    return Ok();
  }
  const int64_t groups = options_.groups;
  const int64_t ic = options_.in_channels / groups;
  const int64_t oc = options_.out_channels / groups;
  if (ic == 0) return Ok();
  all.axes.emplace_back();
  for (size_t axis = 0; axis < axes; ++axis) {
    IndexList readers;
    for (int32_t k : cells.axes[2 + axis]) {
      maps[channel + 1 + axis].AppendTapReaders(k, &readers);
    }
    Normalize(&readers);
    all.axes.push_back(std::move(readers));
  }
  // The weight's first two axes say which output channels: directly, or for a
  // transposed layer by group and place in it.
  IndexList& channels = all.axes[channel];
  if (!options_.transposed) {
    channels = cells.axes[0];
    outputs->Add(std::move(all));
    return Ok();
  }
  for (int32_t input : cells.axes[0]) {
    for (int32_t place : cells.axes[1]) {
      channels.push_back(static_cast<int32_t>(input / ic * oc + place));
    }
  }
  Normalize(&channels);
  outputs->Add(std::move(all));
  return Ok();
}

Status Conv::Explain(const Shape& in_shape, const float* in, const Shape& index,
                     Explanation* explanation) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in_shape, &out));
  CONVSCOPE_RETURN_IF_ERROR(CheckIndex(out, index, "output"));
  const ConvGeometry g = Geometry(in_shape);
  const size_t axes = static_cast<size_t>(options_.axes);
  const bool is_batched = in_shape.rank() == axes + 2;
  const int64_t n = is_batched ? index[0] : 0;
  const int64_t c = index[is_batched ? 1 : 0];
  const int64_t group = c / g.oc;
  std::array<int64_t, 3> o{};
  for (size_t axis = 0; axis < axes; ++axis) {
    o[3 - axes + axis] = index[(is_batched ? 2 : 1) + axis];
  }
  const std::array<AxisMap, 3>& map = g.axes;
  explanation->terms.clear();
  explanation->bias = bias() == nullptr ? 0.0f : bias()[c];
  float sum = explanation->bias + 0.0f;
  for (int64_t ic = 0; ic < g.ic; ++ic) {
    const int64_t channel = (n * g.groups + group) * g.ic + ic;
    const int64_t row =
        g.transposed ? (group * g.ic + ic) * g.oc + c % g.oc : c * g.ic + ic;
    for (int64_t k = 0; k < g.taps(); ++k) {
      const int64_t kw = k % map[2].kernel;
      const int64_t kh = k / map[2].kernel % map[1].kernel;
      const int64_t kd = k / map[2].kernel / map[1].kernel;
      const int64_t id = map[0].Source(o[0], kd);
      const int64_t ih = map[1].Source(o[1], kh);
      const int64_t iw = map[2].Source(o[2], kw);
      const bool is_inside = id >= 0 && ih >= 0 && iw >= 0;
      if (!is_inside && g.transposed) continue;
      Term term;
      term.input =
          is_inside
              ? ((channel * map[0].in + id) * map[1].in + ih) * map[2].in + iw
              : -1;
      term.x = is_inside ? in[term.input] : 0.0f;
      term.weight = row * g.taps() + k;
      term.w = weight()[term.weight];
      term.product = is_inside ? term.x * term.w : 0.0f;
      if (is_inside) sum = sum + term.product;
      explanation->terms.push_back(term);
    }
  }
  explanation->value = OneNaN(sum);
  return Ok();
}

std::string Conv::WhyKept(const Shape& in_shape, const float* in,
                          const Shape& index, std::span<const int32_t> inputs,
                          std::span<const int32_t> weights) const {
  Explanation sum;
  if (!Explain(in_shape, in, index, &sum).ok()) return "rounded away";
  const auto holds = [](std::span<const int32_t> offsets, int64_t offset) {
    return std::binary_search(offsets.begin(), offsets.end(), offset);
  };
  // Every product that an edit could have moved has a 0 on its other side.
  bool by_weight = false;
  bool by_input = false;
  for (const Term& term : sum.terms) {
    if (holds(inputs, term.input)) {
      if (term.w != 0) return "rounded away";
      by_weight = true;
    }
    if (holds(weights, term.weight)) {
      if (term.x != 0) return "rounded away";
      by_input = true;
    }
  }
  if (by_weight && by_input) return "weight and input are 0";
  if (by_weight) return "weight is 0";
  return by_input ? "input is 0" : "rounded away";
}

}  // namespace convscope
