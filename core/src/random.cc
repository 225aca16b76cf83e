#include "convscope/random.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/src/exact_math.h"

namespace convscope {
namespace {

constexpr int kSize = 624;
constexpr int kShift = 397;
constexpr double kTwoPi = 6.283185307179586476925286766559;

template <typename To, typename From>
To BitCast(From from) {
  To to;
  static_assert(sizeof(to) == sizeof(from));
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

// The polynomial of x with these coefficients, highest power first.
template <size_t kCount>
float Horner(const float (&terms)[kCount], float x) {
  float sum = terms[0];
  for (size_t i = 1; i < kCount; ++i) sum = std::fma(sum, x, terms[i]);
  return sum;
}

uint32_t Twist(uint32_t high, uint32_t low) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (mixed >> 1) ^ ((low & 1u) != 0 ? 0x9908b0dfu : 0u);
}

// The logarithm of x in (0, 1] by the polynomial of Moshier's Cephes library
// (logf): x is 2^exponent times a number about 1.
float PolynomialLog(float x) {
  const auto bits = BitCast<uint32_t>(x);
  float mantissa = BitCast<float>((bits & 0x007fffffu) | 0x3f000000u);
  float exponent = static_cast<float>(static_cast<int>(bits >> 23) - 126);
  if (mantissa < 0.70710678f) {
    exponent -= 1.0f;
    mantissa += mantissa;
  }
  mantissa -= 1.0f;
  constexpr float kTerms[] = {
      7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
      -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
      2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
  const float square = mantissa * mantissa;
  const float sum = std::fma(Horner(kTerms, mantissa) * mantissa, square,
                             exponent * -2.12194440e-4f) -
                    0.5f * square;
  return std::fma(exponent, 0.693359375f, mantissa + sum);
}

struct SineAndCosine {
  float sine;
  float cosine;
};

// Of an angle in [0, 2 pi] by Cephes' polynomials: the angle's distance from
// the nearest multiple of pi / 2, which says what is which and its sign.
SineAndCosine PolynomialSine(float angle) {
  const int octant = (static_cast<int>(angle * 1.27323954473516f) + 1) & ~1;
  const auto turns = static_cast<float>(octant);
  float x = std::fma(turns, -0.78515625f, angle);
  x = std::fma(turns, -2.4187564849853515625e-4f, x);
  x = std::fma(turns, -3.77489497744594108e-8f, x);
  const float z = x * x;
  constexpr float kCosine[] = {2.443315711809948e-5f, -1.388731625493765e-3f,
                               4.166664568298827e-2f};
  constexpr float kSine[] = {-1.9515295891e-4f, 8.3321608736e-3f,
                             -1.6666654611e-1f};
  const float cosine = std::fma(Horner(kCosine, z) * z, z, -0.5f * z) + 1.0f;
  const float sine = std::fma(Horner(kSine, z) * z, x, x);
  const bool swap = (octant & 2) != 0;
  const float first = swap ? cosine : sine;
  const float second = swap ? sine : cosine;
  return {(octant & 4) != 0 ? -first : first,
          ((octant + 2) & 4) != 0 ? -second : second};
}

}  // namespace

void Generator::ManualSeed(uint64_t seed) {
  state_[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < kSize; ++i) {
    const uint32_t previous = state_[i - 1];
    state_[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
  }
  next_ = kSize;
  has_stored_normal_ = false;
}

void Generator::Refill() {
  for (int i = 0; i < kSize; ++i) {
    state_[i] = state_[(i + kShift) % kSize] ^
                Twist(state_[i], state_[(i + 1) % kSize]);
  }
  next_ = 0;
}

uint32_t Generator::NextUInt32() {
  if (next_ == kSize) Refill();
  uint32_t y = state_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  y ^= y >> 18;
  return y;
}

void Generator::FillUniform(float bound, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const int32_t draw = static_cast<int32_t>(NextUInt32() & 0xffffffu);
    // The product is exact in double; one rounding, as torch's fused
    // multiply-add gives.
    out[i] = static_cast<float>(static_cast<double>(bound) *
                                (draw - (1 << 23)) / (1 << 23));
  }
}

void Generator::FillRand(int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(NextUInt32() & 0xffffffu) / (1 << 24);
  }
}

// One pair of numbers per two draws of 53 bits; the second waits for its turn.
double Generator::NextNormal() {
  if (has_stored_normal_) {
    has_stored_normal_ = false;
    return stored_normal_;
  }
  const auto uniform = [this] {
    const uint64_t high = NextUInt32();
    const uint64_t bits = (high << 32) | NextUInt32();
    return static_cast<double>(bits & ((uint64_t{1} << 53) - 1)) /
           static_cast<double>(uint64_t{1} << 53);
  };
  const double u1 = uniform();
  const double u2 = uniform();
  const double radius = std::sqrt(-2.0 * ExactLog(1 - u2));
  const double theta = kTwoPi * u1;
  stored_normal_ = radius * ExactSin(theta);
  has_stored_normal_ = true;
  return radius * ExactCos(theta);
}

void Generator::FillRandn(int64_t count, float* out) {
  if (count < 16) {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = static_cast<float>(NextNormal());
    }
    return;
  }
  // torch's builds for AVX2 do these blocks by polynomials in float, with fused
  // multiply-adds, and are right to about six digits: here the same steps.
  const auto transform = [](float* block) {
    for (int i = 0; i < 8; ++i) {
      const float radius = std::sqrt(-2.0f * PolynomialLog(1.0f - block[i]));
      const auto [sine, cosine] =
          PolynomialSine(static_cast<float>(kTwoPi) * block[i + 8]);
      block[i] = radius * cosine + 0.0f;
      block[i + 8] = radius * sine + 0.0f;
    }
  };
  FillRand(count, out);
  for (int64_t i = 0; i + 16 <= count; i += 16) transform(out + i);
  if (count % 16 != 0) {
    // torch draws the last 16 anew rather than a shorter block.
    FillRand(16, out + count - 16);
    transform(out + count - 16);
  }
}

}  // namespace convscope
