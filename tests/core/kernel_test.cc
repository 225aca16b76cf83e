// The convolution kernels against the plain loops that define their bits.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/src/conv_cells.h"
#include "core/src/kernels.h"
#include "core/src/reference.h"
#include "doctest/doctest.h"
#include "hwy/highway.h"
#include "tests/core/support/targets.h"

namespace convscope {
namespace {

using testing::ForEachTarget;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Lies before and after every output, and must survive.
constexpr float kGuard = 12345.0f;
constexpr size_t kGuards = 64;

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

// A layer with numbers in it.
struct Case {
  ConvGeometry geometry;
  std::vector<float> weight, bias, in;

  Case(const ConvGeometry& g, std::mt19937* random) : geometry(g) {
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>* numbers, int64_t count) {
      for (int64_t i = 0; i < count; ++i) numbers->push_back(normal(*random));
    };
    fill(&weight, g.groups * g.oc * g.ic * g.taps());
    fill(&bias, g.groups * g.oc);
    fill(&in, g.n * g.groups * g.ic * g.in_plane());
  }

  int64_t outputs() const {
    return geometry.n * geometry.groups * geometry.oc * geometry.out_plane();
  }
  std::vector<float> Guarded() const {
    return std::vector<float>(static_cast<size_t>(outputs()) + 2 * kGuards,
                              kGuard);
  }
  std::vector<float> Plain() const {
    std::vector<float> out = Guarded();
    ComputeAllCells(geometry, weight.data(), bias.data(), in.data(),
                    out.data() + kGuards);
    return out;
  }
  std::unique_ptr<Kernel> Make(Math math = Math::kReproducible) const {
    std::unique_ptr<Kernel> kernel;
    REQUIRE(MakeConvKernel(geometry, weight.data(), bias.data(), math, &kernel)
                .ok());
    return kernel;
  }
  std::vector<float> Run(Kernel* kernel) const {
    std::vector<float> out = Guarded();
    kernel->Run(in.data(), out.data() + kGuards);
    return out;
  }
};

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

void CheckBits(const Case& c, std::set<std::string>* algorithms = nullptr) {
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

// Arguments of every kind, small enough for the plain loops.
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

}  // namespace

TEST_CASE(
    "every kernel computes the bits of the plain loops, for any geometry") {
  std::mt19937 random(1);
  std::set<std::string> algorithms;
  int cases = 0;
  while (cases < 400) {
    ConvGeometry g;
    if (!RandomGeometry(&random, &g)) continue;
    ++cases;
    CheckBits(Case(g, &random), &algorithms);
  }
  CHECK(algorithms.count("gemm") == 1);
  CHECK(algorithms.count("small") == 1);
  CHECK(algorithms.count("rows") == 1);
}

TEST_CASE("rows of every length around the vector width come out right") {
  std::mt19937 random(2);
  constexpr int64_t kLanes = HWY_MAX_BYTES / sizeof(float);
  struct Channels {
    int64_t groups, ic, oc;
  };
  const Channels depthwise{5, 1, 1}, few{1, 3, 7}, many{1, 24, 37};
  for (const Channels& channels : {depthwise, few, many}) {
    for (int64_t lanes : {int64_t{4}, int64_t{8}, kLanes}) {
      for (int64_t width : {int64_t{1}, lanes - 1, lanes, lanes + 1,
                            2 * lanes + 1, 4 * lanes - 1, 9 * lanes + 2}) {
        for (int64_t stride : {1, 2, 3}) {
          ConvGeometry g;
          g.groups = channels.groups;
          g.ic = channels.ic;
          g.oc = channels.oc;
          g.axes = {Window(1, 1, 1, 1, 0, 0), Window(4, 3, 1, 1, 1, 1),
                    // So that the output has this width.
                    Window((width - 1) * stride + 2, 3, stride, 1, 1, 0)};
          CAPTURE(width);
          REQUIRE(g.axes[2].out == width);
          CheckBits(Case(g, &random));
        }
      }
    }
  }
}

TEST_CASE("single planes come out right at every size, padding and stride") {
  std::mt19937 random(11);
  struct Sizes {
    int64_t height, width, stride;
  };
  std::set<std::string> algorithms;
  for (const Sizes& kernel : {Sizes{3, 3, 1},
                              {3, 1, 1},
                              {3, 2, 1},
                              {3, 3, 2},
                              {5, 5, 1},
                              {5, 2, 1},
                              {5, 16, 1}}) {
    for (int64_t height : {1, 2, 3, 4, 5, 6, 7, 14}) {
      for (int64_t width : {1, 3, 4, 7, 8, 17, 33}) {
        // Before and after: none, the usual, the most that windows with a cell
        // of the input leave, and one side alone.
        for (int64_t sides : {0, 1, 2, 3}) {
          const auto axis = [&](int64_t in, int64_t taps) {
            const int64_t most = taps - 1;
            const int64_t before = sides == 0   ? 0
                                   : sides == 1 ? taps / 2
                                                : most;
            return Window(in, taps, kernel.stride, 1, before,
                          sides == 3 ? 0 : before);
          };
          ConvGeometry g;
          g.n = 2;
          g.groups = 3;
          g.ic = g.oc = 1;
          g.axes = {Window(1, 1, 1, 1, 0, 0), axis(height, kernel.height),
                    axis(width, kernel.width)};
          if (g.out_plane() == 0) continue;
          CheckBits(Case(g, &random), &algorithms);
        }
      }
    }
  }
  CHECK(algorithms.count("depthwise") == 1);
}

TEST_CASE("planes of many rows and columns are computed step by step") {
  std::mt19937 random(13);
  struct Sizes {
    int64_t height, width, kernel, stride;
  };
  for (const Sizes& sizes : {Sizes{131, 515, 3, 1},
                             {230, 37, 3, 2},
                             {231, 5, 3, 1},
                             {229, 6, 5, 1},
                             {60, 2000, 5, 1}}) {
    ConvGeometry g;
    g.groups = 2;
    g.ic = g.oc = 1;
    const auto axis = [&](int64_t in) {
      return Window(in, sizes.kernel, sizes.stride, 1, sizes.kernel / 2,
                    sizes.kernel / 2);
    };
    g.axes = {Window(1, 1, 1, 1, 0, 0), axis(sizes.height), axis(sizes.width)};
    CheckBits(Case(g, &random));
  }
}

TEST_CASE("a plane with NaN and infinities stores the one NaN") {
  std::mt19937 random(14);
  for (int64_t kernel : {3, 5}) {
    for (int64_t stride : {1, 2}) {
      ConvGeometry g;
      g.groups = 4;
      g.ic = g.oc = 1;
      const AxisMap axis = Window(13, kernel, stride, 1, kernel / 2, 1);
      g.axes = {Window(1, 1, 1, 1, 0, 0), axis, axis};
      Case c(g, &random);
      const auto plane = [&](int64_t p) { return c.in.begin() + 169 * p; };
      plane(1)[0] = -std::bit_cast<float>(0x7fc12345u);
      plane(2)[80] = kInfinity;
      plane(2)[81] = -kInfinity;
      plane(3)[168] = std::bit_cast<float>(0x7f812345u);
      CheckBits(c);
    }
  }
}

TEST_CASE("a transposed layer's phases come out right beyond one chunk") {
  std::mt19937 random(12);
  for (int64_t output_padding : {0, 1}) {
    for (int64_t stride : {2, 3}) {
      ConvGeometry g;
      g.n = 2;
      g.ic = 18;
      g.oc = 11;
      g.transposed = true;
      g.axes = {Stamp(1, 1, 1, 1, 0, 0),
                Stamp(20, 4, stride, 1, 1, output_padding),
                Stamp(37, 3, stride, 1, 1, output_padding)};
      CheckBits(Case(g, &random));
    }
  }
}

TEST_CASE("planes of few pixels come out right, whatever their number") {
  std::mt19937 random(13);
  for (int64_t height = 1; height <= 9; ++height) {
    for (int64_t width : {1, 2, 5, 7, 9}) {
      ConvGeometry g;
      g.n = 2;
      g.groups = 1 + height % 2;
      g.ic = 19;
      g.oc = 8 + width;
      g.axes = {Window(1, 1, 1, 1, 0, 0), Window(height, 3, 1, 1, 1, 1),
                Window(width, 3, 1, 1, 1, 1)};
      CheckBits(Case(g, &random));
    }
  }
  // More terms than a block holds, more channels than are summed at a time.
  ConvGeometry g;
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(7, 1, 1, 1, 0, 0),
            Window(7, 1, 1, 1, 0, 0)};
  std::set<std::string> algorithms;
  g.ic = 700;
  g.oc = 16;
  CheckBits(Case(g, &random), &algorithms);
  g.ic = 5;
  g.oc = 2100;
  CheckBits(Case(g, &random), &algorithms);
  CHECK(algorithms == std::set<std::string>{"small"});
}

