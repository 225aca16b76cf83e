// ParsePythonCalls: "Conv2d(1, 6, 5, padding=2), ReLU()" taken apart.
#ifndef CONVSCOPE_TESTS_SUPPORT_PYTHON_CALL_H_
#define CONVSCOPE_TESTS_SUPPORT_PYTHON_CALL_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/core/support/json.h"

namespace convscope::testing {

struct PythonCall {
  std::string name;
  Json args;  // An object; positional arguments under torch's names.
};

// Numbers, tuples, strings, True, False and None. Throws on anything else.
std::vector<PythonCall> ParsePythonCalls(std::string_view text);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_PYTHON_CALL_H_
