// The matrix product with the channels in the vectors: few pixels.
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

}  // namespace

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

}  // namespace convscope
