// Properties that every layer has, checked for one layer and input shape.
#ifndef CONVSCOPE_TESTS_SUPPORT_PROPERTIES_H_
#define CONVSCOPE_TESTS_SUPPORT_PROPERTIES_H_

#include <string>
#include <vector>

#include "convscope/layer.h"

namespace convscope::testing {

// Values that are all different: a shuffled 0.25, 0.5, 0.75 …
std::vector<float> DistinctValues(int64_t count, uint32_t seed);

// Each answers "" or what is wrong in words.

// ForwardCells of random products of output cells: the bits of Forward there,
// and no other cell touched.
std::string CellsFault(const Layer& layer, const Shape& in, uint32_t seed);

// Reads and ReadBy against the values themselves: a cell that is not a number
// makes not a number of just the outputs that read it. For sums, copies, maxima
// and functions of one cell.
std::string DependencyFault(const Layer& layer, const Shape& in);

// Backward against (f(x + h) - f(x - h)) / 2h in each direction, for values
// that no step of h = 1/64 lets pass one another. `tolerance` is what f's own
// curvature and rounding may cost; 0 for piecewise linear layers, where sums of
// such values are exact. Then BackwardCells of random products of outputs
// against Backward.
std::string GradientFault(const Layer& layer, const Shape& in,
                          double tolerance);

// The whole output, and all inputs' gradients for this gradient of the output.
std::vector<float> Values(const Layer& layer, const Shape& in,
                          const std::vector<float>& values);
std::vector<float> InputGradient(const Layer& layer, const Shape& in,
                                 const std::vector<float>& values,
                                 const std::vector<float>& grad_output);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_PROPERTIES_H_
