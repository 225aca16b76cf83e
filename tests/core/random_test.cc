// Generator: MT19937 against the numbers of its authors and of the C++
// standard.
#include "convscope/random.h"

#include <cmath>
#include <random>
#include <vector>

#include "doctest/doctest.h"

namespace convscope {
namespace {

TEST_CASE("the default seed gives the numbers that the literature gives") {
  // First output with seed 5489, and the 10000th, which the C++ standard
  // demands of std::mt19937.
  Generator generator;
  CHECK(generator.NextUInt32() == 3499211612u);
  CHECK(generator.NextUInt32() == 581869302u);
  CHECK(generator.NextUInt32() == 3890346734u);
  for (int i = 4; i < 10000; ++i) (void)generator.NextUInt32();
  CHECK(generator.NextUInt32() == 4123659995u);
}

TEST_CASE("every seed gives the sequence of std::mt19937, modulo 2^32") {
  for (uint64_t seed :
       {uint64_t{0}, uint64_t{1}, uint64_t{3784828440}, uint64_t{0xffffffff},
        uint64_t{397393887607}, static_cast<uint64_t>(int64_t{-1})}) {
    CAPTURE(seed);
    Generator generator(seed);
    std::mt19937 want(static_cast<uint32_t>(seed));
    for (int i = 0; i < 2000; ++i) REQUIRE(generator.NextUInt32() == want());
  }
}

TEST_CASE("manual_seed begins the sequence anew, stored normal number or not") {
  Generator generator(7);
  std::vector<float> first(3), again(3);
  generator.FillRandn(3, first.data());
  generator.ManualSeed(7);
  generator.FillRandn(3, again.data());
  CHECK(first == again);
}

TEST_CASE("weights lie symmetrically in their bound, one draw each") {
  Generator generator(3);
  std::mt19937 draws(3);
  const float bound = static_cast<float>(1.0 / std::sqrt(27.0));
  std::vector<float> weights(1000);
  generator.FillUniform(bound, 1000, weights.data());
  for (float weight : weights) {
    const double u =
        (static_cast<double>(draws() & 0xffffff) - 8388608.0) / 8388608.0;
    REQUIRE(weight == static_cast<float>(bound * u));
    REQUIRE(std::abs(weight) <= bound);
  }
}

TEST_CASE("uniform numbers are 24 bits of one draw each") {
  Generator generator(11);
  std::mt19937 draws(11);
  std::vector<float> numbers(100);
  generator.FillRand(100, numbers.data());
  for (float number : numbers) {
    REQUIRE(number == static_cast<float>(draws() & 0xffffff) / 16777216.0f);
  }
}

TEST_CASE("normal numbers have torch's values for seed 0") {
  // torch.manual_seed(0); torch.randn(3), as torch prints it.
  Generator generator(0);
  std::vector<float> numbers(3);
  generator.FillRandn(3, numbers.data());
  CHECK(numbers[0] == doctest::Approx(1.5410).epsilon(1e-4));
  CHECK(numbers[1] == doctest::Approx(-0.2934).epsilon(1e-3));
  CHECK(numbers[2] == doctest::Approx(-2.1788).epsilon(1e-4));
}

TEST_CASE("blocks of normal numbers have torch's bits") {
  // torch.manual_seed(0); torch.randn(17), by float.hex.
  constexpr float kTorch[] = {-0x1.20370ap+0f, -0x1.b2288cp+0f, 0x1.222008p-1f,
                              0x1.9646bap-1f,  0x1.329b16p-1f,  -0x1.8e1ab6p+0f,
                              -0x1.5d8d94p-2f, 0x1.da5e9cp+0f,  0x1.df54aap-2f,
                              -0x1.2bc656p-1f, -0x1.631dd6p-3f, 0x1.77c348p-3f,
                              0x1.63ad80p+0f,  0x1.961a00p+0f,  0x1.e48138p-1f,
                              -0x1.aff666p-1f, 0x1.dd1860p-1f};
  Generator generator(0);
  std::vector<float> numbers(17);
  generator.FillRandn(17, numbers.data());
  for (size_t i = 0; i < 17; ++i) CHECK(numbers[i] == kTorch[i]);
  // Where the cosine nearly vanishes an error would show most.
  generator.ManualSeed(0);
  numbers.resize(1000);
  generator.FillRandn(1000, numbers.data());
  CHECK(numbers[83] == 0x1.d3924ap-11f);
  CHECK(numbers[751] == -0x1.40a30ap-10f);
  CHECK(numbers[972] == -0x1.18abe4p-11f);
}

TEST_CASE("many normal numbers have mean 0 and variance 1") {
  for (int64_t count : {16, 17, 100000}) {
    CAPTURE(count);
    Generator generator(42);
    std::vector<float> numbers(static_cast<size_t>(count));
    generator.FillRandn(count, numbers.data());
    double sum = 0;
    double squares = 0;
    for (float number : numbers) {
      REQUIRE(std::isfinite(number));
      sum += number;
      squares += double{number} * number;
    }
    // Six standard errors.
    const double n = static_cast<double>(count);
    CHECK(std::abs(sum / n) < 6 / std::sqrt(n));
    CHECK(std::abs(squares / n - 1) < 6 * std::sqrt(2 / n));
  }
}

}  // namespace
}  // namespace convscope
