// How the outputs of an edit are cut into strips: boxes whose sums are computed
// together, out of one copy of what they read.
#ifndef CONVSCOPE_SRC_CELL_STRIP_H_
#define CONVSCOPE_SRC_CELL_STRIP_H_

#include <cstdint>
#include <vector>

#include "convscope/axis.h"
#include "convscope/cells.h"
#include "convscope/conv.h"
#include "core/src/conv_cells.h"

namespace convscope {

// Runs are computed in multiples of this many sums.
inline constexpr int64_t kRound = 16;

inline int64_t RoundUp(int64_t count) {
  return (count + kRound - 1) / kRound * kRound;
}

// Outputs of one axis, `step` apart, that meet the input at the same taps,
// each `in_step` cells further on than the one before.
struct AxisRun {
  int64_t step;
  int64_t in_step;
  IndexList outputs;
  std::vector<int64_t> places;  // of the outputs, counted in steps
  // The positions that they read: the input index there, or
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

// The outputs of one axis as runs.
std::vector<AxisRun> RunsOf(const AxisMap& map, const IndexList& outputs);

// Positions from the first to the last that the taps of a window read.
int64_t Reach(const std::vector<Tap>& taps);

// Cells of a row of the input, and where they lie in the copy.
struct Stretch {
  int64_t to;
  int64_t source;
  int64_t count;
};

// The copy of positions [begin, end) without the padding: those that are `step`
// apart lie side by side, phase by phase, `pitch` apart.
void FindStretches(const std::vector<int64_t>& sources, int64_t begin,
                   int64_t end, int64_t step, int64_t pitch,
                   std::vector<Stretch>* stretches);

// One tap of a strip: its weight, and the first number of the copy that it
// meets.
struct StripTap {
  int64_t weight;
  int64_t input;
};

// A box of outputs, computed in strips of `rows` times `columns`.
struct Strip {
  Strip(const ConvGeometry& geometry, const AxisRun& depth,
        const AxisRun& height, const AxisRun& width);

  const AxisRun *depth, *height, *width;
  int64_t rows, columns;
  // The copy: [depth taps][copy_rows][pitch].
  int64_t row_reach, copy_rows, phase_pitch, pitch, copy_size;
  // Flat: all rows are one run, what lies between them included.
  bool is_flat;
  int64_t sums_pitch, sums_size;
  std::vector<StripTap> taps;
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_CELL_STRIP_H_
