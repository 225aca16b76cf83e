// The cell kernels of convolutions, which a watch edits with: the bits of the
// plain loops, for any cells, and nothing else written.
#include <algorithm>
#include <limits>
#include <numeric>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/core/support/targets.h"

namespace convscope::testing {
namespace {

// All of an axis, a stretch of it, one index, or any.
IndexList RandomList(Random* random, int64_t size) {
  IndexList list = Everything(size);
  if (random->Chance(40)) return list;
  if (random->Chance(40)) {
    const int64_t begin = random->Int(0, size - 1);
    const int64_t end =
        random->Chance(40) ? begin : random->Int(begin, size - 1);
    return {list.begin() + begin, list.begin() + end + 1};
  }
  std::erase_if(list, [&](int32_t) { return random->Chance(30); });
  return list;
}

enum class Kernels { kAny, k3x3 };

ConvCase LargeConv(Random* random, Kernels kernels) {
  const bool is_3x3 = kernels == Kernels::k3x3;
  const int axes = static_cast<int>(random->Int(is_3x3 ? 2 : 1, 3));
  const bool transposed = !is_3x3 && random->Chance(40);
  for (;;) {
    ConvOptions options = RandomConvOptions(random, axes, transposed);
    if (is_3x3) {
      // Cell by cell over rows that are neighbours: a way of its own.
      options.kernel_size = 3;
      options.stride = 1;
      options.dilation = {1, random->Int(1, 3)};
      if (axes == 3) options.dilation = {random->Int(1, 2), 1, 1};
    }
    if (random->Chance(30)) {
      options.groups = 1;
      options.in_channels = random->Int(1, 20);
      options.out_channels = random->Int(1, 20);
    }
    Generator generator(static_cast<uint64_t>(random->Int(0, 1000)));
    std::unique_ptr<Conv> conv;
    if (!Conv::Create(options, &generator, &conv).ok()) continue;
    Shape in;
    if (random->Chance(50)) in.push_back(random->Int(1, 2));
    in.push_back(options.in_channels);
    const std::vector<int64_t> longest = {300, 24, 10};
    for (int axis = 0; axis < axes; ++axis) {
      in.push_back(random->Int(1, longest[static_cast<size_t>(axes) - 1]));
    }
    Shape out;
    if (!conv->OutputShape(in, &out).ok() || out.elements() == 0) continue;
    return {std::move(conv), in};
  }
}

void CheckCells(Random* random, const ConvCase& test) {
  const Shape out_shape = OutputShape(*test.conv, test.in);
  INFO(test.conv->ToString());
  INFO(ToString(test.in));
  std::vector<float> in = random->Values(test.in.elements());
  std::unique_ptr<CellKernel> kernel;
  Require(test.conv->MakeCellKernel(test.in, &kernel));
  for (int round = 0; round < 4; ++round) {
    // Edits in between: the kernel keeps weights of its own.
    const Parameter weight = test.conv->Parameters()[0];
    if (weight.shape.elements() > 0) {
      const int64_t edited = random->Int(0, weight.shape.elements() - 1);
      weight.data[edited] = random->AnyValue();
      kernel->ParameterChanged(0, edited);
    }
    if (test.in.elements() > 0) {
      in[static_cast<size_t>(random->Int(0, test.in.elements() - 1))] =
          random->AnyValue();
    }
    Product cells;
    for (int64_t size : out_shape.span()) {
      cells.axes.push_back(RandomList(random, size));
    }
    std::vector<float> got(static_cast<size_t>(out_shape.elements()), 12.5f);
    std::vector<float> want = got;
    kernel->Run(in.data(), cells, got.data());
    test.conv->ForwardCells(test.in, in.data(), cells, want.data());
    REQUIRE(BitDifference(got, want) == "");
  }
}

TEST_CASE(
    "cell kernels give the bits of the plain loops and write nothing else") {
  Random random(51);
  ForEachTarget([&] {
    for (int i = 0; i < 150; ++i) {
      CheckCells(&random, LargeConv(&random, Kernels::kAny));
    }
    for (int i = 0; i < 50; ++i) {
      CheckCells(&random, LargeConv(&random, Kernels::k3x3));
    }
  });
}

TEST_CASE(
    "an infinite weight over padding adds nothing in a cell kernel either") {
  ConvOptions options{
      .axes = 2, .in_channels = 2, .out_channels = 2, .kernel_size = 3};
  options.padding = 1;
  Random random(52);
  Generator generator(1);
  std::unique_ptr<Conv> conv;
  Require(Conv::Create(options, &generator, &conv));
  conv->Parameters()[0].data[0] = std::numeric_limits<float>::infinity();
  CheckCells(&random, {std::move(conv), {2, 12, 12}});
}

}  // namespace
}  // namespace convscope::testing
