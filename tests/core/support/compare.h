// How results are compared: by value, by bits, or within a tolerance that is
// derived from what was added up. The rules for the vectors are those of their
// README.md.
#ifndef CONVSCOPE_TESTS_SUPPORT_COMPARE_H_
#define CONVSCOPE_TESTS_SUPPORT_COMPARE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tests/core/support/json.h"

namespace convscope::testing {

// Each answers "" or the first difference in words.

// Every bit, those of NaN and of -0 as well.
std::string BitDifference(std::span<const float> got,
                          std::span<const float> want);

// 0 equals -0, NaN equals NaN.
std::string ValueDifference(std::span<const float> got,
                            std::span<const float> want);

// |got - want| <= allowed(i); infinities must agree, NaN must meet NaN.
std::string Difference(std::span<const float> got, std::span<const float> want,
                       const std::function<double(size_t)>& allowed);

// How far a float32 sum of `terms` products in any order may lie from the exact
// one, `scale` being the sum of the absolute products. Each of the `terms`
// multiplications and additions errs by 2^-24 of a partial sum at most, and the
// errors of both signs grow like a random walk; twice that, and four units for
// the roundings at both ends.
double SumTolerance(double scale, double terms);

// Compares tensor `name` of a case of the vectors; `terms` as above.
std::string VectorDifference(const Json& test, const std::string& name,
                             std::span<const float> got,
                             std::span<const float> want, double terms);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_COMPARE_H_
