// The one NaN that computing layers store.
#ifndef CONVSCOPE_SRC_NAN_H_
#define CONVSCOPE_SRC_NAN_H_

#include <bit>
#include <cstdint>

namespace convscope {

// Which NaN an operation gives differs between machines; a result is made the
// same bits everywhere by this.
inline float OneNaN(float value) {
  return value != value ? std::bit_cast<float>(0x7fc00000u) : value;
}
inline void OneNaN(int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) values[i] = OneNaN(values[i]);
}

}  // namespace convscope

#endif  // CONVSCOPE_SRC_NAN_H_
