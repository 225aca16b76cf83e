// Winograd's transforms along one axis, of four tiles at a time: from the
// inputs of a tile's row to as many points, and from the products there back to
// its outputs. See kernel_winograd.cc.
#if defined(CONVSCOPE_SRC_KERNEL_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_WINOGRAD_INL_H_
#undef CONVSCOPE_SRC_KERNEL_WINOGRAD_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_WINOGRAD_INL_H_
#endif

#include <cstddef>

#include "core/src/kernel_winograd.h"
#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

using D4 = hn::FixedTag<float, 4>;
using V4 = hn::Vec<D4>;

// to = B^T from: kOut + 2 numbers to as many. The points are those of
// WinogradPoints().
template <int kOut>
HWY_INLINE void TransformInput(const float* HWY_RESTRICT from, size_t from_step,
                               float* HWY_RESTRICT to, size_t to_step) {
  const D4 d;
  const V4 x0 = hn::LoadU(d, from), x1 = hn::LoadU(d, from + from_step);
  const V4 x2 = hn::LoadU(d, from + 2 * from_step);
  const V4 x3 = hn::LoadU(d, from + 3 * from_step);
  if constexpr (kOut == 2) {
    hn::StoreU(hn::Sub(x0, x2), d, to);
    hn::StoreU(hn::Add(x2, x1), d, to + to_step);
    hn::StoreU(hn::Sub(x2, x1), d, to + 2 * to_step);
    hn::StoreU(hn::Sub(x3, x1), d, to + 3 * to_step);
  } else {
    constexpr float a = kWinogradA, b = kWinogradB;
    const V4 x4 = hn::LoadU(d, from + 4 * from_step);
    const V4 x5 = hn::LoadU(d, from + 5 * from_step);
    // x^4 - ... at the points.
    const V4 minus_a2 = hn::Set(d, -a * a), minus_b2 = hn::Set(d, -b * b);
    const V4 minus_both = hn::Set(d, -(a * a + b * b));
    const V4 even_a = Fast::MulAdd(minus_b2, x2, x4);
    const V4 odd_a = hn::Mul(hn::Set(d, a), Fast::MulAdd(minus_b2, x1, x3));
    const V4 even_b = Fast::MulAdd(minus_a2, x2, x4);
    const V4 odd_b = hn::Mul(hn::Set(d, b), Fast::MulAdd(minus_a2, x1, x3));
    hn::StoreU(hn::Add(Fast::MulAdd(minus_both, x2, x4), x0), d, to);
    hn::StoreU(hn::Add(even_a, odd_a), d, to + to_step);
    hn::StoreU(hn::Sub(even_a, odd_a), d, to + 2 * to_step);
    hn::StoreU(hn::Add(even_b, odd_b), d, to + 3 * to_step);
    hn::StoreU(hn::Sub(even_b, odd_b), d, to + 4 * to_step);
    hn::StoreU(hn::Add(Fast::MulAdd(minus_both, x3, x5), x1), d,
               to + 5 * to_step);
  }
}

// y = A^T from: kOut + 2 numbers to kOut.
template <int kOut>
HWY_INLINE void TransformOutput(const float* HWY_RESTRICT from,
                                size_t from_step, V4* y) {
  const D4 d;
  const V4 m0 = hn::LoadU(d, from), m1 = hn::LoadU(d, from + from_step);
  const V4 m2 = hn::LoadU(d, from + 2 * from_step);
  const V4 m3 = hn::LoadU(d, from + 3 * from_step);
  const V4 sum = hn::Add(m1, m2), difference = hn::Sub(m1, m2);
  if constexpr (kOut == 2) {
    y[0] = hn::Add(m0, sum);
    y[1] = hn::Add(difference, m3);
  } else {
    constexpr float a = kWinogradA, b = kWinogradB;
    const V4 m4 = hn::LoadU(d, from + 4 * from_step);
    const V4 m5 = hn::LoadU(d, from + 5 * from_step);
    const V4 sum2 = hn::Add(m3, m4), difference2 = hn::Sub(m3, m4);
    y[0] = hn::Add(hn::Add(m0, sum), sum2);
    y[1] = Fast::MulAdd(hn::Set(d, b), difference2,
                        hn::Mul(hn::Set(d, a), difference));
    y[2] =
        Fast::MulAdd(hn::Set(d, b * b), sum2, hn::Mul(hn::Set(d, a * a), sum));
    y[3] = Fast::MulAdd(hn::Set(d, b * b * b), difference2,
                        Fast::MulAdd(hn::Set(d, a * a * a), difference, m5));
  }
}

// Stores four tiles' outputs y of one row side by side.
template <int kOut>
HWY_INLINE void StoreTiles(const V4* y, float* to) {
  const D4 d;
  if constexpr (kOut == 2) {
    hn::StoreInterleaved2(y[0], y[1], d, to);
  } else {
    hn::StoreInterleaved4(y[0], y[1], y[2], y[3], d, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_WINOGRAD_INL_H_
