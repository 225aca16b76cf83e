// The two ways to add a product to a sum, as types for kernels.
#if defined(CONVSCOPE_SRC_KERNEL_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_MATH_INL_H_
#undef CONVSCOPE_SRC_KERNEL_MATH_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_MATH_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Math::kReproducible: the product is rounded, then the sum.
struct Reproducible {
  static constexpr bool kFused = false;
  template <class V>
  static HWY_INLINE V MulAdd(V a, V b, V sum) {
    return hn::Add(sum, hn::Mul(a, b));
  }
};

// Math::kFast: rounded once where the machine can.
struct Fast {
#if defined(__wasm_relaxed_simd__)
  static constexpr bool kFused = true;
#else
  static constexpr bool kFused = HWY_NATIVE_FMA;
#endif
  template <class V>
  static HWY_INLINE V MulAdd(V a, V b, V sum) {
#if defined(__wasm_relaxed_simd__)
    // Highway has no relaxed operations: its MulAdd is two instructions here.
    return V{wasm_f32x4_relaxed_madd(a.raw, b.raw, sum.raw)};
#else
    return hn::MulAdd(a, b, sum);
#endif
  }
};

// The one NaN that a layer may store.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V CanonicalNaN(D d, V v) {
  const hn::RebindToUnsigned<D> du;
  const V nan = hn::BitCast(d, hn::Set(du, 0x7fc00000u));
  return hn::IfThenElse(hn::IsNaN(v), nan, v);
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_MATH_INL_H_
