// What computes whole tensors: plans, gradients, random numbers, prints.
#include <string>

#include "wasm/bindings/bind.h"
#include "wasm/bindings/exchange.h"
#include "wasm/bindings/layer.h"

namespace convscope::raw {

// A plan with the layer that it refers to.
struct RawPlan {
  std::shared_ptr<Layer> layer;
  IndexedForward with_indices;
  std::unique_ptr<Plan> plan;
  Buffer<int32_t> indices;
};

// Input shape in.
RawPlan* MakePlan(const RawLayer& layer, int rank, int fast) {
  auto made = std::make_unique<RawPlan>();
  made->layer = layer.layer;
  made->with_indices = layer.with_indices;
  Status status =
      Plan::Create(*layer.layer, ReadShape(0, rank),
                   fast != 0 ? Math::kFast : Math::kReproducible, &made->plan);
  if (status.ok() && layer.with_indices != nullptr) {
    status = made->indices.Allocate(made->plan->output_shape().elements());
  }
  return Report(std::move(status)) == 0 ? made.release() : nullptr;
}
void DeletePlan(RawPlan* plan) { delete plan; }

void PlanRun(RawPlan* plan) {
  if (plan->with_indices == nullptr) return plan->plan->Run();
  plan->with_indices(*plan->layer, plan->plan->input_shape(),
                     plan->plan->input(), plan->plan->output(),
                     plan->indices.data());
}
void PlanRepack(RawPlan* plan) { plan->plan->Repack(); }

// The addresses of input, output and indices (0 unless the layer answers with
// them) and the bytes of the workspace out, then the output's shape; its rank
// is returned.
int PlanBuffers(const RawPlan& plan) {
  mailbox[0] = Address(plan.plan->input());
  mailbox[1] = Address(plan.plan->output());
  mailbox[2] = Address(plan.indices.data());
  mailbox[3] = static_cast<double>(plan.plan->workspace_bytes());
  return WriteShape(4, plan.plan->output_shape());
}
void PlanAlgorithm(const RawPlan& plan) { WriteText(plan.plan->algorithm()); }

// The arrays of one backward call.
struct RawBackward {
  Status Allocate(const Shape& in) {
    CONVSCOPE_RETURN_IF_ERROR(layer->OutputShape(in, &out_shape));
    in_shape = in;
    CONVSCOPE_RETURN_IF_ERROR(input.Allocate(in.elements()));
    CONVSCOPE_RETURN_IF_ERROR(grad_output.Allocate(out_shape.elements()));
    CONVSCOPE_RETURN_IF_ERROR(grad_input.Allocate(in.elements()));
    for (const Parameter& parameter : layer->Parameters()) {
      Buffer<float> gradient;
      CONVSCOPE_RETURN_IF_ERROR(gradient.Allocate(parameter.shape.elements()));
      grad_parameters.push_back(std::move(gradient));
    }
    return Ok();
  }

  std::shared_ptr<Layer> layer;
  Shape in_shape, out_shape;
  Buffer<float> input, grad_output, grad_input;
  std::vector<Buffer<float>> grad_parameters;
};

// Input shape in.
RawBackward* MakeBackward(const RawLayer& layer, int rank) {
  auto made = std::make_unique<RawBackward>();
  made->layer = layer.layer;
  const int code = Report(made->Allocate(ReadShape(0, rank)));
  return code == 0 ? made.release() : nullptr;
}
void DeleteBackward(RawBackward* backward) { delete backward; }

// The addresses of input, of the output's gradient and of the input's out, then
// the output's shape; its rank is returned.
int BackwardBuffers(const RawBackward& backward) {
  mailbox[0] = Address(backward.input.data());
  mailbox[1] = Address(backward.grad_output.data());
  mailbox[2] = Address(backward.grad_input.data());
  return WriteShape(3, backward.out_shape);
}
double BackwardParameter(const RawBackward& backward, int p) {
  return Address(backward.grad_parameters[static_cast<size_t>(p)].data());
}

int BackwardRun(RawBackward* backward) {
  Gradients gradients{backward->grad_input.data(), {}};
  for (Buffer<float>& gradient : backward->grad_parameters) {
    gradients.parameters.push_back(gradient.data());
  }
  return Report(
      backward->layer->Backward(backward->in_shape, backward->input.data(),
                                backward->grad_output.data(), gradients));
}

// --- Random numbers and prints ----------------------------------------------

Generator generator;

void ManualSeed(double seed) {
  generator.ManualSeed(static_cast<uint64_t>(ToInteger(seed)));
}
void FillRand(float* values, double count) {
  generator.FillRand(ToInteger(count), values);
}
void FillRandn(float* values, double count) {
  generator.FillRandn(ToInteger(count), values);
}

// Shape in; its rank may be any up to 64.
void FloatsText(const float* values, int rank) {
  const std::vector<int64_t> shape(mailbox, mailbox + rank);
  WriteText(TensorToString(shape, values));
}
void IntsText(const int32_t* values, int rank) {
  const std::vector<int64_t> shape(mailbox, mailbox + rank);
  WriteText(TensorToString(shape, values));
}

EMSCRIPTEN_BINDINGS(run) {
  Bind<&MakePlan>("makePlan");
  Bind<&DeletePlan>("deletePlan");
  Bind<&PlanRun>("planRun");
  Bind<&PlanRepack>("planRepack");
  Bind<&PlanBuffers>("planBuffers");
  Bind<&PlanAlgorithm>("planAlgorithm");
  Bind<&MakeBackward>("makeBackward");
  Bind<&DeleteBackward>("deleteBackward");
  Bind<&BackwardBuffers>("backwardBuffers");
  Bind<&BackwardParameter>("backwardParameter");
  Bind<&BackwardRun>("backwardRun");
  Bind<&ManualSeed>("manualSeed");
  Bind<&FillRand>("fillRand");
  Bind<&FillRandn>("fillRandn");
  Bind<&FloatsText>("floatsText");
  Bind<&IntsText>("intsText");
}

}  // namespace convscope::raw
