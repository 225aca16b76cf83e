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

// The outputs of a row, as numbers k of its list, whose windows lie inside the
// input on the last axis; empty for lists with gaps, short rows, and windows of
// changing size. They are computed tap by tap along the row, which compilers
// turn into vector code: several times as fast as window by window.
struct Interior {
  int64_t begin = 0;
  int64_t end = 0;
};

Interior InteriorOf(const AxisMap& map, const AxisCells& x) {
  constexpr int64_t kShort = 8;
  if (map.kind == AxisMap::Kind::kAdaptive || x.size < kShort ||
      x[x.size - 1] - x[0] != x.size - 1) {
    return {};
  }
  const int64_t first = (map.before + map.stride - 1) / map.stride;
  const int64_t room =
      map.in - 1 - (map.kernel - 1) * map.dilation + map.before;
  if (room < 0) return {};
  Interior interior;
  interior.begin = std::clamp<int64_t>(first - x[0], 0, x.size);
  interior.end =
      std::clamp<int64_t>(room / map.stride + 1 - x[0], interior.begin, x.size);
  return interior;
}

// Calls visit(i, cell) for each i < width, the cells `stride` apart; stride 1
// has a loop of its own because only that becomes plain vector loads.
template <class Visit>
inline void ForEachStrided(const float* from, int64_t stride, int64_t width,
                           Visit visit) {
  if (stride == 1) {
    for (int64_t i = 0; i < width; ++i) visit(i, from[i]);
  } else {
    for (int64_t i = 0; i < width; ++i) visit(i, from[i * stride]);
  }
}

// Calls visit(from) for each tap of the windows of a row's interior, in
// row-major order: from[i * stride] is what the interior's output i takes.
template <class Visit>
void ForEachTap(const PoolGeometry& pool, PoolRow& row, int64_t first_output,
                const float* plane, Visit visit) {
  const AxisMap& map = pool.axes[2];
  row.taps[2] = {first_output * map.stride - map.before, map.kernel,
                 map.kernel};
  ForEachRow(pool, row.taps, [&](int64_t offset, int64_t count) {
    for (int64_t k = 0; k < count; ++k) {
      visit(plane + offset + k * map.dilation);
    }
  });
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
  const int64_t stride = pool.axes[2].stride;
  ForEachOutputRow(pool, cells, [&](PoolRow& row) {
    const float* plane = in + row.plane * in_plane;
    const auto window = [&](int64_t k) {
      row.taps[2] = TapsOf(pool.axes[2], row.x[k]);
      const Largest largest = LargestOf(pool, plane, row.taps);
      const int64_t o = row.offset + row.x[k];
      if (out != nullptr) out[o] = largest.value;
      if (indices != nullptr) indices[o] = static_cast<int32_t>(largest.offset);
    };
    const Interior interior =
        indices == nullptr ? InteriorOf(pool.axes[2], row.x) : Interior();
    const int64_t width = interior.end - interior.begin;
    for (int64_t k = 0; k < interior.begin; ++k) window(k);
    if (width > 0) {
      float* to = out + row.offset + row.x[interior.begin];
      std::fill_n(to, width, -std::numeric_limits<float>::infinity());
      ForEachTap(
          pool, row, row.x[interior.begin], plane, [&](const float* from) {
            ForEachStrided(from, stride, width, [to](int64_t i, float value) {
              const bool take = (value > to[i]) | (value != value);
              to[i] = take ? value : to[i];
            });
          });
    }
    for (int64_t k = interior.end; k < row.x.size; ++k) window(k);
  });
}

void PoolMaxBackward(const PoolGeometry& pool, const float* in,
                     const Product* cells, const float* grad_output,
                     float* grad_input) {
  const int64_t in_plane = pool.in_plane();
  ForEachWindow(
      pool, cells,
      [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
        if (IsEmpty(taps)) return;
        const Largest largest = LargestOf(pool, in + plane * in_plane, taps);
        grad_input[plane * in_plane + largest.offset] += grad_output[o];
      });
}

void PoolMean(const PoolGeometry& pool, const Divisor& divisor, const float* in,
              const Product* cells, float* out) {
  const int64_t in_plane = pool.in_plane();
  const int64_t stride = pool.axes[2].stride;
  ForEachOutputRow(pool, cells, [&](PoolRow& row) {
    const float* plane = in + row.plane * in_plane;
    const auto window = [&](int64_t k) {
      row.taps[2] = TapsOf(pool.axes[2], row.x[k]);
      float sum = 0;
      ForEachRow(pool, row.taps, [&](int64_t offset, int64_t count) {
        for (int64_t x = 0; x < count; ++x) sum += plane[offset + x];
      });
      out[row.offset + row.x[k]] = OneNaN(sum / divisor.Of(row.taps));
    };
    const Interior interior = InteriorOf(pool.axes[2], row.x);
    const int64_t width = interior.end - interior.begin;
    for (int64_t k = 0; k < interior.begin; ++k) window(k);
    if (width > 0) {
      float* to = out + row.offset + row.x[interior.begin];
      std::fill_n(to, width, 0.0f);
      ForEachTap(
          pool, row, row.x[interior.begin], plane, [&](const float* from) {
            ForEachStrided(from, stride, width,
                           [to](int64_t i, float value) { to[i] += value; });
          });
      const float by = divisor.Of(row.taps);
      for (int64_t i = 0; i < width; ++i) to[i] = OneNaN(to[i] / by);
    }
    for (int64_t k = interior.end; k < row.x.size; ++k) window(k);
  });
}

void PoolMeanBackward(const PoolGeometry& pool, const Divisor& divisor,
                      const Product* cells, const float* grad_output,
                      float* grad_input) {
  const int64_t in_plane = pool.in_plane();
  ForEachWindow(pool, cells,
                [&](int64_t plane, int64_t o, const std::array<Taps, 3>& taps) {
                  float* to = grad_input + plane * in_plane;
                  const float share = grad_output[o] / divisor.Of(taps);
                  ForEachRow(pool, taps, [&](int64_t offset, int64_t count) {
                    for (int64_t x = 0; x < count; ++x) to[offset + x] += share;
                  });
                });
}

}  // namespace convscope
