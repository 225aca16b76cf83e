#include "core/src/conv_cells.h"

#include <algorithm>

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

namespace {

// Where the sum behind one output cell begins, and how far it is from one input
// channel to the next.
struct SumPlace {
  int64_t in;      // first input plane of the group
  int64_t weight;  // first tap
  int64_t weight_step;
  int64_t out;
};

// Calls visit(place, taps) for every cell of `cells`.
template <class Visit>
void ForEachSum(const ConvGeometry& g, const ConvCells& cells, Visit visit) {
  const int64_t taps_per_plane = g.taps();
  SumPlace place{};
  place.weight_step = g.transposed ? g.oc * taps_per_plane : taps_per_plane;
  std::vector<Tap> by_depth, by_height, by_width, upper, taps;
  for (int32_t od : cells[2]) {
    TapsOf(g.axes[0], od, &by_depth);
    for (int32_t oh : cells[3]) {
      TapsOf(g.axes[1], oh, &by_height);
      JoinTaps(by_depth, by_height, g.axes[1], &upper);
      for (int32_t ow : cells[4]) {
        TapsOf(g.axes[2], ow, &by_width);
        JoinTaps(upper, by_width, g.axes[2], &taps);
        const int64_t position = (od * g.axes[1].out + oh) * g.axes[2].out + ow;
        for (int32_t n : cells[0]) {
          for (int32_t c : cells[1]) {
            const int64_t group = c / g.oc;
            place.in = (n * g.groups + group) * g.ic * g.in_plane();
            place.weight =
                (g.transposed ? group * g.ic * g.oc + c % g.oc : c * g.ic) *
                taps_per_plane;
            place.out = (n * g.groups * g.oc + c) * g.out_plane() + position;
            visit(place, c, taps);
          }
        }
      }
    }
  }
}

}  // namespace

void ComputeCells(const ConvGeometry& g, const float* weight, const float* bias,
                  const float* in, const ConvCells& cells, float* out) {
  const int64_t in_plane = g.in_plane();
  ForEachSum(g, cells,
             [&](const SumPlace& at, int64_t c, const std::vector<Tap>& taps) {
               const float* x = in + at.in;
               const float* w = weight + at.weight;
               // + 0 turns a bias of -0 into 0: from then on no sum is -0, and
               // adding the product of a padded zero changes no bit.
               float sum = bias == nullptr ? 0.0f : bias[c] + 0.0f;
               for (int64_t ic = 0; ic < g.ic; ++ic) {
                 for (const Tap& tap : taps) {
                   const float product = x[tap.in] * w[tap.weight];
                   sum = sum + product;
                 }
                 x += in_plane;
                 w += at.weight_step;
               }
               out[at.out] = OneNaN(sum);
             });
}

void ComputeAllCells(const ConvGeometry& g, const float* weight,
                     const float* bias, const float* in, float* out) {
  constexpr int64_t kBlock = 4096;
  const std::array<int64_t, 5> sizes{g.n, g.groups * g.oc, g.axes[0].out,
                                     g.axes[1].out, g.axes[2].out};
  // An odometer over blocks.
  std::array<int64_t, 5> begin{};
  for (;;) {
    ConvCells cells;
    for (size_t axis = 0; axis < 5; ++axis) {
      const int64_t end = std::min(begin[axis] + kBlock, sizes[axis]);
      for (int64_t i = begin[axis]; i < end; ++i) {
        cells[axis].push_back(static_cast<int32_t>(i));
      }
    }
    ComputeCells(g, weight, bias, in, cells, out);
    size_t axis = 5;
    for (;;) {
      if (axis == 0) return;
      --axis;
      begin[axis] += kBlock;
      if (begin[axis] < sizes[axis]) break;
      begin[axis] = 0;
    }
  }
}

void ScatterCells(const ConvGeometry& g, const float* weight,
                  const float* grad_output, const ConvCells& cells,
                  float* grad_input) {
  const int64_t in_plane = g.in_plane();
  ForEachSum(g, cells,
             [&](const SumPlace& at, int64_t, const std::vector<Tap>& taps) {
               const float gradient = grad_output[at.out];
               if (gradient == 0) return;
               float* x = grad_input + at.in;
               const float* w = weight + at.weight;
               for (int64_t ic = 0; ic < g.ic; ++ic) {
                 for (const Tap& tap : taps)
                   x[tap.in] += gradient * w[tap.weight];
                 x += in_plane;
                 w += at.weight_step;
               }
             });
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
