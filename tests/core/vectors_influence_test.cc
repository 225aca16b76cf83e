// torch/influence.json: what depends on what, in layers and stacks of them.
#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/run.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

std::shared_ptr<Layer> Stack(const Json& layers) {
  std::vector<std::shared_ptr<Layer>> parts;
  for (const Json& layer : layers.Items()) {
    MadeLayer made;
    Require(
        LayerFromJson(layer["class"].String(), layer["args"], nullptr, &made));
    parts.push_back(made.layer);
  }
  if (parts.size() == 1) return parts[0];
  return std::make_shared<Sequential>(std::move(parts));
}

std::vector<int32_t> Offsets(const Shape& shape, const Json& indices) {
  std::vector<int32_t> offsets;
  for (const Json& index : indices.Items()) {
    offsets.push_back(
        static_cast<int32_t>(Offset(shape, Shape(index.Integers()))));
  }
  return offsets;
}

CellSet CellsReadBy(const Layer& layer, const Shape& in, const Shape& index) {
  CellSet cells;
  Require(layer.ReadBy(in, SingleCell(index), &cells));
  return cells;
}

CellSet CellsRead(const Layer& layer, const Shape& in, const Shape& index) {
  CellSet cells;
  Require(layer.Reads(in, SingleCell(index), &cells));
  return cells;
}

void CheckCells(const char* what, const Shape& index, const CellSet& got,
                const Shape& shape, const Json& want, Report::Faults* faults) {
  const std::vector<int32_t> offsets = Offsets(shape, want);
  if (got.Offsets() != offsets ||
      got.size() != static_cast<int64_t>(offsets.size())) {
    faults->push_back(std::string(what) + " of " + ToString(index) + " are " +
                      std::to_string(got.size()) + " cells, not the " +
                      std::to_string(offsets.size()) + " of torch");
  }
  for (const Json& item : want.Items()) {
    if (!got.Has(Shape(item.Integers()))) {
      faults->push_back(std::string(what) + " of " + ToString(index) +
                        " lack " + ToString(item.Integers()));
    }
  }
}

void CheckCase(const Json& test, Report::Faults* faults) {
  const std::shared_ptr<Layer> layer = Stack(test["layers"]);
  const Shape in(test["input_shape"].Integers());
  const Shape out = OutputShape(*layer, in);
  if (!(out == Shape(test["output_shape"].Integers()))) {
    faults->push_back("output has shape " + ToString(out));
    return;
  }
  for (const Json& source : test["sources"].Items()) {
    const Shape index(source["output"].Integers());
    CheckCells("sources", index, CellsRead(*layer, in, index), in,
               source["inputs"], faults);
  }
  for (const Json& dependent : test["dependents"].Items()) {
    const Shape index(dependent["input"].Integers());
    CheckCells("dependents", index, CellsReadBy(*layer, in, index), out,
               dependent["outputs"], faults);
  }
  int64_t never_read = 0;
  for (int64_t i = 0; i < in.elements(); ++i) {
    never_read += CellsReadBy(*layer, in, IndexAt(in, i)).empty();
  }
  int64_t reading_nothing = 0;
  for (int64_t o = 0; o < out.elements(); ++o) {
    reading_nothing += CellsRead(*layer, in, IndexAt(out, o)).empty();
  }
  if (never_read != test["inputs_never_read"].Integer()) {
    faults->push_back(std::to_string(never_read) + " inputs are never read");
  }
  if (reading_nothing != test["outputs_reading_nothing"].Integer()) {
    faults->push_back(std::to_string(reading_nothing) +
                      " outputs read nothing");
  }
}

TEST_CASE("sources and dependents are exactly torch's") {
  Report report("torch/influence.json");
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  const Json file = Json::Parse(*content);
  for (const Json& test : file["cases"].Items()) {
    report.Case("case " + std::to_string(test["id"].Integer()),
                [&](Report::Faults* faults) { CheckCase(test, faults); });
  }
}

}  // namespace
}  // namespace convscope::testing
