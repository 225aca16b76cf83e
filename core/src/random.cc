#include "convscope/random.h"

#include <cmath>

#include "core/src/exact_math.h"

namespace convscope {
namespace {

constexpr int kSize = 624;
constexpr int kShift = 397;
constexpr double kTwoPi = 6.283185307179586476925286766559;

uint32_t Twist(uint32_t high, uint32_t low) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (mixed >> 1) ^ ((low & 1u) != 0 ? 0x9908b0dfu : 0u);
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
  const auto transform = [](float* block) {
    for (int i = 0; i < 8; ++i) {
      const double u1 = 1.0 - static_cast<double>(block[i]);
      const double radius = std::sqrt(-2.0 * ExactLog(u1));
      const double theta = kTwoPi * static_cast<double>(block[i + 8]);
      block[i] = static_cast<float>(radius * ExactCos(theta));
      block[i + 8] = static_cast<float>(radius * ExactSin(theta));
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
