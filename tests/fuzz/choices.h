// Choices: arguments made of a fuzzer's bytes, and the promises that a target
// holds the library to.
#ifndef CONVSCOPE_TESTS_FUZZ_CHOICES_H_
#define CONVSCOPE_TESTS_FUZZ_CHOICES_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "convscope/convscope.h"

namespace convscope::testing {

class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : bytes_(data, size) {}

  bool Flag() { return bytes_.ConsumeBool(); }
  int64_t Int(int64_t low, int64_t high) {
    return bytes_.ConsumeIntegralInRange<int64_t>(low, high);
  }
  uint64_t Seed() { return bytes_.ConsumeIntegral<uint64_t>(); }
  // Mostly small, now and then at a limit, or anything.
  int64_t Number();
  // The same for floating point: zeros, infinities and NaN are among them.
  double Real();
  float Float();
  // A number, or a tuple of about `length` of them.
  Ints Numbers(int length);
  // Up to 5 axes, mostly small.
  Shape Sizes();
  std::string Text() { return bytes_.ConsumeRandomLengthString(32); }
  bool empty() { return bytes_.remaining_bytes() == 0; }

 private:
  FuzzedDataProvider bytes_;
};

// A layer as what it is, too, where more can be asked of it.
struct AnyLayer {
  std::shared_ptr<Layer> layer;
  std::shared_ptr<Conv> conv;
  std::shared_ptr<MaxPool> max_pool;
  // NaN may come out where none went in.
  bool makes_nan = false;
};

// A layer of any kind from arguments that may be refused: then all are null.
AnyLayer MakeAnyLayer(Choices* choices);

// What is being asked: told with a broken promise.
void Asking(std::string what);
// Ends the program, as a crash that the fuzzer keeps, unless the promise holds;
// `fault` says what is wrong.
void Must(bool holds, const std::string& fault);
inline void MustBeEmpty(const std::string& fault) {
  Must(fault.empty(), fault);
}
// A refusal has a reason, and a success has none.
void MustBeSound(const Status& status);
// The same bits, all of them.
void MustBeSame(const std::vector<float>& got, const float* want,
                const char* what);

// Calls run(choices); what the tests' own checks throw is a broken promise,
// too.
template <class Run>
int HoldTo(const uint8_t* data, size_t size, Run run) {
  Choices choices(data, size);
  try {
    run(&choices);
  } catch (const std::exception& error) {
    Must(false, error.what());
  }
  return 0;
}

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_FUZZ_CHOICES_H_
