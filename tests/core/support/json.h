// Json: a parsed JSON document, for the vectors. Only json.cc includes the
// parser's large header.
#ifndef CONVSCOPE_TESTS_SUPPORT_JSON_H_
#define CONVSCOPE_TESTS_SUPPORT_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace convscope::testing {

// Reading a value as what it is not throws std::runtime_error: a runner counts
// that as a failed case.
class Json {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kList, kObject };

  // Throws on malformed text.
  static Json Parse(std::string_view text);

  Json() = default;
  explicit Json(bool value) : kind_(Kind::kBool), bool_(value) {}
  explicit Json(int64_t value)
      : kind_(Kind::kNumber),
        integer_(value),
        number_(static_cast<double>(value)) {}
  explicit Json(double value) : kind_(Kind::kNumber), number_(value) {}
  explicit Json(std::string value)
      : kind_(Kind::kString), string_(std::move(value)) {}
  static Json List(std::vector<Json> values);
  static Json Object();

  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_list() const { return kind_ == Kind::kList; }

  bool Bool() const;
  int64_t Integer() const;
  double Number() const;
  // A number, or "nan", "inf", "-inf".
  float Float() const;
  const std::string& String() const;
  const std::vector<Json>& Items() const;
  const std::vector<std::pair<std::string, Json>>& Members() const;
  std::vector<int64_t> Integers() const;
  // The numbers of a list of lists of any depth.
  std::vector<float> Floats() const;

  bool Has(std::string_view key) const { return !(*this)[key].is_null(); }
  // Null if there is no such member.
  const Json& operator[](std::string_view key) const;
  void Set(std::string key, Json value);

 private:
  void Expect(Kind kind, const char* what) const;

  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  int64_t integer_ = 0;
  double number_ = 0;
  std::string string_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_JSON_H_
