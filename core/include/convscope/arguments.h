// Ints: an argument that torch takes as one number or as a tuple.
#ifndef CONVSCOPE_ARGUMENTS_H_
#define CONVSCOPE_ARGUMENTS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "convscope/status.h"

namespace convscope {

// kernel_size=3 or kernel_size=(3, 3): kept as the user wrote it, because torch
// prints it that way and complains about it that way.
struct Ints {
  std::vector<int64_t> values;
  bool is_tuple = true;

  Ints() = default;
  Ints(int64_t value) : values{value}, is_tuple(false) {}  // NOLINT: as torch
  Ints(std::initializer_list<int64_t> list) : values(list) {}
  explicit Ints(std::vector<int64_t> list) : values(std::move(list)) {}

  bool empty() const { return values.empty(); }
};

// One value per axis: a single number serves all `axes`. A tuple is returned as
// it is, even if its length is wrong: torch notices that only in forward.
inline std::vector<int64_t> PerAxis(const Ints& ints, size_t axes) {
  if (ints.is_tuple) return ints.values;
  return std::vector<int64_t>(axes, ints.values[0]);
}

// Refuses a number of spatial axes that no layer has.
Status CheckAxes(int axes);

// "3" or "(3, 3)" or "(3,)", as Python prints numbers and tuples.
std::string ToString(const Ints& ints);
std::string TupleToString(const std::vector<int64_t>& values);

}  // namespace convscope

#endif  // CONVSCOPE_ARGUMENTS_H_
