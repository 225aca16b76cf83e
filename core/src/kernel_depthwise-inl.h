// How the depthwise kernel goes through a plane: down a few columns at a time,
// from input row to input row.
//
// A row is loaded once and goes into the sums of all the output rows that read
// it, which stay in registers until their last row has come. So a product costs
// little more than its multiplication and its addition, and neighbouring
// operations belong to different sums: none waits for the one before.
//
// Sums that turn out NaN are found by adding everything up, one operation per
// vector where choosing the one NaN for each would take four (a quarter of the
// time of a 3x3 sum).
#if defined(CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#undef CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
#endif

#include <cstddef>

#include "core/src/kernel_depthwise.h"
#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// Planes are seldom wide: longer vectors would be empty for the most part.
using WalkTag = hn::CappedTag<float, 8>;
// Splits even from odd columns within blocks of 16 bytes.
using StridedWalkTag = hn::CappedTag<float, 4>;

// Stores the sums of one output row, and finds the next. The first rows that
// are complete may belong to outputs above the first: those are overwritten.
struct WalkStore {
  float* to;
  size_t late, step;

  HWY_INLINE void Next() {
    to += late == 0 ? step : 0;
    late -= late == 0 ? 0 : 1;
  }
};

HWY_INLINE WalkStore StoreOf(const Walk& walk, const WalkBlock& block) {
  return {walk.out + block.out, walk.late, walk.out_row};
}

// kRows rows by any number of columns, 3 at most if there are 3 rows. Two
// vectors wide, so that there are sums enough and a weight, read anew in every
// row, serves twice. The weights come column by column, the last row's first.
template <class M, int kRows>
HWY_NOINLINE bool WalkRows(const Walk& walk) {
  static_assert(kRows == 3 || kRows == 5);
  using V = hn::Vec<WalkTag>;
  const WalkTag d;
  const size_t N = hn::Lanes(d);
  const V start = hn::Set(d, walk.bias);
  const size_t taps = walk.taps;
  V all = hn::Zero(d);
  for (size_t i = 0; i < walk.count; ++i) {
    const WalkBlock& block = walk.blocks[i];
    const float* from = (block.is_edge ? walk.edges : walk.in) + block.x;
    const size_t x_row = block.is_edge ? walk.edge_row : walk.in_row;
    WalkStore store = StoreOf(walk, block);
    // Of the output rows that read this row, from the highest one on. Of three
    // there are no c and d.
    V a0 = start, b0 = start, c0 = start, d0 = start, e0 = start;
    V a1 = start, b1 = start, c1 = start, d1 = start, e1 = start;
    float* const sums = walk.sums + i * kWalkSums * N;
    if (walk.resumes) {
      a0 = hn::LoadU(d, sums), a1 = hn::LoadU(d, sums + N);
      b0 = hn::LoadU(d, sums + 2 * N), b1 = hn::LoadU(d, sums + 3 * N);
      if constexpr (kRows == 5) {
        c0 = hn::LoadU(d, sums + 4 * N), c1 = hn::LoadU(d, sums + 5 * N);
        d0 = hn::LoadU(d, sums + 6 * N), d1 = hn::LoadU(d, sums + 7 * N);
      }
    }
    const auto finish = [&]() HWY_ATTR {
      hn::StoreU(a0, d, store.to);
      hn::StoreU(a1, d, store.to + N);
      all = hn::Add(all, hn::Add(a0, a1));
      store.Next();
      a0 = b0, a1 = b1;
      if constexpr (kRows == 5) {
        b0 = c0, c0 = d0, d0 = e0;
        b1 = c1, c1 = d1, d1 = e1;
      } else {
        b0 = e0, b1 = e1;
      }
      e0 = e1 = start;
    };
    const auto column = [&](const float* x, const float* w) HWY_ATTR {
      const V v0 = hn::LoadU(d, x), v1 = hn::LoadU(d, x + N);
      const auto add = [&](int row, V& sum0, V& sum1) HWY_ATTR {
        const V weight = hn::Set(d, w[row]);
        sum0 = M::MulAdd(weight, v0, sum0);
        sum1 = M::MulAdd(weight, v1, sum1);
      };
      add(0, a0, a1);
      add(1, b0, b1);
      if constexpr (kRows == 5) {
        add(2, c0, c1);
        add(3, d0, d1);
      }
      add(kRows - 1, e0, e1);
    };
    for (size_t row = walk.rows; row != 0; --row) {
      const float* w = walk.weights;
      if constexpr (kRows == 5) {
        const float* const end = from + taps;
        for (const float* x = from; x != end; ++x, w += kRows) column(x, w);
      } else {
        // The branches keep compilers from mixing the columns: they would need
        // more registers than there are.
        column(from, w);
        if (HWY_LIKELY(taps > 1)) column(from + 1, w + kRows);
        if (HWY_LIKELY(taps > 2)) column(from + 2, w + 2 * kRows);
      }
      finish();
      from += x_row;
    }
    if (walk.pauses) {
      hn::StoreU(a0, d, sums), hn::StoreU(a1, d, sums + N);
      hn::StoreU(b0, d, sums + 2 * N), hn::StoreU(b1, d, sums + 3 * N);
      if constexpr (kRows == 5) {
        hn::StoreU(c0, d, sums + 4 * N), hn::StoreU(c1, d, sums + 5 * N);
        hn::StoreU(d0, d, sums + 6 * N), hn::StoreU(d1, d, sums + 7 * N);
      }
      continue;
    }
    for (size_t row = walk.flush; row != 0; --row) finish();
  }
  return !hn::AllTrue(d, hn::Eq(all, all));
}

