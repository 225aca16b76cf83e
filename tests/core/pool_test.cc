// Max and average pooling, fixed and adaptive.
#include "convscope/pool.h"

#include <cmath>
#include <limits>

#include "convscope/adaptive_pool.h"
#include "doctest/doctest.h"
#include "tests/core/support/properties.h"

namespace convscope::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

std::unique_ptr<MaxPool> Max(const MaxPoolOptions& options) {
  std::unique_ptr<MaxPool> pool;
  REQUIRE(MaxPool::Create(options, &pool).ok());
  return pool;
}

std::unique_ptr<AvgPool> Avg(const AvgPoolOptions& options) {
  std::unique_ptr<AvgPool> pool;
  REQUIRE(AvgPool::Create(options, &pool).ok());
  return pool;
}

std::unique_ptr<AdaptiveAvgPool> AdaptiveAvg(
    const AdaptivePoolOptions& options) {
  std::unique_ptr<AdaptiveAvgPool> pool;
  REQUIRE(AdaptiveAvgPool::Create(options, &pool).ok());
  return pool;
}

std::unique_ptr<AdaptiveMaxPool> AdaptiveMax(
    const AdaptivePoolOptions& options) {
  std::unique_ptr<AdaptiveMaxPool> pool;
  REQUIRE(AdaptiveMaxPool::Create(options, &pool).ok());
  return pool;
}

std::vector<int32_t> Indices(const MaxPool& pool, const Shape& in,
                             const std::vector<float>& values) {
  Shape out;
  REQUIRE(pool.OutputShape(in, &out).ok());
  std::vector<int32_t> indices(static_cast<size_t>(out.elements()));
  pool.ForwardWithIndices(in, values.data(), nullptr, indices.data());
  return indices;
}

Shape OutputShape(const Layer& layer, const Shape& in) {
  Shape out;
  const Status status = layer.OutputShape(in, &out);
  REQUIRE_MESSAGE(status.ok(), status.message);
  return out;
}

// "" if the shape is accepted.
std::string Refusal(const Layer& layer, const Shape& in) {
  Shape out;
  return layer.OutputShape(in, &out).message;
}

using Floats = std::vector<float>;

// Every kind of pool over 1, 2 and 3 axes, with an input that it accepts.
struct PoolCase {
  std::shared_ptr<Layer> layer;
  Shape in;
  bool is_sum;
};

std::vector<PoolCase> PoolCases() {
  std::vector<PoolCase> cases;
  const auto add = [&](std::shared_ptr<Layer> layer, const Shape& in,
                       bool is_sum) { cases.push_back({layer, in, is_sum}); };
  add(Max({.axes = 1, .kernel_size = 3, .stride = 2, .padding = 1}), {2, 2, 7},
      false);
  add(Max({.axes = 1, .kernel_size = 2, .stride = 3, .dilation = 2}), {2, 9},
      false);
  add(Max({.kernel_size = {3, 2},
           .stride = Ints({1, 2}),
           .padding = {1, 0},
           .dilation = {2, 1}}),
      {1, 2, 6, 5}, false);
  add(Max({.kernel_size = 3, .stride = 2, .padding = 1, .ceil_mode = true}),
      {2, 6, 5}, false);
  add(Max({.axes = 3, .kernel_size = 2, .stride = 1}), {1, 1, 3, 4, 2}, false);
  add(Avg({.axes = 1, .kernel_size = 4, .stride = 1, .padding = 2}), {2, 8},
      true);
  add(Avg({.kernel_size = 2, .ceil_mode = true}), {2, 1, 5, 7}, true);
  add(Avg({.kernel_size = {4, 2}, .stride = 1, .padding = {2, 1}}), {1, 4, 5},
      true);
  add(Avg({.axes = 3, .kernel_size = 2, .stride = 2, .divisor_override = 4}),
      {1, 1, 4, 2, 5}, true);
  add(AdaptiveAvg({.axes = 1, .output_size = 4}), {2, 2, 8}, true);
  add(AdaptiveAvg({.output_size = OutputSize({2, std::nullopt})}), {2, 8, 3},
      true);
  add(AdaptiveMax({.axes = 1, .output_size = 3}), {2, 2, 7}, false);
  add(AdaptiveMax({.output_size = 3}), {2, 5, 2}, false);
  add(AdaptiveMax({.axes = 3, .output_size = 2}), {1, 1, 3, 3, 5}, false);
  return cases;
}

TEST_CASE("a max pool takes the largest cell of each window and its place") {
  // 1 5 2
  // 3 4 9
  // 7 0 6
  const Floats in = {1, 5, 2, 3, 4, 9, 7, 0, 6};
  const auto pool = Max({.kernel_size = 2, .stride = 1});
  CHECK(Values(*pool, {1, 3, 3}, in) == Floats{5, 9, 7, 9});
  CHECK(Indices(*pool, {1, 3, 3}, in) == std::vector<int32_t>{1, 5, 6, 5});
}

