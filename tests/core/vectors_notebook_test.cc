// notebook.json: the notebook run again, from its seed to its last edit.
#include <map>
#include <stdexcept>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/run.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

struct Values {
  Shape shape;
  std::vector<float> data;
};

Values ReadValues(const Json& json) {
  return {Shape(json["shape"].Integers()), json["data"].Floats()};
}

// "tensor([[1.]], grad_fn=<SqueezeBackward1>)" without what is torch's alone.
std::string WithoutGradient(std::string text) {
  const size_t begin = text.find(", grad_fn=<");
  if (begin == std::string::npos) return text;
  return text.erase(begin, text.find('>', begin) + 1 - begin);
}

class Notebook {
 public:
  explicit Notebook(const Json& file)
      : rng_(file["rng"]),
        generator_(static_cast<uint64_t>(rng_["seed"].Integer())) {}

  void Run(const Json& cell, Report::Faults* faults) {
    if (cell.Has("input")) {
      inputs_[cell["input_cell"].Integer()] = ReadValues(cell["input"]);
    }
    const std::string& kind = cell["kind"].String();
    if (kind == "shape") {
      const Shape shape(cell["shape"].Integers());
      CheckText("torch.Size(" + ToString(shape) + ")", cell, faults);
      return;
    }
    const Values& input = inputs_.at(cell["input_cell"].Integer());
    Layer& layer = *LayerOf(cell, faults);
    const Shape shape = OutputShape(layer, input.shape);
    if (kind == "output_shape") {
      CheckText("torch.Size(" + ToString(shape) + ")", cell, faults);
      return;
    }
    if (kind != "forward") throw std::runtime_error("unknown kind " + kind);
    const std::vector<float> output = Forward(layer, input.shape, input.data);
    CheckText(TensorToString(shape.span(), output.data()), cell, faults);
    if (cell.Has("edit")) CheckEdit(cell, input, output, faults);
    inputs_of_[cell["cell"].Integer()] = input;
    outputs_of_[cell["cell"].Integer()] = output;
  }

 private:
  static void CheckText(const std::string& got, const Json& cell,
                        Report::Faults* faults) {
    const std::string want = WithoutGradient(cell["printed"].String());
    if (got != want) faults->push_back("prints " + got + " instead of " + want);
  }

  // Built when its cell comes, so that the random stream runs as it did there.
  std::shared_ptr<Layer> LayerOf(const Json& cell, Report::Faults* faults) {
    std::shared_ptr<Layer>& layer = layers_[cell["layer_cell"].Integer()];
    if (layer) return layer;
    const Json& json = cell["layer"];
    for (const Json& gap : rng_["hidden_gaps"].Items()) {
      if (gap["first_draw"].Integer() != drawn_) continue;
      for (int64_t i = 0; i < gap["draws"].Integer(); ++i) {
        (void)generator_.NextUInt32();
      }
      drawn_ += gap["draws"].Integer();
    }
    if (json["first_draw"].Integer() != drawn_) {
      faults->push_back("the layer begins at draw " + std::to_string(drawn_));
    }
    MadeLayer made;
    Require(LayerFromJson(json["class"].String(), json["args"], &generator_,
                          &made));
    layer = made.layer;
    for (const Parameter& parameter : layer->Parameters()) {
      const auto size = static_cast<size_t>(parameter.shape.elements());
      drawn_ += parameter.shape.elements();
      const std::string difference = BitDifference(
          {parameter.data, size}, json[parameter.name]["data"].Floats());
      if (!difference.empty()) {
        faults->push_back(parameter.name + ": " + difference);
      }
    }
    return layer;
  }

