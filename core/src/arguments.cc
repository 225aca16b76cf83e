#include "convscope/arguments.h"

namespace convscope {

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
