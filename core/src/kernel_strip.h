// Strip: the part of the input that a few rows of outputs read, copied with its
// padding, so that every tap of every output is a plain load.
//
// With stride s along the width, the copy holds columns 0, s, 2s, ... first,
// then 1, s + 1, ... ("slots"): neighbouring outputs find what one tap reads
// side by side at every stride.
#ifndef CONVSCOPE_SRC_KERNEL_STRIP_H_
#define CONVSCOPE_SRC_KERNEL_STRIP_H_

#include <cstdint>
#include <vector>

#include "core/src/kernel_phase.h"

namespace convscope {

// Sizes of the strips of one phase, the same for all of them.
struct StripShape {
  int64_t rows = 0;     // output rows of a strip, of one depth
  int64_t columns = 0;  // output columns of a strip
  int64_t slots = 0;
  int64_t pitch = 0;    // floats from slot to slot
  int64_t height = 0;   // input rows of a strip
  int64_t channel = 0;  // floats from input channel to input channel
  int64_t left = 0;     // the smallest shift of the width's taps
  int64_t top = 0;      // and of the height's

  int64_t row() const { return slots * pitch; }
};

// Strips of about `floats` floats for `ic` channels; `slack` floats may be read
// behind the last column.
StripShape ShapeStrips(const Phase& phase, int64_t ic, int64_t floats,
                       int64_t slack);

// Where, from the strip's first float on, output column 0 of row 0 finds tap t
// of input channel 0.
int64_t TapOffset(const Phase& phase, const StripShape& shape, int64_t t);

// How the cells of one strip's channel come from the input's plane.
struct StripCopy {
  struct Run {
    int32_t to, from, count;  // to + i <- from + i * step
  };
  int32_t step = 1;
  std::vector<Run> runs;   // inside the input
  std::vector<Run> zeros;  // zero padding: `from` means nothing
  std::vector<Run> cells;  // other padding, cell by cell

  // For the strip whose first output is (qd, qh, qw).
  void Find(const Phase& phase, const StripShape& shape, int64_t qd, int64_t qh,
            int64_t qw);
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_STRIP_H_
