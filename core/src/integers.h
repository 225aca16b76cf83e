// Integers where C++ has no function for it.
#ifndef CONVSCOPE_SRC_INTEGERS_H_
#define CONVSCOPE_SRC_INTEGERS_H_

#include <algorithm>
#include <cstdint>
#include <limits>

namespace convscope {

// Sizes before they are checked: products of two 64-bit numbers fit.
using Wide = __int128;

// The nearest number of 64 bits.
inline int64_t Narrow(Wide value) {
  return static_cast<int64_t>(
      std::clamp<Wide>(value, std::numeric_limits<int64_t>::min(),
                       std::numeric_limits<int64_t>::max()));
}

// Rounded down and up also where `a` is negative; b > 0.
template <class T>
constexpr T FloorDiv(T a, T b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
template <class T>
constexpr T CeilDiv(T a, T b) {
  return -FloorDiv(-a, b);
}

}  // namespace convscope

#endif  // CONVSCOPE_SRC_INTEGERS_H_
