// The depthwise kernel: single planes of any size.
#include <bit>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "tests/core/support/kernel_case.h"

namespace convscope {
namespace {

using testing::Case;
using testing::CheckBits;
using testing::Window;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

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

}  // namespace convscope
