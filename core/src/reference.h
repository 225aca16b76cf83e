// The convolution as its formula says it, with sums in double precision: what
// every kernel is tested against. Slow and plain, and to stay so. Built into
// the tests, not into the library.
#ifndef CONVSCOPE_SRC_REFERENCE_H_
#define CONVSCOPE_SRC_REFERENCE_H_

#include <vector>

#include "convscope/conv.h"

namespace convscope {

// Sums, and beside each the sum of its terms' absolute values: what rounding
// errors go by.
struct ReferenceSums {
  std::vector<double> values;
  std::vector<double> scale;
};

// out[n][oc][o...] = bias[oc] + sum over ic, k... of in[n][ic][i...] * weight,
// see Conv. `bias` may be null.
ReferenceSums ReferenceForward(const ConvGeometry& geometry, const float* in,
                               const float* weight, const float* bias);

struct ReferenceGradients {
  ReferenceSums input;
  ReferenceSums weight;
  ReferenceSums bias;
};

// The gradients of sum(output * grad_output).
ReferenceGradients ReferenceBackward(const ConvGeometry& geometry,
                                     const float* in, const float* weight,
                                     const float* grad_output);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_REFERENCE_H_
