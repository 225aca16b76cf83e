// The kernel for few channels: strips of the input.
#include <random>

#include "doctest/doctest.h"
#include "tests/core/support/kernel_case.h"

namespace convscope {
namespace {

using testing::Case;
using testing::CheckBits;
using testing::Window;

}  // namespace

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

}  // namespace convscope
