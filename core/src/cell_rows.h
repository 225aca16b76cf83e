// Rows of one output channel straight out of the input: the part of what an
// edit of the weight reaches that meets no padding.
#ifndef CONVSCOPE_SRC_CELL_ROWS_H_
#define CONVSCOPE_SRC_CELL_ROWS_H_

#include <cstdint>

#include "convscope/conv.h"
#include "core/src/conv_cells.h"

namespace convscope {

// Outputs [begin, end) of an axis.
struct CellRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
};

// Rows and columns of output planes.
struct CellBox {
  CellRange rows;
  CellRange columns;
};

// The largest part of `cells` that ComputeRows() takes: of a 3x3 kernel that
// moves cell by cell, where all taps lie inside the input, in multiples of the
// rows and columns that it computes at once. Empty if that is not most of them.
CellBox FindRows(const ConvGeometry& geometry, const ConvCells& cells);

// Writes the outputs of `box` in the batch entries, channels and depths of
// `cells`, with the bits of ComputeCells.
void ComputeRows(const ConvGeometry& geometry, const float* weight,
                 const float* bias, const float* in, const ConvCells& cells,
                 const CellBox& box, float* out);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CELL_ROWS_H_