TEST_CASE("indices of a max pool begin anew in every plane") {
  const auto pool = Max({.axes = 1, .kernel_size = 2});
  CHECK(Indices(*pool, {2, 2, 2}, {1, 2, 4, 3, 5, 6, 8, 7}) ==
        std::vector<int32_t>{1, 0, 1, 0});
}

TEST_CASE("of equal cells a max pool takes the first, of NaN the last") {
  const auto pool = Max({.axes = 1, .kernel_size = 3});
  CHECK(Indices(*pool, {1, 3}, {4, 4, 4}) == std::vector<int32_t>{0});
  CHECK(Indices(*pool, {1, 3}, {kNaN, 9, kNaN}) == std::vector<int32_t>{2});
  CHECK(Indices(*pool, {1, 3}, {kNaN, 9, kInf}) == std::vector<int32_t>{0});
}

TEST_CASE("a window of nothing but -inf takes its first cell, not padding") {
  const auto pool = Max({.axes = 1, .kernel_size = 2, .padding = 1});
  CHECK(Values(*pool, {1, 2}, {-kInf, -kInf}) == Floats{-kInf, -kInf});
  CHECK(Indices(*pool, {1, 2}, {-kInf, -kInf}) == std::vector<int32_t>{0, 1});
}

TEST_CASE("a dilated window that no tap of it meets gives -inf, no gradient") {
  // Taps at -2 and 2 of an input of one cell.
  const auto pool =
      Max({.axes = 1, .kernel_size = 2, .padding = 1, .dilation = 2});
  CHECK(Values(*pool, {1, 1}, {5}) == Floats{-kInf});
  CHECK(InputGradient(*pool, {1, 1}, {5}, {3}) == Floats{0});
}

TEST_CASE("a max pool's gradient goes to the cell that was taken") {
  const auto pool = Max({.axes = 1, .kernel_size = 2, .stride = 1});
  // Windows (1 8), (8 3), (3 2): the 8 is taken twice.
  CHECK(InputGradient(*pool, {1, 4}, {1, 8, 3, 2}, {10, 20, 40}) ==
        Floats{0, 30, 40, 0});
}

TEST_CASE("a mean counts padding cells unless it is told not to") {
  const Floats in = {2, 4, 6};
  AvgPoolOptions options{.axes = 1, .kernel_size = 2, .padding = 1};
  // (0 2), (4 6): the padding is a 0 among the cells.
  CHECK(Values(*Avg(options), {1, 3}, in) == Floats{1, 5});
  options.count_include_pad = false;
  CHECK(Values(*Avg(options), {1, 3}, in) == Floats{2, 5});
}

TEST_CASE("what ceil_mode adds beyond the padding is never counted") {
  AvgPoolOptions options{.axes = 1,
                         .kernel_size = 4,
                         .stride = 3,
                         .padding = 1,
                         .ceil_mode = true};
  // 1 2 3 4 5 between one padding cell on either side: (_ 1 2 3), (3 4 5 _),
  // and no window from the right padding on.
  CHECK(OutputShape(*Avg(options), {1, 5}) == Shape{1, 2});
  CHECK(Values(*Avg(options), {1, 5}, {1, 2, 3, 4, 5}) == Floats{1.5, 3});
  // 1 2 3 4 5 6: the last window holds (6 _) and has three cells less.
  CHECK(Values(*Avg(options), {1, 6}, {1, 2, 3, 4, 5, 6}) ==
        Floats{1.5, 4.5, 3});
}

TEST_CASE("divisor_override replaces the count") {
  const auto pool = Avg({.kernel_size = 2, .divisor_override = -8});
  CHECK(Values(*pool, {1, 2, 2}, {1, 2, 3, 10}) == Floats{-2});
}

TEST_CASE("a mean's gradient is shared by the cells of its window") {
  const auto pool = Avg({.axes = 1, .kernel_size = 2, .stride = 1});
  CHECK(InputGradient(*pool, {1, 3}, {0, 0, 0}, {2, 8}) == Floats{1, 5, 4});
}

TEST_CASE("a mean that is not a number is the one quiet NaN") {
  const auto pool = Avg({.axes = 1, .kernel_size = 2});
  const Floats out = Values(*pool, {1, 2}, {kInf, -kInf});
  CHECK(std::isnan(out[0]));
  CHECK_FALSE(std::signbit(out[0]));
}

