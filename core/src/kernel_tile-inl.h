// The register tile of the matrix product: a few output channels by two vectors
// of pixels, summed over a block of terms.
#if defined(CONVSCOPE_SRC_KERNEL_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#undef CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Rows of the tile. The limit is the 15 vector registers that V8 has on x64
// (the same 16 on SSE4 and AVX2): 5 rows are 10 sums, 2 pixels, 1 weight and 1
// product; fused there is no product, and 6 rows fit. Measured in Chromium 156
// as GFLOP/s of the loop below with multiply + add: 5 rows 47, 4 rows 46, 6
// rows 28 (it spills); with relaxed madd 51, 49, 55. Unrolling makes V8 spill
// too.
template <class M>
constexpr int MaxRows() {
  return M::kFused ? 6 : 5;
}

// c[row][column] = start + sum over k of w[k][row] * b[k][column], for kRows
// rows and two vectors of columns, or one if !kTwo. The sums start at
// start[row], or at c itself if it is null. `is_last`: these are results, no
// running sums, and hold no NaN but one.
template <class M, int kRows, bool kTwo>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT w, const float* HWY_RESTRICT b,
                       size_t depth, const float* HWY_RESTRICT start,
                       bool is_last, float* HWY_RESTRICT c, size_t c_stride) {
  static_assert(1 <= kRows && kRows <= 6);
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);

  float* const c0 = c;
  float* const c1 = c0 + (kRows > 1 ? c_stride : 0);
  float* const c2 = c1 + (kRows > 2 ? c_stride : 0);
  float* const c3 = c2 + (kRows > 3 ? c_stride : 0);
  float* const c4 = c3 + (kRows > 4 ? c_stride : 0);
  float* const c5 = c4 + (kRows > 5 ? c_stride : 0);

  const auto begin = [&](int row, const float* from, V& s0, V& s1) HWY_ATTR {
    if (row >= kRows) {
      s0 = s1 = hn::Zero(d);
    } else if (start != nullptr) {
      s0 = s1 = hn::Set(d, start[row]);
    } else {
      s0 = hn::LoadU(d, from);
      s1 = kTwo ? hn::LoadU(d, from + N) : s0;
    }
  };
  V s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51;
  begin(0, c0, s00, s01);
  begin(1, c1, s10, s11);
  begin(2, c2, s20, s21);
  begin(3, c3, s30, s31);
  begin(4, c4, s40, s41);
  begin(5, c5, s50, s51);

  for (const float* const w_end = w + kRows * depth; w != w_end; w += kRows) {
    const V b0 = hn::LoadU(d, b);
    const V b1 = kTwo ? hn::LoadU(d, b + N) : b0;
    b += kTwo ? 2 * N : N;
    const auto add = [&](int row, V& s0, V& s1) HWY_ATTR {
      if (row >= kRows) return;
      const V weight = hn::Set(d, w[row]);
      s0 = M::MulAdd(weight, b0, s0);
      if (kTwo) s1 = M::MulAdd(weight, b1, s1);
    };
    add(0, s00, s01);
    add(1, s10, s11);
    add(2, s20, s21);
    add(3, s30, s31);
    add(4, s40, s41);
    add(5, s50, s51);
  }

  const auto end = [&](int row, V s0, V s1, float* to) HWY_ATTR {
    if (row >= kRows) return;
    hn::StoreU(is_last ? CanonicalNaN(d, s0) : s0, d, to);
    if (kTwo) hn::StoreU(is_last ? CanonicalNaN(d, s1) : s1, d, to + N);
  };
  end(0, s00, s01, c0);
  end(1, s10, s11, c1);
  end(2, s20, s21, c2);
  end(3, s30, s31, c3);
  end(4, s40, s41, c4);
  end(5, s50, s51, c5);
}

// Tile() for a number of rows known only at run time.
template <class M>
void AnyTile(int64_t rows, bool is_wide, const float* w, const float* b,
             size_t depth, const float* start, bool is_last, float* c,
             size_t c_stride) {
#define CONVSCOPE_TILE(kRows)                                          \
  case kRows:                                                          \
    if (is_wide) {                                                     \
      Tile<M, kRows, true>(w, b, depth, start, is_last, c, c_stride);  \
    } else {                                                           \
      Tile<M, kRows, false>(w, b, depth, start, is_last, c, c_stride); \
    }                                                                  \
    break;
  switch (rows) {
    CONVSCOPE_TILE(1)
    CONVSCOPE_TILE(2)
    CONVSCOPE_TILE(3)
    CONVSCOPE_TILE(4)
    CONVSCOPE_TILE(5)
    default:
      if constexpr (MaxRows<M>() == 6) {
        switch (rows) { CONVSCOPE_TILE(6) }
      }
  }
#undef CONVSCOPE_TILE
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_TILE_INL_H_
