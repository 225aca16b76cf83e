// The register tile of the matrix product: a few output channels by a few
// vectors of pixels, summed over a block of terms.
#if defined(CONVSCOPE_SRC_KERNEL_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#undef CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#else
#define CONVSCOPE_SRC_KERNEL_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"
//
#include "core/src/kernel_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace convscope {
namespace HWY_NAMESPACE {

// The most rows of a tile, and the vectors of its columns. The limit is the 15
// vector registers that V8 has on x64 (the same 16 on SSE4 and AVX2), and that
// V8 splats a weight in two instructions, of which six start in a cycle: tiles
// with few weights win. 3 x 3 are 9 sums, 3 pixels, 1 weight and 1 product;
// fused there is no product, and 6 x 2 fit. Measured with V8 14 as GFLOP/s of
// the loop below with multiply + add: 3 x 3 50, 5 x 2 45, 4 x 2 45; with
// relaxed madd 52, 6 x 2 56. Unrolling it gains nothing, or makes V8 spill.
#if HWY_TARGET <= HWY_AVX3
inline constexpr bool kHasManyRegisters = true;  // 32
#else
inline constexpr bool kHasManyRegisters = false;
#endif
template <class M>
constexpr int MaxRows() {
  return kHasManyRegisters ? 8 : M::kFused ? 6 : 3;
}
template <class M>
constexpr int MaxVectors() {
  return !kHasManyRegisters && M::kFused ? 2 : 3;
}
// Columns of a whole panel.
template <class M>
HWY_INLINE int64_t PanelColumns() {
  return MaxVectors<M>() *
         static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}
HWY_INLINE int64_t PanelColumns(bool is_fast) {
  return is_fast ? PanelColumns<Fast>() : PanelColumns<Reproducible>();
}
HWY_INLINE int64_t MaxRows(bool is_fast) {
  return is_fast ? MaxRows<Fast>() : MaxRows<Reproducible>();
}
// Columns of a panel for the last `count`: whole vectors.
HWY_INLINE int64_t WholeVectors(int64_t count) {
  const int64_t N = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  return (count + N - 1) / N * N;
}

// Shares `count` rows out to as few tiles as hold them, so evenly that their
// numbers of rows differ by one at most: visit(first row, rows).
template <class Visit>
HWY_INLINE void ForEachShare(int64_t count, int64_t most, Visit visit) {
  const int64_t tiles = (count + most - 1) / most;
  for (int64_t tile = 0, row = 0; tile < tiles; ++tile) {
    const int64_t rows = count / tiles + (tile < count % tiles ? 1 : 0);
    visit(row, rows);
    row += rows;
  }
}

struct TileArguments {
  const float* w;      // [k][row]
  const float* b;      // [panel][k][column]
  size_t b_pitch;      // floats from panel to panel
  size_t panels;       // side by side in c
  size_t depth;        // terms of the sum
  const float* start;  // of each row, or null: the sums go on from c
  bool is_last;        // these are results, no running sums: no NaN but one
  float* c;            // [row][column]
  size_t c_stride;     // floats from row to row
};

// c[row][column] = start + sum over k of w[k][row] * b[k][column], for kRows
// rows and one panel, of kVectors vectors of columns.
//
// V8 of Node 20 keeps the sums in registers only if there is no loop over
// panels around, and if something is done to them between the last addition and
// the store: here the look at NaNs. Otherwise it takes twice the time.
template <class M, int kRows, int kVectors>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT w, const float* HWY_RESTRICT b,
                       size_t depth, const float* HWY_RESTRICT start,
                       bool is_last, float* HWY_RESTRICT c, size_t c_stride) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const size_t N = hn::Lanes(d);

  V s[kRows * kVectors];
  HWY_UNROLL(8)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) {
      s[row * kVectors + v] = start != nullptr
                                  ? hn::Set(d, start[row])
                                  : hn::LoadU(d, c + row * c_stride + v * N);
    }
  }
  const float* const w_end = w + kRows * depth;
  for (; w != w_end; w += kRows, b += kVectors * N) {
    V x[kVectors];
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, b + v * N);
    HWY_UNROLL(8)
    for (int row = 0; row < kRows; ++row) {
      const V weight = hn::Set(d, w[row]);
      HWY_UNROLL(3)
      for (int v = 0; v < kVectors; ++v) {
        V& sum = s[row * kVectors + v];
        sum = M::MulAdd(weight, x[v], sum);
      }
    }
  }
  HWY_UNROLL(8)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) {
      const V sum = s[row * kVectors + v];
      hn::StoreU(is_last ? CanonicalNaN(d, sum) : sum, d,
                 c + row * c_stride + v * N);
    }
  }
}

using TileFunction = void (*)(const float*, const float*, size_t, const float*,
                              bool, float*, size_t);

// Tile() for numbers known only at run time, and for all panels.
template <class M, size_t... i>
void PickTile(int64_t rows, int64_t vectors, TileArguments a,
              std::index_sequence<i...>) {
  constexpr size_t kVectors = MaxVectors<M>();
  constexpr TileFunction kTiles[] = {
      &Tile<M, 1 + i / kVectors, 1 + i % kVectors>...};
  const auto tile = kTiles[static_cast<size_t>(rows - 1) * kVectors +
                           static_cast<size_t>(vectors - 1)];
  const size_t columns =
      static_cast<size_t>(vectors) * hn::Lanes(hn::ScalableTag<float>());
  for (; a.panels != 0; --a.panels) {
    tile(a.w, a.b, a.depth, a.start, a.is_last, a.c, a.c_stride);
    a.b += a.b_pitch;
    a.c += columns;
  }
}
template <class M>
void AnyTile(int64_t rows, int64_t vectors, const TileArguments& a) {
  PickTile<M>(rows, vectors, a,
              std::make_index_sequence<MaxRows<M>() * MaxVectors<M>()>());
}

// The same for any number of columns: a.panels whole panels and `rest` columns
// of one more, of as many vectors as hold them, or a whole one if
// `is_rest_whole`. Where those fill no panel, c is left alone beyond them.
template <class M>
void AnyTiles(int64_t rows, int64_t rest, bool is_rest_whole, TileArguments a) {
  const int64_t wide = PanelColumns<M>();
  const int64_t N = wide / MaxVectors<M>();
  if (a.panels > 0) AnyTile<M>(rows, MaxVectors<M>(), a);
  if (rest == 0) return;
  a.b += a.panels * a.b_pitch;
  a.c += a.panels * static_cast<size_t>(wide);
  a.panels = 1;
  const int64_t columns = is_rest_whole ? wide : WholeVectors(rest);
  if (rest == columns) {
    AnyTile<M>(rows, columns / N, a);
    return;
  }
  HWY_ALIGN float scratch[MaxRows<M>() * MaxVectors<M>() * HWY_MAX_BYTES /
                          sizeof(float)] = {};
  float* const c = std::exchange(a.c, scratch);
  const size_t c_stride =
      std::exchange(a.c_stride, static_cast<size_t>(columns));
  const auto for_each = [&](auto visit) {
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      for (size_t j = 0; j < static_cast<size_t>(rest); ++j) {
        visit(c[row * c_stride + j], scratch[row * a.c_stride + j]);
      }
    }
  };
  if (a.start == nullptr) for_each([](float& o, float& s) { s = o; });
  AnyTile<M>(rows, columns / N, a);
  for_each([](float& o, float& s) { o = s; });
}

}  // namespace HWY_NAMESPACE
}  // namespace convscope
HWY_AFTER_NAMESPACE();

#endif  // CONVSCOPE_SRC_KERNEL_TILE_INL_H_
