// AxisMap: what one axis of a layer's output reads on the same axis of its
// input. All that a layer knows about dependencies, padding and holes is said
// here once, for one axis; a layer is the product of its axes.
#ifndef CONVSCOPE_AXIS_H_
#define CONVSCOPE_AXIS_H_

#include <cstdint>
#include <string_view>

#include "convscope/cells.h"

namespace convscope {

// What a window finds beyond the border.
enum class PaddingMode {
  kZeros,      // nothing is read: the cell holds a constant (0 for a layer)
  kReflect,    // mirrored at the border cell, which is not repeated
  kReplicate,  // the border cell, again and again
  kCircular,   // the other end
};

// torch's word: "zeros", "reflect", "replicate", "circular".
const char* ToString(PaddingMode mode);
// False if `text` is none of the four words.
bool ParsePaddingMode(std::string_view text, PaddingMode* mode);

// The input index that padded position `position` holds on an axis of `size`
// cells, or -1 for a constant. Position 0 is the first input cell. The position
// must lie within the reach that the mode allows (one reflection, one turn).
int64_t PaddedSource(int64_t position, int64_t size, PaddingMode mode);

struct AxisMap {
  enum class Kind {
    kIdentity,    // o reads i = o: batch, channels of a pooling layer
    kGroups,      // o reads every i of its group: channels of a convolution
    kWindow,      // o reads i = o * stride - before + k * dilation, k < kernel
    kTransposed,  // i stamps o = i * stride - before + k * dilation
    kAdaptive,    // o reads [floor(o * in / out), ceil((o + 1) * in / out))
  };

  Kind kind = Kind::kIdentity;
  int64_t in = 1;   // cells along the input's axis
  int64_t out = 1;  // cells along the output's axis
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t before = 0;  // padding before the first cell; negative crops
  int64_t after = 0;   // padding after the last cell (kWindow)
  PaddingMode mode = PaddingMode::kZeros;
  int64_t groups = 1;  // kGroups: in / groups and out / groups cells per group

  static AxisMap Identity(int64_t size);
  static AxisMap Groups(int64_t in, int64_t out, int64_t groups);
  static AxisMap Adaptive(int64_t in, int64_t out);

  // The input index that padded position `position` holds, counted from the
  // first input cell; -1 for a constant. kWindow only.
  int64_t At(int64_t position) const;

  // The input index under tap k of output o, or -1 where the tap falls on a
  // constant (kWindow) or between the stamps (kTransposed). Windows only.
  int64_t Source(int64_t o, int64_t k) const;

  // Appends the input indices that output `o` reads; may repeat some, in any
  // order. Cost: that of the answer.
  void AppendReads(int64_t o, IndexList* inputs) const;
  // Appends the output indices that read input `i`.
  void AppendReadBy(int64_t i, IndexList* outputs) const;
  // Appends the outputs whose tap `k` falls on an input cell: those that read
  // the weight there. Windows only.
  void AppendTapReaders(int64_t k, IndexList* outputs) const;
};

// The union of what `outputs` read (`inputs` are read by), normalized.
Status Reads(const AxisMap& map, const IndexList& outputs, IndexList* inputs);
Status ReadBy(const AxisMap& map, const IndexList& inputs, IndexList* outputs);

}  // namespace convscope

#endif  // CONVSCOPE_AXIS_H_