// 3x3 of stride 2, by turns of an even row, which two rows of outputs read, and
// an odd one. What even and odd taps read is sorted out in registers.
template <class M>
HWY_NOINLINE bool WalkStrided(const Walk& walk) {
  using V = hn::Vec<StridedWalkTag>;
  const StridedWalkTag d;
  const size_t N = hn::Lanes(d);
  const V start = hn::Set(d, walk.bias);
  const size_t taps = walk.taps;
  V all = hn::Zero(d);
  for (size_t i = 0; i < walk.count; ++i) {
    const WalkBlock& block = walk.blocks[i];
    const float* even = (block.is_edge ? walk.edges : walk.in) + block.x;
    const size_t x_row = block.is_edge ? walk.edge_row : walk.in_row;
    const float* odd = even + x_row;
    if (walk.begins_odd) {
      odd = even;
      even = walk.zeros;
    }
    WalkStore store = StoreOf(walk, block);
    V a0 = start, a1 = start, b0, b1;
    float* const sums = walk.sums + i * kWalkSums * N;
    if (walk.resumes) a0 = hn::LoadU(d, sums), a1 = hn::LoadU(d, sums + N);
    const auto finish = [&]() HWY_ATTR {
      hn::StoreU(a0, d, store.to);
      hn::StoreU(a1, d, store.to + N);
      all = hn::Add(all, hn::Add(a0, a1));
      store.Next();
    };
    // visit(tap, what the first vector reads, what the second one does)
    const auto for_each_tap = [&](const float* x, auto visit) HWY_ATTR {
      const V v0 = hn::LoadU(d, x), v1 = hn::LoadU(d, x + N);
      const V v2 = hn::LoadU(d, x + 2 * N), v3 = hn::LoadU(d, x + 3 * N);
      const V even0 = hn::ConcatEven(d, v1, v0);
      const V even1 = hn::ConcatEven(d, v3, v2);
      const V odd0 = hn::ConcatOdd(d, v1, v0);
      const V odd1 = hn::ConcatOdd(d, v3, v2);
      visit(0, even0, even1);
      // There are 3 taps. The branches keep compilers from mixing them: they
      // would need more registers than there are.
      if (HWY_LIKELY(taps > 1)) visit(1, odd0, odd1);
      if (HWY_LIKELY(taps > 2)) {
        visit(2, hn::CombineShiftRightLanes<1>(d, even1, even0),
              hn::CombineShiftRightLanes<1>(d, hn::Set(d, x[4 * N]), even1));
      }
    };
    for (size_t turn = walk.rows; turn != 0; --turn) {
      const float* const w = walk.weights;
      const auto add = [&](int tap, V x0, V x1, V& sum0, V& sum1) HWY_ATTR {
        const V weight = hn::Set(d, w[tap]);
        sum0 = M::MulAdd(weight, x0, sum0);
        sum1 = M::MulAdd(weight, x1, sum1);
      };
      b0 = b1 = start;
      for_each_tap(even, [&](int tap, V x0, V x1) HWY_ATTR {
        add(6 + tap, x0, x1, a0, a1);
        add(tap, x0, x1, b0, b1);
      });
      finish();
      if (turn == 1 && walk.ends_even) odd = walk.zeros;
      for_each_tap(odd, [&](int tap, V x0, V x1)
                            HWY_ATTR { add(3 + tap, x0, x1, b0, b1); });
      a0 = b0;
      a1 = b1;
      even = odd + x_row;
      odd = even + x_row;
    }
    if (walk.pauses) {
      hn::StoreU(a0, d, sums), hn::StoreU(a1, d, sums + N);
    } else if (walk.flush != 0) {
      finish();
    }
  }
  return !hn::AllTrue(d, hn::Eq(all, all));
}

// What a walk of this kind is, and how many columns it computes at once.
struct WalkKind {
  bool (*function)(const Walk& walk);
  size_t columns;
};

inline WalkKind FindWalk(bool is_fast, int64_t rows, int64_t stride) {
  if (stride == 2) {
    return {is_fast ? &WalkStrided<Fast> : &WalkStrided<Reproducible>,
            2 * hn::Lanes(StridedWalkTag())};
  }
  const size_t columns = 2 * hn::Lanes(WalkTag());
  if (rows == 5) {
    return {is_fast ? &WalkRows<Fast, 5> : &WalkRows<Reproducible, 5>, columns};
  }
  return {is_fast ? &WalkRows<Fast, 3> : &WalkRows<Reproducible, 3>, columns};
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
