#include "convscope/layer.h"

#include <algorithm>
#include <utility>

#include "convscope/buffer.h"

namespace convscope {
namespace {

// A layer that needs no preparation.
class ForwardKernel : public Kernel {
 public:
  ForwardKernel(const Layer& layer, const Shape& in) : layer_(layer), in_(in) {}

  void Run(const float* in, float* out) override {
    layer_.Forward(in_, in, out);
  }
  const char* algorithm() const override { return "direct"; }
  int64_t workspace_bytes() const override { return 0; }

 private:
  const Layer& layer_;
  Shape in_;
};

class ForwardCellsKernel : public CellKernel {
 public:
  ForwardCellsKernel(const Layer& layer, const Shape& in)
      : layer_(layer), in_(in) {}

  void Run(const float* in, const Product& cells, float* out) override {
    layer_.ForwardCells(in_, in, cells, out);
  }

 private:
  const Layer& layer_;
  Shape in_;
};

using AxisQuery = Status (*)(const AxisMap&, const IndexList&, IndexList*);

Status MapAxes(const std::vector<AxisMap>& maps, const Product& from,
               AxisQuery query, CellSet* to) {
  Product product;
  product.axes.resize(maps.size());
  for (size_t axis = 0; axis < maps.size(); ++axis) {
    CONVSCOPE_RETURN_IF_ERROR(
        query(maps[axis], from.axes[axis], &product.axes[axis]));
  }
  to->Add(std::move(product));
  return Ok();
}

}  // namespace

Status Layer::MakeKernel(const Shape& in, Math,
                         std::unique_ptr<Kernel>* kernel) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in, &out));
  *kernel = std::make_unique<ForwardKernel>(*this, in);
  return Ok();
}

void Layer::Forward(const Shape& in_shape, const float* in, float* out) const {
  Shape out_shape;
  if (!OutputShape(in_shape, &out_shape).ok()) return;
  ForwardCells(in_shape, in, AllCells(out_shape), out);
}

Status Layer::MakeCellKernel(const Shape& in,
                             std::unique_ptr<CellKernel>* kernel) const {
  *kernel = std::make_unique<ForwardCellsKernel>(*this, in);
  return Ok();
}

Status Layer::BackwardCells(const Shape& in_shape, const float* in,
                            const Product& cells, const float* grad_output,
                            float* grad_input) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in_shape, &out));
  Buffer<float> some, all;
  CONVSCOPE_RETURN_IF_ERROR(some.Allocate(out.elements()));
  CONVSCOPE_RETURN_IF_ERROR(all.Allocate(in_shape.elements()));
  std::fill_n(some.data(), some.size(), 0.0f);
  ForEachOffset(out, cells, [&](int64_t offset) {
    some.data()[offset] = grad_output[offset];
  });
  Gradients gradients;
  gradients.input = all.data();
  CONVSCOPE_RETURN_IF_ERROR(Backward(in_shape, in, some.data(), gradients));
  for (int64_t i = 0; i < all.size(); ++i) grad_input[i] += all.data()[i];
  return Ok();
}

Status Layer::Reads(const Shape& in, const Product& outputs,
                    CellSet* inputs) const {
  *inputs = CellSet(in);
  return MapAxes(AxisMaps(in), outputs, convscope::Reads, inputs);
}

Status Layer::ReadBy(const Shape& in, const Product& inputs,
                     CellSet* outputs) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in, &out));
  *outputs = CellSet(out);
  return MapAxes(AxisMaps(in), inputs, convscope::ReadBy, outputs);
}

Status Layer::ReadByParameter(const Shape&, size_t, const Product&,
                              CellSet*) const {
  return Error(Code::kIndex, "the layer has no parameters");
}

std::string Layer::WhyKept(const Shape&, const float*, const Shape&,
                           std::span<const int32_t>,
                           std::span<const int32_t>) const {
  return "rounded away";
}

Status Reads(const Layer& layer, const Shape& in, const CellSet& outputs,
             CellSet* inputs) {
  *inputs = CellSet(in);
  for (const Product& part : outputs.parts()) {
    CellSet some;
    CONVSCOPE_RETURN_IF_ERROR(layer.Reads(in, part, &some));
    for (const Product& product : some.parts()) inputs->Add(product);
  }
  return Ok();
}

Status ReadBy(const Layer& layer, const Shape& in, const CellSet& inputs,
              CellSet* outputs) {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(layer.OutputShape(in, &out));
  *outputs = CellSet(out);
  for (const Product& part : inputs.parts()) {
    CellSet some;
    CONVSCOPE_RETURN_IF_ERROR(layer.ReadBy(in, part, &some));
    for (const Product& product : some.parts()) outputs->Add(product);
  }
  return Ok();
}

}  // namespace convscope