TEST_CASE("adaptive windows overlap where sizes do not divide") {
  // 5 cells to 3: [0, 2), [1, 4), [3, 5).
  const auto pool = AdaptiveAvg({.axes = 1, .output_size = 3});
  CHECK(Values(*pool, {1, 5}, {2, 4, 6, 8, 10}) == Floats{3, 6, 9});
  const auto max = AdaptiveMax({.axes = 1, .output_size = 3});
  CHECK(Values(*max, {1, 5}, {9, 4, 6, 5, 1}) == Floats{9, 6, 5});
  // 2 cells to 3: [0, 1), [0, 2), [1, 2).
  CHECK(Values(*pool, {1, 2}, {2, 6}) == Floats{2, 4, 6});
}

TEST_CASE("None keeps an axis, and sizes of 0 give empty outputs") {
  CHECK(
      OutputShape(*AdaptiveAvg({.output_size = OutputSize({std::nullopt, 2})}),
                  {1, 3, 5, 6}) == Shape{1, 3, 5, 2});
  CHECK(OutputShape(*AdaptiveMax(
                        {.axes = 1, .output_size = OutputSize({std::nullopt})}),
                    {3, 5}) == Shape{3, 5});
  CHECK(OutputShape(*AdaptiveAvg({.output_size = 0}), {3, 5, 6}) ==
        Shape{3, 0, 0});
}

TEST_CASE("the mean of no cells is not a number, as in torch") {
  const auto pool = AdaptiveAvg({.output_size = 1});
  CHECK(std::isnan(Values(*pool, {1, 0, 4}, {})[0]));
}

TEST_CASE("an empty batch gives an empty output") {
  const std::vector<PoolCase> cases = {
      {Max({.axes = 1, .kernel_size = 2}), {0, 3, 4}, false},
      {Avg({.kernel_size = 2}), {0, 3, 4, 4}, true},
      {AdaptiveAvg({.output_size = 3}), {0, 3, 4, 4}, true},
      {AdaptiveMax({.axes = 3, .output_size = 2}), {0, 3, 4, 4, 4}, false}};
  for (const PoolCase& test : cases) {
    CAPTURE(test.layer->ToString());
    CHECK(OutputShape(*test.layer, test.in)[0] == 0);
    CHECK(Values(*test.layer, test.in, {}).empty());
    CHECK(InputGradient(*test.layer, test.in, {}, {}).empty());
  }
}

TEST_CASE("cells computed alone have the whole run's bits, others stay") {
  for (const PoolCase& test : PoolCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(CellsFault(*test.layer, test.in, 5) == "");
  }
}

TEST_CASE("a pool reads, and is read by, exactly the cells of its windows") {
  for (const PoolCase& test : PoolCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(DependencyFault(*test.layer, test.in) == "");
  }
}

TEST_CASE("a pool's gradient is its slope") {
  for (const PoolCase& test : PoolCases()) {
    CAPTURE(test.layer->ToString());
    // Means over 3, 5 … cells round; everything else is exact.
    CHECK(GradientFault(*test.layer, test.in, test.is_sum ? 1e-3 : 0) == "");
  }
}

TEST_CASE("pools print as torch prints them") {
  CHECK(Max({.kernel_size = 3, .stride = Ints({2, 1})})->ToString() ==
        "MaxPool2d(kernel_size=3, stride=(2, 1), padding=0, dilation=1, "
        "ceil_mode=False)");
  CHECK(Avg({.axes = 1, .kernel_size = 3, .padding = 1})->ToString() ==
        "AvgPool1d(kernel_size=(3,), stride=(3,), padding=(1,))");
  CHECK(Avg({.axes = 3, .kernel_size = {1, 2, 3}})->ToString() ==
        "AvgPool3d(kernel_size=(1, 2, 3), stride=(1, 2, 3), padding=0)");
  CHECK(AdaptiveAvg({.output_size = 7})->ToString() ==
        "AdaptiveAvgPool2d(output_size=7)");
  CHECK(
      AdaptiveMax({.output_size = OutputSize({std::nullopt, 7})})->ToString() ==
      "AdaptiveMaxPool2d(output_size=(None, 7))");
  const std::vector<std::optional<int64_t>> five = {5};
  CHECK(AdaptiveAvg({.axes = 1, .output_size = OutputSize(five)})->ToString() ==
        "AdaptiveAvgPool1d(output_size=(5,))");
}

