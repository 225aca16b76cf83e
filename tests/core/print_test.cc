// Tensors as torch prints them: the cases that text.json may lack.
#include "convscope/print.h"

#include <bit>
#include <cstdio>
#include <limits>
#include <vector>

#include "core/src/decimal.h"
#include "doctest/doctest.h"
#include "tests/core/support/random_layers.h"

namespace convscope::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string Print(std::vector<int64_t> shape, std::vector<float> values) {
  return TensorToString(shape, values.data());
}

std::string PrintIndices(std::vector<int64_t> shape,
                         std::vector<int32_t> values) {
  return TensorToString(shape, values.data());
}

TEST_CASE("whole numbers print with a point, others with four digits") {
  CHECK(Print({3}, {1, -2, 3}) == "tensor([ 1., -2.,  3.])");
  CHECK(Print({2}, {0.5f, -12.25f}) == "tensor([  0.5000, -12.2500])");
  CHECK(Print({2}, {0, -0.0f}) == "tensor([0., -0.])");
}

TEST_CASE("a scalar has no brackets") {
  CHECK(Print({}, {1}) == "tensor(1.)");
  CHECK(Print({}, {0.1f}) == "tensor(0.1000)");
  CHECK(Print({}, {kNan}) == "tensor(nan)");
}

TEST_CASE("an empty tensor tells its size, unless it is a plain list") {
  CHECK(Print({0}, {}) == "tensor([])");
  CHECK(Print({2, 0}, {}) == "tensor([], size=(2, 0))");
  CHECK(Print({0, 3, 4}, {}) == "tensor([], size=(0, 3, 4))");
}

TEST_CASE("nan and inf have no say in the width") {
  CHECK(Print({3}, {kNan, kInf, -kInf}) == "tensor([nan, inf, -inf])");
  CHECK(Print({3}, {1, kNan, -kInf}) == "tensor([1., nan, -inf])");
  CHECK(Print({2}, {1.5f, kNan}) == "tensor([1.5000,    nan])");
}

TEST_CASE("a wide range prints in scientific notation") {
  CHECK(Print({2}, {1, 1001}) == "tensor([1.0000e+00, 1.0010e+03])");
  CHECK(Print({2}, {1, 1000}) == "tensor([   1., 1000.])");
  CHECK(Print({1}, {100000000.0f}) == "tensor([100000000.])");
  CHECK(Print({1}, {200000000.0f}) == "tensor([2.0000e+08])");
  CHECK(Print({1}, {9e-5f}) == "tensor([9.0000e-05])");
  CHECK(Print({2}, {0, 1e-40f}) == "tensor([0.0000e+00, 9.9999e-41])");
}

TEST_CASE("rows longer than 80 columns break under their first number") {
  std::vector<float> values(20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  CHECK(Print({20}, values) ==
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., "
        "12., 13.,\n        14., 15., 16., 17., 18., 19.])");
}

TEST_CASE("axes nest with one more line break for each") {
  CHECK(Print({2, 1, 2}, {1, 2, 3, 4}) ==
        "tensor([[[1., 2.]],\n\n        [[3., 4.]]])");
}

TEST_CASE("beyond 1000 elements each axis shows three at either end") {
  std::vector<float> values(1001, 1);
  CHECK(Print({1001}, values) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
  values.pop_back();
  CHECK(Print({1000}, values).find("...") == std::string::npos);
  // Only what is shown decides how numbers are written.
  values.assign(7 * 200, 1);
  values[3 * 200 + 100] = 0.5f;
  const std::string row = "[1., 1., 1.,  ..., 1., 1., 1.]";
  const std::string gap = ",\n        ";
  CHECK(Print({7, 200}, values) == "tensor([" + row + gap + row + gap + row +
                                       gap + "..." + gap + row + gap + row +
                                       gap + row + "])");
}

TEST_CASE("indices print as whole numbers") {
  CHECK(PrintIndices({3}, {0, 12, 5}) == "tensor([ 0, 12,  5])");
  CHECK(PrintIndices({}, {4}) == "tensor(4)");
  CHECK(PrintIndices({0}, {}) == "tensor([], dtype=torch.int64)");
  CHECK(PrintIndices({1, 0}, {}) ==
        "tensor([], size=(1, 0), dtype=torch.int64)");
}

TEST_CASE("indices too large for a float's 24 bits keep their last digit") {
  CHECK(PrintIndices({2}, {16777217, 2147483647}) ==
        "tensor([  16777217, 2147483647])");
}

TEST_CASE("decimal texts are those of a correctly rounding printf") {
  Random random(1);
  char want[128];
  for (int round = 0; round < 200000; ++round) {
    // Every exponent, and numbers near to ties of the kept digits.
    const float value =
        round % 2 == 0 ? std::bit_cast<float>(static_cast<uint32_t>(random.Int(
                             0, std::numeric_limits<uint32_t>::max())))
                       : static_cast<float>(random.Int(-100000, 100000)) / 512;
    if (value != value) continue;
    const int places = static_cast<int>(random.Int(0, 6));
    CAPTURE(value);
    CAPTURE(places);
    std::snprintf(want, sizeof(want), "%.*f", places, double{value});
    REQUIRE(FixedText(value, places) == want);
    std::snprintf(want, sizeof(want), "%.*e", places, double{value});
    REQUIRE(ScientificText(value, places) == want);
  }
}

TEST_CASE("ties go to the even digit") {
  CHECK(FixedText(0.5f, 0) == "0");
  CHECK(FixedText(1.5f, 0) == "2");
  CHECK(FixedText(2.5f, 0) == "2");
  CHECK(FixedText(0.03125f, 4) == "0.0312");
  CHECK(FixedText(0.09375f, 4) == "0.0938");
  CHECK(ScientificText(1.03125f, 4) == "1.0312e+00");
  CHECK(ScientificText(9.99996f, 4) == "1.0000e+01");
}

}  // namespace
}  // namespace convscope::testing