TEST_CASE("a sum of more terms than a block holds is one sum") {
  std::mt19937 random(3);
  ConvGeometry g;
  g.ic = 150;
  g.oc = 11;
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(5, 3, 1, 1, 1, 1),
            Window(9, 3, 1, 1, 1, 1)};
  CheckBits(Case(g, &random));
}

TEST_CASE("a picture of more rows than a strip holds is one picture") {
  std::mt19937 random(4);
  ConvGeometry g;
  g.axes = {Window(2, 1, 1, 1, 0, 0), Window(60, 5, 1, 1, 2, 2),
            Window(900, 5, 1, 1, 2, 2)};
  CheckBits(Case(g, &random));
  // And rows longer than a strip.
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(2, 1, 1, 1, 0, 0),
            Window(30000, 3, 2, 7, 5, 0)};
  CheckBits(Case(g, &random));
}

TEST_CASE(
    "infinite inputs, NaN and a bias of -0 give the bits of the plain loops") {
  std::mt19937 random(5);
  for (int64_t channels : {1, 30}) {
    ConvGeometry g;
    g.ic = g.oc = channels;
    g.axes = {Window(1, 1, 1, 1, 0, 0), Window(7, 3, 1, 1, 1, 1),
              Window(11, 3, 1, 1, 1, 1)};
    Case c(g, &random);
    c.bias[0] = -0.0f;
    c.in[3] = kInfinity;
    c.in[40] = -kInfinity;
    c.in[70] = -std::bit_cast<float>(0x7fc12345u);
    std::fill(c.weight.begin(), c.weight.begin() + 4, 0.0f);
    CheckBits(c);
  }
}

