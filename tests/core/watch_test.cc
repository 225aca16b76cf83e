// Watch: the promises that the project is named for, on random stacks with
// random edits. Small stories by hand: watch_stories_test.cc.
#include "convscope/watch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/core/support/targets.h"

namespace convscope::testing {
namespace {

// Everything that a watch holds and an undo must give back.
struct Snapshot {
  std::vector<std::vector<float>> numbers;

  Snapshot(const Layer& layer, const Watch& watch) {
    for (size_t level = 0; level <= watch.layers(); ++level) {
      const float* values = watch.values(level);
      numbers.emplace_back(values, values + watch.shape(level).elements());
    }
    for (const Parameter& parameter : layer.Parameters()) {
      numbers.emplace_back(parameter.data,
                           parameter.data + parameter.shape.elements());
    }
  }

  std::string Difference(const Snapshot& other) const {
    for (size_t i = 0; i < numbers.size(); ++i) {
      const std::string difference =
          BitDifference(numbers[i], other.numbers[i]);
      if (!difference.empty()) {
        return "array " + std::to_string(i) + ": " + difference;
      }
    }
    return "";
  }
};

// Which cells reach which, drawn up by asking every cell of every layer alone.
class Graph {
 public:
  explicit Graph(const Stack& stack) : stack_(stack) {
    Shape shape = stack.in;
    for (const MadeLayer& part : stack.parts) {
      const Shape out = OutputShape(*part.layer, shape);
      Level level;
      level.cells.resize(static_cast<size_t>(out.elements()));
      for (int64_t o = 0; o < out.elements(); ++o) {
        Cell& cell = level.cells[static_cast<size_t>(o)];
        CellSet read;
        Require(part.layer->Reads(shape, SingleCell(IndexAt(out, o)), &read));
        cell.reads = read.Offsets();
        if (part.conv) AddParameters(*part.conv, shape, out, o, &cell);
      }
      levels_.push_back(std::move(level));
      shape = out;
    }
  }

  std::vector<int32_t> Reached(const std::vector<Edit>& edits) const {
    const std::vector<Parameter> parameters = stack_.layer->Parameters();
    std::set<int32_t> reached;
    std::set<const float*> numbers;
    for (const Edit& edit : edits) {
      if (edit.target == 0) {
        reached.insert(static_cast<int32_t>(edit.offset));
      } else {
        numbers.insert(parameters[edit.target - 1].data + edit.offset);
      }
    }
    for (const Level& level : levels_) {
      std::set<int32_t> next;
      for (size_t o = 0; o < level.cells.size(); ++o) {
        const Cell& cell = level.cells[o];
        const bool reads_cell =
            std::any_of(cell.reads.begin(), cell.reads.end(),
                        [&](int32_t i) { return reached.count(i) > 0; });
        const bool reads_number = std::any_of(
            cell.numbers.begin(), cell.numbers.end(),
            [&](const float* number) { return numbers.count(number) > 0; });
        if (reads_cell || reads_number) next.insert(static_cast<int32_t>(o));
      }
      reached = std::move(next);
    }
    return {reached.begin(), reached.end()};
  }

 private:
  struct Cell {
    std::vector<int32_t> reads;
    std::vector<const float*> numbers;  // Weights and a bias, by address.
  };
  struct Level {
    std::vector<Cell> cells;
  };

  static void AddParameters(const Conv& conv, const Shape& in, const Shape& out,
                            int64_t o, Cell* cell) {
    const std::vector<float> zeros(static_cast<size_t>(in.elements()));
    const Shape index = IndexAt(out, o);
    Explanation explanation;
    Require(conv.Explain(in, zeros.data(), index, &explanation));
    for (const Term& term : explanation.terms) {
      if (term.input >= 0) {
        cell->numbers.push_back(conv.weight() + term.weight);
      }
    }
    if (conv.bias() == nullptr) return;
    const bool is_batched =
        in.rank() == static_cast<size_t>(conv.options().axes) + 2;
    cell->numbers.push_back(conv.bias() + index[is_batched ? 1 : 0]);
  }

