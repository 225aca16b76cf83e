#include "convscope/arguments.h"

#include "core/src/format.h"

namespace convscope {

Status CheckAxes(int axes) {
  if (axes >= 1 && axes <= 3) return Ok();
  return Error(Code::kValue, "axes must be 1, 2 or 3, but got axes={}", {axes});
}

std::string TupleToString(const std::vector<int64_t>& values) {
  std::string text = "(";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(values[i]);
  }
  // Python tells a tuple of one number from a number in brackets by a comma.
  return text + (values.size() == 1 ? ",)" : ")");
}

std::string ToString(const Ints& ints) {
  if (!ints.is_tuple) return std::to_string(ints.values[0]);
  return TupleToString(ints.values);
}

}  // namespace convscope
