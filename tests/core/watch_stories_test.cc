// Watch: single stories, by hand.
#include <limits>
#include <string>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// out[o] = 10 + x[o] + 2 x[o + 1]
std::shared_ptr<Conv> SmallConv() {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.axes = 1, .kernel_size = 2}, nullptr, &conv));
  conv->Parameters()[0].data[0] = 1;
  conv->Parameters()[0].data[1] = 2;
  conv->Parameters()[1].data[0] = 10;
  return conv;
}

std::unique_ptr<Watch> SmallWatch(std::shared_ptr<const Layer> layer) {
  const float in[] = {1, 2, 3, 4};
  std::unique_ptr<Watch> watch;
  Require(Watch::Create(std::move(layer), {1, 4}, in, &watch));
  return watch;
}

Change Set(Watch* watch, std::vector<Edit> edits) {
  Change change;
  Require(watch->Set(edits, &change));
  return change;
}

using Floats = std::vector<float>;
using Offsets = std::vector<int32_t>;

Floats Output(const Watch& watch) {
  return {watch.output(), watch.output() + watch.output_shape().elements()};
}

TEST_CASE("a new watch holds the layer's output") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  CHECK(Output(*watch) == Floats{15, 18, 21});
  CHECK_FALSE(watch->can_undo());
  CHECK_FALSE(watch->can_redo());
}

TEST_CASE("an edited input changes the outputs that read it") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  const Change change = Set(watch.get(), {{0, 1, 5}});
  CHECK(change.reached.Offsets() == Offsets{0, 1});
  CHECK(change.offsets == Offsets{0, 1});
  CHECK(change.before == Floats{15, 18});
  CHECK(change.after == Floats{21, 21});
  CHECK(Output(*watch) == Floats{21, 21, 21});
}

TEST_CASE("an edited weight changes the layer and every output") {
  const std::shared_ptr<Conv> conv = SmallConv();
  const std::unique_ptr<Watch> watch = SmallWatch(conv);
  const Change change = Set(watch.get(), {{1, 0, 0}});
  CHECK(conv->weight()[0] == 0);
  CHECK(change.offsets == Offsets{0, 1, 2});
  CHECK(Output(*watch) == Floats{14, 16, 18});
}

TEST_CASE("an edited bias changes its channel") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  CHECK(Set(watch.get(), {{2, 0, 11}}).offsets == Offsets{0, 1, 2});
  CHECK(Output(*watch) == Floats{16, 19, 22});
}

TEST_CASE("a pasted block is one set, and what reads it is one product") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.axes = 2, .kernel_size = 2}, nullptr, &conv));
  const std::vector<float> in(36, 1.0f);
  std::unique_ptr<Watch> watch;
  Require(Watch::Create(std::move(conv), {1, 6, 6}, in.data(), &watch));
  // Rows 1 and 2, columns 3 and 4, last first.
  const Change change =
      Set(watch.get(), {{0, 16, 5}, {0, 15, 5}, {0, 10, 5}, {0, 9, 5}});
  REQUIRE(change.reached.parts().size() == 1);
  // 5 x 5 outputs: rows 0 to 2, columns 2 to 4.
  CHECK(change.reached.Offsets() == Offsets{2, 3, 4, 7, 8, 9, 12, 13, 14});
  // Two corners: row by row, and nothing in between.
  const Change corners = Set(watch.get(), {{0, 0, 5}, {0, 35, 5}});
  CHECK(corners.reached.Offsets() == Offsets{0, 24});
}

TEST_CASE("the last of several edits of one cell holds") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  Set(watch.get(), {{0, 0, 7}, {0, 3, 8}, {0, 0, 9}});
  CHECK(watch->input()[0] == 9);
  CHECK(watch->input()[3] == 8);
  Change change;
  Require(watch->Undo(&change));
  CHECK(Output(*watch) == Floats{15, 18, 21});
  CHECK_FALSE(watch->can_undo());
}

TEST_CASE("an edit that changes no bit is no step") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  const Change same = Set(watch.get(), {{0, 1, 2}});
  CHECK(same.reached.Offsets() == Offsets{0, 1});
  CHECK(same.offsets.empty());
  CHECK(Set(watch.get(), {}).reached.empty());
  CHECK_FALSE(watch->can_undo());
  // To another zero is a change of bits, though not of value.
  Set(watch.get(), {{0, 1, 0.0f}});
  CHECK(Set(watch.get(), {{0, 1, -0.0f}}).offsets.empty());
  Change change;
  Require(watch->Undo(&change));
  Require(watch->Undo(&change));
  CHECK_FALSE(watch->can_undo());
}

