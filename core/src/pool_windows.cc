#include "core/src/pool_windows.h"

#include <limits>

#include "core/src/nan.h"

namespace convscope {
namespace {

// Calls visit(offset, count) for each row of a window: where in the plane the
// row begins, and how many cells it has, `step` apart.
template <class Visit>
void ForEachRow(const PoolGeometry& pool, const std::array<Taps, 3>& taps,
                Visit visit) {
  for (int64_t z = 0; z < taps[0].count; ++z) {
    const int64_t iz = taps[0].begin + z * pool.axes[0].dilation;
    for (int64_t y = 0; y < taps[1].count; ++y) {
      const int64_t iy = taps[1].begin + y * pool.axes[1].dilation;
      visit((iz * pool.axes[1].in + iy) * pool.axes[2].in + taps[2].begin,
            taps[2].count);
    }
  }
}

struct Largest {
  float value = -std::numeric_limits<float>::infinity();
  int64_t offset;
};

// Starts at the window's first cell: what a window of nothing but -inf takes.
Largest LargestOf(const PoolGeometry& pool, const float* plane,
                  const std::array<Taps, 3>& taps) {
  Largest largest;
  largest.offset =
      (taps[0].begin * pool.axes[1].in + taps[1].begin) * pool.axes[2].in +
      taps[2].begin;
  const int64_t step = pool.axes[2].dilation;
  ForEachRow(pool, taps, [&](int64_t offset, int64_t count) {
    for (int64_t x = 0; x < count; ++x, offset += step) {
      const float value = plane[offset];
      // The later of two NaN replaces the earlier, as in torch.
      if (value > largest.value || value != value) {
        largest.value = value;
        largest.offset = offset;
      }
    }
  });
  return largest;
}

bool IsEmpty(const std::array<Taps, 3>& taps) {
  return taps[0].count == 0 || taps[1].count == 0 || taps[2].count == 0;
}

}  // namespace

PoolGeometry::PoolGeometry(const std::vector<AxisMap>& maps, int pooled) {
  const size_t rank = maps.size() - static_cast<size_t>(pooled);
  for (size_t axis = 0; axis < rank; ++axis) lead.push_back(maps[axis].in);
  for (size_t axis = rank; axis < maps.size(); ++axis) {
    axes[axis + 3 - maps.size()] = maps[axis];
  }
  for (int axis = 0; axis < 3 - pooled; ++axis) {
    axes[axis].kind = AxisMap::Kind::kWindow;
  }
}

void PoolMax(const PoolGeometry& pool, const float* in, const Product* cells,
             float* out, int32_t* indices) {
  const int64_t in_plane = pool.in_plane();
  ForEachWindow(pool, cells,
                [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
                  const Largest largest =
                      LargestOf(pool, in + plane * in_plane, taps);
                  if (out != nullptr) out[o] = largest.value;
                  if (indices != nullptr) {
                    indices[o] = static_cast<int32_t>(largest.offset);
                  }
                });
}

void PoolMaxBackward(const PoolGeometry& pool, const float* in,
                     const float* grad_output, float* grad_input) {
  const int64_t in_plane = pool.in_plane();
  std::fill_n(grad_input, pool.planes() * in_plane, 0.0f);
  ForEachWindow(
      pool, nullptr,
      [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
        if (IsEmpty(taps)) return;
        const Largest largest = LargestOf(pool, in + plane * in_plane, taps);
        grad_input[plane * in_plane + largest.offset] += grad_output[o];
      });
  OneNaN(pool.planes() * in_plane, grad_input);
}

void PoolMean(const PoolGeometry& pool, const Divisor& divisor, const float* in,
              const Product* cells, float* out) {
  const int64_t in_plane = pool.in_plane();
  ForEachWindow(pool, cells,
                [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
                  const float* from = in + plane * in_plane;
                  float sum = 0;
                  ForEachRow(pool, taps, [&](int64_t offset, int64_t count) {
                    for (int64_t x = 0; x < count; ++x) sum += from[offset + x];
                  });
                  out[o] = OneNaN(sum / divisor.Of(taps));
                });
}

void PoolMeanBackward(const PoolGeometry& pool, const Divisor& divisor,
                      const float* grad_output, float* grad_input) {
  const int64_t in_plane = pool.in_plane();
  std::fill_n(grad_input, pool.planes() * in_plane, 0.0f);
  ForEachWindow(pool, nullptr,
                [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
                  float* to = grad_input + plane * in_plane;
                  const float share = grad_output[o] / divisor.Of(taps);
                  ForEachRow(pool, taps, [&](int64_t offset, int64_t count) {
                    for (int64_t x = 0; x < count; ++x) to[offset + x] += share;
                  });
                });
  OneNaN(pool.planes() * in_plane, grad_input);
}

}  // namespace convscope
