// Phase: a convolution, or the part of a transposed one that is a convolution.
//
// A transposed convolution of stride s interleaves s ordinary convolutions of
// stride 1: the outputs o = r, r + s, r + 2s, ... all use the same taps, every
// s-th or so of the kernel's. Computed phase by phase, no zero is ever stuffed
// between inputs and no product is wasted.
//
// Source: Shi et al., "Is the deconvolution layer the same as a convolutional
// layer?", 2016.
#ifndef CONVSCOPE_SRC_KERNEL_PHASE_H_
#define CONVSCOPE_SRC_KERNEL_PHASE_H_

#include <array>
#include <cstdint>

#include "convscope/conv.h"

namespace convscope {

// One axis of a phase: outputs o = first + q * step for q in [0, count). Tap t,
// which is number tap_first + t * tap_step of the kernel, reads of output q the
// input position q * stride + shift_first + t * shift_step; positions outside
// [0, in) are padding.
struct PhaseAxis {
  AxisMap map;
  int64_t first = 0;
  int64_t step = 1;
  int64_t count = 0;
  int64_t stride = 1;
  int64_t taps = 0;
  int64_t tap_first = 0;
  int64_t tap_step = 1;
  int64_t shift_first = 0;
  int64_t shift_step = 1;

  int64_t Shift(int64_t t) const { return shift_first + t * shift_step; }
  bool PadsZeros() const {
    return map.kind == AxisMap::Kind::kTransposed ||
           map.mode == PaddingMode::kZeros;
  }
  // The input index at a position, -1 for a zero padding cell.
  int64_t SourceAt(int64_t position) const {
    if (position >= 0 && position < map.in) return position;
    if (PadsZeros()) return -1;
    AxisMap cells = map;
    cells.stride = 1;
    return cells.Source(position + map.before, 0);
  }
  // The input index that output q reads at tap t, -1 for a zero padding cell.
  int64_t Source(int64_t q, int64_t t) const {
    return SourceAt(q * stride + Shift(t));
  }
};

struct Phase {
  std::array<PhaseAxis, 3> axes;

  int64_t pixels() const {
    return axes[0].count * axes[1].count * axes[2].count;
  }
  int64_t taps() const { return axes[0].taps * axes[1].taps * axes[2].taps; }
  // Whether pixel p lies at p in the output's plane.
  bool IsDense() const {
    return axes[0].step == 1 && axes[1].step == 1 && axes[2].step == 1;
  }
  // The kernel's own number of tap t, both counted row-major.
  int64_t KernelTap(int64_t t) const;
};

// Number of phases of an axis: min(stride, out) of a transposed one, else 1.
int64_t PhaseCount(const AxisMap& map);
// Phase r of an axis. It may have no taps: then its outputs are just bias.
PhaseAxis PhaseOf(const AxisMap& map, int64_t r);

// Calls visit(phase) for every phase, in an order that never changes.
template <class Visit>
void ForEachPhase(const ConvGeometry& geometry, Visit visit) {
  Phase phase;
  for (int64_t d = 0; d < PhaseCount(geometry.axes[0]); ++d) {
    phase.axes[0] = PhaseOf(geometry.axes[0], d);
    for (int64_t h = 0; h < PhaseCount(geometry.axes[1]); ++h) {
      phase.axes[1] = PhaseOf(geometry.axes[1], h);
      for (int64_t w = 0; w < PhaseCount(geometry.axes[2]); ++w) {
        phase.axes[2] = PhaseOf(geometry.axes[2], w);
        visit(phase);
      }
    }
  }
}

// Where pixel p of a phase, counted row-major, lies in the output's plane.
int64_t OutOffset(const Phase& phase, int64_t p);

// Writes the outputs of a phase without taps: starts[channel].
void FillPhase(const ConvGeometry& geometry, const Phase& phase,
               const float* starts, float* out);

// Whether any window meets a zero padding cell.
bool MeetsZeroPadding(const ConvGeometry& geometry);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_PHASE_H_
