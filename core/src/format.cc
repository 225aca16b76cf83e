#include "core/src/format.h"

#include <cstring>

namespace convscope {

void Piece::AppendTo(std::string* text) const {
  switch (kind_) {
    case Kind::kText:
      *text += static_cast<const char*>(data_);
      break;
    case Kind::kNumber:
      *text += std::to_string(number_);
      break;
    case Kind::kSizes:
      *text += ToString(
          {static_cast<const int64_t*>(data_), static_cast<size_t>(number_)});
      break;
  }
}

std::string Format(const char* text, std::initializer_list<Piece> pieces) {
  std::string result;
  for (const Piece& piece : pieces) {
    const char* hole = std::strstr(text, "{}");
    result.append(text, hole);
    piece.AppendTo(&result);
    text = hole + 2;
  }
  return result += text;
}

Status Error(Code code, const char* text, std::initializer_list<Piece> pieces) {
  return Error(code, Format(text, pieces));
}

}  // namespace convscope
