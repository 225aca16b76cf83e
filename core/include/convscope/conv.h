// Convolution and transposed convolution over 1, 2 or 3 axes.
#ifndef CONVSCOPE_CONV_H_
#define CONVSCOPE_CONV_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convscope/arguments.h"
#include "convscope/axis.h"
#include "convscope/buffer.h"
#include "convscope/layer.h"
#include "convscope/random.h"

namespace convscope {

// How the padding was asked for.
enum class PaddingKind {
  kNumbers,  // `padding`, the same before and after
  kPerSide,  // `padding_sides`, [before, after] per axis; ours, not torch's
  kValid,    // "valid": none
  kSame,     // "same": dilation * (kernel - 1) in all, the odd cell at the end
  kSameUpper,  // out = ceil(in / stride), the odd cell at the end (ONNX, TF)
  kSameLower,  // the same with the odd cell at the beginning
};

// torch's arguments under torch's names, with torch's defaults.
struct ConvOptions {
  int axes = 2;  // 1, 2 or 3 spatial axes
  bool transposed = false;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  Ints kernel_size = 1;
  Ints stride = 1;
  PaddingKind padding_kind = PaddingKind::kNumbers;
  Ints padding = 0;
  std::vector<std::pair<int64_t, int64_t>> padding_sides = {};
  Ints output_padding = 0;  // transposed only
  Ints dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::kZeros;
  // False for F.conv2d and the like: torch's functional texts, no print.
  bool is_module = true;
};

// Reads a padding written as a word, "same", "valid", "same-upper" or
// "same-lower", or a padding mode. Refuses others with torch's text.
Status ParsePadding(std::string_view text, ConvOptions* options);
Status ParsePaddingMode(std::string_view text, ConvOptions* options);

// A convolution with its numbers filled in for one input shape: everything that
// a kernel needs to know. Axes are always three, the missing ones of size 1.
struct ConvGeometry {
  int64_t n = 1;  // batch
  int64_t groups = 1;
  int64_t ic = 1;  // input channels per group
  int64_t oc = 1;  // output channels per group
  bool transposed = false;
  std::array<AxisMap, 3> axes;  // depth, height, width (kWindow, kTransposed)

  int64_t in_plane() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_plane() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t taps() const {
    return axes[0].kernel * axes[1].kernel * axes[2].kernel;
  }
};

// One product of the sum that makes an output.
struct Term {
  int64_t input;   // offset in the input, -1 for a zero padding cell
  float x;         // the cell's value; 0 for padding
  int64_t weight;  // offset in the weight
  float w;
  float product;  // x * w, rounded to float
};

// An output written out: value = bias + the products, added one by one.
struct Explanation {
  float value = 0;
  float bias = 0;
  std::vector<Term> terms;  // in the order of the sum
};

// Slides `weight` over the input and writes one weighted sum per position. This
// is the "convolution" of deep learning: a cross-correlation, nothing is
// flipped.
//
//   out[n][oc][o...] = bias[oc] + sum over ic, k... of
//       in[n][ic][i...] * weight[oc][ic][k...]
//   with i = o * stride - padding + k * dilation on each axis
//
// Input outside its bounds is a cell of the padding mode; a zero padding cell
// adds nothing, not even where the weight is infinite. With groups, ic runs
// over the channels of the group that oc belongs to. Transposed: every input
// stamps the kernel on the output, weight[ic][oc][k...] at o = i * stride -
// padding + k * dilation.
//
// Shapes: in [N][C][L], [N][C][H][W] or [N][C][D][H][W], or the same without N;
// weight [OC][IC / groups][k...], transposed [IC][OC / groups][k...]; bias
// [OC].
//
// Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep
// learning", 2018; torch.nn.ConvNd for arguments, defaults and messages.
class Conv : public Layer {
 public:
  // Allocates the parameters and draws them from `generator` as torch does
  // (nullptr: they are zero). Refuses what torch.nn refuses to construct.
  static Status Create(const ConvOptions& options, Generator* generator,
                       std::unique_ptr<Conv>* conv);

  // Draws the weight, then the bias, anew (those that are asked for).
  void ResetParameters(Generator* generator, bool weight = true,
                       bool bias = true);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  Status MakeKernel(const Shape& in, Math math,
                    std::unique_ptr<Kernel>* kernel) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  Status MakeCellKernel(const Shape& in,
                        std::unique_ptr<CellKernel>* kernel) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  Status ReadByParameter(const Shape& in, size_t parameter,
                         const Product& cells, CellSet* outputs) const override;
  std::vector<Parameter> Parameters() const override;
  std::string WhyKept(const Shape& in_shape, const float* in,
                      const Shape& index, std::span<const int32_t> inputs,
                      std::span<const int32_t> weights) const override;

  // The sum behind output cell `index`, term by term. Only taps that meet the
  // input or a padding cell are listed: of a transposed layer, the stamps.
  Status Explain(const Shape& in_shape, const float* in, const Shape& index,
                 Explanation* explanation) const;

  // Transposed only: the layer whose output_padding gives `output_size` (one
  // size per axis, or a full shape) for inputs of shape `in`, as torch's
  // forward with output_size. It shares this layer's parameters.
  Status ForOutputSize(const Shape& in, std::span<const int64_t> output_size,
                       std::unique_ptr<Conv>* conv) const;

  const ConvOptions& options() const { return options_; }
  const Shape& weight_shape() const { return weight_shape_; }
  const float* weight() const { return parameters_->weight.data(); }
  // Null without a bias.
  const float* bias() const { return parameters_->bias.data(); }

  // Sizes, maps and groups for an accepted input shape.
  ConvGeometry Geometry(const Shape& in) const;

 private:
  struct Numbers {
    Buffer<float> weight;
    Buffer<float> bias;
  };

  std::pair<int64_t, int64_t> Sides(size_t axis, int64_t size) const;
  AxisMap Axis(size_t axis, int64_t size) const;
  Status PadAsTorch(const Shape& in, Shape* shown) const;
  Status CheckArguments(size_t axes) const;
  Status CheckChannels(const Shape& input) const;
  Status CheckKernel(const Shape& input) const;

  ConvOptions options_;
  // One value per axis, as far as the user gave them (see PerAxis).
  std::vector<int64_t> kernel_, stride_, padding_, output_padding_, dilation_;
  Shape weight_shape_;
  std::shared_ptr<Numbers> parameters_;
};

}  // namespace convscope

#endif  // CONVSCOPE_CONV_H_
