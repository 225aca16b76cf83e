#include "convscope/fold.h"

#include <algorithm>

#include "core/src/blocks.h"
#include "core/src/format.h"

namespace convscope {
namespace {

// Numbers for both axes, in torch's words.
struct Pair {
  int64_t height = 0;
  int64_t width = 0;

  bool AllAtLeast(int64_t low) const { return height >= low && width >= low; }
  // "(3, 3)"
  std::string Text() const { return Format("({}, {})", {height, width}); }
  // "kernel_height: 3 kernel_width: 3"
  std::string Named(const char* name) const {
    return Format("{}_height: {} {}_width: {}", {name, height, name, width});
  }
};

Status ToPair(const Ints& ints, const char* name, Pair* pair) {
  if (!ints.is_tuple) {
    *pair = {ints.values[0], ints.values[0]};
  } else if (ints.values.size() == 2) {
    *pair = {ints.values[0], ints.values[1]};
  } else {
    return Error(Code::kShape, "It is expected {} equals to 2, but got size {}",
                 {name, ints.values.size()});
  }
  // No tensor is larger, and all products of these numbers fit in 64 bits.
  constexpr int64_t kMax = int64_t{1} << 29;
  if (pair->AllAtLeast(-kMax) && pair->height <= kMax && pair->width <= kMax) {
    return Ok();
  }
  return Error(Code::kShape, "integer out of range");
}

struct Arguments {
  Pair kernel, dilation, padding, stride;

