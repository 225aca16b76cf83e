// How a strip (kernel_strip.h) is filled from one channel of the input.
#if defined(CONVSCOPE_SRC_KERNEL_COPY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_COPY_INL_H_
#undef CONVSCOPE_SRC_KERNEL_COPY_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_COPY_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/src/kernel_strip.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Copies four runs that are the slots of one row at stride 4; false if they are
// not. Apart, so that the loops of CopyChannel() keep their registers.
HWY_NOINLINE inline bool CopyFourSlots(const StripCopy::Run* runs,
                                       const float* HWY_RESTRICT in,
                                       float* HWY_RESTRICT strip) {
  const hn::ScalableTag<float> d;
  const int32_t N = static_cast<int32_t>(hn::Lanes(d));
  const int32_t first =
      std::min({runs[0].from, runs[1].from, runs[2].from, runs[3].from});
  float* to[4] = {};
  int32_t count = runs[0].count;
  for (int i = 0; i < 4; ++i) {
    const int32_t slot = runs[i].from - first;
    if (slot > 3) return false;
    to[slot] = strip + runs[i].to;
    count = std::min(count, runs[i].count);
  }
  for (const float* slot : to) {
    if (slot == nullptr) return false;
  }
  if (count < N) return false;
  const auto split = [&](int32_t at) HWY_ATTR {
    hn::Vec<decltype(d)> v0, v1, v2, v3;
    hn::LoadInterleaved4(d, in + first + 4 * at, v0, v1, v2, v3);
    hn::StoreU(v0, d, to[0] + at);
    hn::StoreU(v1, d, to[1] + at);
    hn::StoreU(v2, d, to[2] + at);
    hn::StoreU(v3, d, to[3] + at);
  };
  for (int32_t done = 0; done <= count - N; done += N) split(done);
  // The last vectors are moved back over what is done.
  split(count - N);
  for (int i = 0; i < 4; ++i) {
    for (int32_t at = count; at < runs[i].count; ++at) {
      strip[runs[i].to + at] = in[runs[i].from + 4 * at];
    }
  }
  return true;
}

// Copies what lies inside the input from one channel's plane to the strip.
inline void CopyChannel(const StripCopy& copy, const float* HWY_RESTRICT in,
                        float* HWY_RESTRICT strip) {
  const hn::ScalableTag<float> d;
  const int32_t N = static_cast<int32_t>(hn::Lanes(d));
  const size_t count = copy.runs.size();
  for (size_t i = 0; i < count; ++i) {
    const StripCopy::Run& run = copy.runs[i];
    float* HWY_RESTRICT to = strip + run.to;
    const float* HWY_RESTRICT from = in + run.from;
    int32_t done = 0;
    if (copy.step == 1 && run.count >= N) {
      // By two: of a loop by one compilers would make a call of memcpy(),
      // which is slow for the few bytes of a row in WebAssembly.
      for (; done <= run.count - 2 * N; done += 2 * N) {
        const auto a = hn::LoadU(d, from + done);
        const auto b = hn::LoadU(d, from + done + N);
        hn::StoreU(a, d, to + done);
        hn::StoreU(b, d, to + done + N);
      }
      if (done <= run.count - N) {
        hn::StoreU(hn::LoadU(d, from + done), d, to + done);
      }
      // The last vector is moved back over what is done.
      done = run.count - N;
      hn::StoreU(hn::LoadU(d, from + done), d, to + done);
      continue;
    }
    if (copy.step == 2 && i + 1 < count) {
      // Both slots of a row at once, if they start side by side.
      const StripCopy::Run& next = copy.runs[i + 1];
      const bool is_even = next.from == run.from + 1;
      const int32_t both = std::min(run.count, next.count);
      if ((is_even || next.from == run.from - 1) && both >= N) {
        float* HWY_RESTRICT evens = strip + (is_even ? run : next).to;
        float* HWY_RESTRICT odds = strip + (is_even ? next : run).to;
        const float* HWY_RESTRICT pairs = in + (is_even ? run : next).from;
        const auto split = [&](int32_t at) HWY_ATTR {
          hn::Vec<decltype(d)> even, odd;
          hn::LoadInterleaved2(d, pairs + 2 * at, even, odd);
          hn::StoreU(even, d, evens + at);
          hn::StoreU(odd, d, odds + at);
        };
        for (; done <= both - N; done += N) split(done);
        split(both - N);
        for (int32_t k = both; k < run.count; ++k) to[k] = from[2 * k];
        for (int32_t k = both; k < next.count; ++k) {
          strip[next.to + k] = in[next.from + 2 * k];
        }
        ++i;
        continue;
      }
    }
    // To find out costs more than it gains where a slot is but a vector.
    if (copy.step == 4 && run.count > N && i + 3 < count &&
        CopyFourSlots(&run, in, strip)) {
      i += 3;
      continue;
    }
    for (; done < run.count; ++done) to[done] = from[done * copy.step];
  }
  for (const StripCopy::Run& cell : copy.cells) strip[cell.to] = in[cell.from];
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_COPY_INL_H_
