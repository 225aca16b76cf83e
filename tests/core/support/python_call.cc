#include "tests/core/support/python_call.h"

#include <cctype>
#include <cstdlib>
#include <stdexcept>

namespace convscope::testing {
namespace {

// torch's order of arguments, for those given by position.
std::vector<std::string> PositionalNames(const std::string& name) {
  const auto is = [&](const char* prefix) {
    return name.rfind(prefix, 0) == 0;
  };
  if (is("ConvTranspose")) {
    return {"in_channels", "out_channels",   "kernel_size", "stride",
            "padding",     "output_padding", "groups",      "bias",
            "dilation",    "padding_mode"};
  }
  if (is("Conv")) {
    return {"in_channels", "out_channels", "kernel_size",
            "stride",      "padding",      "dilation",
            "groups",      "bias",         "padding_mode"};
  }
  if (is("MaxPool")) {
    return {"kernel_size", "stride",         "padding",
            "dilation",    "return_indices", "ceil_mode"};
  }
  if (is("AvgPool")) {
    return {"kernel_size",       "stride",          "padding", "ceil_mode",
            "count_include_pad", "divisor_override"};
  }
  if (is("Adaptive")) return {"output_size"};
  if (is("ConstantPad")) return {"padding", "value"};
  if (name.find("Pad") != std::string::npos) return {"padding"};
  if (is("LeakyReLU")) return {"negative_slope"};
  if (is("ELU") || is("CELU")) return {"alpha"};
  if (is("Softplus")) return {"beta", "threshold"};
  if (is("Hardtanh")) return {"min_val", "max_val"};
  return {};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<PythonCall> Calls() {
    std::vector<PythonCall> calls;
    while (!AtEnd()) {
      calls.push_back(Call());
      if (!AtEnd()) Expect(',');
    }
    return calls;
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool AtEnd() {
    SkipSpace();
    return at_ == text_.size();
  }
  bool Next(char c) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Next(c)) {
      throw std::runtime_error("not a list of calls: " + std::string(text_));
    }
  }

  std::string Word() {
    SkipSpace();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
            text_[at_] == '_')) {
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  PythonCall Call() {
    PythonCall call{Word(), Json::Object()};
    Expect('(');
    const std::vector<std::string> names = PositionalNames(call.name);
    for (size_t position = 0; !Next(')'); ++position) {
      const size_t begin = at_;
      std::string name = Word();
      if (name.empty() || !Next('=')) {
        at_ = begin;
        name = names.at(position);
      }
      call.args.Set(name, Value());
      if (!Next(',')) {
        Expect(')');
        break;
      }
    }
    return call;
  }

  Json Value() {
    if (Next('(')) {
      std::vector<Json> items;
      while (!Next(')')) {
        items.push_back(Value());
        if (!Next(',')) {
          Expect(')');
          break;
        }
      }
      return Json::List(std::move(items));
    }
    for (char quote : {'\'', '"'}) {
      if (!Next(quote)) continue;
      const size_t end = text_.find(quote, at_);
      if (end == std::string_view::npos) Expect(quote);
      const std::string word(text_.substr(at_, end - at_));
      at_ = end + 1;
      return Json(word);
    }
    SkipSpace();
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const double number = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) {
      const std::string word = Word();
      if (word == "None") return Json();
      if (word != "True" && word != "False") Expect('\0');
      return Json(word == "True");
    }
    at_ += static_cast<size_t>(end - rest.c_str());
    const bool is_integer =
        rest.substr(0, static_cast<size_t>(end - rest.c_str()))
            .find_first_not_of("-0123456789") == std::string::npos;
    return is_integer ? Json(static_cast<int64_t>(number)) : Json(number);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<PythonCall> ParsePythonCalls(std::string_view text) {
  return Parser(text).Calls();
}

}  // namespace convscope::testing
