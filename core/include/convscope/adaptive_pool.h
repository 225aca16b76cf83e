// Pooling to a given output size: adaptive average and maximum over 1, 2 or 3
// axes.
#ifndef CONVSCOPE_ADAPTIVE_POOL_H_
#define CONVSCOPE_ADAPTIVE_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "convscope/layer.h"

namespace convscope {

// torch's output_size: one number for all axes or a tuple. An entry without a
// value (torch's None) keeps the input's size on that axis.
struct OutputSize {
  std::vector<std::optional<int64_t>> values;
  bool is_tuple = true;

  OutputSize() = default;
  OutputSize(int64_t size) : values{size}, is_tuple(false) {}  // NOLINT
  explicit OutputSize(std::vector<std::optional<int64_t>> sizes)
      : values(std::move(sizes)) {}
};

struct AdaptivePoolOptions {
  int axes = 2;  // 1, 2 or 3 spatial axes
  OutputSize output_size = 1;
  bool return_indices = false;  // max only
};

// Output o of an axis takes the cells from floor(o * in / out) up to but not
// including ceil((o + 1) * in / out): neighbours may share a cell, and with
// out > in cells repeat.
//
// Source: torch.nn.AdaptiveAvgPoolNd, AdaptiveMaxPoolNd.
class AdaptivePool : public Layer {
 public:
  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;

  const AdaptivePoolOptions& options() const { return options_; }

 protected:
  AdaptivePool(const AdaptivePoolOptions& options, bool is_max)
      : options_(options), is_max_(is_max) {}

  AdaptivePoolOptions options_;
  bool is_max_;
};

// The mean of each window; sums as AvgPool does.
class AdaptiveAvgPool : public AdaptivePool {
 public:
  static Status Create(const AdaptivePoolOptions& options,
                       std::unique_ptr<AdaptiveAvgPool>* pool);
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

 private:
  using AdaptivePool::AdaptivePool;
};

// The largest cell of each window; ties and NaN as MaxPool has them.
class AdaptiveMaxPool : public AdaptivePool {
 public:
  static Status Create(const AdaptivePoolOptions& options,
                       std::unique_ptr<AdaptiveMaxPool>* pool);
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  std::string WhyKept(const Shape& in_shape, const float* in,
                      const Shape& index, std::span<const int32_t> inputs,
                      std::span<const int32_t> weights) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;

  // As MaxPool::ForwardWithIndices.
  void ForwardWithIndices(const Shape& in_shape, const float* in, float* out,
                          int32_t* indices) const;

 private:
  using AdaptivePool::AdaptivePool;
};

}  // namespace convscope

#endif  // CONVSCOPE_ADAPTIVE_POOL_H_