TEST_CASE("NaN to NaN is no change of value") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  CHECK(Set(watch.get(), {{0, 1, kNan}}).offsets == Offsets{0, 1});
  CHECK(Set(watch.get(), {{0, 1, -kNan}}).offsets.empty());
  CHECK(Set(watch.get(), {{0, 0, kInf}}).offsets.empty());
  CHECK(Set(watch.get(), {{0, 1, 2}}).offsets == Offsets{0, 1});
}

TEST_CASE("a new edit forgets what was undone") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  Change change;
  Set(watch.get(), {{0, 0, 7}});
  Require(watch->Undo(&change));
  CHECK(watch->can_redo());
  Set(watch.get(), {{0, 3, 8}});
  CHECK_FALSE(watch->can_redo());
  Require(watch->Undo(&change));
  CHECK(change.edits.size() == 1);
  CHECK(Output(*watch) == Floats{15, 18, 21});
}

TEST_CASE("an edit of something that does not exist changes nothing") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  Change change;
  for (const Edit& bad : {Edit{0, 4, 1}, Edit{0, -1, 1}, Edit{1, 2, 1},
                          Edit{2, 1, 1}, Edit{3, 0, 1}, Edit{~size_t{0}, 0, 1},
                          Edit{0, std::numeric_limits<int64_t>::max(), 1}}) {
    CAPTURE(bad.target);
    CAPTURE(bad.offset);
    // After a good one, which must not have happened either.
    const Edit both[] = {{0, 0, 99}, bad};
    CHECK(watch->Set(both, &change).code == Code::kIndex);
  }
  CHECK(Output(*watch) == Floats{15, 18, 21});
  CHECK(watch->input()[0] == 1);
  CHECK_FALSE(watch->can_undo());
  CHECK(Set(watch.get(), {{0, 0, 2}}).offsets == Offsets{0});
}

TEST_CASE("no step is taken back or made again where there is none") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  Change change;
  CHECK(watch->Undo(&change).code == Code::kIndex);
  CHECK(watch->Redo(&change).code == Code::kIndex);
  CHECK(Set(watch.get(), {{0, 0, 2}}).offsets == Offsets{0});
  Require(watch->Undo(&change));
  CHECK(watch->Undo(&change).code == Code::kIndex);
  CHECK(Output(*watch) == Floats{15, 18, 21});
}

TEST_CASE("history keeps its last thousand steps") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  for (int i = 0; i < 1100; ++i) {
    Set(watch.get(), {{0, 0, static_cast<float>(i + 100)}});
  }
  size_t steps = 0;
  Change change;
  while (watch->can_undo()) {
    Require(watch->Undo(&change));
    ++steps;
  }
  CHECK(steps == Watch::kMaxHistory);
  // A hundred steps are forgotten: the input is as it was after the last one.
  CHECK(watch->input()[0] == 199);
  CHECK(watch->output()[0] == 10 + 199 + 4);
}

TEST_CASE("a ReLU stops the ripple where it cuts before and after") {
  std::unique_ptr<Activation> relu;
  Require(Activation::Create({}, &relu));
  const std::shared_ptr<Conv> conv = SmallConv();
  conv->Parameters()[1].data[0] = -100;
  const auto stack =
      std::make_shared<Sequential>(std::vector<std::shared_ptr<Layer>>{
          conv, std::shared_ptr<Layer>(std::move(relu))});
  const std::unique_ptr<Watch> watch = SmallWatch(stack);
  Change change = Set(watch.get(), {{0, 1, 5}});
  CHECK(change.reached.Offsets() == Offsets{0, 1});
  CHECK(change.offsets.empty());
  CHECK(watch->WhyKept({0, 0}) == "ReLU cut it");
  CHECK(watch->WhyKept({0, 2}) == "");  // Not reached.
  change = Set(watch.get(), {{0, 1, 200}});
  CHECK(change.offsets == Offsets{0, 1});
  CHECK(watch->WhyKept({0, 0}) == "");  // Changed.
}