  std::string Text() const {
    return Format("kernel_size={}, dilation={}, padding={}",
                  {kernel.Text(), dilation.Text(), padding.Text()});
  }
};

template <class Options>
Status ToArguments(const Options& options, Arguments* arguments) {
  CONVSCOPE_RETURN_IF_ERROR(
      ToPair(options.kernel_size, "kernel_size", &arguments->kernel));
  CONVSCOPE_RETURN_IF_ERROR(
      ToPair(options.dilation, "dilation", &arguments->dilation));
  CONVSCOPE_RETURN_IF_ERROR(
      ToPair(options.padding, "padding", &arguments->padding));
  return ToPair(options.stride, "stride", &arguments->stride);
}

Status RefuseNotPositive(const char* what, const Pair& pair, const char* name) {
  if (pair.AllAtLeast(1)) return Ok();
  return Error(Code::kShape, "{} should be greater than zero, but got {}",
               {what, pair.Named(name)});
}

Status RefuseNegativePadding(const Pair& padding) {
  if (padding.AllAtLeast(0)) return Ok();
  return Error(Code::kShape, "padding should be non-negative, but got {}",
               {padding.Named("pad")});
}

int64_t BlocksAlong(int64_t size, int64_t kernel, int64_t dilation,
                    int64_t padding, int64_t stride) {
  const int64_t span = size + 2 * padding - dilation * (kernel - 1) - 1;
  return (span >= 0 ? span / stride : -((-span + stride - 1) / stride)) + 1;
}

AxisMap Axis(int64_t in, int64_t out, int64_t kernel, int64_t dilation,
             int64_t padding, int64_t stride) {
  AxisMap map;
  map.kind = AxisMap::Kind::kWindow;
  map.in = in;
  map.out = out;
  map.kernel = kernel;
  map.stride = stride;
  map.dilation = dilation;
  map.before = map.after = padding;
  return map;
}

// The blocks of an image whose last two axes are `size`.
void SetAxes(const Arguments& a, const Pair& size, Blocks* blocks) {
  blocks->axes[0] = Axis(
      size.height,
      BlocksAlong(size.height, a.kernel.height, a.dilation.height,
                  a.padding.height, a.stride.height),
      a.kernel.height, a.dilation.height, a.padding.height, a.stride.height);
  blocks->axes[1] =
      Axis(size.width,
           BlocksAlong(size.width, a.kernel.width, a.dilation.width,
                       a.padding.width, a.stride.width),
           a.kernel.width, a.dilation.width, a.padding.width, a.stride.width);
}

// rows() and columns() multiply what may be large: refuse by their factors.
Status CheckMatrix(const Blocks& blocks) {
  Shape factors{std::max<int64_t>(blocks.n, 1), blocks.c};
  for (const AxisMap& axis : blocks.axes) {
    factors.push_back(axis.kernel);
    factors.push_back(axis.out);
  }
  if (CheckElements(factors, "").ok()) return Ok();
  return Error(Code::kMemory,
               "output with {} * {} * {} rows and {} * {} columns is too "
               "large: tensors of 2^30 elements or more are not supported",
               {blocks.c, blocks.axes[0].kernel, blocks.axes[1].kernel,
                blocks.axes[0].out, blocks.axes[1].out});
}

Status ToBlocks(const UnfoldOptions& options, const Shape& in, Blocks* blocks) {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  Arguments a;
  CONVSCOPE_RETURN_IF_ERROR(ToArguments(options, &a));
  CONVSCOPE_RETURN_IF_ERROR(
      RefuseNotPositive("kernel size", a.kernel, "kernel"));
  CONVSCOPE_RETURN_IF_ERROR(
      RefuseNotPositive("dilation", a.dilation, "dilation"));
  CONVSCOPE_RETURN_IF_ERROR(RefuseNegativePadding(a.padding));
  CONVSCOPE_RETURN_IF_ERROR(RefuseNotPositive("stride", a.stride, "stride"));
  const size_t rank = in.rank();
  bool is_valid = rank == 3 || rank == 4;
  // Only the batch may be empty.
  for (size_t axis = rank == 4 ? 1 : 0; axis < rank; ++axis) {
    is_valid = is_valid && in[axis] != 0;
  }
  if (!is_valid) {
    return Error(Code::kShape,
                 "Expected 3D or 4D (batch mode) tensor with possibly 0 batch "
                 "size and other non-zero dimensions for input, but got: {}",
                 {in});
  }
  blocks->batched = rank == 4;
  blocks->n = blocks->batched ? in[0] : 1;
  blocks->c = in[rank - 3];
  const Pair size{in[rank - 2], in[rank - 1]};
  SetAxes(a, size, blocks);
  const Pair counts{blocks->axes[0].out, blocks->axes[1].out};
  if (!counts.AllAtLeast(1)) {
    return Error(
        Code::kShape,
        "Given input with spatial size {}, {}, calculated shape of the array "
        "of sliding blocks as {}, but its components must be at least one.",
        {size.Text(), a.Text(), counts.Text()});
  }
  return CheckMatrix(*blocks);
}

Status ToBlocks(const FoldOptions& options, const Shape& in, Blocks* blocks) {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  Pair size;
  Arguments a;
  CONVSCOPE_RETURN_IF_ERROR(ToPair(options.output_size, "output_size", &size));
  CONVSCOPE_RETURN_IF_ERROR(ToArguments(options, &a));
  CONVSCOPE_RETURN_IF_ERROR(
      RefuseNotPositive("kernel size", a.kernel, "kernel"));
  CONVSCOPE_RETURN_IF_ERROR(RefuseNotPositive("stride", a.stride, "stride"));
  CONVSCOPE_RETURN_IF_ERROR(
      RefuseNotPositive("dilation", a.dilation, "dilation"));
  CONVSCOPE_RETURN_IF_ERROR(RefuseNegativePadding(a.padding));
  const size_t rank = in.rank();
  if ((rank != 2 && rank != 3) || in[rank - 1] == 0 || in[rank - 2] == 0) {
    return Error(
        Code::kShape,
        "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch "
        "size and non-zero dimensions for input, but got: {}",
        {in});
  }
  blocks->batched = rank == 3;
  blocks->n = blocks->batched ? in[0] : 1;
  const int64_t rows = in[rank - 2];
  const int64_t columns = in[rank - 1];
  const int64_t taps = a.kernel.height * a.kernel.width;
  if (rows % taps != 0) {
    return Error(
        Code::kShape,
        "Expected size of input's dimension 1 to be divisible by the product "
        "of kernel_size, but got input.size(1)={} and kernel_size={}.",
        {rows, a.kernel.Text()});
  }
  blocks->c = rows / taps;
  SetAxes(a, size, blocks);
  const Pair counts{blocks->axes[0].out, blocks->axes[1].out};
  const std::string given = Format("Given output_size={}, {}, stride={}, ",
                                   {size.Text(), a.Text(), a.stride.Text()});
  if (columns != counts.height * counts.width) {
    return Error(
        Code::kShape,
        "{}expected size of input's dimension 2 to match the calculated number "
        "of sliding blocks {} * {} = {}, but got input.size(2)={}.",
        {given, counts.height, counts.width, counts.height * counts.width,
         columns});
  }
  if (!counts.AllAtLeast(1)) {
    return Error(Code::kShape,
                 "{}calculated shape of the array of sliding blocks as {}, "
                 "which is too small (non-positive)",
                 {given, counts.Text()});
  }
  if (!size.AllAtLeast(1)) {
    return Error(
        Code::kShape,
        "Expected output spatial size to be positive, but got: output_size={}.",
        {size.Text()});
  }
  return CheckElements(blocks->ImageShape(), "output");
}

// For shapes that were accepted.
template <class Options>
Blocks BlocksOf(const Options& options, const Shape& in) {
  Blocks blocks;
  (void)ToBlocks(options, in, &blocks).ok();
  return blocks;
}

std::string Print(const Ints& kernel_size, const Ints& dilation,
                  const Ints& padding, const Ints& stride) {
  return Format("kernel_size={}, dilation={}, padding={}, stride={}",
                {ToString(kernel_size), ToString(dilation), ToString(padding),
                 ToString(stride)});
}

}  // namespace

Status Unfold::Create(const UnfoldOptions& options,
                      std::unique_ptr<Unfold>* unfold) {
  *unfold = std::make_unique<Unfold>();
  (*unfold)->options_ = options;
  return Ok();
}

std::string Unfold::ToString() const {
  return Format("Unfold({})", {Print(options_.kernel_size, options_.dilation,
                                     options_.padding, options_.stride)});
}

Status Unfold::OutputShape(const Shape& in, Shape* out) const {
  Blocks blocks;
  CONVSCOPE_RETURN_IF_ERROR(ToBlocks(options_, in, &blocks));
  *out = blocks.MatrixShape();
  return Ok();
}

void Unfold::Forward(const Shape& in_shape, const float* in, float* out) const {
  BlocksOf(options_, in_shape).Gather(in, nullptr, out);
}

void Unfold::ForwardCells(const Shape& in_shape, const float* in,
                          const Product& cells, float* out) const {
  BlocksOf(options_, in_shape).Gather(in, &cells, out);
}

Status Unfold::Backward(const Shape& in_shape, const float*,
                        const float* grad_output,
                        const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  BlocksOf(options_, in_shape).Scatter(grad_output, nullptr, gradients.input);
  return Ok();
}

std::vector<AxisMap> Unfold::AxisMaps(const Shape&) const { return {}; }

Status Unfold::Reads(const Shape& in, const Product& outputs,
                     CellSet* inputs) const {
  return BlocksOf(options_, in).ToImage(outputs, inputs);
}

Status Unfold::ReadBy(const Shape& in, const Product& inputs,
                      CellSet* outputs) const {
  return BlocksOf(options_, in).ToMatrix(inputs, outputs);
}

Status Fold::Create(const FoldOptions& options, std::unique_ptr<Fold>* fold) {
  *fold = std::make_unique<Fold>();
  (*fold)->options_ = options;
  return Ok();
}

std::string Fold::ToString() const {
  return Format("Fold(output_size={}, {})",
                {convscope::ToString(options_.output_size),
                 Print(options_.kernel_size, options_.dilation,
                       options_.padding, options_.stride)});
}

Status Fold::OutputShape(const Shape& in, Shape* out) const {
  Blocks blocks;
  CONVSCOPE_RETURN_IF_ERROR(ToBlocks(options_, in, &blocks));
  *out = blocks.ImageShape();
  return Ok();
}

void Fold::Forward(const Shape& in_shape, const float* in, float* out) const {
  BlocksOf(options_, in_shape).Scatter(in, nullptr, out);
}

void Fold::ForwardCells(const Shape& in_shape, const float* in,
                        const Product& cells, float* out) const {
  BlocksOf(options_, in_shape).Scatter(in, &cells, out);
}

Status Fold::Backward(const Shape& in_shape, const float*,
                      const float* grad_output,
                      const Gradients& gradients) const {
  if (gradients.input == nullptr) return Ok();
  BlocksOf(options_, in_shape).Gather(grad_output, nullptr, gradients.input);
  return Ok();
}

std::vector<AxisMap> Fold::AxisMaps(const Shape&) const { return {}; }

Status Fold::Reads(const Shape& in, const Product& outputs,
                   CellSet* inputs) const {
  return BlocksOf(options_, in).ToMatrix(outputs, inputs);
}

Status Fold::ReadBy(const Shape& in, const Product& inputs,
                    CellSet* outputs) const {
  return BlocksOf(options_, in).ToImage(inputs, outputs);
}

}  // namespace convscope
