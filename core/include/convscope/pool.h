// Max and average pooling over 1, 2 or 3 axes.
#ifndef CONVSCOPE_POOL_H_
#define CONVSCOPE_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "convscope/arguments.h"
#include "convscope/layer.h"

namespace convscope {

// torch's arguments under torch's names, with torch's defaults. Without a
// stride, it is the kernel_size.
struct MaxPoolOptions {
  int axes = 2;  // 1, 2 or 3 spatial axes
  Ints kernel_size = 1;
  std::optional<Ints> stride = std::nullopt;
  Ints padding = 0;
  Ints dilation = 1;
  bool ceil_mode = false;
  bool return_indices = false;
};

// The largest cell of each window. Padding is never the largest; of equal cells
// the first counts, and of cells that are not a number the last.
//
//   out[n][c][o...] = max over k... of in[n][c][o * stride - padding + k *
//   dilation]
//
// Shapes: in [N][C][L], [N][C][H][W] or [N][C][D][H][W], or the same without N.
// Values are moved, not computed: they keep their bits.
//
// Source: torch.nn.MaxPoolNd for arguments, defaults and messages.
class MaxPool : public Layer {
 public:
  // Refuses what torch.nn refuses to construct: nothing. Bad numbers are
  // refused in OutputShape, as in torch's forward.
  static Status Create(const MaxPoolOptions& options,
                       std::unique_ptr<MaxPool>* pool);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  std::string WhyKept(const Shape& in_shape, const float* in,
                      const Shape& index, std::span<const int32_t> inputs,
                      std::span<const int32_t> weights) const override;

  // The whole output, and for each cell the row-major offset of its largest
  // cell within its channel's plane of the input. Either array may be null.
  void ForwardWithIndices(const Shape& in_shape, const float* in, float* out,
                          int32_t* indices) const;

  const MaxPoolOptions& options() const { return options_; }

 private:
  MaxPoolOptions options_;
};

struct AvgPoolOptions {
  int axes = 2;
  Ints kernel_size = 1;
  std::optional<Ints> stride = std::nullopt;
  Ints padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::optional<int64_t> divisor_override =
      std::nullopt;  // torch has none with 1 axis
};

// The mean of each window: its cells added one by one in row-major order,
// starting at +0 and rounding each time, then divided once.
//
// The divisor is divisor_override if given; else the cells of the window that
// lie in the input or, with count_include_pad, in the input and its padding
// (what ceil_mode adds beyond the padding never counts).
//
// Source: torch.nn.AvgPoolNd for arguments, defaults and messages.
class AvgPool : public Layer {
 public:
  static Status Create(const AvgPoolOptions& options,
                       std::unique_ptr<AvgPool>* pool);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  // Windows in row-major order add their share to their cells.
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;

  const AvgPoolOptions& options() const { return options_; }

 private:
  AvgPoolOptions options_;
};

}  // namespace convscope

#endif  // CONVSCOPE_POOL_H_
