#include "core/src/conv_cell_kernel.h"

#include <utility>

#include "core/src/cell_channels.h"
#include "core/src/cell_planes.h"
#include "core/src/conv_cells.h"

namespace convscope {
namespace {

class ConvCellKernel : public CellKernel {
 public:
  ConvCellKernel(const ConvGeometry& geometry, size_t rank, int axes,
                 const float* weight, const float* bias)
      : g_(geometry), rank_(rank), axes_(axes), weight_(weight), bias_(bias) {}

  Status Pack() {
    // A single channel has no neighbours.
    return g_.oc < 2 ? Ok() : channels_.Pack(g_, weight_);
  }

  void ParameterChanged(size_t parameter, int64_t offset) override {
    if (parameter == 0 && g_.oc >= 2) channels_.PackOne(g_, weight_, offset);
  }

  void Run(const float* in, const Product& product, float* out) override {
    const ConvCells cells = FiveAxes(product, rank_, axes_);
    if (channels_.Suits(g_, cells[1])) {
      if (channels_.Run(g_, bias_, in, cells, out)) return;
    } else if (planes_.Run(g_, weight_, bias_, in, cells, out)) {
      return;
    }
    ComputeCells(g_, weight_, bias_, in, cells, out);
  }

 private:
  const ConvGeometry g_;
  const size_t rank_;
  const int axes_;
  const float* weight_;
  const float* bias_;
  CellChannels channels_;
  CellPlanes planes_;
};

}  // namespace

Status MakeConvCellKernel(const ConvGeometry& geometry, size_t rank, int axes,
                          const float* weight, const float* bias,
                          std::unique_ptr<CellKernel>* kernel) {
  auto made =
      std::make_unique<ConvCellKernel>(geometry, rank, axes, weight, bias);
  CONVSCOPE_RETURN_IF_ERROR(made->Pack());
  *kernel = std::move(made);
  return Ok();
}

}  // namespace convscope
