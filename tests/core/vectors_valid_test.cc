// torch/valid.cvec and wpt/wpt.cvec: values and gradients of every layer.
#include <cmath>
#include <map>
#include <stdexcept>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/bits.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/run.h"
#include "tests/core/support/targets.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

// Results by the names they have in the vectors.
using Results = std::map<std::string, std::vector<float>>;

int64_t ProductOf(const std::vector<int64_t>& values) {
  int64_t product = 1;
  for (int64_t value : values) product *= value;
  return product;
}

// How many products are added up in one element of tensor `name`.
double Terms(const Json& test, const Shape& in, const Shape& out,
             const std::string& name) {
  const Json& args = test["args"];
  if (args.Has("in_channels")) {
    const bool transposed =
        test["tensors"].Has("weight") &&
        test["op"].String().find("transpose") != std::string::npos;
    const size_t axes = args["kernel_size"].Items().size();
    const double taps =
        static_cast<double>(ProductOf(args["kernel_size"].Integers()));
    const double groups = args["groups"].Number();
    if (name == "output") return taps * args["in_channels"].Number() / groups;
    if (name == "grad_input") {
      return taps * args["out_channels"].Number() / groups;
    }
    // Of a parameter: every place that it was used at.
    const Shape& used = transposed && name == "grad_weight" ? in : out;
    double places = used.rank() == axes + 2 ? static_cast<double>(used[0]) : 1;
    for (size_t axis = 0; axis < axes; ++axis) {
      places *= static_cast<double>(used[used.rank() - 1 - axis]);
    }
    return places;
  }
  if (args.Has("kernel_size")) {
    return static_cast<double>(ProductOf(args["kernel_size"].Integers()));
  }
  double terms = 1;
  if (args.Has("output_size")) {
    // A window, or the windows over a cell: one more than the ratio.
    for (size_t axis = 0; axis < in.rank(); ++axis) {
      const double ratio = name == "output"
                               ? static_cast<double>(in[axis]) / out[axis]
                               : static_cast<double>(out[axis]) / in[axis];
      terms *= std::ceil(ratio) + 1;
    }
  }
  if (args.Has("pad")) {
    for (int64_t side : args["pad"].Integers()) {
      terms *= 1.0 + static_cast<double>(std::max<int64_t>(side, 0));
    }
  }
  return terms;
}

void SetParameters(const Layer& layer, const Cvec& file, const Json& test) {
  for (const Parameter& parameter : layer.Parameters()) {
    const VectorTensor tensor = file.Tensor(test, parameter.name);
    if (!(tensor.shape == parameter.shape)) {
      throw std::runtime_error(parameter.name + " has shape " +
                               ToString(parameter.shape));
    }
    std::copy(tensor.floats.begin(), tensor.floats.end(), parameter.data);
  }
}

MadeLayer MakeFor(const Cvec& file, const Json& test, const Shape& in) {
  MadeLayer made;
  Require(LayerFromJson(test["api"].String(), test["given"], nullptr, &made));
  SetParameters(*made.layer, file, test);
  if (test["call"].Has("output_size")) {
    std::unique_ptr<Conv> fitted;
    Require(made.conv->ForOutputSize(in, test["call"]["output_size"].Integers(),
                                     &fitted));
    made.conv = std::move(fitted);
    made.layer = made.conv;
  }
  return made;
}

// The layer between the paddings that the WebNN suite writes around it.
std::shared_ptr<Layer> WithPads(const Json& test,
                                std::shared_ptr<Layer> layer) {
  const auto pad = [&](const char* list, const char* value) {
    PadOptions options;
    options.padding = Ints(test[list].Integers());
    if (test.Has(value)) options.value = test[value].Float();
    std::unique_ptr<Pad> made;
    Require(Pad::Create(options, &made));
    return std::shared_ptr<Layer>(std::move(made));
  };
  std::vector<std::shared_ptr<Layer>> parts{layer};
  if (test.Has("pre_pad")) {
    parts.insert(parts.begin(), pad("pre_pad", "pre_pad_value"));
  }
  if (test.Has("post_pad")) parts.push_back(pad("post_pad", "post_pad_value"));
  if (parts.size() == 1) return layer;
  return std::make_shared<Sequential>(std::move(parts));
}

