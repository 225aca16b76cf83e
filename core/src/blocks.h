// The sliding blocks of an image: what Unfold and Fold have in common.
//
// Block cell (row, column) with row = (c * KH + kh) * KW + kw and column =
// oh * OW + ow is image cell (c, oh * stride - padding + kh * dilation, …), or
// nothing where that lies beyond the border.
#ifndef CONVSCOPE_SRC_BLOCKS_H_
#define CONVSCOPE_SRC_BLOCKS_H_

#include <array>
#include <cstdint>

#include "convscope/axis.h"
#include "convscope/cells.h"
#include "convscope/shape.h"
#include "convscope/status.h"

namespace convscope {

struct Blocks {
  int64_t n = 1;                // batch
  bool batched = false;         // does the tensor have the batch axis?
  int64_t c = 1;                // channels of the image
  std::array<AxisMap, 2> axes;  // height, width: block o takes tap k from in

  int64_t taps() const { return axes[0].kernel * axes[1].kernel; }
  int64_t rows() const { return c * taps(); }
  int64_t columns() const { return axes[0].out * axes[1].out; }
  int64_t plane() const { return axes[0].in * axes[1].in; }
  Shape ImageShape() const;
  Shape MatrixShape() const;

  // matrix = the blocks of image. `cells` of the matrix; null: all.
  void Gather(const float* image, const Product* cells, float* matrix) const;
  // image = the sums of all block cells that lie on a cell, beginning with +0,
  // in the order of (kh, kw). `cells` of the image; null: all, by the fastest
  // way to the same bits.
  void Scatter(const float* matrix, const Product* cells, float* image) const;

  // The image cells under these matrix cells, and the matrix cells that hold
  // these image cells.
  Status ToImage(const Product& matrix, CellSet* image) const;
  Status ToMatrix(const Product& image, CellSet* matrix) const;
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_BLOCKS_H_
