// What max and average pooling refuse, in torch's words, and the sizes that
// come out.
//
// torch checks at several levels: max_pool1d by itself, the other 1d pools as
// 2d pools of height 1, 2d and 3d pools by one scheme with slightly different
// texts. So do we, in the same order, to give the same message for a call that
// is wrong in two ways.
#ifndef CONVSCOPE_SRC_POOL_SHAPE_H_
#define CONVSCOPE_SRC_POOL_SHAPE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "convscope/axis.h"
#include "convscope/shape.h"
#include "convscope/status.h"

namespace convscope {

// A pool's arguments: tuples as they were given, single numbers as tuples of
// one. An empty stride is the kernel.
struct PoolArguments {
  bool is_max = true;
  size_t axes = 2;
  std::vector<int64_t> kernel, stride, padding, dilation;
  bool ceil_mode = false;
  bool return_indices = false;
  std::optional<int64_t> divisor;
};

Status PoolOutputShape(const PoolArguments& pool, const Shape& in, Shape* out);

// One map per axis of the tensor, for shapes that were accepted.
std::vector<AxisMap> PoolAxisMaps(const PoolArguments& pool, const Shape& in);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_POOL_SHAPE_H_
