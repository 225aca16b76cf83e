// A double as Python's repr() writes it, for the prints of layers.
#ifndef CONVSCOPE_SRC_PYTHON_FLOAT_H_
#define CONVSCOPE_SRC_PYTHON_FLOAT_H_

#include <string>

namespace convscope {

// The shortest decimal number that reads back as `value`: "0.01", "20.0",
// "1e-05", "inf". Numbers that need more than 15 digits or whose exponent is
// beyond +-22 come with the 9 digits of their float.
std::string PythonFloat(double value);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_PYTHON_FLOAT_H_
