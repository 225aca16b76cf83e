// Conv: values against the plain reference, and the properties that say what a
// convolution is. Shapes and refusals: conv_shape_test.cc.
#include "convscope/conv.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/src/reference.h"
#include "doctest/doctest.h"
#include "tests/core/support/compare.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/core/support/targets.h"

namespace convscope::testing {
namespace {

void Fill(Conv* conv, size_t parameter, const std::vector<float>& values) {
  std::copy(values.begin(), values.end(), conv->Parameters()[parameter].data);
}

std::unique_ptr<Conv> MakeConv(const ConvOptions& options) {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create(options, nullptr, &conv));
  return conv;
}

std::string Describe(const ConvCase& test) {
  return test.conv->ToString() + " on " + ToString(test.in) +
         ", padding kind " +
         std::to_string(static_cast<int>(test.conv->options().padding_kind));
}

// Checks sums against the reference; `terms` is how many each adds up at most.
std::string ReferenceDifference(const std::vector<float>& got,
                                const ReferenceSums& want, double terms) {
  std::vector<float> rounded(want.values.begin(), want.values.end());
  return Difference(got, rounded, [&](size_t i) {
    return SumTolerance(want.scale[i], terms);
  });
}

TEST_CASE("a convolution is its formula, within the rounding of its sums") {
  ForEachTarget([] {
    Random random(11);
    for (int round = 0; round < 60; ++round) {
      const ConvCase test = RandomConv(&random, round % 3 == 0);
      INFO(Describe(test));
      const ConvGeometry geometry = test.conv->Geometry(test.in);
      const std::vector<float> in = random.Values(test.in.elements());
      const ReferenceSums want = ReferenceForward(
          geometry, in.data(), test.conv->weight(), test.conv->bias());
      const double terms = static_cast<double>(geometry.ic * geometry.taps());
      REQUIRE(ReferenceDifference(Forward(*test.conv, test.in, in), want,
                                  terms) == "");
      std::vector<float> fast;
      Require(Forward(*test.conv, test.in, in, Math::kFast, &fast));
      // Winograd's transforms add roundings of their own, of up to a few times
      // the scale.
      REQUIRE(
          Difference(fast,
                     std::vector<float>(want.values.begin(), want.values.end()),
                     [&](size_t i) {
                       return 16 * SumTolerance(want.scale[i], terms);
                     }) == "");
    }
  });
}

TEST_CASE("gradients are those of the formula, within rounding") {
  ForEachTarget([] {
    Random random(12);
    for (int round = 0; round < 40; ++round) {
      const ConvCase test = RandomConv(&random, round % 3 == 0);
      INFO(Describe(test));
      const ConvGeometry geometry = test.conv->Geometry(test.in);
      const std::vector<float> in = random.Values(test.in.elements());
      const std::vector<float> grad_output =
          random.Values(OutputShape(*test.conv, test.in).elements());
      const ReferenceGradients want = ReferenceBackward(
          geometry, in.data(), test.conv->weight(), grad_output.data());
      const AllGradients got = Backward(*test.conv, test.in, in, grad_output);
      const double places = static_cast<double>(grad_output.size() + in.size());
      REQUIRE(ReferenceDifference(
                  got.input, want.input,
                  static_cast<double>(geometry.oc * geometry.taps())) == "");
      REQUIRE(ReferenceDifference(got.parameters[0], want.weight, places) ==
              "");
      if (test.conv->bias() != nullptr) {
        REQUIRE(ReferenceDifference(got.parameters[1], want.bias, places) ==
                "");
      }
    }
  });
}

TEST_CASE("every target gives the same bits, special values included") {
  Random random(13);
  for (int round = 0; round < 40; ++round) {
    const ConvCase test = RandomConv(&random, round % 3 == 0);
    INFO(Describe(test));
    std::vector<float> in(static_cast<size_t>(test.in.elements()));
    for (float& x : in) x = random.AnyValue();
    if (round % 2 == 0) {
      for (const Parameter& parameter : test.conv->Parameters()) {
        for (int64_t i = 0; i < parameter.shape.elements(); ++i) {
          parameter.data[i] = random.AnyValue();
        }
      }
    }
    const std::vector<float> grad_output =
        random.Values(OutputShape(*test.conv, test.in).elements());
    std::vector<float> first;
    AllGradients first_gradients;
    ForEachTarget([&] {
      const std::vector<float> out = Forward(*test.conv, test.in, in);
      const AllGradients gradients =
          Backward(*test.conv, test.in, in, grad_output);
      if (first.empty()) {
        first = out;
        first_gradients = gradients;
      }
      REQUIRE(BitDifference(out, first) == "");
      REQUIRE(BitDifference(gradients.input, first_gradients.input) == "");
      for (size_t p = 0; p < gradients.parameters.size(); ++p) {
        REQUIRE(BitDifference(gradients.parameters[p],
                              first_gradients.parameters[p]) == "");
      }
    });
  }
}

TEST_CASE("sums run in the documented order, each operation rounded") {
  // The order of the sums is a promise: here it is written out once more, with
  // the reference's enumeration of the products.
  ForEachTarget([] {
    Random random(14);
    for (int round = 0; round < 40; ++round) {
      const ConvCase test = RandomConv(&random, round % 3 == 0);
      INFO(Describe(test));
      const Shape shape = OutputShape(*test.conv, test.in);
      const std::vector<float> in = random.Values(test.in.elements());
      const std::vector<float> out = Forward(*test.conv, test.in, in);
      for (int cell = 0; cell < 20; ++cell) {
        const int64_t offset = random.Int(0, shape.elements() - 1);
        Explanation explanation;
        Require(test.conv->Explain(test.in, in.data(), IndexAt(shape, offset),
                                   &explanation));
        volatile float sum = explanation.bias + 0.0f;
        int64_t last = -1;
        for (const Term& term : explanation.terms) {
          // The weight's row-major order.
          REQUIRE(term.weight > last);
          last = term.weight;
          REQUIRE(term.w == test.conv->weight()[term.weight]);
          if (term.input < 0) {
            REQUIRE(term.x == 0.0f);
            continue;
          }
          REQUIRE(term.x == in[static_cast<size_t>(term.input)]);
          volatile float product = term.x * term.w;
          REQUIRE(term.product == product);
          sum = sum + product;
        }
        const float value = sum;
        REQUIRE(BitDifference({&value, 1}, {&out[offset], 1}) == "");
        REQUIRE(BitDifference({&explanation.value, 1}, {&out[offset], 1}) ==
                "");
      }
    }
  });
}

TEST_CASE("a kernel with a single one shifts its input") {
  ForEachTarget([] {
    Random random(15);
    for (int64_t kh = 0; kh < 3; ++kh) {
      for (int64_t kw = 0; kw < 4; ++kw) {
        const std::unique_ptr<Conv> conv = MakeConv({.axes = 2,
                                                     .kernel_size = {3, 4},
                                                     .padding = {1, 2},
                                                     .bias = false});
        std::vector<float> weight(12);
        weight[static_cast<size_t>(kh * 4 + kw)] = 1;
        Fill(conv.get(), 0, weight);
        const std::vector<float> in = random.Values(5 * 6);
        const std::vector<float> out = Forward(*conv, {1, 5, 6}, in);
        const Shape shape = OutputShape(*conv, {1, 5, 6});
        REQUIRE(shape == Shape{1, 5, 7});
        for (int64_t oh = 0; oh < 5; ++oh) {
          for (int64_t ow = 0; ow < 7; ++ow) {
            const int64_t ih = oh - 1 + kh;
            const int64_t iw = ow - 2 + kw;
            const bool is_inside = ih >= 0 && ih < 5 && iw >= 0 && iw < 6;
            const float want =
                is_inside ? in[static_cast<size_t>(ih * 6 + iw)] : 0;
            CAPTURE(oh);
            CAPTURE(ow);
            REQUIRE(out[static_cast<size_t>(oh * 7 + ow)] == want);
          }
        }
      }
    }
  });
}

TEST_CASE("a grouped convolution is its parts side by side") {
  ForEachTarget([] {
    Random random(16);
    for (bool transposed : {false, true}) {
      const ConvOptions options{.axes = 2,
                                .transposed = transposed,
                                .in_channels = 6,
                                .out_channels = 9,
                                .kernel_size = 3,
                                .stride = 2,
                                .padding = 1,
                                .groups = 3};
      const std::unique_ptr<Conv> whole = MakeConv(options);
      ConvOptions part_options = options;
      part_options.groups = 1;
      part_options.in_channels = 2;
      part_options.out_channels = 3;
      const std::vector<float> weight =
          random.Values(whole->weight_shape().elements());
      const std::vector<float> bias = random.Values(9);
      Fill(whole.get(), 0, weight);
      Fill(whole.get(), 1, bias);
      const std::vector<float> in = random.Values(6 * 7 * 8);
      const std::vector<float> out = Forward(*whole, {6, 7, 8}, in);
      std::vector<float> joined;
      for (int64_t g = 0; g < 3; ++g) {
        const std::unique_ptr<Conv> part = MakeConv(part_options);
        const int64_t weights = part->weight_shape().elements();
        Fill(
            part.get(), 0,
            {weight.begin() + g * weights, weight.begin() + (g + 1) * weights});
        Fill(part.get(), 1, {bias.begin() + g * 3, bias.begin() + g * 3 + 3});
        const std::vector<float> piece =
            Forward(*part, {2, 7, 8},
                    {in.begin() + g * 112, in.begin() + (g + 1) * 112});
        joined.insert(joined.end(), piece.begin(), piece.end());
      }
      REQUIRE(BitDifference(out, joined) == "");
    }
  });
}

TEST_CASE("a convolution is linear in its input") {
  // Exact on small multiples of 1/8.
  Random random(17);
  for (int round = 0; round < 30; ++round) {
    const ConvCase test = RandomConv(&random, round % 2 == 0);
    INFO(Describe(test));
    for (const Parameter& parameter : test.conv->Parameters()) {
      const std::vector<float> values =
          random.Dyadics(parameter.shape.elements());
      // Without the bias, which would count twice.
      for (size_t i = 0; i < values.size(); ++i) {
        parameter.data[i] = parameter.name == "bias" ? 0 : values[i];
      }
    }
    const std::vector<float> a = random.Dyadics(test.in.elements());
    const std::vector<float> b = random.Dyadics(test.in.elements());
    std::vector<float> sum(a.size());
    for (size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + 2 * b[i];
    const std::vector<float> of_a = Forward(*test.conv, test.in, a);
    const std::vector<float> of_b = Forward(*test.conv, test.in, b);
    std::vector<float> want(of_a.size());
    for (size_t i = 0; i < want.size(); ++i) want[i] = of_a[i] + 2 * of_b[i];
    REQUIRE(ValueDifference(Forward(*test.conv, test.in, sum), want) == "");
  }
}

TEST_CASE("cells computed alone have the whole run's bits, others stay") {
  ForEachTarget([] {
    Random random(18);
    for (int round = 0; round < 60; ++round) {
      const ConvCase test = RandomConv(&random, round % 3 == 0);
      INFO(Describe(test));
      const Shape shape = OutputShape(*test.conv, test.in);
      std::vector<float> in(static_cast<size_t>(test.in.elements()));
      for (float& x : in) x = random.AnyValue();
      const std::vector<float> whole = Forward(*test.conv, test.in, in);
      Product cells;
      for (int64_t size : shape.span()) {
        IndexList list;
        for (int64_t i = 0; i < size; ++i) {
          if (random.Chance(50)) list.push_back(static_cast<int32_t>(i));
        }
        if (list.empty()) list.push_back(0);
        cells.axes.push_back(std::move(list));
      }
      Guarded guarded(shape.elements());
      const std::vector<float> untouched = guarded.Take();
      test.conv->ForwardCells(test.in, in.data(), cells, guarded.data());
      const std::vector<float> got = guarded.Take();
      std::vector<float> want = untouched;
      ForEachOffset(shape, cells, [&](int64_t offset) {
        want[static_cast<size_t>(offset)] = whole[static_cast<size_t>(offset)];
      });
      REQUIRE(BitDifference(got, want) == "");
    }
  });
}

TEST_CASE("sizes around the vector widths come out like any other") {
  ForEachTarget([] {
    Random random(19);
    for (int64_t width : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65}) {
      for (int64_t channels : {1, 3, 4, 8, 9, 17}) {
        CAPTURE(width);
        CAPTURE(channels);
        const std::unique_ptr<Conv> conv = MakeConv({.axes = 2,
                                                     .in_channels = 2,
                                                     .out_channels = channels,
                                                     .kernel_size = 3,
                                                     .padding = 1});
        Fill(conv.get(), 0, random.Dyadics(conv->weight_shape().elements()));
        const Shape shape{2, 3, width};
        const std::vector<float> in = random.Dyadics(shape.elements());
        const ReferenceSums want = ReferenceForward(
            conv->Geometry(shape), in.data(), conv->weight(), conv->bias());
        const std::vector<float> exact(want.values.begin(), want.values.end());
        REQUIRE(ValueDifference(Forward(*conv, shape, in), exact) == "");
      }
    }
  });
}

TEST_CASE("a zero padding cell adds nothing, not even to an infinite weight") {
  const std::unique_ptr<Conv> conv =
      MakeConv({.axes = 1, .kernel_size = 3, .padding = 1, .bias = false});
  const float inf = std::numeric_limits<float>::infinity();
  Fill(conv.get(), 0, {inf, 1, 2});
  ForEachTarget([&] {
    CHECK(Forward(*conv, {1, 2}, {3, 4}) == std::vector<float>{11, inf});
  });
}

TEST_CASE("what is not a number is the one quiet NaN") {
  const std::unique_ptr<Conv> conv =
      MakeConv({.axes = 1, .kernel_size = 1, .bias = false});
  Fill(conv.get(), 0, {1});
  const float nan = std::bit_cast<float>(0xffc12345u);
  const float inf = std::numeric_limits<float>::infinity();
  Fill(conv.get(), 0, {0});
  ForEachTarget([&] {
    for (float out : Forward(*conv, {1, 3}, {nan, inf, -inf})) {
      CHECK(std::bit_cast<uint32_t>(out) == 0x7fc00000u);
    }
  });
}

TEST_CASE("a kernel reads changed weights when it is asked to") {
  const std::unique_ptr<Conv> conv = MakeConv(
      {.axes = 1, .in_channels = 8, .out_channels = 8, .kernel_size = 3});
  for (Math math : {Math::kReproducible, Math::kFast}) {
    std::unique_ptr<Kernel> kernel;
    Require(conv->MakeKernel({8, 20}, math, &kernel));
    Random random(20);
    const std::vector<float> in = random.Dyadics(8 * 20);
    Fill(conv.get(), 0, random.Dyadics(8 * 8 * 3));
    Fill(conv.get(), 1, random.Dyadics(8));
    kernel->Repack();
    Guarded out(8 * 18);
    kernel->Run(in.data(), out.data());
    CHECK(ValueDifference(out.Take(), Forward(*conv, {8, 20}, in)) == "");
  }
}

}  // namespace
}  // namespace convscope::testing