  // Makes the edit on a watch of the cell before, and compares what the watch
  // says and holds with the cell after it.
  void CheckEdit(const Json& cell, const Values& after,
                 const std::vector<float>& output, Report::Faults* faults) {
    const Json& edit = cell["edit"];
    const int64_t before_cell = edit["compared_with_cell"].Integer();
    if (!edit.Has("edited_input_indices")) {
      // Another shape, and not one output with another value.
      if (outputs_of_.at(before_cell) != output) {
        faults->push_back("the output changed");
      }
      return;
    }
    const Values& before = inputs_of_.at(before_cell);
    std::shared_ptr<Layer> layer = layers_.at(cell["layer_cell"].Integer());
    std::unique_ptr<Watch> watch;
    Require(Watch::Create(layer, before.shape, before.data.data(), &watch));
    std::vector<Edit> edits;
    const std::vector<float> values = edit["to"].Floats();
    for (const Json& index : edit["edited_input_indices"].Items()) {
      const int64_t offset = Offset(before.shape, Shape(index.Integers()));
      edits.push_back({0, offset, values.at(edits.size())});
    }
    Change change;
    Require(watch->Set(edits, &change));
    std::vector<int32_t> want;
    for (const Json& index : edit["changed_output_indices"].Items()) {
      want.push_back(static_cast<int32_t>(
          Offset(watch->output_shape(), Shape(index.Integers()))));
    }
    if (change.offsets != want) {
      faults->push_back(std::to_string(change.offsets.size()) +
                        " outputs changed, or others than in the notebook");
    }
    const std::string difference =
        BitDifference({watch->output(), output.size()}, output);
    if (!difference.empty()) faults->push_back("watch: " + difference);
    if (ValueDifference({watch->input(), after.data.size()}, after.data) !=
        "") {
      faults->push_back("the edited input is not the next cell's");
    }
  }

  const Json& rng_;
  Generator generator_;
  int64_t drawn_ = 0;
  std::map<int64_t, std::shared_ptr<Layer>> layers_;  // By layer_cell.
  std::map<int64_t, Values> inputs_;                  // By input_cell.
  std::map<int64_t, Values> inputs_of_;               // By cell.
  std::map<int64_t, std::vector<float>> outputs_of_;
};

void CheckFailingCase(const Json& test, Report::Faults* faults) {
  MadeLayer made;
  Require(LayerFromJson(test["layer"]["class"].String(), test["layer"]["args"],
                        nullptr, &made));
  Shape out;
  const Status status =
      made.layer->OutputShape(ReadValues(test["input"]).shape, &out);
  if (status.message != test["error"]["message"].String()) {
    faults->push_back("says " + status.message);
  }
}

// A Conv1d over (R, C) is a Conv2d over (1, R, C) with a kernel of all R rows.
void CheckEquivalence(const Json& test, Report::Faults* faults) {
  const auto run = [&](int axes, const char* weight_shape, const Shape& in) {
    const Shape shape(test[weight_shape].Integers());
    ConvOptions options;
    options.axes = axes;
    options.in_channels = shape[1];
    options.out_channels = shape[0];
    options.kernel_size = Ints({shape.begin() + 2, shape.end()});
    std::unique_ptr<Conv> conv;
    Require(Conv::Create(options, nullptr, &conv));
    for (const Parameter& parameter : conv->Parameters()) {
      const std::vector<float> values = test[parameter.name].Floats();
      std::copy(values.begin(), values.end(), parameter.data);
    }
    return Values{OutputShape(*conv, in),
                  Forward(*conv, in, test["input"].Floats())};
  };
  const int64_t rows = test["R"].Integer();
  const int64_t columns = test["C"].Integer();
  const Values one = run(1, "conv1d_weight_shape", {rows, columns});
  const Values two = run(2, "conv2d_weight_shape", {1, rows, columns});
  if (!(one.shape == Shape(test["conv1d_output_shape"].Integers())) ||
      !(two.shape == Shape(test["conv2d_output_shape"].Integers()))) {
    faults->push_back("the shapes are others");
  }
  const std::vector<float> want = test["output"].Floats();
  for (const Values* got : {&one, &two}) {
    const std::string difference = ValueDifference(got->data, want);
    if (!difference.empty()) faults->push_back(difference);
  }
}

TEST_CASE(
    "the notebook prints what it printed, and edits change what they did") {
  Report report("notebook.json");
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  const Json file = Json::Parse(*content);
  Notebook notebook(file);
  for (const Json& cell : file["cells"].Items()) {
    report.Case("cell " + std::to_string(cell["cell"].Integer()),
                [&](Report::Faults* faults) { notebook.Run(cell, faults); });
  }
  report.Case("failing case", [&](Report::Faults* faults) {
    CheckFailingCase(file["failing_case"], faults);
  });
  int number = 0;
  for (const Json& test : file["equivalence"]["cases"].Items()) {
    report.Case(
        "equivalence " + std::to_string(number++),
        [&](Report::Faults* faults) { CheckEquivalence(test, faults); });
  }
}

}  // namespace
}  // namespace convscope::testing
