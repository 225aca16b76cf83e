#include "core/src/conv_cells.h"

#include "core/src/nan.h"

namespace convscope {

void TapsOf(const AxisMap& map, int64_t o, std::vector<Tap>* taps) {
  taps->clear();
  for (int64_t k = 0; k < map.kernel; ++k) {
    const int64_t source = map.Source(o, k);
    if (source >= 0) taps->push_back({source, k});
  }
}

void JoinTaps(const std::vector<Tap>& outer, const std::vector<Tap>& inner,
              const AxisMap& map, std::vector<Tap>* joined) {
  joined->clear();
  for (const Tap& a : outer) {
    for (const Tap& b : inner) {
      joined->push_back(
          {a.in * map.in + b.in, a.weight * map.kernel + b.weight});
    }
  }
}

ConvCells AllConvCells(const ConvGeometry& geometry) {
  return {Everything(geometry.n), Everything(geometry.groups * geometry.oc),
          Everything(geometry.axes[0].out), Everything(geometry.axes[1].out),
          Everything(geometry.axes[2].out)};
}

ConvCells FiveAxes(const Product& cells, size_t rank, int axes) {
  const size_t spatial = static_cast<size_t>(axes);
  const size_t channel = rank - spatial - 1;
  ConvCells five;
  five.fill({0});
  if (channel == 1) five[0] = cells.axes[0];
  five[1] = cells.axes[channel];
  for (size_t axis = 0; axis < spatial; ++axis) {
    five[5 - spatial + axis] = cells.axes[channel + 1 + axis];
  }
  return five;
}

void ComputeCells(const ConvGeometry& g, const float* weight, const float* bias,
                  const float* in, const ConvCells& cells, float* out) {
  const int64_t in_plane = g.in_plane();
  const int64_t out_plane = g.out_plane();
  const int64_t taps_per_plane = g.taps();
  const AxisMap& depth = g.axes[0];
  const AxisMap& height = g.axes[1];
  const AxisMap& width = g.axes[2];
  // Distance in the weight from one input channel to the next.
  const int64_t weight_step =
      g.transposed ? g.oc * taps_per_plane : taps_per_plane;
  std::vector<Tap> by_depth, by_height, by_width, upper, taps;
  for (int32_t od : cells[2]) {
    TapsOf(depth, od, &by_depth);
    for (int32_t oh : cells[3]) {
      TapsOf(height, oh, &by_height);
      JoinTaps(by_depth, by_height, height, &upper);
      for (int32_t ow : cells[4]) {
        TapsOf(width, ow, &by_width);
        JoinTaps(upper, by_width, width, &taps);
        const int64_t position = (od * height.out + oh) * width.out + ow;
        for (int32_t n : cells[0]) {
          for (int32_t c : cells[1]) {
            const int64_t group = c / g.oc;
            const float* x = in + (n * g.groups + group) * g.ic * in_plane;
            const float* w =
                g.transposed
                    ? weight + (group * g.ic * g.oc + c % g.oc) * taps_per_plane
                    : weight + c * g.ic * taps_per_plane;
            // + 0 turns a bias of -0 into 0: from then on no sum is -0, and
            // adding the product of a padded zero changes no bit.
            float sum = bias == nullptr ? 0.0f : bias[c] + 0.0f;
            for (int64_t ic = 0; ic < g.ic; ++ic) {
              for (const Tap& tap : taps) {
                const float product = x[tap.in] * w[tap.weight];
                sum = sum + product;
              }
              x += in_plane;
              w += weight_step;
            }
            out[(n * g.groups * g.oc + c) * out_plane + position] = OneNaN(sum);
          }
        }
      }
    }
  }
}

ConvGeometry InputGradientGeometry(const ConvGeometry& g) {
  ConvGeometry mirror = g;
  mirror.ic = g.oc;
  mirror.oc = g.ic;
  mirror.transposed = !g.transposed;
  for (size_t axis = 0; axis < 3; ++axis) {
    AxisMap& map = mirror.axes[axis];
    map.in = g.axes[axis].out;
    map.out = g.axes[axis].in;
    map.mode = PaddingMode::kZeros;
    if (g.transposed) {
      map.kind = AxisMap::Kind::kWindow;
      // Enough behind the end for the last window; only zeros are there.
      map.after = (map.out - 1) * map.stride + (map.kernel - 1) * map.dilation +
                  1 - map.before - map.in;
    } else {
      map.kind = AxisMap::Kind::kTransposed;
      if (g.axes[axis].mode != PaddingMode::kZeros) {
        // Copied cells get gradients of their own first.
        map.out += g.axes[axis].before + g.axes[axis].after;
        map.before = 0;
      }
      map.after = 0;
    }
  }
  return mirror;
}

}  // namespace convscope
