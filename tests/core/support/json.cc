#include "tests/core/support/json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace convscope::testing {
namespace {

Json Convert(const nlohmann::json& from) {
  if (from.is_null()) return Json();
  if (from.is_boolean()) return Json(from.get<bool>());
  if (from.is_number_integer()) return Json(from.get<int64_t>());
  if (from.is_number()) return Json(from.get<double>());
  if (from.is_string()) return Json(from.get<std::string>());
  if (from.is_array()) {
    std::vector<Json> items;
    items.reserve(from.size());
    for (const auto& item : from) items.push_back(Convert(item));
    return Json::List(std::move(items));
  }
  Json object = Json::Object();
  for (const auto& [key, value] : from.items()) {
    object.Set(key, Convert(value));
  }
  return object;
}

void AppendFloats(const Json& json, std::vector<float>* floats) {
  if (!json.is_list()) return floats->push_back(json.Float());
  for (const Json& item : json.Items()) AppendFloats(item, floats);
}

}  // namespace

Json Json::Parse(std::string_view text) {
  return Convert(nlohmann::json::parse(text.begin(), text.end()));
}

Json Json::List(std::vector<Json> values) {
  Json json;
  json.kind_ = Kind::kList;
  json.items_ = std::move(values);
  return json;
}

Json Json::Object() {
  Json json;
  json.kind_ = Kind::kObject;
  return json;
}

void Json::Expect(Kind kind, const char* what) const {
  if (kind_ != kind) {
    throw std::runtime_error(std::string("the JSON value is not ") + what);
  }
}

bool Json::Bool() const {
  Expect(Kind::kBool, "a truth value");
  return bool_;
}

int64_t Json::Integer() const {
  Expect(Kind::kNumber, "a number");
  if (static_cast<double>(integer_) != number_) {
    throw std::runtime_error("the JSON number is not an integer");
  }
  return integer_;
}

double Json::Number() const {
  Expect(Kind::kNumber, "a number");
  return number_;
}

float Json::Float() const {
  if (is_number()) return static_cast<float>(number_);
  if (String() == "nan") return std::numeric_limits<float>::quiet_NaN();
  if (String() == "inf") return std::numeric_limits<float>::infinity();
  if (String() == "-inf") return -std::numeric_limits<float>::infinity();
  throw std::runtime_error("the JSON string is no number");
}

const std::string& Json::String() const {
  Expect(Kind::kString, "a string");
  return string_;
}

const std::vector<Json>& Json::Items() const {
  Expect(Kind::kList, "a list");
  return items_;
}

const std::vector<std::pair<std::string, Json>>& Json::Members() const {
  Expect(Kind::kObject, "an object");
  return members_;
}

std::vector<int64_t> Json::Integers() const {
  std::vector<int64_t> integers;
  for (const Json& item : Items()) integers.push_back(item.Integer());
  return integers;
}

std::vector<float> Json::Floats() const {
  std::vector<float> floats;
  AppendFloats(*this, &floats);
  return floats;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  for (const auto& [name, value] : members_) {
    if (name == key) return value;
  }
  return null;
}

void Json::Set(std::string key, Json value) {
  members_.emplace_back(std::move(key), std::move(value));
}

}  // namespace convscope::testing
