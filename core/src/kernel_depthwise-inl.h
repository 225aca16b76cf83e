// Depthwise 3x3: one channel in, one out, the most frequent of layers with
// little to do per load.
//
// All nine weights stay in registers, and rows of outputs share what they read
// of the same row of inputs, so a product costs little more than its
// multiplication and its addition.
#if defined(CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#undef CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Where the rows of a plane lie, in floats, and how many outputs it has.
struct DepthwisePlane {
  size_t rows, columns;  // of outputs: kDepthwiseRows and a vector at least
  size_t x_row;          // from input row to input row
  size_t pitch;          // from slot to slot (kernel_strip.h)
  size_t out_row;
};

// Rows of the tile. Registers set its size: 9 weights, 4 sums, an input and a
// product are the 15 that V8 has on x64. Fewer sums would wait for one another.
inline constexpr size_t kDepthwiseRows = 4;

// out[row][column] = bias + sum over taps of w[tap] * what it reads in x.
template <class M, int kStride>
HWY_NOINLINE void Depthwise3x3(const DepthwisePlane& plane,
                               const float* HWY_RESTRICT weights, float bias,
                               const float* HWY_RESTRICT x,
                               float* HWY_RESTRICT out) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);
  const V start = hn::Set(d, bias);
  V w[9];
  HWY_UNROLL(9)
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Set(d, weights[tap]);
  // From what tap 0 of a row reads to what taps 1 and 2 read.
  const size_t at[3] = {0, kStride == 1 ? 1 : plane.pitch,
                        kStride == 1 ? size_t{2} : 1};
  for (size_t row = 0; row < plane.rows; row += kDepthwiseRows) {
    // The last rows and the last vectors are moved back over done work.
    const size_t top = std::min(row, plane.rows - kDepthwiseRows);
    for (size_t column = 0; column < plane.columns; column += N) {
      const size_t left = std::min(column, plane.columns - N);
      const float* HWY_RESTRICT from = x + top * kStride * plane.x_row + left;
      V s0 = start, s1 = start, s2 = start, s3 = start;
      // LLVM for WebAssembly orders the operations of a block as it likes: here
      // all products before the first sum, for which there are no registers. So
      // every load opens a block of its own, which for all LLVM knows may be
      // skipped.
      size_t loads = plane.rows | 64;
      hwy::PreventElision(loads);
      HWY_UNROLL(9)
      for (int y = 0; y < 3 * kStride + 3; ++y) {
        HWY_UNROLL(3)
        for (int k = 0; k < 3; ++k) {
          if (HWY_UNLIKELY(loads == static_cast<size_t>(3 * y + k))) continue;
          const V v = hn::LoadU(d, from + at[k]);
          const auto add = [&](int r, V& sum) HWY_ATTR {
            const int tap = 3 * (y - r * kStride) + k;
            if (tap < 0 || tap >= 9) return;
            sum = M::MulAdd(w[tap], v, sum);
          };
          add(0, s0);
          add(1, s1);
          add(2, s2);
          add(3, s3);
        }
        from += plane.x_row;
      }
      float* to = out + top * plane.out_row + left;
      hn::StoreU(CanonicalNaN(d, s0), d, to);
      to += plane.out_row;
      hn::StoreU(CanonicalNaN(d, s1), d, to);
      to += plane.out_row;
      hn::StoreU(CanonicalNaN(d, s2), d, to);
      to += plane.out_row;
      hn::StoreU(CanonicalNaN(d, s3), d, to);
    }
  }
}

// Depthwise3x3 of this stride, 1 or 2.
inline auto FindDepthwise3x3(bool is_fast, int64_t stride) {
  if (stride == 1) {
    return is_fast ? &Depthwise3x3<Fast, 1> : &Depthwise3x3<Reproducible, 1>;
  }
  return is_fast ? &Depthwise3x3<Fast, 2> : &Depthwise3x3<Reproducible, 2>;
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
