#include "tests/core/support/compare.h"

#include <bit>
#include <cmath>
#include <cstdio>

namespace convscope::testing {
namespace {

bool Holds(const Json& list, const std::string& word) {
  if (!list.is_list()) return false;
  for (const Json& item : list.Items()) {
    if (item.String() == word) return true;
  }
  return false;
}

bool SameValue(float a, float b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

std::string Describe(size_t at, float got, float want, double allowed) {
  char text[160];
  std::snprintf(
      text, sizeof(text),
      "element %zu is %.9g instead of %.9g (%08x, %08x), allowed %.3g", at,
      double{got}, double{want}, std::bit_cast<uint32_t>(got),
      std::bit_cast<uint32_t>(want), allowed);
  return text;
}

std::string SizeDifference(size_t got, size_t want) {
  return std::to_string(got) + " elements instead of " + std::to_string(want);
}

}  // namespace

std::string BitDifference(std::span<const float> got,
                          std::span<const float> want) {
  if (got.size() != want.size()) return SizeDifference(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::bit_cast<uint32_t>(got[i]) != std::bit_cast<uint32_t>(want[i])) {
      return Describe(i, got[i], want[i], 0);
    }
  }
  return "";
}

std::string ValueDifference(std::span<const float> got,
                            std::span<const float> want) {
  return Difference(got, want, [](size_t) { return 0.0; });
}

std::string Difference(std::span<const float> got, std::span<const float> want,
                       const std::function<double(size_t)>& allowed) {
  if (got.size() != want.size()) return SizeDifference(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (SameValue(got[i], want[i])) continue;
    // Of an infinity and a number, or of NaN and a number, this is false.
    const double off = std::abs(double{got[i]} - double{want[i]});
    if (std::isfinite(got[i]) && std::isfinite(want[i]) && off <= allowed(i)) {
      continue;
    }
    return Describe(i, got[i], want[i], allowed(i));
  }
  return "";
}

double SumTolerance(double scale, double terms) {
  return std::ldexp(scale, -24) * (4 + 2 * std::sqrt(terms)) +
         std::ldexp(1.0, -140);
}

std::string VectorDifference(const Json& test, const std::string& name,
                             std::span<const float> got,
                             std::span<const float> want, double terms) {
  if (Holds(test["exact"], name)) return ValueDifference(got, want);
  if (Holds(test["tags"], "activation")) {
    return Difference(got, want, [&](size_t i) {
      return 1e-6 + 2e-6 * std::abs(double{want[i]});
    });
  }
  const Json& torch =
      test.Has("torch_f32") ? test["torch_f32"][name] : test["torch_f64"][name];
  const double allowed =
      SumTolerance(torch["scale"].Number(), terms) + 2 * torch["abs"].Number();
  return Difference(got, want, [&](size_t) { return allowed; });
}

}  // namespace convscope::testing
