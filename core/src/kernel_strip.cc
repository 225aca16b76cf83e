#include "core/src/kernel_strip.h"

#include <algorithm>

#include "core/src/integers.h"

namespace convscope {
namespace {

int64_t MinShift(const PhaseAxis& axis) {
  return std::min(axis.Shift(0), axis.Shift(axis.taps - 1));
}
int64_t ShiftRange(const PhaseAxis& axis) {
  return std::abs(axis.shift_step) * (axis.taps - 1);
}

}  // namespace

StripShape ShapeStrips(const Phase& phase, int64_t ic, int64_t floats,
                       int64_t slack) {
  // No structured binding: lambdas of Clang before 16 capture none.
  const PhaseAxis &d = phase.axes[0], &h = phase.axes[1], &w = phase.axes[2];
  StripShape shape;
  shape.left = MinShift(w);
  shape.top = MinShift(h);
  const int64_t range = ShiftRange(w);
  shape.slots = std::min(w.stride, range + 1);
  const int64_t more = range / w.stride + slack;
  const int64_t per_column = shape.slots * ic * d.taps;
  const auto resize = [&](int64_t rows, int64_t columns) {
    shape.rows = rows;
    shape.columns = columns;
    shape.pitch = columns + more;
    shape.height = (rows - 1) * h.stride + ShiftRange(h) + 1;
    shape.channel = d.taps * shape.height * shape.row();
  };
  // Whole rows if a single one fits.
  resize(1, w.count);
  if (shape.channel * ic > floats) {
    const int64_t fit = floats / (per_column * shape.height) - more;
    resize(1, std::min(w.count, std::max<int64_t>(fit, 64)));
    return shape;
  }
  const int64_t by_row = per_column * shape.pitch * h.stride;
  const int64_t rest = floats - shape.channel * ic;
  resize(std::min(h.count, 1 + rest / by_row), w.count);
  return shape;
}

int64_t TapOffset(const Phase& phase, const StripShape& shape, int64_t t) {
  const auto& [d, h, w] = phase.axes;
  const int64_t tw = t % w.taps;
  const int64_t th = t / w.taps % h.taps;
  const int64_t td = t / w.taps / h.taps;
  const int64_t column = w.Shift(tw) - shape.left;
  const int64_t row = h.Shift(th) - shape.top;
  return (td * shape.height + row) * shape.row() +
         column % w.stride * shape.pitch + column / w.stride;
}

void StripCopy::Find(const Phase& phase, const StripShape& shape, int64_t qd,
                     int64_t qh, int64_t qw) {
  // No structured binding: lambdas of Clang before 16 capture none.
  const PhaseAxis &d = phase.axes[0], &h = phase.axes[1], &w = phase.axes[2];
  step = static_cast<int32_t>(w.stride);
  runs.clear();
  zeros.clear();
  cells.clear();
  const auto append = [](std::vector<Run>* list, int64_t to, int64_t from,
                         int64_t count) {
    if (count <= 0) return;
    list->push_back({static_cast<int32_t>(to), static_cast<int32_t>(from),
                     static_cast<int32_t>(count)});
  };
  const int64_t columns = std::min(shape.columns, w.count - qw);
  const int64_t rows = std::min(shape.rows, h.count - qh);
  const int64_t used = columns + ShiftRange(w) / w.stride;
  const int64_t height = (rows - 1) * h.stride + ShiftRange(h) + 1;
  int64_t to = 0;
  for (int64_t td = 0; td < d.taps; ++td) {
    const int64_t sd = d.Source(qd, td);
    to = td * shape.height * shape.row();
    for (int64_t y = 0; y < height; ++y) {
      const int64_t sh = h.SourceAt(qh * h.stride + shape.top + y);
      const int64_t row = (sd | sh) < 0 ? -1 : sd * h.map.in + sh;
      for (int64_t slot = 0; slot < shape.slots; ++slot, to += shape.pitch) {
        if (row < 0) {
          append(&zeros, to, 0, used);
          continue;
        }
        // Cell a holds position first + a * stride.
        const int64_t first = qw * w.stride + shape.left + slot;
        const int64_t begin =
            std::clamp<int64_t>(CeilDiv(-first, w.stride), 0, used);
        const int64_t end = std::clamp<int64_t>(
            CeilDiv(w.map.in - first, w.stride), begin, used);
        append(&runs, to + begin, row * w.map.in + first + begin * w.stride,
               end - begin);
        const auto pad = [&](int64_t from_cell, int64_t to_cell) {
          if (w.PadsZeros()) {
            append(&zeros, to + from_cell, 0, to_cell - from_cell);
            return;
          }
          for (int64_t a = from_cell; a < to_cell; ++a) {
            const int64_t position = first + a * w.stride;
            // The last cells of some slots lie behind all that is read.
            if (position >= w.map.in + w.map.after) {
              append(&zeros, to + a, 0, 1);
              continue;
            }
            append(&cells, to + a, row * w.map.in + w.SourceAt(position), 1);
          }
        };
        pad(0, begin);
        pad(end, used);
      }
    }
  }
}

}  // namespace convscope
