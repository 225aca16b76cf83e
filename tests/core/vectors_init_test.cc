// torch/init.cvec: the weights that a new layer has after manual_seed.
#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/run.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

void CheckCase(const Cvec& file, const Json& test, Report::Faults* faults) {
  Generator generator(static_cast<uint64_t>(test["seed"].Integer()));
  const std::vector<Json>& layers = test["layers"].Items();
  for (size_t i = 0; i < layers.size(); ++i) {
    MadeLayer made;
    Require(LayerFromJson(layers[i]["api"].String(), layers[i]["given"],
                          &generator, &made));
    for (const Parameter& parameter : made.layer->Parameters()) {
      const std::string name = parameter.name + std::to_string(i);
      const VectorTensor want = file.Tensor(test, name);
      const auto size = static_cast<size_t>(parameter.shape.elements());
      const std::string difference =
          BitDifference({parameter.data, size}, want.floats);
      if (!difference.empty()) faults->push_back(name + ": " + difference);
    }
  }
}

TEST_CASE("after manual_seed new layers have torch's weights, bit for bit") {
  Report report("torch/init.cvec");
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  const Cvec file(*content);
  for (const Json& test : file.cases()) {
    report.Case(test["id"].String(),
                [&](Report::Faults* faults) { CheckCase(file, test, faults); });
  }
}

}  // namespace
}  // namespace convscope::testing
