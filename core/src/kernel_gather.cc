#include "core/src/kernel_gather.h"

#include <algorithm>
#include <cstring>

namespace convscope {
namespace {

// One gather of the floats at source[0..3] of a plane of `plane` floats.
Gather GatherOf(const int32_t* source, int64_t plane) {
  Gather gather;
  gather.base[0] = gather.base[1] = 0;
  gather.kind = Gather::kScalar;
  gather.run = 0;
  if (source[0] >= 0 && source[1] == source[0] + 1 &&
      source[2] == source[0] + 2 && source[3] == source[0] + 3) {
    gather.base[0] = source[0];
    gather.kind = Gather::kLoad;
    return gather;
  }
  if (source[0] >= 0 && source[1] == source[0] + 2 &&
      source[2] == source[0] + 4 && source[3] == source[0] + 6 &&
      source[0] + 8 <= plane) {
    gather.base[0] = source[0];
    gather.kind = Gather::kEvens;
    return gather;
  }
  if (std::max({source[0], source[1], source[2], source[3]}) < 0) {
    gather.kind = Gather::kZero;
    return gather;
  }
  if (plane >= 4) {
    // Two loads, each from the first float that is still missing on.
    std::memset(gather.index, 0x80, sizeof(gather.index));
    bool missing[4];
    for (int i = 0; i < 4; ++i) missing[i] = source[i] >= 0;
    for (int load = 0; load < 2; ++load) {
      int first = 0;
      while (first < 4 && !missing[first]) ++first;
      if (first == 4) break;
      const int32_t base =
          std::min(source[first], static_cast<int32_t>(plane - 4));
      gather.base[load] = base;
      for (int i = first; i < 4; ++i) {
        if (!missing[i] || source[i] < base || source[i] >= base + 4) continue;
        for (int byte = 0; byte < 4; ++byte) {
          gather.index[load][4 * i + byte] =
              static_cast<uint8_t>(4 * (source[i] - base) + byte);
        }
        missing[i] = false;
      }
    }
    if (!missing[0] && !missing[1] && !missing[2] && !missing[3]) {
      gather.kind = Gather::kShuffle;
      return gather;
    }
  }
  std::memcpy(gather.source, source, sizeof(gather.source));
  return gather;
}

}  // namespace

void FindGathers(const Phase& phase, int64_t p0, int64_t count, int64_t columns,
                 Gather* gathers) {
  const auto& [d, h, w] = phase.axes;
  const int64_t plane = d.map.in * h.map.in * w.map.in;
  const int64_t q0 = p0 % w.count;
  const int64_t qh0 = p0 / w.count % h.count;
  const int64_t qd0 = p0 / w.count / h.count;
  const bool is_one_row = q0 + count <= w.count;
  for (int64_t td = 0; td < d.taps; ++td) {
    for (int64_t th = 0; th < h.taps; ++th) {
      const int64_t sd0 = d.Source(qd0, td), sh0 = h.Source(qh0, th);
      const int64_t row0 = (sd0 | sh0) < 0 ? -1 : sd0 * h.map.in + sh0;
      for (int64_t tw = 0; tw < w.taps; ++tw, gathers += columns / 4) {
        const int64_t position = q0 * w.stride + w.Shift(tw);
        if (is_one_row && count == columns && w.stride == 1 && row0 >= 0 &&
            position >= 0 && position + columns <= w.map.in) {
          gathers->base[0] = static_cast<int32_t>(row0 * w.map.in + position);
          gathers->kind = Gather::kLoad;
          gathers->run = 1;
          continue;
        }
        int64_t qd = qd0, qh = qh0, qw = q0, row = row0;
        int32_t source[4];
        bool is_run = count == columns;
        for (int64_t j = 0; j < columns; ++j) {
          int64_t in = -1;
          if (j < count && row >= 0) in = w.Source(qw, tw);
          source[j % 4] =
              in < 0 ? -1 : static_cast<int32_t>(row * w.map.in + in);
          if (j % 4 == 3) {
            gathers[j / 4] = GatherOf(source, plane);
            is_run &= gathers[j / 4].kind == Gather::kLoad &&
                      gathers[j / 4].base[0] == gathers[0].base[0] + j - 3;
          }
          if (++qw == w.count && j + 1 < count) {
            qw = 0;
            if (++qh == h.count) qh = 0, ++qd;
            const int64_t sd = d.Source(qd, td), sh = h.Source(qh, th);
            row = (sd | sh) < 0 ? -1 : sd * h.map.in + sh;
          }
        }
        // Rows may follow each other without a gap.
        if (is_run) gathers->run = 1;
      }
    }
  }
}

void FindPanelGathers(const Phase& phase, int64_t p0, int64_t p_end,
                      int64_t vector, int64_t wide, Gather* gathers) {
  const int64_t step = phase.taps() * wide / 4;
  for (int64_t p = p0; p < p_end; p += wide) {
    const int64_t count = std::min(wide, p_end - p);
    FindGathers(phase, p, count, (count + vector - 1) / vector * vector,
                gathers + (p - p0) / wide * step);
  }
  // From the last panel but one back.
  for (int64_t p = (p_end - p0 - 1) / wide - 1; p >= 0; --p) {
    for (int64_t i = p * step; i < (p + 1) * step; i += wide / 4) {
      const Gather& next = gathers[i + step];
      if (gathers[i].run == 0 || next.run == 0) continue;
      if (next.base[0] == gathers[i].base[0] + wide) {
        gathers[i].run = next.run + 1;
      }
    }
  }
}

}  // namespace convscope
