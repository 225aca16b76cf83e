// What F.pad and the padding modules refuse, in torch's words and order, and
// the sizes that come out.
#ifndef CONVSCOPE_SRC_PAD_SHAPE_H_
#define CONVSCOPE_SRC_PAD_SHAPE_H_

#include <cstdint>
#include <vector>

#include "convscope/pad.h"

namespace convscope {

// F.pad's word for a mode: "constant", not "zeros".
const char* PadModeName(PaddingMode mode);

// `list` is torch's, last axis first; options.padding is not looked at.
Status PadOutputShape(const PadOptions& options,
                      const std::vector<int64_t>& list, const Shape& in,
                      Shape* out);

// One map per axis of the tensor, for shapes that were accepted.
std::vector<AxisMap> PadAxisMaps(const PadOptions& options,
                                 const std::vector<int64_t>& list,
                                 const Shape& in);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_PAD_SHAPE_H_
