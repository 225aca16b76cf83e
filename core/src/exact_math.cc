#include "core/src/exact_math.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace convscope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts. The first has 32 bits, so that a whole number below 2^11
// times it is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 1.4426950408889634;

// 2^k for normal results: -1022 <= k <= 1023.
double PowerOfTwo(int64_t k) {
  return std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52);
}

// c[first] + c[first + 4] t + c[first + 8] t^2 + …, written out at compile
// time.
template <size_t first, size_t N>
inline double EveryFourth(const double (&c)[N], double t) {
  if constexpr (first + 4 < N) {
    return c[first] + t * EveryFourth<first + 4>(c, t);
  } else {
    return c[first];
  }
}

// c[0] + c[1] t + c[2] t^2 + …, as four chains in t^4 that a processor computes
// side by side: one long chain would wait for itself.
template <size_t N>
inline double Polynomial(const double (&c)[N], double t) {
  const double t2 = t * t;
  const double t4 = t2 * t2;
  return (EveryFourth<0>(c, t4) + t2 * EveryFourth<2>(c, t4)) +
         t * (EveryFourth<1>(c, t4) + t2 * EveryFourth<3>(c, t4));
}

// exp(r) - 1 for |r| <= 0.35 by its series; the first term left out is below
// r * 2^-56.
double Expm1Series(double r) {
  constexpr double kInverseFactorials[] = {
      1.0 / 2,          1.0 / 6,        1.0 / 24,        1.0 / 120,
      1.0 / 720,        1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
      1.0 / 3628800,    1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
      1.0 / 87178291200};
  return r + r * r * Polynomial(kInverseFactorials, r);
}

// log(f) for f in [sqrt(1/2), sqrt(2)], given s = (f - 1) / (f + 1):
// 2 artanh(s) by its series; |s| < 0.172, the first term left out is below
// s * 2^-58.
double LogSeries(double s) {
  constexpr double kInverseOdds[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                                     1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                                     1.0 / 19, 1.0 / 21};
  const double z = s * s;
  return 2 * s + 2 * s * (z * Polynomial(kInverseOdds, z));
}

// sin(quarters * pi / 2 + angle) for an angle from 0 to 2 pi. The series run to
// pi / 4; the first terms left out are below 2^-54 of the result.
double SineAfter(int quarters, double angle) {
  constexpr double kSine[] = {-1.0 / 6,
                              1.0 / 120,
                              -1.0 / 5040,
                              1.0 / 362880,
                              -1.0 / 39916800,
                              1.0 / 6227020800,
                              -1.0 / 1307674368000,
                              1.0 / 355687428096000};
  constexpr double kCosine[] = {-1.0 / 2,           1.0 / 24,
                                -1.0 / 720,         1.0 / 40320,
                                -1.0 / 3628800,     1.0 / 479001600,
                                -1.0 / 87178291200, 1.0 / 20922789888000};
  // pi / 2 in two parts. The first has 50 bits, so that four times it is exact.
  constexpr double kHigh = 0x1.921fb54442d18p+0;
  constexpr double kLow = 0x1.1a62633145c07p-54;
  const double turns = std::floor(angle / (kHigh + kLow) + 0.5);
  const double r = (angle - turns * kHigh) - turns * kLow;
  const double z = r * r;
  const int quadrant = quarters + static_cast<int>(turns);
  const double size = quadrant % 2 == 0 ? r + r * (z * Polynomial(kSine, z))
                                        : 1 + z * Polynomial(kCosine, z);
  return quadrant % 4 < 2 ? size : -size;
}

// (1 + 2x) exp(x^2) erfc(x) for x >= 0 as a polynomial in t = (x - 3) / (x +
// 3), which runs from -1 to 1: the Chebyshev interpolant of degree 24, written
// out in powers of t. Its largest relative error is 5e-17. The substitution is
// that of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x)
// exp(x^2) erfc x", 1981; the numbers were computed anew with 60 digits.
constexpr double kErfcPolynomial[] = {
    1.2530080582697296,      -0.13562110612458117,    -0.04756229435345087,
    0.1296451587027606,      -0.11927366341530699,    0.06830802734397842,
    -0.023770514918645947,   0.0025293918160670084,   0.0018886903591569639,
    -0.000779832272114198,   -0.00010515979982110902, 0.00012509935238210292,
    4.949485020404755e-06,   -2.010056800825956e-05,  -7.31510597347354e-07,
    3.472414748465152e-06,   3.568385446218421e-07,   -6.166497860444189e-07,
    -1.4160083686165256e-07, 1.0187014218684821e-07,  4.180799018310733e-08,
    -1.3326423747154523e-08, -8.500459896845804e-09,  9.885909081313708e-10,
    8.864334940396352e-10,
};

}  // namespace

double ExactExp(double x) {
  if (x != x) return x;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.2) return 0;
  // x = k ln 2 + r
  const double k = std::floor(x * kLog2E + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  const double power = 1 + Expm1Series(r);
  const int64_t exponent = static_cast<int64_t>(k);
  // In two steps where 2^k itself is no normal number.
  if (exponent > 1023) return power * PowerOfTwo(1023) * 2;
  if (exponent < -1022) {
    return power * PowerOfTwo(exponent + 100) * PowerOfTwo(-100);
  }
  return power * PowerOfTwo(exponent);
}

double ExactExpm1(double x) {
  if (x >= -0.35 && x <= 0.35) return Expm1Series(x);
  return ExactExp(x) - 1;
}

double ExactLog(double x) {
  if (!(x > 0)) return kNaN;
  if (x == kInfinity) return x;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  double exponent = static_cast<double>(bits >> 52) - 1023;
  double fraction =
      std::bit_cast<double>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (fraction > 1.4142135623730951) {
    fraction *= 0.5;
    exponent += 1;
  }
  const double log = LogSeries((fraction - 1) / (fraction + 1));
  return exponent * kLn2High + (exponent * kLn2Low + log);
}

double ExactLog1p(double x) {
  // Below sqrt(2) - 1 nothing is lost by not forming 1 + x.
  if (x >= 0 && x <= 0.4142) return LogSeries(x / (2 + x));
  return x >= 0 ? ExactLog(1 + x) : kNaN;
}

double ExactSin(double angle) { return SineAfter(0, angle); }
double ExactCos(double angle) { return SineAfter(1, angle); }

double ExactTanh(double x) {
  if (x != x) return x;
  const double size = std::fabs(x);
  double tanh;
  if (size > 22) {
    tanh = 1;  // 1 - 2 exp(-44) rounds to 1
  } else if (size >= 1) {
    tanh = 1 - 2 / (ExactExp(2 * size) + 1);
  } else {
    const double e = ExactExpm1(2 * size);
    tanh = e / (e + 2);
  }
  return x < 0 ? -tanh : x == 0 ? x : tanh;
}

double ExactErfc(double x) {
  if (x != x) return x;
  const double size = std::fabs(x);
  double erfc = 0;
  if (size < 28) {  // beyond, the result is below the smallest double
    const double t = (size - 3) / (size + 3);
    erfc = Polynomial(kErfcPolynomial, t) / (1 + 2 * size) *
           ExactExp(-size * size);
  }
  return x < 0 ? 2 - erfc : erfc;
}

}  // namespace convscope
