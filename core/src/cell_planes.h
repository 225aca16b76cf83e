// One channel of a convolution's output at many positions: what an edit of the
// weight or the bias reaches.
#ifndef CONVSCOPE_SRC_CELL_PLANES_H_
#define CONVSCOPE_SRC_CELL_PLANES_H_

#include <cstdint>
#include <vector>

#include "convscope/buffer.h"
#include "convscope/conv.h"
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

  // Cells of a row of the input, and where they lie in the copy.
  struct Stretch {
    int64_t to;
    int64_t source;
    int64_t count;
  };

 private:
  // Outputs of one axis, `step` apart, that meet the input at the same taps,
  // each `in_step` cells further on than the one before.
  struct AxisRun {
    int64_t step;
    int64_t in_step;
    IndexList outputs;
    std::vector<int64_t> places;  // of the outputs, counted in steps
    // The positions that they read, from in_first on: the input index there, or
    // -1 for a zero padding cell.
    std::vector<int64_t> sources;
    // Tap::in counts from where the first output's window may begin at the
    // earliest, sources[0].
    std::vector<Tap> taps;

    // The outputs from the first to the last, those in between included.
    int64_t length() const {
      return (outputs.back() - outputs.front()) / step + 1;
    }
  };
  // Where a strip lies: batch entry, channel, depth, first row and column,
  // both counted along their runs.
  struct Place {
    int64_t n, c, od, row, column;
  };
  struct Strip;

  // All of `cells` by way of the copy.
  bool RunBox(const ConvGeometry& geometry, const float* weight,
              const float* bias, const float* in, const ConvCells& cells,
              float* out);
  static void FindRuns(const AxisMap& map, const IndexList& outputs,
                       std::vector<AxisRun>* runs);
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
