#include <vector>

#include "core/src/conv_cells.h"
#include "core/src/nan.h"
#include "core/src/kernels.h"

namespace convscope {
namespace {

// A weight joins every input cell with every output cell whose window holds it
// there. Both layers see the same pairs: a transposed one from its input's
// side.
struct Pairs {
  const float* window;    // the tensor that the kernel slides over
  const float* position;  // the tensor with one cell per window
  int64_t window_channels;
  int64_t position_channels;
  std::array<AxisMap, 3> axes;  // position -> window
};

}  // namespace

Status WeightGradient(const ConvGeometry& g, const float* in,
                      const float* grad_output, float* grad_weight) {
  Pairs pairs{in, grad_output, g.ic, g.oc, g.axes};
  if (g.transposed) {
    pairs = {grad_output, in, g.oc, g.ic, InputGradientGeometry(g).axes};
  }
  const auto& [depth, height, width] = pairs.axes;
  const int64_t window_plane = depth.in * height.in * width.in;
  const int64_t position_plane = depth.out * height.out * width.out;
  const int64_t window_all = g.groups * pairs.window_channels;
  const int64_t position_all = g.groups * pairs.position_channels;
  // For one tap: (offset in the window tensor, offset in the position tensor).
  std::vector<std::pair<int64_t, int64_t>> met;
  const int64_t taps = g.taps();
  for (int64_t k = 0; k < taps; ++k) {
    const int64_t kw = k % width.kernel;
    const int64_t kh = k / width.kernel % height.kernel;
    const int64_t kd = k / width.kernel / height.kernel;
    met.clear();
    for (int64_t od = 0; od < depth.out; ++od) {
      const int64_t id = depth.Source(od, kd);
      for (int64_t oh = 0; id >= 0 && oh < height.out; ++oh) {
        const int64_t ih = height.Source(oh, kh);
        for (int64_t ow = 0; ih >= 0 && ow < width.out; ++ow) {
          const int64_t iw = width.Source(ow, kw);
          if (iw < 0) continue;
          met.push_back({(id * height.in + ih) * width.in + iw,
                         (od * height.out + oh) * width.out + ow});
        }
      }
    }
    for (int64_t c = 0; c < position_all; ++c) {
      const int64_t group = c / pairs.position_channels;
      for (int64_t wc = 0; wc < pairs.window_channels; ++wc) {
        float sum = 0;
        for (int64_t n = 0; n < g.n; ++n) {
          const float* x = pairs.window + (n * window_all +
                                           group * pairs.window_channels + wc) *
                                              window_plane;
          const float* y =
              pairs.position + (n * position_all + c) * position_plane;
          for (const auto& [from, to] : met) {
            const float product = x[from] * y[to];
            sum = sum + product;
          }
        }
        grad_weight[(c * pairs.window_channels + wc) * taps + k] =
            OneNaN(sum);
      }
    }
  }
  return Ok();
}

}  // namespace convscope
