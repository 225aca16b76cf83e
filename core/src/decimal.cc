#include "core/src/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace convscope {
namespace {

// Every finite float is m * 2^e with m < 2^24 and -149 <= e <= 104: at most 39
// digits before the point and 149 behind it. Limbs of 9 digits hold them all.
constexpr int kLimbDigits = 9;
constexpr uint64_t kLimb = 1000000000;
constexpr int kIntegerLimbs = 5;
constexpr int kLimbs = kIntegerLimbs + 17;
constexpr int kPoint = kIntegerLimbs * kLimbDigits;  // Digits before the point.

// The exact value of `value` without its sign, one digit per entry. Six digits
// before the largest float are 0, so rounding up never runs out at the front.
using Digits = std::array<uint8_t, kLimbs * kLimbDigits>;

Digits Expand(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const int field = static_cast<int>(bits >> 23 & 0xff);
  const uint32_t fraction = bits & 0x7fffff;
  int exponent = std::max(field, 1) - 150;
  std::array<uint64_t, kLimbs> limbs{};
  limbs[kIntegerLimbs - 1] = field == 0 ? fraction : fraction | 0x800000;
  // 29 bits at a time: a limb, shifted that far, and a carry fit in 64 bits.
  while (exponent > 0) {
    const int shift = std::min(exponent, 29);
    uint64_t carry = 0;
    for (int i = kIntegerLimbs; i-- > 0;) {
      const uint64_t wide = (limbs[i] << shift) + carry;
      limbs[i] = wide % kLimb;
      carry = wide / kLimb;
    }
    exponent -= shift;
  }
  while (exponent < 0) {
    const int shift = std::min(-exponent, 29);
    uint64_t rest = 0;
    for (int i = kIntegerLimbs - 1; i < kLimbs; ++i) {
      const uint64_t wide = rest * kLimb + limbs[i];
      limbs[i] = wide >> shift;
      rest = wide & ((uint64_t{1} << shift) - 1);
    }
    exponent += shift;
  }
  Digits digits;
  for (int i = 0; i < kLimbs; ++i) {
    for (int k = kLimbDigits; k-- > 0; limbs[i] /= 10) {
      digits[i * kLimbDigits + k] = static_cast<uint8_t>(limbs[i] % 10);
    }
  }
  return digits;
}

// Rounds to the first `keep` digits; the others are not read afterwards.
void Round(int keep, Digits* digits) {
  const auto rest = digits->begin() + keep;
  const bool odd = (*digits)[keep - 1] % 2 == 1;
  const bool over =
      std::any_of(rest + 1, digits->end(), [](uint8_t d) { return d != 0; });
  if (*rest < 5 || (*rest == 5 && !over && !odd)) return;
  int i = keep - 1;
  for (; (*digits)[i] == 9; --i) (*digits)[i] = 0;
  ++(*digits)[i];
}

int FirstDigit(const Digits& digits) {
  const auto first = std::find_if(digits.begin(), digits.end(),
                                  [](uint8_t digit) { return digit != 0; });
  return static_cast<int>(first - digits.begin());
}

void Append(const Digits& digits, int begin, int end, std::string* text) {
  for (int i = begin; i < end; ++i) {
    text->push_back(static_cast<char>('0' + digits[i]));
  }
}

// "-" or "" for a finite number; true if `text` is complete, as nan and inf
// are.
bool Begin(float value, std::string* text) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    *text = "nan";
    return true;
  }
  if (bits != magnitude) *text = "-";
  if (magnitude == 0x7f800000) *text += "inf";
  return magnitude == 0x7f800000;
}

}  // namespace

std::string FixedText(float value, int places) {
  std::string text;
  if (Begin(value, &text)) return text;
  Digits digits = Expand(value);
  Round(kPoint + places, &digits);
  Append(digits, std::min(FirstDigit(digits), kPoint - 1), kPoint, &text);
  if (places > 0) text += '.';
  Append(digits, kPoint, kPoint + places, &text);
  return text;
}

std::string ScientificText(float value, int places) {
  std::string text;
  if (Begin(value, &text)) return text;
  Digits digits = Expand(value);
  int first = kPoint - 1;  // Of zero: "0.0000e+00".
  if (value != 0) {
    Round(FirstDigit(digits) + places + 1, &digits);
    first = FirstDigit(digits);  // One earlier where 9.99995 became 10.
  }
  Append(digits, first, first + 1, &text);
  if (places > 0) text += '.';
  Append(digits, first + 1, first + 1 + places, &text);
  const int exponent = kPoint - 1 - first;
  text += exponent < 0 ? "e-" : "e+";
  const int size = exponent < 0 ? -exponent : exponent;
  text.push_back(static_cast<char>('0' + size / 10));
  text.push_back(static_cast<char>('0' + size % 10));
  return text;
}

}  // namespace convscope
