// Sequential: layers run one after another.
#ifndef CONVSCOPE_SEQUENTIAL_H_
#define CONVSCOPE_SEQUENTIAL_H_

#include <memory>
#include <string>
#include <vector>

#include "convscope/layer.h"

namespace convscope {

// Answers every question by asking its parts in turn. Parts are shared: the
// same layer may run twice. No parts: the identity.
class Sequential : public Layer {
 public:
  explicit Sequential(std::vector<std::shared_ptr<Layer>> parts)
      : parts_(std::move(parts)) {}

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  Status MakeKernel(const Shape& in, Math math,
                    std::unique_ptr<Kernel>* kernel) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  // Empty: a stack is no product of axes in general.
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;
  Status Reads(const Shape& in, const Product& outputs,
               CellSet* inputs) const override;
  Status ReadBy(const Shape& in, const Product& inputs,
                CellSet* outputs) const override;
  Status ReadByParameter(const Shape& in, size_t parameter,
                         const Product& cells, CellSet* outputs) const override;
  // "0.weight", "0.bias", "2.weight" …
  std::vector<Parameter> Parameters() const override;
  void AppendLeaves(std::vector<const Layer*>* leaves) const override;

  const std::vector<std::shared_ptr<Layer>>& parts() const { return parts_; }

 private:
  // Shapes before, between and after the parts: parts().size() + 1 of them.
  std::vector<Shape> ShapesAlong(const Shape& in) const;

  std::vector<std::shared_ptr<Layer>> parts_;
};

}  // namespace convscope

#endif  // CONVSCOPE_SEQUENTIAL_H_
