// One channel of a convolution's output at many positions: what an edit of the
// weight or the bias reaches.
#ifndef CONVSCOPE_SRC_CELL_PLANES_H_
#define CONVSCOPE_SRC_CELL_PLANES_H_

#include <cstdint>
#include <vector>

#include "convscope/buffer.h"
#include "convscope/conv.h"
#include "core/src/cell_strip.h"
#include "core/src/conv_cells.h"

namespace convscope {

// Where no padding is met, the rows are computed straight out of the input
// (cell_rows.h). Elsewhere strips of rows are computed out of a copy of the
// input in which padding is written out: there a whole strip is one run of
// numbers for every tap. The numbers between two rows of a strip are computed,
// too, and nobody takes them.
class CellPlanes {
 public:
  // The bits of ComputeCells. False, and some of the cells may be missing, if
  // this is not the fast way for these cells (there are few, or they lie far
  // apart), if a weight is not finite (a padding cell adds nothing, not even
  // then) or if memory ended.
  bool Run(const ConvGeometry& geometry, const float* weight, const float* bias,
           const float* in, const ConvCells& cells, float* out);

 private:
  // Where a strip lies: batch entry, channel, depth, first row and column,
  // both counted along their runs.
  struct Place {
    int64_t n, c, od, row, column;
  };

  // All of `cells` by way of the copy.
  bool RunBox(const ConvGeometry& geometry, const float* weight,
              const float* bias, const float* in, const ConvCells& cells,
              float* out);
  void RunStrips(const ConvGeometry& geometry, const float* weight,
                 const float* bias, const float* in, const ConvCells& cells,
                 const Strip& strip, float* out);
  void SumStrip(const ConvGeometry& geometry, const float* weight,
                const float* bias, const float* in, const Strip& strip,
                const std::vector<Stretch>& stretches, const Place& place);
  void TakeStrip(const ConvGeometry& geometry, const Strip& strip,
                 const Place& place, float* out) const;

  Buffer<float> copy_;  // of what a strip reads of an input channel, padded
  Buffer<float> sums_;  // of a strip
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CELL_PLANES_H_
