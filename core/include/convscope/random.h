// Generator: torch's random numbers, bit for bit.
#ifndef CONVSCOPE_RANDOM_H_
#define CONVSCOPE_RANDOM_H_

#include <array>
#include <cstdint>

namespace convscope {

// The Mersenne Twister MT19937 as torch's CPU generator uses it.
//
// Source: Matsumoto and Nishimura, "Mersenne Twister", 1998; torch's
// at::CPUGeneratorImpl for how draws become floats.
class Generator {
 public:
  explicit Generator(uint64_t seed = 5489) { ManualSeed(seed); }

  // torch.manual_seed: the seed counts modulo 2^32.
  void ManualSeed(uint64_t seed);

  uint32_t NextUInt32();

  // Fills with layer weights as torch's reset_parameters: one draw y each,
  //   float32(bound * ((y mod 2^24) - 2^23) / 2^23), bound = 1 / sqrt(fan_in).
  void FillUniform(float bound, int64_t count, float* out);

  // torch.rand: uniform in [0, 1), 24 bits.
  void FillRand(int64_t count, float* out);

  // torch.randn: the normal distribution by Box and Muller, in torch's order
  // (one draw after another below 16 numbers, blocks of 16 from there on), with
  // the bits of torch's builds for AVX2, which any x86 processor of the last
  // ten years runs.
  void FillRandn(int64_t count, float* out);

 private:
  void Refill();
  double NextNormal();

  std::array<uint32_t, 624> state_;
  int next_ = 624;
  double stored_normal_ = 0;
  bool has_stored_normal_ = false;
};

}  // namespace convscope

#endif  // CONVSCOPE_RANDOM_H_
