// Texts in and out: words that name something or nothing, and prints of any
// numbers in any shape.
#include <algorithm>

#include "tests/fuzz/choices.h"

namespace convscope::testing {
namespace {

void ParseWords(const std::string& text) {
  ActivationKind kind;
  if (ParseActivationKind(text, &kind)) {
    Must(text == ToString(kind), "another activation's name");
  }
  PaddingMode mode;
  if (ParsePaddingMode(text, &mode)) {
    Must(text == ToString(mode), "another padding mode's name");
  }
  ConvOptions options;
  MustBeSound(ParsePadding(text, &options));
  MustBeSound(ParsePaddingMode(text, &options));
  MustBeSound(ParsePadMode(text, &mode));
}

// Above 1000 elements a print leaves the middle out, so it is never long.
void Print(Choices* choices) {
  Shape shape;
  for (int64_t rank = choices->Int(0, 6); rank > 0; --rank) {
    shape.push_back(choices->Int(0, 12));
  }
  if (shape.elements() > 5000) return;
  const size_t count = static_cast<size_t>(shape.elements());
  // A few numbers again and again: their range decides the format.
  std::vector<float> numbers;
  std::vector<int32_t> integers;
  for (int64_t i = choices->Int(1, 16); i > 0; --i) {
    numbers.push_back(choices->Float());
    integers.push_back(static_cast<int32_t>(choices->Number()));
  }
  std::vector<float> floats(count);
  std::vector<int32_t> ints(count);
  for (size_t i = 0; i < count; ++i) {
    floats[i] = numbers[i % numbers.size()];
    ints[i] = integers[i % integers.size()];
  }
  for (const std::string& text : {TensorToString(shape.span(), floats.data()),
                                  TensorToString(shape.span(), ints.data())}) {
    Must(text.starts_with("tensor(") && text.ends_with(")"), "a print's frame");
    Must(text.size() < 400000, "a long print");
    Must(std::count(text.begin(), text.end(), '[') ==
             std::count(text.begin(), text.end(), ']'),
         "a print's brackets");
  }
}

}  // namespace
}  // namespace convscope::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convscope::testing::Choices choices(data, size);
  convscope::testing::ParseWords(choices.Text());
  convscope::testing::Print(&choices);
  return 0;
}
