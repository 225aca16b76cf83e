// Unfold and Fold.
#include "convscope/fold.h"

#include "doctest/doctest.h"
#include "tests/core/support/properties.h"

namespace convscope::testing {
namespace {

using Floats = std::vector<float>;

std::unique_ptr<Unfold> Make(const UnfoldOptions& options) {
  std::unique_ptr<Unfold> unfold;
  REQUIRE(Unfold::Create(options, &unfold).ok());
  return unfold;
}

std::unique_ptr<Fold> Make(const FoldOptions& options) {
  std::unique_ptr<Fold> fold;
  REQUIRE(Fold::Create(options, &fold).ok());
  return fold;
}

std::string Refusal(const Layer& layer, const Shape& in) {
  Shape out;
  return layer.OutputShape(in, &out).message;
}

struct FoldCase {
  std::shared_ptr<Layer> layer;
  Shape in;
};

std::vector<FoldCase> FoldCases() {
  std::vector<FoldCase> cases;
  const auto add = [&](const Ints& size, const UnfoldOptions& options,
                       const Shape& image) {
    std::shared_ptr<Unfold> unfold = Make(options);
    Shape matrix;
    REQUIRE(unfold->OutputShape(image, &matrix).ok());
    cases.push_back({unfold, image});
    cases.push_back(
        {Make(FoldOptions{size, options.kernel_size, options.dilation,
                          options.padding, options.stride}),
         matrix});
  };
  add({3, 4}, {.kernel_size = 2}, {2, 3, 4});
  add({5, 4}, {.kernel_size = {3, 2}, .padding = {1, 1}, .stride = {2, 1}},
      {1, 2, 5, 4});
  add({4, 5},
      {.kernel_size = 2, .dilation = {1, 2}, .padding = 1, .stride = {3, 2}},
      {1, 4, 5});
  // Blocks that lie beyond the border altogether.
  add({2, 2}, {.kernel_size = 1, .padding = 2}, {1, 2, 2});
  return cases;
}

TEST_CASE("unfolding lays every window out as a column") {
  // 1 2 3
  // 4 5 6
  CHECK(Values(*Make(UnfoldOptions{.kernel_size = 2}), {1, 2, 3},
               {1, 2, 3, 4, 5, 6}) == Floats{1, 2,  //
                                             2, 3,  //
                                             4, 5,  //
                                             5, 6});
}

TEST_CASE("beyond the border an unfolded window holds zeros") {
  CHECK(Values(*Make(UnfoldOptions{.kernel_size = {1, 2}, .padding = {0, 1}}),
               {1, 1, 2}, {7, 8}) == Floats{0, 7, 8,  //
                                            7, 8, 0});
}

TEST_CASE("folding adds the columns where their windows were") {
  // Windows (a b) at 0 and 1 of a row of 3: a0, b0 + a1, b1.
  CHECK(Values(*Make(FoldOptions{.output_size = {1, 3}, .kernel_size = {1, 2}}),
               {2, 2},
               {1, 2,  //
                10, 20}) == Floats{1, 12, 20});
}

TEST_CASE("folding what was unfolded counts how often a cell was taken") {
  const Shape image = {1, 1, 3, 3};
  const auto unfold = Make(UnfoldOptions{.kernel_size = 2});
  const auto fold = Make(FoldOptions{.output_size = 3, .kernel_size = 2});
  const Floats ones(9, 1.0f);
  CHECK(Values(*fold, {1, 4, 4}, Values(*unfold, image, ones)) ==
        Floats{1, 2, 1, 2, 4, 2, 1, 2, 1});
}

TEST_CASE("each is the other's gradient") {
  const Shape image = {1, 3, 3};
  const Shape matrix = {4, 4};
  const auto unfold = Make(UnfoldOptions{.kernel_size = 2});
  const auto fold = Make(FoldOptions{.output_size = 3, .kernel_size = 2});
  const Floats cells = DistinctValues(9, 1);
  const Floats blocks = DistinctValues(16, 2);
  CHECK(InputGradient(*unfold, image, cells, blocks) ==
        Values(*fold, matrix, blocks));
  CHECK(InputGradient(*fold, matrix, blocks, cells) ==
        Values(*unfold, image, cells));
}

TEST_CASE("an empty batch gives an empty output") {
  CHECK(
      Values(*Make(UnfoldOptions{.kernel_size = 2}), {0, 2, 3, 3}, {}).empty());
  CHECK(Values(*Make(FoldOptions{.output_size = 3, .kernel_size = 2}),
               {0, 4, 4}, {})
            .empty());
}

TEST_CASE("cells computed alone have the whole run's bits, others stay") {
  for (const FoldCase& test : FoldCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(CellsFault(*test.layer, test.in, 7) == "");
  }
}

TEST_CASE("blocks read, and are read by, exactly the cells under them") {
  for (const FoldCase& test : FoldCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(DependencyFault(*test.layer, test.in) == "");
  }
}

TEST_CASE("the gradient is the slope") {
  for (const FoldCase& test : FoldCases()) {
    CAPTURE(test.layer->ToString());
    CHECK(GradientFault(*test.layer, test.in, 0) == "");
  }
}

TEST_CASE("Unfold and Fold print as torch prints them") {
  CHECK(Make(UnfoldOptions{.kernel_size = {2, 3}, .padding = 1})->ToString() ==
        "Unfold(kernel_size=(2, 3), dilation=1, padding=1, stride=1)");
  CHECK(
      Make(FoldOptions{.output_size = {4, 5}, .kernel_size = 2})->ToString() ==
      "Fold(output_size=(4, 5), kernel_size=2, dilation=1, padding=0, "
      "stride=1)");
}

TEST_CASE("what torch refuses is refused in its words") {
  const auto unfold = [](const UnfoldOptions& options, const Shape& in) {
    return Refusal(*Make(options), in);
  };
  const auto fold = [](const FoldOptions& options, const Shape& in) {
    return Refusal(*Make(options), in);
  };
  CHECK(unfold({.kernel_size = {2, 2, 2}}, {1, 4, 4}) ==
        "It is expected kernel_size equals to 2, but got size 3");
  CHECK(unfold({.kernel_size = {2, 0}}, {1, 4, 4}) ==
        "kernel size should be greater than zero, but got kernel_height: 2 "
        "kernel_width: 0");
  CHECK(unfold({.kernel_size = 2, .padding = {0, -1}}, {1, 4, 4}) ==
        "padding should be non-negative, but got pad_height: 0 pad_width: -1");
  CHECK(unfold({.kernel_size = 2}, {4, 4}) ==
        "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and "
        "other non-zero dimensions for input, but got: [4, 4]");
  CHECK(unfold({.kernel_size = {5, 2}}, {1, 4, 4}) ==
        "Given input with spatial size (4, 4), kernel_size=(5, 2), "
        "dilation=(1, 1), padding=(0, 0), calculated shape of the array of "
        "sliding blocks as (0, 3), but its components must be at least one.");
  CHECK(fold({.output_size = 4, .kernel_size = 2}, {5, 9}) ==
        "Expected size of input's dimension 1 to be divisible by the product "
        "of kernel_size, but got input.size(1)=5 and kernel_size=(2, 2).");
  CHECK(fold({.output_size = 4, .kernel_size = 2}, {4, 8}) ==
        "Given output_size=(4, 4), kernel_size=(2, 2), dilation=(1, 1), "
        "padding=(0, 0), stride=(1, 1), expected size of input's dimension 2 "
        "to match the calculated number of sliding blocks 3 * 3 = 9, but got "
        "input.size(2)=8.");
  // Two axes without room for a block: (-1) * (-1) = 1 column.
  CHECK(fold({.output_size = 1, .kernel_size = 3}, {9, 1}) ==
        "Given output_size=(1, 1), kernel_size=(3, 3), dilation=(1, 1), "
        "padding=(0, 0), stride=(1, 1), calculated shape of the array of "
        "sliding blocks as (-1, -1), which is too small (non-positive)");
}

TEST_CASE("numbers that overflow are refused, not multiplied") {
  const int64_t huge = int64_t{1} << 53;
  CHECK(Refusal(*Make(UnfoldOptions{.kernel_size = huge, .dilation = huge}),
                {1, 4, 4}) == "integer out of range");
  const int64_t large = int64_t{1} << 28;
  CHECK(Refusal(*Make(UnfoldOptions{.kernel_size = large, .padding = large}),
                {0, 1, 4, 4})
            .find("2^30 elements") != std::string::npos);
  CHECK_FALSE(
      Refusal(*Make(FoldOptions{.output_size = large, .kernel_size = 1}),
              {1, 4})
          .empty());
}

}  // namespace
}  // namespace convscope::testing
