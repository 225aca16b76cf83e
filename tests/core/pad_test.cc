// F.pad and the padding modules.
#include "convscope/pad.h"

#include <bit>
#include <limits>

#include "doctest/doctest.h"
#include "tests/core/support/properties.h"

namespace convscope::testing {
namespace {

using Floats = std::vector<float>;
using Mode = PaddingMode;

std::unique_ptr<Pad> Make(const PadOptions& options) {
  std::unique_ptr<Pad> pad;
  REQUIRE(Pad::Create(options, &pad).ok());
  return pad;
}

// F.pad(padding, mode).
std::unique_ptr<Pad> Functional(std::vector<int64_t> padding,
                                Mode mode = Mode::kZeros) {
  return Make({.padding = Ints(std::move(padding)), .mode = mode});
}

Shape OutputShape(const Layer& layer, const Shape& in) {
  Shape out;
  const Status status = layer.OutputShape(in, &out);
  REQUIRE_MESSAGE(status.ok(), status.message);
  return out;
}

Status Refusal(const Layer& layer, const Shape& in) {
  Shape out;
  return layer.OutputShape(in, &out);
}

struct PadCase {
  std::shared_ptr<Layer> layer;
  Shape in;
};

std::vector<PadCase> PadCases() {
  std::vector<PadCase> cases;
  const auto add = [&](std::vector<int64_t> padding, Mode mode,
                       const Shape& in) {
    cases.push_back({Functional(std::move(padding), mode), in});
  };
  add({1, 2}, Mode::kZeros, {5});
  add({-1, 2, 1, 0, 0, 0, -1, 1}, Mode::kZeros, {3, 2, 3, 4});
  add({}, Mode::kZeros, {2, 3});
  add({2, -2}, Mode::kZeros, {2, 3});
  for (Mode mode : {Mode::kReflect, Mode::kReplicate, Mode::kCircular}) {
    add({2, 3}, mode, {2, 4});
    add({3, -1}, mode, {2, 2, 5});
    add({-2, 2}, mode, {2, 5});
    add({1, 2, 2, 1}, mode, {1, 2, 3, 4});
    add({1, 0, -1, 1, 2, 2}, mode, {1, 3, 4, 2});
  }
  // Only replication repeats without end.
  add({7, 9}, Mode::kReplicate, {1, 2});
  return cases;
}

TEST_CASE("a constant lies where there was nothing") {
  const auto pad = Make({.padding = Ints({1, 2}), .value = 7.5});
  CHECK(Values(*pad, {3}, {1, 2, 3}) == Floats{7.5, 1, 2, 3, 7.5, 7.5});
}

TEST_CASE("a list pads the last axis first") {
  // One row above, one column on the right.
  const auto pad = Functional({0, 1, 1, 0});
  CHECK(OutputShape(*pad, {1, 2}) == Shape{2, 3});
  CHECK(Values(*pad, {1, 2}, {1, 2}) == Floats{0, 0, 0, 1, 2, 0});
}

TEST_CASE("reflection mirrors at the border cell, replication repeats it") {
  const Floats in = {1, 2, 3, 4};
  CHECK(Values(*Functional({2, 3}, Mode::kReflect), {1, 4}, in) ==
        Floats{3, 2, 1, 2, 3, 4, 3, 2, 1});
  CHECK(Values(*Functional({2, 3}, Mode::kReplicate), {1, 4}, in) ==
        Floats{1, 1, 1, 2, 3, 4, 4, 4, 4});
  CHECK(Values(*Functional({2, 3}, Mode::kCircular), {1, 4}, in) ==
        Floats{3, 4, 1, 2, 3, 4, 1, 2, 3});
}

TEST_CASE("negative padding crops, and a circle wraps round what is left") {
  const Floats in = {1, 2, 3, 4};
  CHECK(Values(*Functional({-1, 2}), {1, 4}, in) == Floats{2, 3, 4, 0, 0});
  CHECK(Values(*Functional({-1, 2}, Mode::kReflect), {1, 4}, in) ==
        Floats{2, 3, 4, 3, 2});
  CHECK(Values(*Functional({-1, 2}, Mode::kReplicate), {1, 4}, in) ==
        Floats{2, 3, 4, 4, 4});
  CHECK(Values(*Functional({-1, 2}, Mode::kCircular), {1, 4}, in) ==
        Floats{2, 3, 4, 2, 3});
}

TEST_CASE("a scalar passes through") {
  CHECK(Values(*Functional(std::vector<int64_t>()), {}, {5}) == Floats{5});
  CHECK(InputGradient(*Functional(std::vector<int64_t>()), {}, {5}, {3}) ==
        Floats{3});
}

TEST_CASE("an axis may be cropped to nothing") {
  CHECK(OutputShape(*Functional({-1, -2}), {2, 3}) == Shape{2, 0});
  CHECK(Values(*Functional({-1, -2}), {2, 3}, {1, 2, 3, 4, 5, 6}).empty());
  CHECK(InputGradient(*Functional({-1, -2}), {1, 3}, {1, 2, 3}, {}) ==
        Floats{0, 0, 0});
}

TEST_CASE("values keep their bits, those of NaN and -0 as well") {
  const float odd = std::bit_cast<float>(0xffc12345u);
  const Floats out =
      Values(*Functional({1, 0}, Mode::kReflect), {1, 2}, {-0.0f, odd});
  CHECK(std::bit_cast<uint32_t>(out[0]) == 0xffc12345u);
  CHECK(std::bit_cast<uint32_t>(out[1]) == 0x80000000u);
  CHECK(std::bit_cast<uint32_t>(out[2]) == 0xffc12345u);
  const auto infinite =
      Make({.padding = Ints({1, 0}),
            .value = -std::numeric_limits<double>::infinity()});
  CHECK(Values(*infinite, {1}, {1})[0] ==
        -std::numeric_limits<float>::infinity());
}

TEST_CASE("a cell receives the gradients of all its copies") {
  // 3 2 [1 2 3] 2
  CHECK(InputGradient(*Functional({2, 1}, Mode::kReflect), {1, 3}, {0, 0, 0},
                      {1, 2, 4, 8, 16, 32}) == Floats{4, 42, 17});
}

TEST_CASE("cells computed alone have the whole run's bits, others stay") {
  for (const PadCase& test : PadCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(CellsFault(*test.layer, test.in, 6) == "");
  }
}

TEST_CASE("a constant cell reads nothing, a copy its original") {
  for (const PadCase& test : PadCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(DependencyFault(*test.layer, test.in) == "");
  }
}

TEST_CASE("a padding's gradient is its slope") {
  for (const PadCase& test : PadCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(GradientFault(*test.layer, test.in, 0) == "");
  }
}

TEST_CASE("padding modules print as torch prints them") {
  CHECK(Make({.axes = 2, .padding = 2})->ToString() ==
        "ZeroPad2d((2, 2, 2, 2))");
  CHECK(Make({.axes = 1, .padding = {2, 1}, .value = 3.5})->ToString() ==
        "ConstantPad1d(padding=(2, 1), value=3.5)");
  CHECK(Make({.axes = 3, .padding = 1, .mode = Mode::kReplicate})->ToString() ==
        "ReplicationPad3d((1, 1, 1, 1, 1, 1))");
  CHECK(Make({.axes = 1, .padding = 3, .mode = Mode::kReflect})->ToString() ==
        "ReflectionPad1d((3, 3))");
  CHECK(Make({.axes = 2, .padding = {1, 2, 3, 4}, .mode = Mode::kCircular})
            ->ToString() == "CircularPad2d((1, 2, 3, 4))");
}

TEST_CASE("what torch refuses to pad is refused in its words") {
  CHECK(Refusal(*Functional({-4, 9}), {2, 3}).message ==
        "narrow(): length must be non-negative.");
  CHECK(Refusal(*Functional({1, 3}, Mode::kReflect), {2, 3, 3}).message ==
        "Argument #4: Padding size should be less than the corresponding input "
        "dimension, but got: padding (1, 3) at dimension 2 of input [2, 3, 3]");
  CHECK(Refusal(*Functional({0, 0, 3, 0}, Mode::kReflect), {2, 3, 4}).message ==
        "Argument #6: Padding size should be less than the corresponding input "
        "dimension, but got: padding (3, 0) at dimension 1 of input [2, 3, 4]");
  CHECK(Refusal(*Functional({1, 1}, Mode::kReplicate), {3, 0}).message ==
        "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and "
        "other non-zero dimensions for input, but got: [3, 0]");
  CHECK(Refusal(*Functional({-2, -3}, Mode::kReplicate), {3, 4}).message ==
        "input (W: 4) is too small. Calculated output W: -1");
  CHECK(Refusal(*Functional({-2, -3}, Mode::kCircular), {3, 4}).message ==
        "Negative padding value is resulting in an empty dimension");
  CHECK(Refusal(*Functional({5, 0}, Mode::kCircular), {3, 4}).message ==
        "Padding value causes wrapping around more than once.");
  const Status rank = Refusal(
      *Make({.axes = 2, .padding = 1, .mode = Mode::kCircular}), {3, 4});
  CHECK(rank.code == Code::kValue);
  CHECK(rank.message == "expected 3D or 4D input (got 2D input)");
  Mode mode;
  CHECK(ParsePadMode("constant", &mode).ok());
  CHECK(ParsePadMode("zeros", &mode).message ==
        "Unrecognised padding mode zeros");
  CHECK(ParsePadMode("zeros", &mode).code == Code::kNotImplemented);
}

TEST_CASE("a circle that would wrap round a cropped rest twice is refused") {
  CHECK(Refusal(*Functional({-3, 2}, Mode::kCircular), {1, 4}).message ==
        "Padding value causes wrapping around more than once.");
  CHECK(Refusal(*Functional({-4, 1}, Mode::kCircular), {1, 4}).message ==
        "Padding value causes wrapping around more than once.");
}

TEST_CASE("numbers that overflow are refused, not added") {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  for (Mode mode :
       {Mode::kZeros, Mode::kReflect, Mode::kReplicate, Mode::kCircular}) {
    CAPTURE(static_cast<int>(mode));
    CHECK_FALSE(Refusal(*Functional({huge, huge}, mode), {2, 4}).ok());
    CHECK_FALSE(Refusal(*Functional({-huge, huge}, mode), {2, 4}).ok());
    CHECK_FALSE(Refusal(*Functional({-huge, -huge}, mode), {2, 4}).ok());
  }
}

}  // namespace
}  // namespace convscope::testing
