#include "core/src/kernels.h"

#include <cmath>
#include <utility>

#include "core/src/conv_cells.h"
#include "core/src/kernel_depthwise.h"
#include "core/src/kernel_gemm.h"
#include "core/src/kernel_phase.h"
#include "core/src/kernel_rows.h"
#include "core/src/kernel_small.h"
#include "core/src/kernel_winograd.h"

namespace convscope {
namespace {

// The fastest kernel for the shape; or the plain loops, while some weight is
// infinite or NaN and would make a NaN of the zero in a padding cell, or of
// more than it should where a kernel `spreads` weights over outputs.
class ConvKernel : public Kernel {
 public:
  ConvKernel(const ConvTask& task, std::unique_ptr<Kernel> fastest,
             bool spreads)
      : task_(task),
        fastest_(std::move(fastest)),
        pads_(spreads || MeetsZeroPadding(task.geometry)) {
    CheckWeights();
  }

  void Run(const float* in, float* out) override {
    if (skips_) {
      ComputeAllCells(task_.geometry, task_.weight, task_.bias, in, out);
    } else {
      fastest_->Run(in, out);
    }
  }
  void Repack() override {
    fastest_->Repack();
    CheckWeights();
  }
  const char* algorithm() const override {
    return skips_ ? "cells" : fastest_->algorithm();
  }
  int64_t workspace_bytes() const override {
    return fastest_->workspace_bytes();
  }

 private:
  void CheckWeights() {
    skips_ = false;
    if (!pads_) return;
    const ConvGeometry& g = task_.geometry;
    const int64_t count = g.groups * g.oc * g.ic * g.taps();
    for (int64_t i = 0; i < count; ++i)
      skips_ |= !std::isfinite(task_.weight[i]);
  }

  const ConvTask task_;
  std::unique_ptr<Kernel> fastest_;
  bool pads_;
  bool skips_ = false;
};

// An output without cells, whatever the sizes of its other axes.
class EmptyKernel : public Kernel {
 public:
  void Run(const float*, float*) override {}
  const char* algorithm() const override { return "empty"; }
  int64_t workspace_bytes() const override { return 0; }
};

}  // namespace

Status MakeConvKernel(const ConvGeometry& geometry, const float* weight,
                      const float* bias, Math math,
                      std::unique_ptr<Kernel>* kernel) {
  if (geometry.n * geometry.groups * geometry.oc * geometry.out_plane() == 0) {
    *kernel = std::make_unique<EmptyKernel>();
    return Ok();
  }
  const ConvTask task{geometry, weight, bias, math == Math::kFast};
  const bool is_winograd = task.is_fast && SuitsWinograd(geometry);
  const auto make = is_winograd                ? &MakeWinogradKernel
                    : SuitsDepthwise(geometry) ? &MakeDepthwiseKernel
                    : SuitsRows(geometry)      ? &MakeRowsKernel
                    : SuitsSmall(geometry)     ? &MakeSmallKernel
                                               : &MakeGemmKernel;
  std::unique_ptr<Kernel> fastest;
  CONVSCOPE_RETURN_IF_ERROR(make(task, &fastest));
  *kernel = std::make_unique<ConvKernel>(task, std::move(fastest), is_winograd);
  return Ok();
}

}  // namespace convscope
