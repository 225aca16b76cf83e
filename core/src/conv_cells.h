// The plain convolution: what every kernel must reproduce to the last bit.
#ifndef CONVSCOPE_SRC_CONV_CELLS_H_
#define CONVSCOPE_SRC_CONV_CELLS_H_

#include <array>
#include <vector>

#include "convscope/cells.h"
#include "convscope/conv.h"

namespace convscope {

// Index lists over batch, output channels of all groups, depth, height, width.
using ConvCells = std::array<IndexList, 5>;

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

// The same for every output cell, without lists as long as the tensor.
void ComputeAllCells(const ConvGeometry& geometry, const float* weight,
                     const float* bias, const float* in, float* out);

// The cells of a layer's output, of rank `rank`, as cells of five axes: those
// that are missing hold index 0.
ConvCells FiveAxes(const Product& cells, size_t rank, int axes);

// A tap that meets the input: where in the input's plane, where in the kernel.
struct Tap {
  int64_t in;
  int64_t weight;
};

// The taps of one axis for output index `o`, in the kernel's order.
void TapsOf(const AxisMap& map, int64_t o, std::vector<Tap>* taps);

// The taps of an axis joined with those of the next inner one, `map`.
void JoinTaps(const std::vector<Tap>& outer, const std::vector<Tap>& inner,
              const AxisMap& map, std::vector<Tap>* joined);

// Adds to `grad_input` the products of the output cells' gradients with the
// weights that they were made with. A cell whose gradient is 0 adds nothing.
void ScatterCells(const ConvGeometry& geometry, const float* weight,
                  const float* grad_output, const ConvCells& cells,
                  float* grad_input);

// The convolution whose values are the gradient of `geometry` by its padded
// input, run on grad_output with the same weight array: a transposed
// convolution for a plain one, and the other way round.
ConvGeometry InputGradientGeometry(const ConvGeometry& geometry);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CONV_CELLS_H_
