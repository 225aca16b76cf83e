// exp and its like: the values of the C library in extended precision, and
// limits.
#include "core/src/exact_math.h"

#include <cmath>
#include <limits>
#include <random>

#include "doctest/doctest.h"

namespace convscope::testing {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// How many units in the last place of `want` lie between the two.
double Units(double got, long double want) {
  const double rounded = static_cast<double>(want);
  if (got == rounded) return 0;
  const double size = std::fabs(rounded);
  const double unit = std::nextafter(size, kInf) - size;
  return static_cast<double>(std::fabs(got - want) / unit);
}

TEST_CASE("exp, expm1, log1p and tanh err by less than 4 units") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    // Small and large, of both signs.
    const double scale = std::ldexp(1.0, static_cast<int>(random() % 40) - 30);
    const double x = scale * (static_cast<double>(random() >> 11) / 0x1p52 - 1);
    if (Units(ExactExp(x), std::exp(static_cast<long double>(x))) >= 4 ||
        Units(ExactExpm1(x), std::expm1(static_cast<long double>(x))) >= 4 ||
        Units(ExactTanh(x), std::tanh(static_cast<long double>(x))) >= 4 ||
        Units(ExactLog1p(std::fabs(x)),
              std::log1p(std::fabs(static_cast<long double>(x)))) >= 4) {
      CAPTURE(x);
      FAIL("too far from the exact value");
    }
  }
}

TEST_CASE("log, sin and cos err by less than 4 units") {
  const long double pi = std::acos(-1.0L);
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    const double turn = static_cast<double>(random() >> 11) / 0x1p53;
    // Some close to the axes, where one of the two is small.
    const double angle =
        i % 2 == 0 ? turn * 6.283185307179586
                   : static_cast<double>(pi / 2 * (random() % 4)) +
                         std::ldexp(turn, -static_cast<int>(random() % 52));
    const long double x = angle;
    if (Units(ExactLog(1 - turn), std::log(1 - turn + 0.0L)) >= 4 ||
        Units(ExactSin(angle), std::sin(x)) >= 4 ||
        Units(ExactCos(angle), std::cos(x)) >= 4) {
      CAPTURE(angle);
      CAPTURE(turn);
      FAIL("too far from the exact value");
    }
  }
}

TEST_CASE("erfc errs by less than 8 + x^2 units") {
  for (double x = -7; x < 26; x += 1.0 / 1024) {
    if (Units(ExactErfc(x), std::erfc(static_cast<long double>(x))) >=
        8 + x * x) {
      CAPTURE(x);
      FAIL("too far from the exact value");
    }
  }
}

TEST_CASE("the ends of the range are reached, not left") {
  CHECK(ExactExp(0) == 1);
  CHECK(ExactExp(kInf) == kInf);
  CHECK(ExactExp(-kInf) == 0);
  CHECK(ExactExp(710) == kInf);
  CHECK(ExactExp(-746) == 0);
  CHECK(ExactExp(-745) == std::numeric_limits<double>::denorm_min());
  CHECK(ExactExpm1(-kInf) == -1);
  CHECK(ExactLog(kInf) == kInf);
  CHECK(ExactLog(1) == 0);
  CHECK(std::isnan(ExactLog(0)));
  CHECK(ExactSin(0) == 0);
  CHECK(ExactCos(0) == 1);
  CHECK(ExactLog1p(kInf) == kInf);
  CHECK(ExactLog1p(0) == 0);
  CHECK(std::isnan(ExactLog1p(-1.5)));
  CHECK(ExactTanh(kInf) == 1);
  CHECK(ExactTanh(-kInf) == -1);
  CHECK(std::signbit(ExactTanh(-0.0)));
  CHECK(ExactErfc(kInf) == 0);
  CHECK(ExactErfc(-kInf) == 2);
  CHECK(ExactErfc(0) == 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(ExactExp(nan)));
  CHECK(std::isnan(ExactTanh(nan)));
  CHECK(std::isnan(ExactErfc(nan)));
}

}  // namespace
}  // namespace convscope::testing
