// Random arguments: layers and stacks of every kind that fit their input.
#ifndef CONVSCOPE_TESTS_SUPPORT_RANDOM_LAYERS_H_
#define CONVSCOPE_TESTS_SUPPORT_RANDOM_LAYERS_H_

#include <cstdint>
#include <random>
#include <vector>

#include "convscope/convscope.h"
#include "tests/core/support/layer_from_json.h"

namespace convscope::testing {

// The same numbers on every machine, unlike the standard distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // From `low` to `high`, both included.
  int64_t Int(int64_t low, int64_t high);
  bool Chance(int percent) { return Int(1, 100) <= percent; }
  template <class T>
  const T& Pick(const std::vector<T>& from) {
    return from[static_cast<size_t>(
        Int(0, static_cast<int64_t>(from.size()) - 1))];
  }
  // Between -2 and 2, with a full fraction.
  float Value();
  // A multiple of 1/8 between -2 and 2: sums of products stay exact.
  float Dyadic() { return static_cast<float>(Int(-16, 16)) / 8; }
  // Now and then 0, -0, an infinity, NaN or a denormal.
  float AnyValue();

  std::vector<float> Values(int64_t count);
  std::vector<float> Dyadics(int64_t count);

 private:
  std::mt19937_64 engine_;
};

// Arguments of a convolution with `axes` axes: small numbers of every kind,
// channels that `groups` divides.
ConvOptions RandomConvOptions(Random* random, int axes, bool transposed);

// An input that such a convolution accepts. False if none was found.
bool RandomInputFor(Random* random, const Conv& conv, Shape* in);

// A convolution with random parameters, and an input shape for it.
struct ConvCase {
  std::shared_ptr<Conv> conv;
  Shape in;
};
ConvCase RandomConv(Random* random, bool transposed);

// A layer of any kind that accepts inputs of shape `in` and gives at most a few
// hundred cells, at least one.
MadeLayer RandomLayer(Random* random, const Shape& in);

// One to four layers in a row; a single one may stand alone, and a convolution
// may stand twice.
struct Stack {
  std::shared_ptr<Layer> layer;
  std::vector<MadeLayer> parts;  // its leaves
  Shape in;
};
Stack RandomStack(Random* random);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_RANDOM_LAYERS_H_
