#include "core/src/python_float.h"

#include <cmath>
#include <cstdint>

#include "core/src/decimal.h"

namespace convscope {
namespace {

// 10^22 is the largest power of ten that a double holds exactly.
constexpr int kMaxPower = 22;
constexpr double kMaxDigits = 1e15;

double PowerOfTen(int power) {
  double result = 1;
  while (power-- > 0) result *= 10;
  return result;
}

// Finds the smallest `digits` with digits * 10^exponent == value > 0. Both
// factors are exact, so one rounding decides whether the text reads back.
bool Shortest(double value, uint64_t* digits, int* exponent) {
  for (int power = kMaxPower; power >= -kMaxPower; --power) {
    const double scale = PowerOfTen(std::abs(power));
    const double m =
        std::floor((power >= 0 ? value / scale : value * scale) + 0.5);
    if (m < 1) continue;
    if (m >= kMaxDigits) return false;
    if ((power >= 0 ? m * scale : m / scale) == value) {
      *digits = static_cast<uint64_t>(m);
      *exponent = power;
      return true;
    }
  }
  return false;
}

}  // namespace

std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  std::string text = std::signbit(value) ? "-" : "";
  value = std::fabs(value);
  if (std::isinf(value)) return text + "inf";
  if (value == 0) return text + "0.0";
  uint64_t number;
  int exponent;
  if (!Shortest(value, &number, &exponent)) {
    return text + ScientificText(static_cast<float>(value), 8);
  }
  std::string digits = std::to_string(number);
  // The place of the point, counted from the front of the digits.
  const int point = static_cast<int>(digits.size()) + exponent;
  if (point > 16 || point < -3) {
    if (digits.size() > 1) digits.insert(1, ".");
    const int power = point - 1;
    const std::string size = std::to_string(std::abs(power));
    return text + digits + (power < 0 ? "e-" : "e+") +
           (size.size() < 2 ? "0" : "") + size;
  }
  if (point <= 0) return text + "0." + std::string(-point, '0') + digits;
  if (exponent >= 0) return text + digits + std::string(exponent, '0') + ".0";
  return text + digits.insert(point, ".");
}

}  // namespace convscope
