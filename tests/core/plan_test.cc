// Plan: a layer made ready for one input shape.
#include "convscope/plan.h"

#include <algorithm>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/core/support/targets.h"

namespace convscope::testing {
namespace {

TEST_CASE("a reproducible plan has the layer's bits, run after run") {
  ForEachTarget([] {
    Random random(51);
    for (int round = 0; round < 30; ++round) {
      const Stack stack = RandomStack(&random);
      INFO(stack.layer->ToString());
      std::unique_ptr<Plan> plan;
      Require(Plan::Create(*stack.layer, stack.in, Math::kReproducible, &plan));
      REQUIRE(plan->input_shape() == stack.in);
      REQUIRE(plan->output_shape() == OutputShape(*stack.layer, stack.in));
      for (int run = 0; run < 3; ++run) {
        const std::vector<float> in = random.Values(stack.in.elements());
        std::copy(in.begin(), in.end(), plan->input());
        plan->Run();
        const std::vector<float> want = Forward(*stack.layer, stack.in, in);
        REQUIRE(BitDifference({plan->output(), want.size()}, want) == "");
        // The input is the caller's: a run leaves it alone.
        REQUIRE(BitDifference({plan->input(), in.size()}, in) == "");
      }
    }
  });
}

TEST_CASE("a plan takes in changed parameters when it is asked to") {
  Random random(52);
  for (int round = 0; round < 30; ++round) {
    const ConvCase test = RandomConv(&random, round % 3 == 0);
    INFO(test.conv->ToString());
    std::unique_ptr<Plan> plan;
    Require(Plan::Create(*test.conv, test.in, Math::kReproducible, &plan));
    const std::vector<float> in = random.Values(test.in.elements());
    std::copy(in.begin(), in.end(), plan->input());
    for (const Parameter& parameter : test.conv->Parameters()) {
      const std::vector<float> values =
          random.Values(parameter.shape.elements());
      std::copy(values.begin(), values.end(), parameter.data);
    }
    plan->Repack();
    plan->Run();
    const std::vector<float> want = Forward(*test.conv, test.in, in);
    REQUIRE(BitDifference({plan->output(), want.size()}, want) == "");
  }
}

TEST_CASE("a plan tells its algorithm and what it holds") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.in_channels = 8, .out_channels = 8, .kernel_size = 3},
                       nullptr, &conv));
  for (Math math : {Math::kReproducible, Math::kFast}) {
    std::unique_ptr<Plan> plan;
    Require(Plan::Create(*conv, {8, 9, 9}, math, &plan));
    CHECK(std::string(plan->algorithm()) != "");
    CHECK(plan->workspace_bytes() >= 0);
  }
}

TEST_CASE("a plan for an input that the layer refuses is not made") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.kernel_size = 3}, nullptr, &conv));
  std::unique_ptr<Plan> plan;
  CHECK(Plan::Create(*conv, {1, 2, 2}, Math::kFast, &plan).code ==
        Code::kShape);
  CHECK(plan == nullptr);
}

TEST_CASE("a plan for an empty batch runs") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.kernel_size = 3}, nullptr, &conv));
  std::unique_ptr<Plan> plan;
  Require(Plan::Create(*conv, {0, 1, 5, 5}, Math::kReproducible, &plan));
  plan->Run();
  CHECK(plan->output_shape() == Shape{0, 1, 3, 3});
}

}  // namespace
}  // namespace convscope::testing
