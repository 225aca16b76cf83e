// The plain convolution: what every kernel must reproduce to the last bit.
#ifndef CONVSCOPE_SRC_CONV_CELLS_H_
#define CONVSCOPE_SRC_CONV_CELLS_H_

#include <array>

#include "convscope/cells.h"
#include "convscope/conv.h"

namespace convscope {

// Index lists over batch, output channels of all groups, depth, height, width.
using ConvCells = std::array<IndexList, 5>;

// Every output cell of `geometry`.
ConvCells AllConvCells(const ConvGeometry& geometry);

// Writes the output cells `cells` and leaves the others alone. Each is
// `bias` + 0 (null: 0), then its products one by one in the weight's row-major
// order, every operation rounded on its own; taps that meet a zero padding cell
// are left out. A result that is not a number is stored as 0x7fc00000.
//
// in [N][G * IC][D][H][W], weight [G * OC][IC][k...] or, transposed,
// [G * IC][OC][k...], out [N][G * OC][D][H][W]; all five axes of `geometry`.
void ComputeCells(const ConvGeometry& geometry, const float* weight,
                  const float* bias, const float* in, const ConvCells& cells,
                  float* out);

// The one NaN that computed results hold.
float CanonicalNaN(float value);

// The convolution whose values are the gradient of `geometry` by its padded
// input, run on grad_output with the same weight array: a transposed
// convolution for a plain one, and the other way round.
ConvGeometry InputGradientGeometry(const ConvGeometry& geometry);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CONV_CELLS_H_
