// Texts with numbers in them.
//
// In the manner of std::format, for the few kinds that messages need. Sums of
// std::strings read as well, but make several times the code at every place,
// and what is refused in words is refused in a hundred of them.
#ifndef CONVSCOPE_SRC_FORMAT_H_
#define CONVSCOPE_SRC_FORMAT_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "convscope/shape.h"
#include "convscope/status.h"

namespace convscope {

// What stands for one {}: a text, a number, or sizes, printed as "[2, 3]". It
// refers to what it was made of.
class Piece {
 public:
  Piece(const char* text) : kind_(Kind::kText), data_(text) {}
  Piece(const std::string& text) : Piece(text.c_str()) {}
  template <std::integral T>
  Piece(T number)
      : kind_(Kind::kNumber), number_(static_cast<int64_t>(number)) {}
  Piece(std::span<const int64_t> sizes)
      : kind_(Kind::kSizes),
        data_(sizes.data()),
        number_(static_cast<int64_t>(sizes.size())) {}
  Piece(const std::vector<int64_t>& sizes) : Piece(std::span(sizes)) {}
  Piece(const Shape& sizes) : Piece(sizes.span()) {}

  void AppendTo(std::string* text) const;

 private:
  enum class Kind { kText, kNumber, kSizes };

  Kind kind_;
  const void* data_ = nullptr;
  int64_t number_ = 0;  // or how many sizes there are
};

// `text` with each {} replaced by the next of `pieces`, of which there are as
// many.
std::string Format(const char* text, std::initializer_list<Piece> pieces);

Status Error(Code code, const char* text, std::initializer_list<Piece> pieces);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_FORMAT_H_
