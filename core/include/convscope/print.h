// Tensors as torch prints them.
#ifndef CONVSCOPE_PRINT_H_
#define CONVSCOPE_PRINT_H_

#include <span>
#include <string>

#include "convscope/status.h"

namespace convscope {

// torch's str() of a float32 tensor with its default print options: 4 digits,
// scientific where torch chooses it, "..." above 1000 elements, 80 columns.
// `shape` may have any rank.
//
// Source: torch/_tensor_str.py, for the rules.
std::string TensorToString(std::span<const int64_t> shape, const float* data);
// The same of an int tensor (the indices of a max pool).
std::string TensorToString(std::span<const int64_t> shape, const int32_t* data);

}  // namespace convscope

#endif  // CONVSCOPE_PRINT_H_
