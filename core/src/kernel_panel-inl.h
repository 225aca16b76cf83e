// Panels: the pixels that a matrix product multiplies, gathered from the input.
//
// A panel holds up to three vectors of output pixels: for each term of the sum
// (input channel, tap), what those pixels read there. Where they read is the
// same in every channel, so it is worked out once, as a table of gathers of
// four floats each. Nearly all of them are a load; at stride 2 two loads and a
// shuffle; at row ends and at zero padding at most two loads and a byte shuffle
// that gives zeros for free.
#if defined(CONVSCOPE_SRC_KERNEL_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_PANEL_INL_H_
#undef CONVSCOPE_SRC_KERNEL_PANEL_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_PANEL_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/src/kernel_gather.h"
#include "core/src/kernel_phase.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void RunGather(const Gather& gather, const float* x,
                          float* HWY_RESTRICT to) {
  const hn::FixedTag<float, 4> d4;
  const hn::FixedTag<uint8_t, 16> d16;
  // No switch: its jump through a table is seldom predicted.
  if (gather.kind == Gather::kLoad) {
    hn::StoreU(hn::LoadU(d4, x + gather.base[0]), d4, to);
  } else if (gather.kind == Gather::kEvens) {
    const float* from = x + gather.base[0];
    const auto low = hn::LoadU(d4, from), high = hn::LoadU(d4, from + 4);
    hn::StoreU(hn::ConcatEven(d4, high, low), d4, to);
  } else if (gather.kind == Gather::kShuffle) {
    const auto low = hn::BitCast(d16, hn::LoadU(d4, x + gather.base[0]));
    const auto high = hn::BitCast(d16, hn::LoadU(d4, x + gather.base[1]));
    const auto floats =
        hn::Or(hn::TableLookupBytesOr0(low, hn::LoadU(d16, gather.index[0])),
               hn::TableLookupBytesOr0(high, hn::LoadU(d16, gather.index[1])));
    hn::StoreU(hn::BitCast(d4, floats), d4, to);
  } else if (gather.kind == Gather::kZero) {
    hn::StoreU(hn::Zero(d4), d4, to);
  } else {
    for (int i = 0; i < 4; ++i) {
      to[i] = gather.source[i] < 0 ? 0.0f : x[gather.source[i]];
    }
  }
}

// Packs the terms [k0, k0 + depth) of `count` panels of `columns` pixels each,
// `pitch` floats apart, `step` floats from term to term. Panels side by side
// mostly read on in the same cache lines, so each term is packed for all of
// them at once. `gathers` has `columns` / 4 entries per tap and panel; `in` is
// the first channel's plane.
inline HWY_NOINLINE void PackPanels(const Gather* gathers, int64_t taps,
                                    size_t columns, int64_t count, size_t pitch,
                                    size_t step, const float* in, int64_t plane,
                                    int64_t k0, int64_t depth,
                                    float* HWY_RESTRICT panels) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const int64_t blocks = static_cast<int64_t>(columns / 4);
  const float* x = in + k0 / taps * plane;
  int64_t t = k0 % taps;
  for (int64_t k = 0; k < depth; ++k) {
    const Gather* gather = gathers + t * blocks;
    float* HWY_RESTRICT panel = panels;
    for (int64_t left = count; left > 0;) {
      if (gather->run > 0) {
        const int64_t run = std::min<int64_t>(gather->run, left);
        const float* from = x + gather->base[0];
        left -= run;
        gather += run * taps * blocks;
        // No loop over the vectors: compilers would call memcpy() for them.
        for (int64_t i = 0; i < run; ++i) {
          hn::StoreU(hn::LoadU(d, from), d, panel);
          if (columns > N) hn::StoreU(hn::LoadU(d, from + N), d, panel + N);
          if (columns > 2 * N) {
            hn::StoreU(hn::LoadU(d, from + 2 * N), d, panel + 2 * N);
          }
          from += columns;
          panel += pitch;
        }
        continue;
      }
      for (int64_t i = 0; i < blocks; ++i) {
        RunGather(gather[i], x, panel + 4 * i);
      }
      --left;
      gather += taps * blocks;
      panel += pitch;
    }
    panels += step;
    if (++t == taps) {
      t = 0;
      x += plane;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_PANEL_INL_H_
