#include "convscope/shape.h"

#include "core/src/format.h"

namespace convscope {

std::string ToString(std::span<const int64_t> sizes) {
  std::string text = "[";
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(sizes[axis]);
  }
  return text + "]";
}

Status CheckElements(const Shape& shape, const char* what) {
  for (int64_t size : shape.span()) {
    if (size < 0) {
      return Error(Code::kShape,
                   "Trying to create tensor with negative dimension {}: {}",
                   {size, shape});
    }
  }
  int64_t elements = 1;
  for (int64_t size : shape.span()) {
    if (size == 0) continue;
    // The product stays below 2^30 before each step, so the limit on `size`
    // keeps it far from overflow.
    if (size >= kMaxElements || elements * size >= kMaxElements) {
      return Error(Code::kMemory,
                   "{} of size {} is too large: tensors of 2^30 elements or "
                   "more are not supported",
                   {what, shape});
    }
    elements *= size;
  }
  return Ok();
}

int64_t Offset(const Shape& shape, const Shape& index) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    offset = offset * shape[axis] + index[axis];
  }
  return offset;
}

Shape IndexAt(const Shape& shape, int64_t offset) {
  Shape index = shape;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = offset % shape[axis];
    offset /= shape[axis];
  }
  return index;
}

Status CheckIndex(const Shape& shape, const Shape& index, const char* what) {
  if (index.rank() != shape.rank()) {
    return Error(
        Code::kIndex,
        "{} index {} has {} numbers, but the tensor of size {} has {} axes",
        {what, index, index.rank(), shape, shape.rank()});
  }
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    if (index[axis] < 0 || index[axis] >= shape[axis]) {
      return Error(Code::kIndex, "{} index {} is out of bounds for size {}",
                   {what, index, shape});
    }
  }
  return Ok();
}

}  // namespace convscope
