#include "core/src/kernels.h"

#include <algorithm>
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

// The plain loops alone, which leave out what meets nothing.
class PlainKernel : public Kernel {
 public:
  explicit PlainKernel(const ConvTask& task) : task_(task) {}
  void Run(const float* in, float* out) override {
    ComputeAllCells(task_.geometry, task_.weight, task_.bias, in, out);
  }
  const char* algorithm() const override { return "cells"; }
  int64_t workspace_bytes() const override { return 0; }

 private:
  const ConvTask task_;
};

// Whether windows are so much wider than the input that hardly any of the
// products that kernels make, zeros included, meets it: fewer than a kernel is
// faster than the plain loops.
bool SuitsPlain(const ConvGeometry& geometry) {
  constexpr double kFewest = 1.0 / 128;
  double share = 1;  // of the products, at most
  for (const AxisMap& map : geometry.axes) {
    const bool is_window = map.kind != AxisMap::Kind::kTransposed;
    if (is_window && map.mode != PaddingMode::kZeros) continue;
    const double in = static_cast<double>(map.in);
    const double stride = static_cast<double>(map.stride);
    // Kernels take transposed windows apart by their stride.
    const double apart = is_window ? 1 : stride;
    const double taps = static_cast<double>(map.kernel) / apart;
    const double outputs = static_cast<double>(map.out) / apart;
    // An output meets at most `in` taps, a tap as many outputs.
    const double met = is_window ? std::ceil(in / stride) : in;
    share *= std::min({1.0, in / taps, met / outputs});
  }
  return share < kFewest;
}

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
  if (SuitsPlain(geometry)) {
    *kernel = std::make_unique<PlainKernel>(task);
    return Ok();
  }
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
