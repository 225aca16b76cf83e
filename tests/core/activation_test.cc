// Activations.
#include "convscope/activation.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/src/python_float.h"
#include "doctest/doctest.h"
#include "tests/core/support/properties.h"

namespace convscope::testing {
namespace {

using Floats = std::vector<float>;
using Kind = ActivationKind;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

std::unique_ptr<Activation> Make(const ActivationOptions& options) {
  std::unique_ptr<Activation> activation;
  REQUIRE(Activation::Create(options, &activation).ok());
  return activation;
}

Floats Of(const ActivationOptions& options, const Floats& x) {
  return Values(*Make(options), {static_cast<int64_t>(x.size())}, x);
}

// f'(x) at each x.
Floats Slopes(const ActivationOptions& options, const Floats& x) {
  return InputGradient(*Make(options), {static_cast<int64_t>(x.size())}, x,
                       Floats(x.size(), 1.0f));
}

std::vector<ActivationOptions> AllActivations() {
  std::vector<ActivationOptions> all;
  for (int kind = 0; kind <= static_cast<int>(Kind::kLogSigmoid); ++kind) {
    all.push_back({.kind = static_cast<Kind>(kind)});
  }
  all.push_back({.kind = Kind::kGELU, .approximate = "tanh"});
  all.push_back({.kind = Kind::kLeakyReLU, .negative_slope = -0.25});
  all.push_back({.kind = Kind::kELU, .alpha = 0.5});
  all.push_back({.kind = Kind::kCELU, .alpha = 2.5});
  all.push_back({.kind = Kind::kSoftplus, .beta = 2, .threshold = 8});
  all.push_back({.kind = Kind::kHardtanh, .min_val = -3, .max_val = 0.5});
  return all;
}

bool Near(const Floats& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - want[i]) <= 1e-7 * std::fabs(want[i]))) {
      return false;
    }
  }
  return true;
}

TEST_CASE("piecewise linear activations have their corners where they should") {
  const Floats x = {-4, -3, -1, 0, 1, 3, 4, 7};
  CHECK(Of({.kind = Kind::kReLU}, x) == Floats{0, 0, 0, 0, 1, 3, 4, 7});
  CHECK(Of({.kind = Kind::kReLU6}, x) == Floats{0, 0, 0, 0, 1, 3, 4, 6});
  CHECK(Of({.kind = Kind::kLeakyReLU, .negative_slope = 0.5}, x) ==
        Floats{-2, -1.5, -0.5, 0, 1, 3, 4, 7});
  CHECK(Of({.kind = Kind::kHardtanh}, x) == Floats{-1, -1, -1, 0, 1, 1, 1, 1});
  CHECK(Near(Of({.kind = Kind::kHardsigmoid}, x),
             {0, 0, 2 / 6.0, 0.5, 4 / 6.0, 1, 1, 1}));
  CHECK(Near(Of({.kind = Kind::kHardswish}, x),
             {0, 0, -2 / 6.0, 0, 4 / 6.0, 3, 4, 7}));
}

TEST_CASE("at a corner the slope is the one that torch takes") {
  CHECK(Slopes({.kind = Kind::kReLU}, {0}) == Floats{0});
  CHECK(Slopes({.kind = Kind::kReLU6}, {0, 6}) == Floats{0, 0});
  CHECK(Slopes({.kind = Kind::kLeakyReLU, .negative_slope = 0.5}, {0}) ==
        Floats{0.5});
  CHECK(Slopes({.kind = Kind::kHardtanh}, {-1, 1}) == Floats{0, 0});
  CHECK(Slopes({.kind = Kind::kHardsigmoid}, {-3, 3}) == Floats{0, 0});
  CHECK(Slopes({.kind = Kind::kHardswish}, {-3, 3}) == Floats{0, 1});
  CHECK(Slopes({.kind = Kind::kELU, .alpha = 0.5}, {0}) == Floats{0.5});
}

TEST_CASE("curved activations have the values of tables") {
  // 12 digits from a calculator of arbitrary precision.
  CHECK(Near(Of({.kind = Kind::kSigmoid}, {1, -2}),
             {0.731058578630, 0.119202922022}));
  CHECK(Near(Of({.kind = Kind::kTanh}, {0.5, -1}),
             {0.462117157260, -0.761594155956}));
  CHECK(Near(Of({.kind = Kind::kGELU}, {1, -1}),
             {0.841344746069, -0.158655253931}));
  CHECK(Near(Of({.kind = Kind::kGELU, .approximate = "tanh"}, {1}),
             {0.841191990608}));
  CHECK(Near(Of({.kind = Kind::kSiLU}, {1}), {0.731058578630}));
  CHECK(Near(Of({.kind = Kind::kMish}, {1}), {0.865098388267}));
  CHECK(Near(Of({.kind = Kind::kSoftplus}, {0, 1}),
             {0.693147180560, 1.31326168752}));
  CHECK(
      Near(Of({.kind = Kind::kSoftplus, .beta = 2, .threshold = 1}, {1}), {1}));
  CHECK(Near(Of({.kind = Kind::kLogSigmoid}, {0, -1}),
             {-0.693147180560, -1.31326168752}));
  CHECK(Near(Of({.kind = Kind::kELU, .alpha = 2}, {-1}), {-1.26424111766}));
  CHECK(Near(Of({.kind = Kind::kSELU}, {1, -1}),
             {1.05070098736, -1.11133073781}));
  CHECK(Near(Of({.kind = Kind::kCELU, .alpha = 2}, {-1}), {-0.786938680575}));
  CHECK(Near(Of({.kind = Kind::kSoftsign}, {3, -1}), {0.75, -0.5}));
}

