// Sequential: a stack is its parts, one after another.
#include "convscope/sequential.h"

#include <set>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

std::shared_ptr<Layer> MakeConv(const ConvOptions& options) {
  Generator generator(5);
  std::unique_ptr<Conv> conv;
  Require(Conv::Create(options, &generator, &conv));
  return conv;
}

std::shared_ptr<Layer> MakeReLU() {
  std::unique_ptr<Activation> relu;
  Require(Activation::Create({}, &relu));
  return relu;
}

TEST_CASE("a stack's values are its parts' values in turn") {
  Random random(41);
  for (int round = 0; round < 100; ++round) {
    const Stack stack = RandomStack(&random);
    INFO(stack.layer->ToString());
    const std::vector<float> in = random.Values(stack.in.elements());
    std::vector<float> want = in;
    Shape shape = stack.in;
    for (const MadeLayer& part : stack.parts) {
      want = Forward(*part.layer, shape, want);
      shape = OutputShape(*part.layer, shape);
    }
    REQUIRE(OutputShape(*stack.layer, stack.in) == shape);
    REQUIRE(BitDifference(Forward(*stack.layer, stack.in, in), want) == "");
  }
}

TEST_CASE("a stack computes single cells with the bits of its whole run") {
  Random random(42);
  for (int round = 0; round < 100; ++round) {
    const Stack stack = RandomStack(&random);
    INFO(stack.layer->ToString());
    INFO(ToString(stack.in));
    const Shape shape = OutputShape(*stack.layer, stack.in);
    std::vector<float> in(static_cast<size_t>(stack.in.elements()));
    for (float& x : in) x = random.AnyValue();
    const std::vector<float> whole = Forward(*stack.layer, stack.in, in);
    const int64_t offset = random.Int(0, shape.elements() - 1);
    Guarded guarded(shape.elements());
    std::vector<float> want = guarded.Take();
    want[static_cast<size_t>(offset)] = whole[static_cast<size_t>(offset)];
    stack.layer->ForwardCells(stack.in, in.data(),
                              SingleCell(IndexAt(shape, offset)),
                              guarded.data());
    REQUIRE(BitDifference(guarded.Take(), want) == "");
  }
}

TEST_CASE("sources and dependents of a stack are each other's mirror") {
  Random random(43);
  for (int round = 0; round < 60; ++round) {
    const Stack stack = RandomStack(&random);
    INFO(stack.layer->ToString());
    INFO(ToString(stack.in));
    const Shape out = OutputShape(*stack.layer, stack.in);
    std::set<std::pair<int32_t, int32_t>> forward, backward;
    for (int64_t i = 0; i < stack.in.elements(); ++i) {
      CellSet cells;
      Require(stack.layer->ReadBy(stack.in, SingleCell(IndexAt(stack.in, i)),
                                  &cells));
      for (int32_t o : cells.Offsets()) {
        forward.insert({static_cast<int32_t>(i), o});
      }
    }
    for (int64_t o = 0; o < out.elements(); ++o) {
      CellSet cells;
      Require(
          stack.layer->Reads(stack.in, SingleCell(IndexAt(out, o)), &cells));
      for (int32_t i : cells.Offsets()) {
        backward.insert({i, static_cast<int32_t>(o)});
      }
    }
    REQUIRE(forward == backward);
  }
}

TEST_CASE(
    "outputs that change are among the dependents, for any perturbation") {
  Random random(44);
  for (int round = 0; round < 100; ++round) {
    const Stack stack = RandomStack(&random);
    INFO(stack.layer->ToString());
    std::vector<float> in = random.Values(stack.in.elements());
    const std::vector<float> before = Forward(*stack.layer, stack.in, in);
    const int64_t i = random.Int(0, stack.in.elements() - 1);
    CellSet cells;
    Require(stack.layer->ReadBy(stack.in, SingleCell(IndexAt(stack.in, i)),
                                &cells));
    in[static_cast<size_t>(i)] = random.AnyValue();
    const std::vector<float> after = Forward(*stack.layer, stack.in, in);
    const Shape out = OutputShape(*stack.layer, stack.in);
    for (size_t o = 0; o < before.size(); ++o) {
      if (BitDifference({&before[o], 1}, {&after[o], 1}).empty()) continue;
      REQUIRE(cells.Has(IndexAt(out, static_cast<int64_t>(o))));
    }
  }
}

TEST_CASE("parameters are named by their place") {
  const Sequential stack({MakeConv({.axes = 1, .kernel_size = 2}), MakeReLU(),
                          MakeConv({.axes = 1, .bias = false})});
  std::vector<std::string> names;
  for (const Parameter& parameter : stack.Parameters()) {
    names.push_back(parameter.name);
  }
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "2.weight"});
  const Sequential outer({MakeReLU(), std::make_shared<Sequential>(stack)});
  CHECK(outer.Parameters().front().name == "1.0.weight");
}

TEST_CASE("a stack prints as torch prints it") {
  const auto inner = std::make_shared<Sequential>(
      std::vector<std::shared_ptr<Layer>>{MakeReLU()});
  const Sequential stack({MakeConv({.axes = 1, .kernel_size = 2}), inner});
  CHECK(stack.ToString() ==
        "Sequential(\n"
        "  (0): Conv1d(1, 1, kernel_size=(2,), stride=(1,))\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")");
  CHECK(Sequential({}).ToString() == "Sequential()");
}

TEST_CASE("a stack of nothing is the identity") {
  const Sequential nothing({});
  CHECK(OutputShape(nothing, {2, 3}) == Shape{2, 3});
  CHECK(Forward(nothing, {3}, {1, 2, 3}) == std::vector<float>{1, 2, 3});
  CHECK(Backward(nothing, {3}, {1, 2, 3}, {4, 5, 6}).input ==
        std::vector<float>{4, 5, 6});
  CellSet cells;
  Require(nothing.Reads({3}, SingleCell({1}), &cells));
  CHECK(cells.Offsets() == std::vector<int32_t>{1});
}

TEST_CASE("a part that refuses its input says so for the stack") {
  const Sequential stack({MakeReLU(), MakeConv({.axes = 1, .in_channels = 2})});
  Shape out{7};
  const Status status = stack.OutputShape({3, 4}, &out);
  CHECK(status.code == Code::kShape);
  CHECK(status.message.find("to have 2 channels") != std::string::npos);
  CHECK(out == Shape{7});
  std::unique_ptr<Kernel> kernel;
  CHECK_FALSE(stack.MakeKernel({3, 4}, Math::kFast, &kernel).ok());
  CHECK(kernel == nullptr);
}

}  // namespace
}  // namespace convscope::testing
