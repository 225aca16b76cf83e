// Layers of any kind from any arguments, on inputs of any shape: refused with a
// reason, or all that the library says about them agrees with itself.
#include <bit>
#include <cmath>

#include "tests/core/support/properties.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/fuzz/choices.h"

namespace convscope::testing {
namespace {

constexpr int64_t kSmall = 600;

bool IsSmall(const Shape& shape) {
  return CheckElements(shape, "").ok() && shape.elements() <= kSmall;
}

void MustRefuse(const Layer& layer, const Shape& in) {
  std::unique_ptr<Kernel> kernel;
  Must(!layer.MakeKernel(in, Math::kFast, &kernel).ok(),
       "a kernel for a refused shape");
  std::unique_ptr<Plan> plan;
  Must(!Plan::Create(layer, in, Math::kReproducible, &plan).ok(),
       "a plan for a refused shape");
}

// One cell's lists may be long even where few of them are asked for.
void AskCells(const Layer& layer, const Shape& in, const Shape& out,
              Choices* choices) {
  for (int64_t size : in.span()) {
    if (size > 1 << 16) return;
  }
  for (int64_t size : out.span()) {
    if (size > 1 << 16) return;
  }
  const int64_t inputs = in.elements(), outputs = out.elements();
  CellSet reads, read_by;
  if (outputs > 0) {
    const Shape o = IndexAt(out, choices->Int(0, outputs - 1));
    const Status status = layer.Reads(in, SingleCell(o), &reads);
    MustBeSound(status);
    if (status.ok() && reads.size() > 0 && reads.size() < kSmall) {
      for (int32_t offset : reads.Offsets()) {
        Must(offset >= 0 && offset < inputs, "an input that there is not");
        if (!layer.ReadBy(in, SingleCell(IndexAt(in, offset)), &read_by).ok()) {
          continue;
        }
        Must(read_by.Has(o), "read, but not read by");
      }
    }
  }
  if (inputs > 0) {
    const Shape i = IndexAt(in, choices->Int(0, inputs - 1));
    MustBeSound(layer.ReadBy(in, SingleCell(i), &read_by));
  }
}

// The sum written out gives the value, and names the weights that reach it.
void AskConv(const Conv& conv, const Shape& in, const Shape& out,
             const std::vector<float>& values,
             const std::vector<float>& result) {
  if (out.elements() * conv.weight_shape().elements() > 1 << 13) return;
  std::vector<CellSet> readers;
  for (int64_t w = 0; w < conv.weight_shape().elements(); ++w) {
    readers.emplace_back();
    Must(
        conv.ReadByParameter(in, 0, SingleCell(IndexAt(conv.weight_shape(), w)),
                             &readers.back())
            .ok(),
        "a weight's readers");
  }
  for (int64_t o = 0; o < out.elements(); ++o) {
    const Shape index = IndexAt(out, o);
    Explanation explanation;
    Must(conv.Explain(in, values.data(), index, &explanation).ok(), "explain");
    MustBeSame({explanation.value}, &result[static_cast<size_t>(o)],
               "explained");
    std::vector<bool> meets(readers.size());
    for (const Term& term : explanation.terms) {
      if (term.input >= 0) meets[static_cast<size_t>(term.weight)] = true;
    }
    for (size_t w = 0; w < readers.size(); ++w) {
      Must(readers[w].Has(index) == meets[w], "a weight's readers differ");
    }
  }
}

void AskValues(const AnyLayer& made, const Shape& in, const Shape& out,
               uint64_t seed) {
  const std::shared_ptr<Layer>& layer = made.layer;
  Random random(seed);
  std::vector<float> values;
  for (int64_t i = 0; i < in.elements(); ++i) {
    values.push_back(random.AnyValue());
  }
  std::vector<float> result, fast;
  Require(Forward(*layer, in, values, Math::kReproducible, &result));
  MustBeSame(Values(*layer, in, values), result.data(), "forward and kernel");
  Require(Forward(*layer, in, values, Math::kFast, &fast));
  (void)Backward(*layer, in, values, random.Values(out.elements()));
  if (made.conv) AskConv(*made.conv, in, out, values, result);
  if (made.max_pool) {
    std::vector<int32_t> indices(result.size());
    made.max_pool->ForwardWithIndices(in, values.data(), fast.data(),
                                      indices.data());
    MustBeSame(fast, result.data(), "with indices");
  }
  if (in.elements() == 0 || out.elements() == 0) return;
  MustBeEmpty(CellsFault(*layer, in, static_cast<uint32_t>(seed)));
  if (!made.makes_nan && in.elements() * out.elements() <= 1 << 14) {
    MustBeEmpty(DependencyFault(*layer, in));
  }
}

void Run(Choices* choices) {
  const AnyLayer made = MakeAnyLayer(choices);
  if (!made.layer) return;
  const std::shared_ptr<Layer>& layer = made.layer;
  Asking(layer->ToString());
  const uint64_t seed = choices->Seed();
  Shape in = choices->Sizes();
  if (const Conv* conv = made.conv.get()) {
    // Mostly as many axes and channels as it wants.
    const size_t axes = static_cast<size_t>(conv->options().axes);
    if (in.rank() == axes + 1) in[0] = conv->options().in_channels;
    if (in.rank() == axes + 2) in[1] = conv->options().in_channels;
    std::unique_ptr<Conv> fitted;
    const std::vector<int64_t> size(axes, choices->Number());
    MustBeSound(conv->ForOutputSize(in, size, &fitted));
  }
  Asking(layer->ToString() + " on " + ToString(in));
  Shape out{7, 7};
  const Status status = layer->OutputShape(in, &out);
  MustBeSound(status);
  std::vector<FieldStep> steps;
  MustBeSound(ReceptiveFieldSteps(*layer, in, &steps));
  if (!status.ok()) {
    Must(out == Shape{7, 7}, "a refused call wrote a shape");
    return MustRefuse(*layer, in);
  }
  Must(CheckElements(out, "output").ok(), "an output that is too large");
  AskCells(*layer, in, out, choices);
  if (!IsSmall(in) || !IsSmall(out)) return;
  AskValues(made, in, out, seed);
}

}  // namespace
}  // namespace convscope::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return convscope::testing::HoldTo(data, size, convscope::testing::Run);
}
