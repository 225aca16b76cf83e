// The cells of one axis that a loop visits: some, given by a list, or all, for
// which no list is made.
#ifndef CONVSCOPE_SRC_AXIS_CELLS_H_
#define CONVSCOPE_SRC_AXIS_CELLS_H_

#include <cstdint>

#include "convscope/cells.h"

namespace convscope {

struct AxisCells {
  const int32_t* list = nullptr;  // null: 0, 1, … size - 1
  int64_t size = 1;

  static AxisCells All(int64_t size) { return {nullptr, size}; }
  // The list of axis `axis` of `cells`, or all cells where `cells` is null.
  static AxisCells Of(const Product* cells, size_t axis, int64_t size) {
    if (cells == nullptr) return All(size);
    const IndexList& some = cells->axes[axis];
    return {some.data(), static_cast<int64_t>(some.size())};
  }

  int64_t operator[](int64_t i) const {
    return list == nullptr ? i : int64_t{list[i]};
  }
};

}  // namespace convscope

#endif  // CONVSCOPE_SRC_AXIS_CELLS_H_