  const Stack& stack_;
  std::vector<Level> levels_;
};

std::vector<Edit> RandomEdits(Random* random, const Stack& stack,
                              const Watch& watch) {
  const std::vector<Parameter> parameters = stack.layer->Parameters();
  std::vector<Edit> edits;
  for (int64_t count = random->Chance(60) ? 1 : random->Int(0, 6); count > 0;
       --count) {
    Edit edit;
    edit.target = static_cast<size_t>(
        random->Chance(50)
            ? 0
            : random->Int(0, static_cast<int64_t>(parameters.size())));
    const Shape& shape =
        edit.target == 0 ? stack.in : parameters[edit.target - 1].shape;
    edit.offset = random->Int(0, shape.elements() - 1);
    edit.value = random->AnyValue();
    if (random->Chance(10)) {
      // What stands there already.
      edit.value = edit.target == 0
                       ? watch.input()[edit.offset]
                       : parameters[edit.target - 1].data[edit.offset];
    }
    edits.push_back(edit);
  }
  return edits;
}

bool SameValue(float a, float b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

// Checks a change against the outputs before and after it.
void CheckChange(const Change& change, const std::vector<float>& before,
                 const std::vector<float>& after,
                 const std::vector<int32_t>& reached) {
  REQUIRE(change.reached.Offsets() == reached);
  std::vector<int32_t> offsets;
  std::vector<float> olds, news;
  for (size_t o = 0; o < before.size(); ++o) {
    const auto offset = static_cast<int32_t>(o);
    const bool is_reached =
        std::binary_search(reached.begin(), reached.end(), offset);
    // Nothing outside what is reached changes a bit.
    const bool same_bits =
        std::bit_cast<uint32_t>(before[o]) == std::bit_cast<uint32_t>(after[o]);
    REQUIRE((is_reached || same_bits));
    if (SameValue(before[o], after[o])) continue;
    offsets.push_back(offset);
    olds.push_back(before[o]);
    news.push_back(after[o]);
  }
  REQUIRE(change.offsets == offsets);
  REQUIRE(BitDifference(change.before, olds) == "");
  REQUIRE(BitDifference(change.after, news) == "");
}

std::vector<float> Output(const Watch& watch) {
  return {watch.output(), watch.output() + watch.output_shape().elements()};
}

// One stack, edited, undone and redone.
void CheckStack(Random* random, int edit_rounds) {
  const Stack stack = RandomStack(random);
  INFO(stack.layer->ToString());
  INFO(ToString(stack.in));
  const Graph graph(stack);
  const std::vector<float> in = random->Values(stack.in.elements());
  std::unique_ptr<Watch> watch;
  Require(Watch::Create(stack.layer, stack.in, in.data(), &watch));
  std::vector<Snapshot> steps{Snapshot(*stack.layer, *watch)};
  std::vector<std::vector<int32_t>> reached_by_step;
  for (int round = 0; round < edit_rounds; ++round) {
    const std::vector<Edit> edits = RandomEdits(random, stack, *watch);
    const std::vector<int32_t> reached = graph.Reached(edits);
    const std::vector<float> before = Output(*watch);
    Change change;
    Require(watch->Set(edits, &change));
    const std::vector<float> after = Output(*watch);
    CheckChange(change, before, after, reached);
    const std::vector<float> input(watch->input(),
                                   watch->input() + stack.in.elements());
    REQUIRE(BitDifference(after, Forward(*stack.layer, stack.in, input)) == "");
    Snapshot now(*stack.layer, *watch);
    if (now.Difference(steps.back()).empty()) continue;  // No step of its own.
    steps.push_back(std::move(now));
  }
  // Back to the beginning, and forward to the end.
  for (size_t step = steps.size(); step-- > 1;) {
    REQUIRE(watch->can_undo());
    const std::vector<float> before = Output(*watch);
    Change change;
    Require(watch->Undo(&change));
    CheckChange(change, before, Output(*watch), graph.Reached(change.edits));
    REQUIRE(Snapshot(*stack.layer, *watch).Difference(steps[step - 1]) == "");
  }
  REQUIRE_FALSE(watch->can_undo());
  for (size_t step = 1; step < steps.size(); ++step) {
    REQUIRE(watch->can_redo());
    Change change;
    Require(watch->Redo(&change));
    REQUIRE(Snapshot(*stack.layer, *watch).Difference(steps[step]) == "");
  }
  REQUIRE_FALSE(watch->can_redo());
}

TEST_CASE("an edit reaches and changes exactly what a full run shows") {
  Random random(31);
  ForEachTarget([&] {
    for (int stack = 0; stack < 60; ++stack) CheckStack(&random, 8);
  });
}

// Against the chain rule through whole tensors.
void CheckSensitivity(Random* random) {
  const Stack stack = RandomStack(random);
  INFO(stack.layer->ToString());
  INFO(ToString(stack.in));
  const std::vector<float> in = random->Values(stack.in.elements());
  std::unique_ptr<Watch> watch;
  Require(Watch::Create(stack.layer, stack.in, in.data(), &watch));
  const Shape& out = watch->output_shape();
  for (int round = 0; round < 3; ++round) {
    const int64_t at = random->Int(0, out.elements() - 1);
    std::vector<float> one(static_cast<size_t>(out.elements()));
    one[static_cast<size_t>(at)] = 1;
    const std::vector<float> whole =
        Backward(*stack.layer, stack.in, in, one).input;
    std::vector<int32_t> offsets;
    std::vector<float> derivatives;
    Require(watch->Sensitivity(IndexAt(out, at), &offsets, &derivatives));
    REQUIRE(offsets.size() == derivatives.size());
    REQUIRE(std::is_sorted(offsets.begin(), offsets.end()));
    std::vector<float> got(whole.size());
    for (size_t i = 0; i < offsets.size(); ++i) {
      got[static_cast<size_t>(offsets[i])] = derivatives[i];
    }
    // The same products, added in another order.
    float largest = 0;
    for (float d : whole) {
      if (std::isfinite(d)) largest = std::max(largest, std::abs(d));
    }
    REQUIRE(Difference(got, whole,
                       [&](size_t) { return 1e-4 * (1 + largest); }) == "");
  }
}

TEST_CASE(
    "a sensitivity is the gradient of one output, and nothing outside what it "
    "reads") {
  Random random(33);
  ForEachTarget([&] {
    for (int stack = 0; stack < 60; ++stack) CheckSensitivity(&random);
  });
}

TEST_CASE("a long series of edits never strays from the full run") {
  Random random(32);
  for (int stack = 0; stack < 10; ++stack) CheckStack(&random, 100);
}

}  // namespace
}  // namespace convscope::testing
