// How the depthwise kernel goes through a plane: down a few columns at a time,
// from input row to input row.
//
// A row is loaded once and goes into the sums of all the output rows that read
// it, which stay in registers until their last row has come. So a product costs
// little more than its multiplication and its addition, and neighbouring
// operations belong to different sums: none waits for the one before.
//
// Sums that turn out NaN are found by adding everything up, one operation per
// vector where choosing the one NaN for each would take four (a third of the
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
// are complete may belong to outputs above the band: those are overwritten.
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

// 3x3: all weights stay in registers, and the sums of three rows.
template <class M>
HWY_NOINLINE bool Walk3x3(const Walk& walk) {
  using V = hn::Vec<WalkTag>;
  const WalkTag d;
  const V start = hn::Set(d, walk.bias);
  V w[9];
  HWY_UNROLL(9)
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Set(d, walk.weights[tap]);
  V all = hn::Zero(d);
  for (size_t i = 0; i < walk.count; ++i) {
    const WalkBlock& block = walk.blocks[i];
    const float* from = (block.is_edge ? walk.edges : walk.in) + block.x;
    const size_t x_row = block.is_edge ? walk.edge_row : walk.in_row;
    WalkStore store = StoreOf(walk, block);
    V a = start, b = start;
    for (size_t row = walk.rows; row != 0; --row) {
      V c = start;
      HWY_UNROLL(3)
      for (int k = 0; k < 3; ++k) {
        const V v = hn::LoadU(d, from + k);
        a = M::MulAdd(w[6 + k], v, a);
        b = M::MulAdd(w[3 + k], v, b);
        c = M::MulAdd(w[k], v, c);
      }
      hn::StoreU(a, d, store.to);
      all = hn::Add(all, a);
      store.Next();
      a = b;
      b = c;
      from += x_row;
    }
    for (size_t row = walk.flush; row != 0; --row) {
      hn::StoreU(a, d, store.to);
      all = hn::Add(all, a);
      store.Next();
      a = b;
    }
  }
  return !hn::AllTrue(d, hn::Eq(all, all));
}

// Five rows by any number of columns: two vectors wide, as the weights are read
// anew in every row. They come column by column, the last row's first.
template <class M>
HWY_NOINLINE bool Walk5xK(const Walk& walk) {
  using V = hn::Vec<WalkTag>;
  const WalkTag d;
  const size_t N = hn::Lanes(d);
  const V start = hn::Set(d, walk.bias);
  V all = hn::Zero(d);
  for (size_t i = 0; i < walk.count; ++i) {
    const WalkBlock& block = walk.blocks[i];
    const float* from = (block.is_edge ? walk.edges : walk.in) + block.x;
    const size_t x_row = block.is_edge ? walk.edge_row : walk.in_row;
    WalkStore store = StoreOf(walk, block);
    V a0 = start, b0 = start, c0 = start, d0 = start;
    V a1 = start, b1 = start, c1 = start, d1 = start;
    const auto finish = [&]() HWY_ATTR {
      hn::StoreU(a0, d, store.to);
      hn::StoreU(a1, d, store.to + N);
      all = hn::Add(all, hn::Add(a0, a1));
      store.Next();
      a0 = b0, b0 = c0, c0 = d0;
      a1 = b1, b1 = c1, c1 = d1;
    };
    for (size_t row = walk.rows; row != 0; --row) {
      V e0 = start, e1 = start;
      const float* w = walk.weights;
      const float* const end = from + walk.taps;
      for (const float* x = from; x != end; ++x, w += 5) {
        const V v0 = hn::LoadU(d, x), v1 = hn::LoadU(d, x + N);
        const auto add = [&](int tap, V& sum0, V& sum1) HWY_ATTR {
          const V weight = hn::Set(d, w[tap]);
          sum0 = M::MulAdd(weight, v0, sum0);
          sum1 = M::MulAdd(weight, v1, sum1);
        };
        add(0, a0, a1);
        add(1, b0, b1);
        add(2, c0, c1);
        add(3, d0, d1);
        add(4, e0, e1);
      }
      finish();
      d0 = e0;
      d1 = e1;
      from += x_row;
    }
    for (size_t row = walk.flush; row != 0; --row) finish();
  }
  return !hn::AllTrue(d, hn::Eq(all, all));
}

// 3x3 of stride 2, by turns of an even row, which two rows of outputs read, and
// an odd one. What even and odd taps read is sorted out in registers.
template <class M>
HWY_NOINLINE bool Walk3x3Strided(const Walk& walk) {
  using V = hn::Vec<StridedWalkTag>;
  const StridedWalkTag d;
  const size_t N = hn::Lanes(d);
  const V start = hn::Set(d, walk.bias);
  V w[9];
  HWY_UNROLL(9)
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Set(d, walk.weights[tap]);
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
      visit(0, even0, even1);
      visit(1, hn::ConcatOdd(d, v1, v0), hn::ConcatOdd(d, v3, v2));
      visit(2, hn::CombineShiftRightLanes<1>(d, even1, even0),
            hn::CombineShiftRightLanes<1>(d, hn::Set(d, x[4 * N]), even1));
    };
    for (size_t turn = walk.rows; turn != 0; --turn) {
      b0 = b1 = start;
      for_each_tap(even, [&](int tap, V x0, V x1) HWY_ATTR {
        a0 = M::MulAdd(w[6 + tap], x0, a0);
        a1 = M::MulAdd(w[6 + tap], x1, a1);
        b0 = M::MulAdd(w[tap], x0, b0);
        b1 = M::MulAdd(w[tap], x1, b1);
      });
      finish();
      if (turn == 1 && walk.ends_even) odd = walk.zeros;
      for_each_tap(odd, [&](int tap, V x0, V x1) HWY_ATTR {
        b0 = M::MulAdd(w[3 + tap], x0, b0);
        b1 = M::MulAdd(w[3 + tap], x1, b1);
      });
      a0 = b0;
      a1 = b1;
      even = odd + x_row;
      odd = even + x_row;
    }
    if (walk.flush != 0) finish();
  }
  return !hn::AllTrue(d, hn::Eq(all, all));
}

// What a walk of this kind is, and how many columns it computes at once.
struct WalkKind {
  bool (*function)(const Walk& walk);
  size_t columns;
};

inline WalkKind FindWalk(bool is_fast, int64_t kernel, int64_t stride) {
  const size_t N = hn::Lanes(WalkTag());
  if (stride == 2) {
    return {is_fast ? &Walk3x3Strided<Fast> : &Walk3x3Strided<Reproducible>,
            2 * hn::Lanes(StridedWalkTag())};
  }
  if (kernel == 5) {
    return {is_fast ? &Walk5xK<Fast> : &Walk5xK<Reproducible>, 2 * N};
  }
  return {is_fast ? &Walk3x3<Fast> : &Walk3x3<Reproducible>, N};
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_DEPTHWISE_INL_H_
