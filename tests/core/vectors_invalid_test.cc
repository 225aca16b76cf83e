// torch/invalid.json: what torch refuses, and in which words.
#include <algorithm>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/layer_from_json.h"
#include "tests/core/support/vectors.h"

namespace convscope::testing {
namespace {

const char* PythonType(Code code) {
  switch (code) {
    case Code::kValue:
      return "ValueError";
    case Code::kShape:
      return "RuntimeError";
    case Code::kType:
      return "TypeError";
    case Code::kNotImplemented:
      return "NotImplementedError";
    case Code::kIndex:
      return "IndexError";
    default:
      return "no Python exception";
  }
}

// Builds the layer and asks for its output, as torch's call does.
Status Call(const Json& test) {
  MadeLayer made;
  CONVSCOPE_RETURN_IF_ERROR(
      LayerFromJson(test["api"].String(), test["args"], nullptr, &made));
  const Shape in(test["input_shape"].Integers());
  if (test["call"].Has("output_size")) {
    std::unique_ptr<Conv> fitted;
    CONVSCOPE_RETURN_IF_ERROR(made.conv->ForOutputSize(
        in, test["call"]["output_size"].Integers(), &fitted));
    made.layer = std::move(fitted);
  }
  Shape out;
  return made.layer->OutputShape(in, &out);
}

// The words between the braces of a printed Python set, in order.
std::string WithSortedSet(const std::string& text) {
  const size_t begin = text.find('{');
  const size_t end = text.find('}');
  if (begin == std::string::npos || end == std::string::npos) return text;
  std::vector<std::string> words;
  std::string word;
  for (char c : text.substr(begin + 1, end - begin - 1) + ",") {
    if (c == ' ') continue;
    if (c != ',') {
      word += c;
      continue;
    }
    words.push_back(word);
    word.clear();
  }
  std::sort(words.begin(), words.end());
  std::string sorted = text.substr(0, begin + 1);
  for (const std::string& each : words) sorted += each + " ";
  return sorted + text.substr(end);
}

bool SameText(const Json& test, const std::string& got) {
  const std::string& want = test["error"]["message"].String();
  if (got == want) return true;
  if (test.Has("set_order_varies")) {
    return WithSortedSet(got) == WithSortedSet(want);
  }
  // torch has two texts for one mistake, by the kernel that meets it.
  return test.Has("other_backend_message") &&
         got == test["other_backend_message"].String();
}

TEST_CASE("what torch refuses is refused in torch's words") {
  Report report("torch/invalid.json");
  const std::optional<std::string> content = report.Read();
  if (!content) return;
  const Json file = Json::Parse(*content);
  for (const Json& test : file["cases"].Items()) {
    report.Case(test["id"].String(), [&](Report::Faults* faults) {
      const Status status = Call(test);
      if (status.ok()) {
        faults->push_back("was accepted");
        return;
      }
      if (test.Has("accidental")) return;
      if (!SameText(test, status.message)) {
        faults->push_back("says:       " + status.message);
        faults->push_back("torch says: " + test["error"]["message"].String());
      }
      const std::string& type = test["error"]["type"].String();
      if (type != PythonType(status.code)) {
        faults->push_back(std::string("is a ") + PythonType(status.code) +
                          " and not a " + type);
      }
    });
  }
}

}  // namespace
}  // namespace convscope::testing
