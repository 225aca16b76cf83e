#include "core/src/reference.h"

#include <algorithm>
#include <cmath>

namespace convscope {
namespace {

// The input cell that stands at padded position `i` (0 is the first input
// cell), or -1 for a zero. Walks there, one reflection or one turn at a time.
int64_t Cell(const AxisMap& axis, int64_t i) {
  // What a crop (negative padding) leaves: a circle closes round it.
  const int64_t begin = std::max<int64_t>(0, -axis.before);
  const int64_t end = axis.in + std::min<int64_t>(0, axis.after);
  const int64_t last = axis.in - 1;
  switch (axis.mode) {
    case PaddingMode::kZeros:
      return i < 0 || i > last ? -1 : i;
    case PaddingMode::kReflect:
      while (i < 0 || i > last) i = i < 0 ? -i : 2 * last - i;
      return i;
    case PaddingMode::kReplicate:
      return std::clamp<int64_t>(i, 0, last);
    case PaddingMode::kCircular:
      while (i < begin) i += end - begin;
      while (i >= end) i -= end - begin;
      return i;
  }
  return -1;
}

// The input index that output `o` meets under tap `k`, or -1.
int64_t InputIndex(const AxisMap& axis, int64_t o, int64_t k) {
  if (axis.kind != AxisMap::Kind::kTransposed) {
    return Cell(axis, o * axis.stride - axis.before + k * axis.dilation);
  }
  // Every input i stamps tap k at o = i * stride - before + k * dilation.
  for (int64_t i = 0; i < axis.in; ++i) {
    if (i * axis.stride - axis.before + k * axis.dilation == o) return i;
  }
  return -1;
}

// Calls visit(out, in, weight) with the offsets of each product's places, in
// the order of the sums.
template <class Visit>
void ForEachProduct(const ConvGeometry& geometry, Visit visit) {
  const auto& [d, h, w] = geometry.axes;
  const int64_t groups = geometry.groups;
  for (int64_t n = 0; n < geometry.n; ++n)
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t oc = 0; oc < geometry.oc; ++oc)
        for (int64_t od = 0; od < d.out; ++od)
          for (int64_t oh = 0; oh < h.out; ++oh)
            for (int64_t ow = 0; ow < w.out; ++ow)
              for (int64_t ic = 0; ic < geometry.ic; ++ic)
                for (int64_t kd = 0; kd < d.kernel; ++kd)
                  for (int64_t kh = 0; kh < h.kernel; ++kh)
                    for (int64_t kw = 0; kw < w.kernel; ++kw) {
                      const int64_t id = InputIndex(d, od, kd);
                      const int64_t ih = InputIndex(h, oh, kh);
                      const int64_t iw = InputIndex(w, ow, kw);
                      if (id < 0 || ih < 0 || iw < 0) continue;
                      const int64_t in_channel = g * geometry.ic + ic;
                      const int64_t out_channel = g * geometry.oc + oc;
                      const int64_t row = geometry.transposed
                                              ? in_channel * geometry.oc + oc
                                              : out_channel * geometry.ic + ic;
                      const int64_t in_plane =
                          n * groups * geometry.ic + in_channel;
                      const int64_t out_plane =
                          n * groups * geometry.oc + out_channel;
                      visit(
                          ((out_plane * d.out + od) * h.out + oh) * w.out + ow,
                          ((in_plane * d.in + id) * h.in + ih) * w.in + iw,
                          ((row * d.kernel + kd) * h.kernel + kh) * w.kernel +
                              kw);
                    }
}

ReferenceSums Zeros(int64_t size) {
  ReferenceSums sums;
  sums.values.assign(static_cast<size_t>(size), 0.0);
  sums.scale.assign(static_cast<size_t>(size), 0.0);
  return sums;
}

void Add(ReferenceSums* sums, int64_t at, double term) {
  sums->values[static_cast<size_t>(at)] += term;
  sums->scale[static_cast<size_t>(at)] += std::abs(term);
}

}  // namespace

ReferenceSums ReferenceForward(const ConvGeometry& geometry, const float* in,
                               const float* weight, const float* bias) {
  const int64_t channels = geometry.groups * geometry.oc;
  const int64_t plane = geometry.out_plane();
  ReferenceSums out = Zeros(geometry.n * channels * plane);
  for (int64_t o = 0; bias != nullptr && o < geometry.n * channels * plane;
       ++o) {
    Add(&out, o, double{bias[o / plane % channels]});
  }
  ForEachProduct(geometry, [&](int64_t o, int64_t i, int64_t k) {
    Add(&out, o, double{in[i]} * double{weight[k]});
  });
  return out;
}

ReferenceGradients ReferenceBackward(const ConvGeometry& geometry,
                                     const float* in, const float* weight,
                                     const float* grad_output) {
  const int64_t channels = geometry.groups * geometry.oc;
  const int64_t plane = geometry.out_plane();
  ReferenceGradients gradients;
  gradients.input =
      Zeros(geometry.n * geometry.groups * geometry.ic * geometry.in_plane());
  gradients.weight = Zeros(channels * geometry.ic * geometry.taps());
  gradients.bias = Zeros(channels);
  for (int64_t o = 0; o < geometry.n * channels * plane; ++o) {
    Add(&gradients.bias, o / plane % channels, double{grad_output[o]});
  }
  ForEachProduct(geometry, [&](int64_t o, int64_t i, int64_t k) {
    Add(&gradients.input, i, double{weight[k]} * double{grad_output[o]});
    Add(&gradients.weight, k, double{in[i]} * double{grad_output[o]});
  });
  return gradients;
}

}  // namespace convscope
