// The matrix product: blocks, chunks and phases of its sum.
#include <random>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "tests/core/support/kernel_case.h"

namespace convscope {
namespace {

using testing::Case;
using testing::CheckBits;
using testing::Stamp;
using testing::Window;

}  // namespace

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

TEST_CASE("a sum of more terms than a block holds is one sum") {
  std::mt19937 random(3);
  ConvGeometry g;
  g.ic = 150;
  g.oc = 11;
  g.axes = {Window(1, 1, 1, 1, 0, 0), Window(5, 3, 1, 1, 1, 1),
            Window(9, 3, 1, 1, 1, 1)};
  CheckBits(Case(g, &random));
}

TEST_CASE("a row of any stride comes out right, short or long") {
  std::mt19937 random(15);
  // Where few pixels read is kept from run to run; where many do is not.
  for (int64_t width : {160, 9000}) {
    for (int64_t stride : {1, 2, 3, 5}) {
      ConvGeometry g;
      g.n = 2;
      g.ic = 5;
      g.oc = 17;
      g.axes = {Window(1, 1, 1, 1, 0, 0), Window(1, 1, 1, 1, 0, 0),
                Window(width, 4, stride, 1, 1, 2)};
      std::set<std::string> algorithms;
      CheckBits(Case(g, &random), &algorithms);
      CHECK(algorithms == std::set<std::string>{"gemm"});
    }
  }
}

}  // namespace convscope
