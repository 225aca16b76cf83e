#include "core/src/format.h"

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
  const Piece* next = pieces.begin();
  for (; *text != '\0'; ++text) {
    if (text[0] == '{' && text[1] == '}') {
      (next++)->AppendTo(&result);
      ++text;
    } else {
      result.push_back(*text);
    }
  }
  return result;
}

Status Error(Code code, const char* text, std::initializer_list<Piece> pieces) {
  return Error(code, Format(text, pieces));
}

}  // namespace convscope
