#include "convscope/layer.h"

#include <utility>

namespace convscope {
namespace {

// Any layer's values, cell by cell.
class CellsKernel : public Kernel {
 public:
  CellsKernel(const Layer& layer, const Shape& in, const Shape& out)
      : layer_(layer), in_(in), cells_(AllCells(out)) {}

  void Run(const float* in, float* out) override {
    layer_.ForwardCells(in_, in, cells_, out);
  }
  const char* algorithm() const override { return "cells"; }
  int64_t workspace_bytes() const override {
    int64_t bytes = 0;
    for (const IndexList& list : cells_.axes) {
      bytes += static_cast<int64_t>(list.size() * sizeof(int32_t));
    }
    return bytes;
  }

 private:
  const Layer& layer_;
  Shape in_;
  Product cells_;
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
  *kernel = std::make_unique<CellsKernel>(*this, in, out);
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