TEST_CASE("an infinite weight does not meet zero padding") {
  std::mt19937 random(6);
  ConvGeometry g;
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(3, 3, 1, 1, 1, 1),
            Window(5, 3, 1, 1, 1, 1)};
  Case c(g, &random);
  const std::unique_ptr<Kernel> kernel = c.Make();
  CHECK(std::string(kernel->algorithm()) != "cells");
  for (float bad : {kInfinity, kNaN}) {
    c.weight[0] = bad;
    kernel->Repack();
    CHECK(std::string(kernel->algorithm()) == "cells");
    CHECK(SameBits(c.Run(kernel.get()), c.Plain()));
  }
  // The top left output reads padding there and stays a number.
  CHECK(std::isfinite(c.Run(kernel.get())[kGuards]));
  c.weight[0] = 1.0f;
  kernel->Repack();
  CHECK(std::string(kernel->algorithm()) != "cells");
  CHECK(SameBits(c.Run(kernel.get()), c.Plain()));
}

TEST_CASE("Repack reads new weights and a new bias") {
  std::mt19937 random(7);
  for (int64_t channels : {1, 30}) {
    ConvGeometry g;
    g.ic = g.oc = channels;
    g.axes = {Window(1, 1, 1, 1, 0, 0), Window(6, 2, 1, 1, 0, 0),
              Window(6, 2, 1, 1, 0, 0)};
    Case c(g, &random);
    const std::unique_ptr<Kernel> kernel = c.Make();
    for (float& w : c.weight) w = -w;
    for (float& b : c.bias) b += 1.0f;
    kernel->Repack();
    CHECK(SameBits(c.Run(kernel.get()), c.Plain()));
  }
}

