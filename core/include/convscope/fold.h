// Unfold and Fold: an image as a matrix of its sliding blocks, and back.
#ifndef CONVSCOPE_FOLD_H_
#define CONVSCOPE_FOLD_H_

#include <memory>
#include <string>

#include "convscope/arguments.h"
#include "convscope/layer.h"

namespace convscope {

// Numbers or pairs: both work on two axes, as in torch.
struct UnfoldOptions {
  Ints kernel_size = 1;
  Ints dilation = 1;
  Ints padding = 0;
  Ints stride = 1;
};

struct FoldOptions {
  Ints output_size = 1;
  Ints kernel_size = 1;
  Ints dilation = 1;
  Ints padding = 0;
  Ints stride = 1;
};

// Lays every window of the image out as a column (im2col):
//
//   out[n][(c * KH + kh) * KW + kw][oh * OW + ow] = in[n][c][ih][iw]
//   with ih = oh * stride - padding + kh * dilation, iw likewise
//
// where OH and OW are a convolution's output sizes; 0 beyond the border.
// in [N][C][H][W] or [C][H][W]. Values keep their bits.
//
// Source: torch.nn.Unfold.
class Unfold : public Layer {
 public:
  static Status Create(const UnfoldOptions& options,
                       std::unique_ptr<Unfold>* unfold);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  // Folds the gradient.
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  // Empty: a column's number holds two axes in one, so no axis is mapped for
  // itself. Reads and ReadBy answer with several products.
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  Status Reads(const Shape& in, const Product& outputs,
               CellSet* inputs) const override;
  Status ReadBy(const Shape& in, const Product& inputs,
                CellSet* outputs) const override;

  const UnfoldOptions& options() const { return options_; }

 private:
  UnfoldOptions options_;
};

// The transpose of Unfold: every column is added into the image where its block
// was taken (col2im). A cell's sum starts at +0 and takes its blocks in the
// order of (kh, kw), rounding each time.
//
// in [N][C * KH * KW][L] or [C * KH * KW][L]; out [N][C][H][W] or [C][H][W]
// with (H, W) = output_size.
//
// Source: torch.nn.Fold.
class Fold : public Layer {
 public:
  static Status Create(const FoldOptions& options, std::unique_ptr<Fold>* fold);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  // Unfolds the gradient.
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  Status Reads(const Shape& in, const Product& outputs,
               CellSet* inputs) const override;
  Status ReadBy(const Shape& in, const Product& inputs,
                CellSet* outputs) const override;

  const FoldOptions& options() const { return options_; }

 private:
  FoldOptions options_;
};

}  // namespace convscope

#endif  // CONVSCOPE_FOLD_H_