TEST_CASE("NaN comes out as the one quiet NaN of every activation") {
  const float odd = std::bit_cast<float>(0xffc12345u);
  for (const ActivationOptions& options : AllActivations()) {
    CAPTURE(Make(options)->ToString());
    CHECK(std::bit_cast<uint32_t>(Of(options, {odd})[0]) == 0x7fc00000u);
  }
}

TEST_CASE("infinities take the limit of torch's formula") {
  CHECK(Of({.kind = Kind::kReLU}, {-kInf, kInf}) == Floats{0, kInf});
  CHECK(Of({.kind = Kind::kSigmoid}, {-kInf, kInf}) == Floats{0, 1});
  CHECK(Of({.kind = Kind::kTanh}, {-kInf, kInf}) == Floats{-1, 1});
  CHECK(Of({.kind = Kind::kELU}, {-kInf, kInf}) == Floats{-1, kInf});
  CHECK(Of({.kind = Kind::kLogSigmoid}, {-kInf, kInf}) == Floats{-kInf, 0});
  // -inf * 0
  for (Kind kind : {Kind::kGELU, Kind::kSiLU, Kind::kMish, Kind::kHardswish}) {
    CAPTURE(ToString(kind));
    const Floats y = Of({.kind = kind}, {-kInf, kInf});
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == kInf);
  }
}

TEST_CASE("where an activation is flat no gradient passes, not even NaN") {
  for (float gradient : {kInf, kNaN}) {
    CHECK(InputGradient(*Make({.kind = Kind::kReLU}), {1}, {-1}, {gradient}) ==
          Floats{0});
    CHECK(InputGradient(*Make({.kind = Kind::kHardtanh}), {1}, {2},
                        {gradient}) == Floats{0});
  }
  CHECK(InputGradient(*Make({.kind = Kind::kReLU}), {1}, {kInf}, {3}) ==
        Floats{3});
}

TEST_CASE("an activation's gradient is its slope") {
  for (const ActivationOptions& options : AllActivations()) {
    CAPTURE(Make(options)->ToString());
    // Third derivatives below 2 and h^2 / 6 = 4e-5, times weights up to 20;
    // rounding of values up to 10 over 2h, times 20.
    CHECK(GradientFault(*Make(options), {5, 16}, 2e-2) == "");
  }
}

TEST_CASE("an activation takes any shape, scalars and empty ones as well") {
  const auto relu = Make({.kind = Kind::kReLU});
  CHECK(Values(*relu, {}, {-2}) == Floats{0});
  CHECK(Values(*relu, {0, 3}, {}).empty());
  CHECK(relu->AxisMaps({}).empty());
}

TEST_CASE("cells depend on themselves alone, and can be computed alone") {
  for (const ActivationOptions& options : AllActivations()) {
    CAPTURE(Make(options)->ToString());
    CHECK(DependencyFault(*Make(options), {2, 3}) == "");
    CHECK(CellsFault(*Make(options), {2, 3, 5}, 8) == "");
  }
}

TEST_CASE("activations print as torch prints them") {
  CHECK(Make({.kind = Kind::kReLU})->ToString() == "ReLU()");
  CHECK(Make({.kind = Kind::kLeakyReLU})->ToString() ==
        "LeakyReLU(negative_slope=0.01)");
  CHECK(Make({.kind = Kind::kELU, .alpha = 2})->ToString() == "ELU(alpha=2.0)");
  CHECK(Make({.kind = Kind::kGELU})->ToString() == "GELU(approximate='none')");
  CHECK(Make({.kind = Kind::kSoftplus})->ToString() ==
        "Softplus(beta=1.0, threshold=20.0)");
  CHECK(Make({.kind = Kind::kHardtanh})->ToString() ==
        "Hardtanh(min_val=-1.0, max_val=1.0)");
}

TEST_CASE("names lead to kinds and back") {
  for (const ActivationOptions& options : AllActivations()) {
    Kind kind = Kind::kReLU;
    CHECK(ParseActivationKind(ToString(options.kind), &kind));
    CHECK(kind == options.kind);
  }
  Kind kind;
  CHECK_FALSE(ParseActivationKind("relu", &kind));
}

TEST_CASE("options that torch refuses are refused in its words") {
  std::unique_ptr<Activation> made;
  CHECK(Activation::Create({.kind = Kind::kGELU, .approximate = "erf"}, &made)
            .message == "approximate argument must be either none or tanh.");
  CHECK(Activation::Create({.kind = Kind::kHardtanh, .min_val = 2}, &made)
            .message == "min_val cannot be greater than max_val");
  CHECK(Activation::Create({.kind = Kind::kCELU, .alpha = 0}, &made).message ==
        "alpha cannot be 0 for CELU");
}

TEST_CASE("floats print as Python prints them") {
  CHECK(PythonFloat(0) == "0.0");
  CHECK(PythonFloat(-0.0) == "-0.0");
  CHECK(PythonFloat(20) == "20.0");
  CHECK(PythonFloat(0.1) == "0.1");
  CHECK(PythonFloat(-2.625) == "-2.625");
  CHECK(PythonFloat(0.0001) == "0.0001");
  CHECK(PythonFloat(0.00001) == "1e-05");
  CHECK(PythonFloat(1.25e-7) == "1.25e-07");
  CHECK(PythonFloat(123456789012345.0) == "123456789012345.0");
  CHECK(PythonFloat(1e15) == "1000000000000000.0");
  CHECK(PythonFloat(1e16) == "1e+16");
  CHECK(PythonFloat(-1.5e22) == "-1.5e+22");
  CHECK(PythonFloat(1.0 / 0.0) == "inf");
  CHECK(PythonFloat(kNaN) == "nan");
}

}  // namespace
}  // namespace convscope::testing
