// What the tests of the convolution kernels share: layers as geometries, with
// numbers, and the plain loops that define their bits.
#ifndef CONVSCOPE_TESTS_CORE_SUPPORT_KERNEL_CASE_H_
#define CONVSCOPE_TESTS_CORE_SUPPORT_KERNEL_CASE_H_

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/src/kernels.h"

namespace convscope::testing {

// Lies before and after every output, and must survive.
inline constexpr float kGuard = 12345.0f;
inline constexpr size_t kGuards = 64;

// One axis of a convolution, and of a transposed one.
AxisMap Window(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
               int64_t before, int64_t after);
AxisMap Stamp(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
              int64_t padding, int64_t output_padding);

// A layer with numbers in it.
struct Case {
  ConvGeometry geometry;
  std::vector<float> weight, bias, in;

  // Normal numbers, drawn in the order weight, bias, input.
  Case(const ConvGeometry& g, std::mt19937* random);

  int64_t outputs() const;
  // An output between its guards, which hold guards as well.
  std::vector<float> Guarded() const;
  // What the plain loops of conv_cells.h give, and what a kernel does.
  std::vector<float> Plain() const;
  std::unique_ptr<Kernel> Make(Math math = Math::kReproducible) const;
  std::vector<float> Run(Kernel* kernel) const;
};

std::string Describe(const ConvGeometry& g);

bool SameBits(const std::vector<float>& a, const std::vector<float>& b);

// Checks on every target that the layer's kernel gives the bits of the plain
// loops, twice over; its name joins `algorithms`.
void CheckBits(const Case& c, std::set<std::string>* algorithms = nullptr);

// Arguments of every kind, small enough for the plain loops; false if they make
// no layer.
bool RandomGeometry(std::mt19937* random, ConvGeometry* g);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_CORE_SUPPORT_KERNEL_CASE_H_
