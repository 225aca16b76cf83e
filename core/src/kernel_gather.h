// Gather: where four neighbouring output pixels find what one tap reads.
#ifndef CONVSCOPE_SRC_KERNEL_GATHER_H_
#define CONVSCOPE_SRC_KERNEL_GATHER_H_

#include <cstdint>

#include "core/src/kernel_phase.h"

namespace convscope {

struct Gather {
  enum Kind : int32_t {
    kZero,     // four zeros
    kLoad,     // four floats from base[0] on
    kEvens,    // the first, third, fifth and seventh float from base[0] on
    kShuffle,  // bytes of the four floats at base[0] and of those at base[1]
    kScalar,   // float by float from source[]; -1 gives zero
  };

  int32_t base[2];  // offsets in the plane
  Kind kind;
  // In the first gather of a tap: how many panels, this one and those after it,
  // are floats from base[0] on without a gap.
  int32_t run;
  union {
    // Which byte of each load goes where; 0x80 gives zero.
    uint8_t index[2][16];
    int32_t source[4];
  };
};

// Fills the gathers of pixels [p0, p0 + count) of a phase, in panels of
// `columns` pixels (the columns beyond `count` read zeros): for each tap
// `columns` / 4 gathers.
void FindGathers(const Phase& phase, int64_t p0, int64_t count, int64_t columns,
                 Gather* gathers);

// The same for all panels of the pixels [p0, p_end), `wide` each; the last one
// has as many columns as hold its pixels, in whole `vector`s of them.
void FindPanelGathers(const Phase& phase, int64_t p0, int64_t p_end,
                      int64_t vector, int64_t wide, Gather* gathers);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_GATHER_H_