void TakeIndices(const MadeLayer& made, const VectorTensor& in,
                 const Shape& shape, const VectorTensor& want,
                 Report::Faults* faults) {
  std::vector<int32_t> indices(static_cast<size_t>(shape.elements()));
  if (made.max_pool) {
    made.max_pool->ForwardWithIndices(in.shape, in.floats.data(), nullptr,
                                      indices.data());
  } else if (made.adaptive_max_pool) {
    made.adaptive_max_pool->ForwardWithIndices(in.shape, in.floats.data(),
                                               nullptr, indices.data());
  } else {
    throw std::runtime_error("the layer gives no indices");
  }
  if (indices != want.integers) faults->push_back("indices differ");
}

// torch's vector code gives NaN where its scalar tail gives the gradient: what
// the README leaves out of the comparison.
void LeaveOutNaNs(const std::string& op, const std::vector<float>& in,
                  const std::vector<float>& want, std::vector<float>* got) {
  if (op != "elu" && op != "selu" && op != "celu") return;
  for (size_t i = 0; i < in.size(); ++i) {
    if (std::isnan(in[i])) (*got)[i] = want[i];
  }
}

Results RunCase(const Layer& layer, const Cvec& file, const Json& test,
                const VectorTensor& in) {
  Results results;
  results["output"] = Forward(layer, in.shape, in.floats);
  if (!test["tensors"].Has("grad_output")) return results;
  const VectorTensor grad_output = file.Tensor(test, "grad_output");
  AllGradients gradients =
      Backward(layer, in.shape, in.floats, grad_output.floats);
  results["grad_input"] = std::move(gradients.input);
  const std::vector<Parameter> parameters = layer.Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    results["grad_" + parameters[i].name] = std::move(gradients.parameters[i]);
  }
  return results;
}

void CheckCase(const Cvec& file, const Json& test, Bits* bits,
               Report::Faults* faults) {
  const VectorTensor in = file.Tensor(test, "input");
  const VectorTensor out = file.Tensor(test, "output");
  const MadeLayer made = MakeFor(file, test, in.shape);
  const std::shared_ptr<Layer> layer = WithPads(test, made.layer);
  const Shape shape = OutputShape(*layer, in.shape);
  if (!(shape == out.shape)) {
    faults->push_back("output has shape " + ToString(shape));
    return;
  }
  Results first;
  ForEachTarget([&] {
    Results results = RunCase(*layer, file, test, in);
    if (first.empty()) {
      first = results;
      return;
    }
    for (const auto& [name, values] : results) {
      const std::string difference = BitDifference(values, first[name]);
      if (!difference.empty()) {
        faults->push_back(name + " by target: " + difference);
      }
    }
  });
  if (bits != nullptr) {
    const std::string difference = bits->Check(test["id"].String(), first);
    if (!difference.empty()) faults->push_back(difference);
  }
  for (const auto& [name, place] : test["tensors"].Members()) {
    if (name == "input" || name == "weight" || name == "bias" ||
        name == "grad_output") {
      continue;
    }
    const VectorTensor want = file.Tensor(test, name);
    if (name == "indices") {
      TakeIndices(made, in, shape, want, faults);
      continue;
    }
    if (first.count(name) == 0) {
      faults->push_back("there is no " + name);
      continue;
    }
    if (name == "grad_input") {
      LeaveOutNaNs(test["op"].String(), in.floats, want.floats, &first[name]);
    }
    const std::string difference =
        VectorDifference(test, name, first[name], want.floats,
                         Terms(test, in.shape, shape, name));
    if (!difference.empty()) faults->push_back(name + ": " + difference);
  }
}

void CheckFile(const char* name, bool has_bits) {
  Report report(name);
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  std::optional<Bits> bits;
  if (has_bits) bits.emplace(name, *content);
  const Cvec file(*content);
  for (const Json& test : file.cases()) {
    report.Case(test["id"].String(), [&](Report::Faults* faults) {
      CheckCase(file, test, bits ? &*bits : nullptr, faults);
    });
  }
}

TEST_CASE("every layer has torch's values and gradients, on every target") {
  CheckFile("torch/valid.cvec", true);
}

TEST_CASE(
    "the WebNN suite's convolutions and pools come out, on every target") {
  CheckFile("wpt/wpt.cvec", false);
}

}  // namespace
}  // namespace convscope::testing
