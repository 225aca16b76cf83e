// What holds for every convolution kernel, against the plain loops that define
// their bits. What is one kernel's own is in the file of its name.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "hwy/highway.h"
#include "tests/core/support/kernel_case.h"
#include "tests/core/support/targets.h"

namespace convscope {
namespace {

using testing::Case;
using testing::CheckBits;
using testing::Describe;
using testing::ForEachTarget;
using testing::kGuards;
using testing::RandomGeometry;
using testing::SameBits;
using testing::Stamp;
using testing::Window;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

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

TEST_CASE("only where hardly a tap meets the input do the plain loops run") {
  std::mt19937 random(12);
  const AxisMap one = Window(1, 1, 1, 1, 0, 0);
  const AxisMap stamp = Stamp(1, 1, 1, 1, 0, 0);
  struct Sizes {
    AxisMap height, width;
    bool is_plain;
  };
  const Sizes table[] = {
      // The gradient of a kernel of 1024 taps at its single input.
      {stamp, Stamp(1, 1024, 1, 3, 0, 0), true},
      {Window(1, 31, 1, 1, 15, 15), Window(1, 31, 1, 1, 15, 15), true},
      {one, Window(1, 300, 1, 1, 150, 150), true},
      {Window(1, 3, 1, 1, 1, 1), Window(1, 3, 1, 1, 1, 1), false},
      {Window(7, 7, 1, 1, 3, 3), Window(7, 7, 1, 1, 3, 3), false},
      {Stamp(4, 9, 8, 1, 0, 0), Stamp(3, 16, 16, 1, 0, 0), false},
  };
  for (const auto& [height, width, is_plain] : table) {
    ConvGeometry g;
    g.ic = 2;
    g.oc = 3;
    g.transposed = width.kind == AxisMap::Kind::kTransposed;
    g.axes = {g.transposed ? stamp : one, height, width};
    const Case c(g, &random);
    INFO(Describe(g));
    const std::unique_ptr<Kernel> kernel = c.Make(Math::kReproducible);
    CHECK((std::string(kernel->algorithm()) == "cells") == is_plain);
    CheckBits(c);
  }
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
