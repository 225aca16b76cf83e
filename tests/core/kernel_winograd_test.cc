// Winograd: what it errs.
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/src/reference.h"
#include "doctest/doctest.h"
#include "tests/core/support/kernel_case.h"
#include "tests/core/support/targets.h"

namespace convscope {
namespace {

using testing::Case;
using testing::Describe;
using testing::ForEachTarget;
using testing::kGuard;
using testing::kGuards;
using testing::Window;

}  // namespace

TEST_CASE("Winograd errs at most eight times as much as the direct sum") {
  std::mt19937 random(10);
  struct Sizes {
    int64_t ic, oc, height, width, before, after;
    int64_t dilation = 1;
  };
  const Sizes table[] = {{16, 16, 8, 8, 1, 1},
                         {64, 20, 21, 34, 1, 1},
                         {33, 18, 30, 11, 2, 0},
                         {17, 23, 10, 130, 0, 1},
                         {64, 40, 7, 7, 1, 1},
                         {18, 17, 5, 24, 1, 1},
                         {256, 16, 14, 14, 1, 1},
                         // Channels in three blocks, columns in one panel and
                         // a half.
                         {270, 17, 9, 10, 1, 1},
                         // Blocks of tiles end amid a row.
                         {96, 16, 9, 200, 2, 1}};
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

}  // namespace convscope