TEST_CASE("fast math errs no more than float sums may") {
  std::mt19937 random(8);
  int cases = 0;
  while (cases < 200) {
    ConvGeometry g;
    if (!RandomGeometry(&random, &g)) continue;
    ++cases;
    Case c(g, &random);
    INFO(Describe(g));
    // Magnitudes of the sums: with them, n roundings err by n * 2^-24 at most.
    Case magnitudes = c;
    for (auto* numbers :
         {&magnitudes.weight, &magnitudes.bias, &magnitudes.in}) {
      for (float& number : *numbers) number = std::abs(number);
    }
    const std::vector<float> plain = c.Plain(), sums = magnitudes.Plain();
    const float terms = static_cast<float>(g.ic * g.taps() + 1);
    ForEachTarget([&] {
      const std::unique_ptr<Kernel> kernel = c.Make(Math::kFast);
      const std::vector<float> fast = c.Run(kernel.get());
      for (size_t i = 0; i < fast.size(); ++i) {
        const float error = std::abs(fast[i] - plain[i]);
        if (error > 2 * terms * 0x1p-24f * sums[i]) {
          FAIL_CHECK("output " << i << ": " << fast[i] << ", not " << plain[i]);
        }
      }
    });
  }
}

TEST_CASE("Winograd errs at most eight times as much as the direct sum") {
  std::mt19937 random(10);
  struct Sizes {
    int64_t ic, oc, height, width, before, after;
    int64_t dilation = 1;
  };
  const Sizes table[] = {{16, 16, 8, 8, 1, 1},   {64, 20, 21, 34, 1, 1},
                         {33, 18, 30, 11, 2, 0}, {17, 23, 10, 130, 0, 1},
                         {64, 40, 7, 7, 1, 1},   {18, 17, 5, 24, 1, 1},
                         {256, 16, 14, 14, 1, 1}};
  for (const Sizes& sizes : table) {
    for (PaddingMode mode : {PaddingMode::kZeros, PaddingMode::kReflect}) {
      ConvGeometry g;
      g.n = 2;
      g.ic = sizes.ic;
      g.oc = sizes.oc;
      g.axes = {
          Window(1, 1, 1, 1, 0, 0),
          Window(sizes.height, 3, 1, sizes.dilation, sizes.before, sizes.after),
          Window(sizes.width, 3, 1, sizes.dilation, sizes.before, sizes.after)};
      for (AxisMap& map : g.axes) map.mode = mode;
      const Case c(g, &random);
      INFO(Describe(g));
      const std::vector<double> exact =
          ReferenceForward(g, c.in.data(), c.weight.data(), c.bias.data())
              .values;
      const auto worst = [&](const std::vector<float>& out) {
        double error = 0;
        for (size_t i = 0; i < exact.size(); ++i) {
          error = std::max(error, std::abs(out[kGuards + i] - exact[i]));
        }
        return error;
      };
      const double direct = worst(c.Plain());
      ForEachTarget([&] {
        const std::unique_ptr<Kernel> kernel = c.Make(Math::kFast);
        REQUIRE(std::string(kernel->algorithm()) == "winograd");
        const std::vector<float> out = c.Run(kernel.get());
        CHECK(worst(out) <= 8 * direct);
        for (size_t i = 0; i < kGuards; ++i) {
          REQUIRE(out[i] == kGuard);
          REQUIRE(out[out.size() - 1 - i] == kGuard);
        }
      });
    }
  }
}

TEST_CASE("a kernel holds the weights and a few hundred kB at most") {
  std::mt19937 random(9);
  ConvGeometry g;
  g.ic = g.oc = 64;
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(224, 3, 1, 1, 1, 1),
            Window(224, 3, 1, 1, 1, 1)};
  const int64_t weights = g.ic * g.oc * g.taps() * 4;
  CHECK(Case(g, &random).Make()->workspace_bytes() < weights + 512 * 1024);
  g.ic = g.oc = 1;
  g.groups = 64;
  CHECK(Case(g, &random).Make()->workspace_bytes() < 512 * 1024);
}

}  // namespace convscope
