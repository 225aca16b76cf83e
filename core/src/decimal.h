// Floats as text, correctly rounded, whatever the locale and the C library.
//
// The C library's printf would do, but its general machinery for floating point
// is several times the size of this file in a WebAssembly build.
#ifndef CONVSCOPE_SRC_DECIMAL_H_
#define CONVSCOPE_SRC_DECIMAL_H_

#include <string>

namespace convscope {

// As printf's "%.*f" and "%.*e" with 0 to 9 `places`, ties to the even digit;
// "nan", "inf" and "-inf" as Python writes them.
std::string FixedText(float value, int places);
std::string ScientificText(float value, int places);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_DECIMAL_H_
