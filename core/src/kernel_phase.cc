#include "core/src/kernel_phase.h"

#include <algorithm>
#include <numeric>

#include "core/src/nan.h"

namespace convscope {
namespace {

// x with a * x = 1 modulo m, for coprime a and m.
int64_t Inverse(int64_t a, int64_t m) {
  int64_t r0 = m, r1 = a % m, x0 = 0, x1 = 1;
  while (r1 != 0) {
    const int64_t quotient = r0 / r1;
    r0 = std::exchange(r1, r0 - quotient * r1);
    x0 = std::exchange(x1, x0 - quotient * x1);
  }
  return (x0 % m + m) % m;
}

}  // namespace

int64_t Phase::KernelTap(int64_t t) const {
  const auto tap = [&](int axis, int64_t number) {
    return axes[axis].tap_first + number * axes[axis].tap_step;
  };
  const int64_t w = tap(2, t % axes[2].taps);
  const int64_t h = tap(1, t / axes[2].taps % axes[1].taps);
  const int64_t d = tap(0, t / axes[2].taps / axes[1].taps);
  return (d * axes[1].map.kernel + h) * axes[2].map.kernel + w;
}

int64_t PhaseCount(const AxisMap& map) {
  if (map.kind != AxisMap::Kind::kTransposed) return map.out > 0 ? 1 : 0;
  return std::min(map.stride, map.out);
}

PhaseAxis PhaseOf(const AxisMap& map, int64_t r) {
  PhaseAxis axis;
  axis.map = map;
  if (map.kind != AxisMap::Kind::kTransposed) {
    axis.count = map.out;
    axis.stride = map.stride;
    axis.taps = map.kernel;
    axis.shift_first = -map.before;
    axis.shift_step = map.dilation;
    return axis;
  }
  axis.first = r;
  axis.step = map.stride;
  axis.count = (map.out - r + map.stride - 1) / map.stride;
  // o = i * stride - before + k * dilation has solutions i for every step-th k.
  const int64_t gcd = std::gcd(map.stride, map.dilation);
  const int64_t step = map.stride / gcd;
  const int64_t target = r + map.before;
  if (target % gcd != 0) return axis;
  const int64_t residue = (target / gcd % step + step) % step;
  // Both factors lie below 2^32.
  const int64_t k = static_cast<int64_t>(
      static_cast<uint64_t>(residue) *
      static_cast<uint64_t>(Inverse(map.dilation / gcd, step)) %
      static_cast<uint64_t>(step));
  if (k >= map.kernel) return axis;
  axis.taps = (map.kernel - k + step - 1) / step;
  axis.tap_first = k;
  axis.tap_step = step;
  axis.shift_first = (target - k * map.dilation) / map.stride;
  axis.shift_step = -(map.dilation / gcd);
  return axis;
}

int64_t OutOffset(const Phase& phase, int64_t p) {
  const auto& [d, h, w] = phase.axes;
  const int64_t od = d.first + p / (w.count * h.count) * d.step;
  const int64_t oh = h.first + p / w.count % h.count * h.step;
  const int64_t ow = w.first + p % w.count * w.step;
  return (od * h.map.out + oh) * w.map.out + ow;
}

void FillPhase(const ConvGeometry& g, const Phase& phase, const float* starts,
               float* out) {
  const int64_t channels = g.groups * g.oc;
  for (int64_t c = 0; c < g.n * channels; ++c, out += g.out_plane()) {
    const float value = OneNaN(starts[c % channels]);
    for (int64_t p = 0; p < phase.pixels(); ++p) {
      out[OutOffset(phase, p)] = value;
    }
  }
}

bool MeetsZeroPadding(const ConvGeometry& geometry) {
  for (const AxisMap& map : geometry.axes) {
    // Stamps leave gaps, and what falls outside is no padding; but kernels read
    // zeros there.
    if (map.kind == AxisMap::Kind::kTransposed) return true;
    if (map.mode != PaddingMode::kZeros || map.out == 0) continue;
    const int64_t last = (map.out - 1) * map.stride - map.before +
                         (map.kernel - 1) * map.dilation;
    if (map.before > 0 || last >= map.in) return true;
  }
  return false;
}

}  // namespace convscope