TEST_CASE("what a max pool refuses is refused in torch's words") {
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = 2, .padding = 2}), {1, 8}) ==
        "max_pool1d() padding should be at most half of kernel size, but got "
        "padding=2 and kernel_size=2");
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = {2, 2}}), {1, 8}) ==
        "max_pool1d() kernel_size must be an int, list of ints or tuple of "
        "ints of size 1 but got size 2");
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = 9}), {1, 8}) ==
        "max_pool1d() Invalid computed output size: 0");
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = 9, .return_indices = true}),
                {3, 8}) ==
        "Given input size: (3x1x8). Calculated output size: (3x1x0). Output "
        "size is too small");
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = 2}), {1, 2, 3, 4}) ==
        "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim "
        "batch size for input, but got:[1, 2, 3, 4]");
  CHECK(Refusal(*Max({.kernel_size = 2, .padding = -1}), {1, 8, 8}) ==
        "pad must be non-negative, but got pad: -1");
  CHECK(Refusal(*Max({.kernel_size = 2, .stride = Ints({1, -1})}), {1, 8, 8}) ==
        "stride should be greater than zero, but got dH: 1 dW: -1");
  CHECK(Refusal(*Max({.kernel_size = 2, .dilation = {1, 2, 3}}), {1, 8, 8}) ==
        "max_pool2d: dilation must be either a single int, or a tuple of two "
        "ints");
  CHECK(Refusal(*Max({.axes = 3, .kernel_size = {2, 0, 2}, .stride = 1}),
                {1, 8, 8, 8}) ==
        "kernel size should be greater than zero, but got kT: 2 kH: 0 kW: 2");
  CHECK(Refusal(*Max({.kernel_size = 2}), {0, 4, 4}) ==
        "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size "
        "for input, but got:[0, 4, 4]");
}

TEST_CASE("what a mean pool refuses is refused in torch's words") {
  CHECK(Refusal(*Avg({.axes = 1, .kernel_size = 2}), {1, 2, 3, 4}) ==
        "Expected 2 to 3 dimensions, but got 4-dimensional tensor for argument "
        "#1 'self' (while checking arguments for avg_pool1d)");
  CHECK(Refusal(*Avg({.axes = 1, .kernel_size = {2, 3}}), {1, 4}) ==
        "avg_pool1d() argument 'kernel_size' should contain one int (got 2)");
  CHECK(Refusal(*Avg({.kernel_size = {2, 3, 4}}), {1, 4, 4}) ==
        "avg_pool2d: kernel_size must either be a single int, or a tuple of "
        "two ints");
  CHECK(Refusal(*Avg({.axes = 3, .kernel_size = {2, 3}}), {1, 4, 4, 4}) ==
        "avg_pool3d: kernel_size must be a single int, or a tuple of three "
        "ints");
  CHECK(Refusal(*Avg({.axes = 3, .kernel_size = 2}), {1, 4, 0, 4}) ==
        "avg_pool3d(): Expected input's non-batch dimensions to have positive "
        "length, but input has a shape of [1, 4, 0, 4] and non-batch dimension "
        "0 has length zero!");
  std::unique_ptr<AvgPool> pool;
  CHECK(AvgPool::Create({.axes = 1, .divisor_override = 2}, &pool).code ==
        Code::kType);
}

TEST_CASE("what an adaptive pool refuses is refused in torch's words") {
  CHECK(Refusal(*AdaptiveMax({.axes = 1, .output_size = 2}), {2, 0}) ==
        "adaptive_max_pool1d(): Expected input to have non-zero size for "
        "non-batch dimensions, but input has sizes [2, 0] with dimension 1 "
        "being empty");
  CHECK(Refusal(*AdaptiveMax({.output_size = 2}), {2, 3, 4, 5, 6}) ==
        "adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: [2, 3, 4, "
        "5, 6]");
  CHECK(Refusal(*AdaptiveMax({.output_size = -2}), {3, 4, 5}) ==
        "Trying to create tensor with negative dimension -2: [3, -2, -2]");
  CHECK(
      Refusal(*AdaptiveAvg({.output_size = OutputSize({2, -2})}), {3, 4, 5}) ==
      "adaptive_avg_pool2d: elements of output_size must be greater than or "
      "equal to 0 but received {2, -2}");
  CHECK(Refusal(*AdaptiveAvg({.output_size = OutputSize({2, 2})}), {4, 5}) ==
        "Input dimension should be at least 3");
  CHECK(Refusal(*AdaptiveAvg({.axes = 1, .output_size = OutputSize({2, 2})}),
                {4, 5}) ==
        "adaptive_avg_pool1d() argument 'output_size' should contain one int "
        "(got 2)");
}

TEST_CASE("numbers that overflow are refused, not multiplied") {
  const int64_t huge = int64_t{1} << 53;
  CHECK(Refusal(*Max({.kernel_size = huge, .dilation = huge}), {1, 8, 8}) ==
        "integer out of range");
  CHECK(Refusal(*Max({.axes = 1, .kernel_size = huge, .dilation = huge}),
                {1, 8}) == "integer out of range");
  CHECK(Refusal(*Avg({.kernel_size = 2, .stride = huge}), {1, 8, 8}) ==
        "integer out of range");
  CHECK(Refusal(*AdaptiveAvg({.output_size = huge}), {1, 8, 8})
            .find("2^30 elements") != std::string::npos);
}

}  // namespace
}  // namespace convscope::testing