TEST_CASE("a kept value has its reason in words") {
  const std::shared_ptr<Conv> conv = SmallConv();
  conv->Parameters()[0].data[1] = 0;
  std::unique_ptr<Watch> watch = SmallWatch(conv);
  CHECK(Set(watch.get(), {{0, 1, 5}}).offsets == Offsets{1});
  CHECK(watch->WhyKept({0, 0}) == "weight is 0");
  Set(watch.get(), {{0, 2, 3.0e-9f}, {0, 2, 1.0e-9f}});
  Set(watch.get(), {{0, 2, 3.0e-9f}});
  CHECK(watch->WhyKept({0, 2}) == "rounded away");

  std::unique_ptr<MaxPool> pool;
  Require(MaxPool::Create({.axes = 1, .kernel_size = 2}, &pool));
  watch = SmallWatch(std::shared_ptr<Layer>(std::move(pool)));
  CHECK(Set(watch.get(), {{0, 0, 1.5f}}).offsets.empty());
  CHECK(watch->WhyKept({0, 0}) == "another cell is the maximum");
}

TEST_CASE("refresh takes in what others wrote to the layer") {
  const std::shared_ptr<Conv> conv = SmallConv();
  const std::unique_ptr<Watch> watch = SmallWatch(conv);
  conv->Parameters()[1].data[0] = 20;
  Require(watch->Refresh());
  CHECK(Output(*watch) == Floats{25, 28, 31});
  CHECK(Set(watch.get(), {{0, 0, 2}}).after == Floats{26});
}

TEST_CASE("another layer under a watch is compared cell by cell") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  Set(watch.get(), {{0, 0, 2}});
  std::unique_ptr<Conv> wider;
  Require(Conv::Create({.axes = 1, .kernel_size = 2, .padding = 1}, nullptr,
                       &wider));
  wider->Parameters()[0].data[0] = 1;
  wider->Parameters()[0].data[1] = 2;
  wider->Parameters()[1].data[0] = 10;
  Replacement answer;
  Require(watch->Replace(std::shared_ptr<Layer>(std::move(wider)), &answer));
  CHECK(answer.before_shape == Shape{1, 3});
  CHECK(answer.after_shape == Shape{1, 5});
  // 16 18 21 became 14 16 18 21 14.
  CHECK(answer.offsets == Offsets{0, 1, 2});
  CHECK(answer.before == Floats{16, 18, 21});
  CHECK(answer.after == Floats{14, 16, 18});
  CHECK(answer.kept == 0);
  CHECK(answer.added == 2);
  CHECK(answer.removed == 0);
  CHECK(Output(*watch) == Floats{14, 16, 18, 21, 14});
  CHECK(Set(watch.get(), {{0, 0, 1}}).offsets == Offsets{0, 1});
}

TEST_CASE("a layer that does not fit leaves the watch as it was") {
  const std::unique_ptr<Watch> watch = SmallWatch(SmallConv());
  std::unique_ptr<Conv> large;
  Require(Conv::Create({.axes = 1, .kernel_size = 9}, nullptr, &large));
  Replacement answer;
  CHECK(
      watch->Replace(std::shared_ptr<Layer>(std::move(large)), &answer).code ==
      Code::kShape);
  CHECK(Output(*watch) == Floats{15, 18, 21});
  CHECK(Set(watch.get(), {{0, 0, 2}}).after == Floats{16});
}

TEST_CASE("a watch of nothing shows its input") {
  const std::unique_ptr<Watch> watch = SmallWatch(
      std::make_shared<Sequential>(std::vector<std::shared_ptr<Layer>>{}));
  CHECK(Set(watch.get(), {{0, 2, 9}}).offsets == Offsets{2});
  CHECK(Output(*watch) == Floats{1, 2, 9, 4});
}

TEST_CASE("an empty input can be watched") {
  std::unique_ptr<Watch> watch;
  Require(Watch::Create(SmallConv(), {0, 1, 4}, nullptr, &watch));
  CHECK(watch->output_shape() == Shape{0, 1, 3});
  Change change;
  const Edit edit{0, 0, 1};
  CHECK(watch->Set({&edit, 1}, &change).code == Code::kIndex);
  const Edit bias{2, 0, 1};
  CHECK(watch->Set({&bias, 1}, &change).ok());
  CHECK(change.offsets.empty());
}

}  // namespace
}  // namespace convscope::testing
