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

#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// What a tile reads and writes besides its position.
struct RowTileArguments {
  const float* weights;    // [term][channel of the tile]
  const int32_t* offsets;  // of each term, from x
  size_t terms;
  const float* starts;  // of each channel: bias
  size_t rows;          // output rows
  size_t x_row;         // floats from one row's x to the next's
  size_t out_row;
  size_t out_plane;  // floats from output channel to output channel
};

// out[channel][row][column] = start + sum over terms of w[term][channel] *
// x[row][offset[term] + column], for kChannels channels and kVectors vectors of
// columns. The sums, at most 10, and as many vectors of x as the channels share
// stay in registers.
template <class M, int kChannels, int kVectors>
HWY_NOINLINE void RowTile(const RowTileArguments& arguments, const float* x,
                          float* out) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);
  const size_t terms = arguments.terms;
  for (size_t row = arguments.rows; row != 0; --row) {
    V sums[kChannels * kVectors];
    HWY_UNROLL(8)
    for (int c = 0; c < kChannels; ++c) {
      const V start = hn::Set(d, arguments.starts[c]);
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) sums[c * kVectors + v] = start;
    }
    const float* HWY_RESTRICT w = arguments.weights;
    const int32_t* HWY_RESTRICT offset = arguments.offsets;
    for (size_t k = 0; k < terms; ++k) {
      const float* HWY_RESTRICT from = x + *offset++;
      if constexpr (kChannels == 1) {
        const V weight = hn::Set(d, *w);
        HWY_UNROLL(8)
        for (int v = 0; v < kVectors; ++v) {
          sums[v] = M::MulAdd(weight, hn::LoadU(d, from + v * N), sums[v]);
        }
      } else {
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
      w += kChannels;
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

// Vectors of the widest tile.
constexpr int MaxVectors(int64_t channels) {
  return channels == 1 ? 8 : channels == 2 ? 4 : 2;
}

// RowTile() for numbers known only at run time: vectors is a power of two.
template <class M>
void AnyRowTile(int64_t channels, int vectors,
                const RowTileArguments& arguments, const float* x, float* out) {
  switch (channels * 16 + vectors) {
#define CONVSCOPE_CASE(kChannels, kVectors)             \
  case kChannels * 16 + kVectors:                       \
    RowTile<M, kChannels, kVectors>(arguments, x, out); \
    break;
    CONVSCOPE_CASE(1, 1)
    CONVSCOPE_CASE(1, 2)
    CONVSCOPE_CASE(1, 4)
    CONVSCOPE_CASE(1, 8)
    CONVSCOPE_CASE(2, 1)
    CONVSCOPE_CASE(2, 2)
    CONVSCOPE_CASE(2, 4)
    CONVSCOPE_CASE(3, 1)
    CONVSCOPE_CASE(3, 2)
    CONVSCOPE_CASE(4, 1)
    CONVSCOPE_CASE(4, 2)
    CONVSCOPE_CASE(5, 1)
    CONVSCOPE_CASE(5, 2)
#undef CONVSCOPE_CASE
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_ROWTILE_INL_H_
