// torch/text.json: what torch prints.
#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/run.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

void CheckText(const std::string& got, const std::string& want,
               Report::Faults* faults) {
  if (got == want) return;
  faults->push_back("prints:\n" + got);
  faults->push_back("torch prints:\n" + want);
}

std::string LayerText(const Json& test) {
  MadeLayer made;
  if (test["args"].is_string()) {
    Require(SequentialFromText(test["args"].String(), nullptr, &made));
  } else {
    Require(
        LayerFromJson(test["class"].String(), test["args"], nullptr, &made));
  }
  return made.layer->ToString();
}

TEST_CASE("tensors and layers print as torch prints them") {
  Report report("torch/text.json");
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  const Json file = Json::Parse(*content);
  int number = 0;
  for (const Json& test : file["tensors"].Items()) {
    report.Case("tensor " + std::to_string(number++),
                [&](Report::Faults* faults) {
                  const std::vector<float> values = test["values"].Floats();
                  const std::vector<int64_t> shape = test["shape"].Integers();
                  CheckText(TensorToString(shape, values.data()),
                            test["text"].String(), faults);
                });
  }
  number = 0;
  for (const Json& test : file["layers"].Items()) {
    report.Case("layer " + std::to_string(number++),
                [&](Report::Faults* faults) {
                  CheckText(LayerText(test), test["text"].String(), faults);
                });
  }
}

}  // namespace
}  // namespace convscope::testing
