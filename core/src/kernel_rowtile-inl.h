// The register tile of the direct kernel: a few output channels by a few
// vectors of one output row, over all terms of the sum, row after row.
#if defined(CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_
#undef CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "core/src/kernel_rowtile.h"
#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// out[channel][row][column] = start + sum over terms of w[term][channel] *
// x[row][offset of the term + column], for kChannels channels and kVectors
// vectors of columns. The sums, at most 10, stay in registers.
template <class M, int kChannels, int kVectors>
HWY_NOINLINE void RowTile(const RowTileArguments& arguments, const float* x,
                          float* out) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);
  const float* const w_end = arguments.weights + kChannels * arguments.terms;
  for (size_t row = arguments.rows; row != 0; --row) {
    V sums[kChannels * kVectors];
    HWY_UNROLL(8)
    for (int c = 0; c < kChannels; ++c) {
      const V start = hn::Set(d, arguments.starts[c]);
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) sums[c * kVectors + v] = start;
    }
    const int32_t* HWY_RESTRICT offset = arguments.offsets;
    for (const float* HWY_RESTRICT w = arguments.weights; w != w_end;
         w += kChannels) {
      const float* HWY_RESTRICT from = x + *offset++;
      V cells[kVectors];
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) {
        cells[v] = hn::LoadU(d, from + v * N);
      }
      HWY_UNROLL(8)
      for (int c = 0; c < kChannels; ++c) {
        const V weight = hn::Set(d, w[c]);
        HWY_UNROLL(8)
        for (int v = 0; v < kVectors; ++v) {
          sums[c * kVectors + v] =
              M::MulAdd(weight, cells[v], sums[c * kVectors + v]);
        }
      }
    }
    HWY_UNROLL(8)
    for (int c = 0; c < kChannels; ++c) {
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(CanonicalNaN(d, sums[c * kVectors + v]), d,
                   out + c * arguments.out_plane + v * N);
      }
    }
    x += arguments.x_row;
    out += arguments.out_row;
  }
}

// The same for one channel and terms that come in runs of kRunTaps at most: the
// taps along the width, which lie side by side or, at stride 2, in turns in two
// slots. With one channel there is little to do per tap, and finding it would
// take half the time. Each tap ends in a branch, never taken but at the run's
// end, because that keeps compilers from mixing the taps: they would need more
// registers than there are.
inline constexpr int kRunTaps = 5;

template <class M, int kVectors, int kStride>
HWY_NOINLINE void RunTile(const RowTileArguments& arguments, const float* x,
                          float* out) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);
  const size_t taps = arguments.run;
  const size_t pitch = arguments.pitch;
  const float* const w_end = arguments.weights + arguments.terms;
  for (size_t row = arguments.rows; row != 0; --row) {
    V sums[kVectors];
    HWY_UNROLL(8)
    for (int v = 0; v < kVectors; ++v) sums[v] = hn::Set(d, *arguments.starts);
    const int32_t* HWY_RESTRICT offset = arguments.offsets;
    for (const float* HWY_RESTRICT w = arguments.weights; w != w_end;
         w += taps) {
      const float* HWY_RESTRICT slot0 = x + *offset++;
      const float* HWY_RESTRICT slot1 = slot0 + pitch;
      const auto tap = [&](int k) HWY_ATTR {
        const float* HWY_RESTRICT from =
            (k % kStride == 0 ? slot0 : slot1) + k / kStride;
        const V weight = hn::Set(d, w[k]);
        HWY_UNROLL(8)
        for (int v = 0; v < kVectors; ++v) {
          sums[v] = M::MulAdd(weight, hn::LoadU(d, from + v * N), sums[v]);
        }
      };
      tap(0);
      if (taps == 1) continue;
      tap(1);
      if (taps == 2) continue;
      tap(2);
      if (taps == 3) continue;
      tap(3);
      if (taps == 4) continue;
      tap(4);
    }
    HWY_UNROLL(8)
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(CanonicalNaN(d, sums[v]), d, out + v * N);
    }
    x += arguments.x_row;
    out += arguments.out_row;
  }
}

// Vectors of the widest tile.
constexpr int MaxVectors(int64_t channels) { return channels <= 2 ? 4 : 2; }

template <class M, int kChannels>
RowTileFunction FindRowTile(int vectors) {
  if (vectors == 1) return &RowTile<M, kChannels, 1>;
  if (vectors == 2) return &RowTile<M, kChannels, 2>;
  if constexpr (kChannels <= 2) return &RowTile<M, kChannels, 4>;
  return nullptr;
}

// The tile for these numbers, `vectors` a power of two. `stride` is that of
// runs, 0 if the terms come one by one.
template <class M>
RowTileFunction FindRowTile(int64_t channels, int vectors, int64_t stride) {
  if (stride == 1) {
    return vectors == 1   ? &RunTile<M, 1, 1>
           : vectors == 2 ? &RunTile<M, 2, 1>
                          : &RunTile<M, 4, 1>;
  }
  if (stride == 2) {
    return vectors == 1   ? &RunTile<M, 1, 2>
           : vectors == 2 ? &RunTile<M, 2, 2>
                          : &RunTile<M, 4, 2>;
  }
  switch (channels) {
    case 1:
      return FindRowTile<M, 1>(vectors);
    case 2:
      return FindRowTile<M, 2>(vectors);
    case 3:
      return FindRowTile<M, 3>(vectors);
    case 4:
      return FindRowTile<M, 4>(vectors);
    default:
      return FindRowTile<M, 5>(vectors);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_
