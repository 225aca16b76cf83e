#include "convscope/plan.h"

#include <algorithm>
#include <utility>

namespace convscope {

Status Plan::Create(const Layer& layer, const Shape& in, Math math,
                    std::unique_ptr<Plan>* plan) {
  auto made = std::make_unique<Plan>();
  made->input_shape_ = in;
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in, "input"));
  CONVSCOPE_RETURN_IF_ERROR(layer.OutputShape(in, &made->output_shape_));
  CONVSCOPE_RETURN_IF_ERROR(made->input_.Allocate(in.elements()));
  CONVSCOPE_RETURN_IF_ERROR(
      made->output_.Allocate(made->output_shape_.elements()));
  CONVSCOPE_RETURN_IF_ERROR(layer.MakeKernel(in, math, &made->kernel_));
  // A plan may be read before its first run.
  std::fill_n(made->input_.data(), made->input_.size(), 0.0f);
  std::fill_n(made->output_.data(), made->output_.size(), 0.0f);
  *plan = std::move(made);
  return Ok();
}

}  // namespace convscope
