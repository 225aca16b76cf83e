#include "tests/core/support/kernel_case.h"

#include <algorithm>
#include <cstring>

#include "core/src/conv_cells.h"
#include "doctest/doctest.h"
#include "tests/core/support/targets.h"

namespace convscope::testing {

AxisMap Window(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
               int64_t before, int64_t after) {
  AxisMap map;
  map.kind = AxisMap::Kind::kWindow;
  map.in = in;
  map.kernel = kernel;
  map.stride = stride;
  map.dilation = dilation;
  map.before = before;
  map.after = after;
  const int64_t room = in + before + after - dilation * (kernel - 1) - 1;
  map.out = room < 0 ? 0 : room / stride + 1;
  return map;
}

AxisMap Stamp(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
              int64_t padding, int64_t output_padding) {
  AxisMap map = Window(in, kernel, stride, dilation, padding, padding);
  map.kind = AxisMap::Kind::kTransposed;
  map.out = (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 +
            output_padding;
  return map;
}

Case::Case(const ConvGeometry& g, std::mt19937* random) : geometry(g) {
  std::normal_distribution<float> normal;
  const auto fill = [&](std::vector<float>* numbers, int64_t count) {
    for (int64_t i = 0; i < count; ++i) numbers->push_back(normal(*random));
  };
  fill(&weight, g.groups * g.oc * g.ic * g.taps());
  fill(&bias, g.groups * g.oc);
  fill(&in, g.n * g.groups * g.ic * g.in_plane());
}

int64_t Case::outputs() const {
  return geometry.n * geometry.groups * geometry.oc * geometry.out_plane();
}

std::vector<float> Case::Guarded() const {
  return std::vector<float>(static_cast<size_t>(outputs()) + 2 * kGuards,
                            kGuard);
}

std::vector<float> Case::Plain() const {
  std::vector<float> out = Guarded();
  ComputeAllCells(geometry, weight.data(), bias.data(), in.data(),
                  out.data() + kGuards);
  return out;
}

std::unique_ptr<Kernel> Case::Make(Math math) const {
  std::unique_ptr<Kernel> kernel;
  REQUIRE(
      MakeConvKernel(geometry, weight.data(), bias.data(), math, &kernel).ok());
  return kernel;
}

std::vector<float> Case::Run(Kernel* kernel) const {
  std::vector<float> out = Guarded();
  kernel->Run(in.data(), out.data() + kGuards);
  return out;
}

std::string Describe(const ConvGeometry& g) {
  std::string text = "n " + std::to_string(g.n) + " groups " +
                     std::to_string(g.groups) + " ic " + std::to_string(g.ic) +
                     " oc " + std::to_string(g.oc) +
                     (g.transposed ? " transposed" : "");
  for (const AxisMap& map : g.axes) {
    text += "; " + std::to_string(map.in) + " -> " + std::to_string(map.out);
    for (int64_t number :
         {map.kernel, map.stride, map.dilation, map.before, map.after}) {
      text += " " + std::to_string(number);
    }
    text += std::string(" ") + ToString(map.mode);
  }
  return text;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void CheckBits(const Case& c, std::set<std::string>* algorithms) {
  INFO(Describe(c.geometry));
  const std::vector<float> plain = c.Plain();
  ForEachTarget([&] {
    const std::unique_ptr<Kernel> kernel = c.Make();
    INFO(kernel->algorithm());
    if (algorithms != nullptr) algorithms->insert(kernel->algorithm());
    CHECK(SameBits(c.Run(kernel.get()), plain));
    // Nothing of the first run is left over.
    CHECK(SameBits(c.Run(kernel.get()), plain));
  });
}

bool RandomGeometry(std::mt19937* random, ConvGeometry* g) {
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>((*random)() %
                                      static_cast<uint64_t>(high - low + 1));
  };
  const auto once_in = [&](int64_t times) { return draw(1, times) == 1; };
  g->n = draw(1, 2);
  g->groups = once_in(3) ? draw(2, 9) : 1;
  g->ic = draw(1, once_in(3) ? 70 : 6);
  g->oc = draw(1, once_in(2) ? 40 : 8);
  if (once_in(6)) g->groups = draw(1, 20), g->ic = g->oc = 1;
  g->transposed = once_in(3);
  const int64_t axes = draw(1, 3);
  const PaddingMode mode = g->transposed || once_in(2)
                               ? PaddingMode::kZeros
                               : static_cast<PaddingMode>(draw(1, 3));
  for (int64_t axis = 0; axis < 3; ++axis) {
    AxisMap& map = g->axes[static_cast<size_t>(axis)];
    map = Window(1, 1, 1, 1, 0, 0);
    if (axis >= 3 - axes) {
      const int64_t in = draw(1, axis < 2 ? 8 : once_in(4) ? 70 : 20);
      const int64_t kernel = draw(1, once_in(4) ? 7 : 3);
      const int64_t stride = once_in(2) ? draw(2, 4) : 1;
      const int64_t dilation = once_in(3) ? draw(2, 4) : 1;
      int64_t most = 4;
      if (mode == PaddingMode::kReflect) most = std::min(most, in - 1);
      if (mode == PaddingMode::kCircular) most = std::min(most, in);
      map = g->transposed ? Stamp(in, kernel, stride, dilation, draw(0, 3),
                                  draw(0, std::max(stride, dilation) - 1))
                          : Window(in, kernel, stride, dilation, draw(0, most),
                                   draw(0, most));
      map.mode = mode;
    } else if (g->transposed) {
      map.kind = AxisMap::Kind::kTransposed;
    }
    if (map.out <= 0) return false;
  }
  return g->n * g->groups * g->oc * g->out_plane() * g->ic * g->taps() < 400000;
}

}  // namespace convscope::testing
