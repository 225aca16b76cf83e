#include "convscope/axis.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "core/src/integers.h"

namespace convscope {
namespace {

constexpr const char* kModeNames[] = {"zeros", "reflect", "replicate",
                                      "circular"};

void AppendRange(int64_t begin, int64_t end, IndexList* list) {
  for (int64_t i = begin; i < end; ++i)
    list->push_back(static_cast<int32_t>(i));
}

// Appends every o in [0, out) with o * stride = target - k * dilation for some
// k in [0, kernel), ascending or not. Solutions in k recur every stride / gcd,
// so the cost is that of the answer and not of the kernel.
void AppendWindowsOver(const AxisMap& map, int64_t target, IndexList* outputs) {
  const int64_t gcd = std::gcd(map.stride, map.dilation);
  if (target % gcd != 0) return;
  const int64_t k_step = map.stride / gcd;
  const int64_t o_step = map.dilation / gcd;
  // k must satisfy k * dilation <= target and target - k * dilation <=
  // (out - 1) * stride.
  const int64_t k_min = std::max<int64_t>(
      0, CeilDiv(target - (map.out - 1) * map.stride, map.dilation));
  const int64_t k_max =
      std::min(map.kernel - 1, FloorDiv(target, map.dilation));
  for (int64_t k = k_min; k < std::min(k_min + k_step, k_max + 1); ++k) {
    const int64_t rest = target - k * map.dilation;
    if (rest % map.stride != 0) continue;
    int64_t o = rest / map.stride;
    for (int64_t hit = k; hit <= k_max; hit += k_step, o -= o_step) {
      outputs->push_back(static_cast<int32_t>(o));
    }
    return;
  }
}

// Appends every o whose window reaches beyond a border of which cell `i` is the
// copy. Copies may be many; the windows over them are two ranges.
void AppendBorderWindows(const AxisMap& map, int64_t i, IndexList* outputs) {
  if (i == 0) {
    // The first tap falls before the first cell.
    AppendRange(0, std::min(map.out, FloorDiv(map.before - 1, map.stride) + 1),
                outputs);
  }
  if (i == map.in - 1) {
    // The last tap falls behind the last cell.
    const int64_t target =
        map.in + map.before - (map.kernel - 1) * map.dilation;
    AppendRange(std::max<int64_t>(0, CeilDiv(target, map.stride)), map.out,
                outputs);
  }
}

// Calls visit(position) for every padded position, relative to the first input
// cell, that holds input cell `i`; of the replicated border, only the cell
// itself.
template <class Visit>
void ForEachCopy(const AxisMap& map, int64_t i, Visit visit) {
  // Cropping (negative padding) leaves fewer positions than cells.
  const int64_t first = -map.before;
  const int64_t last = map.in - 1 + map.after;
  const auto visit_inside = [&](int64_t position) {
    if (position >= first && position <= last) visit(position);
  };
  visit_inside(i);
  switch (map.mode) {
    case PaddingMode::kZeros:
      break;
    case PaddingMode::kReflect:
      if (i != 0) visit_inside(-i);
      if (i != map.in - 1) visit_inside(2 * (map.in - 1) - i);
      break;
    case PaddingMode::kReplicate:
      break;  // See AppendBorderWindows.
    case PaddingMode::kCircular:
      // A cropped axis wraps round what the crop leaves.
      {
        const int64_t begin = std::max<int64_t>(0, first);
        const int64_t end = std::min(map.in, last + 1);
        if (i < begin || i >= end) break;
        visit_inside(i - (end - begin));
        visit_inside(i + (end - begin));
      }
      break;
  }
}

// Dense channels: whole groups, each once.
void GroupsOf(const IndexList& from, int64_t from_size, int64_t to_size,
              int64_t groups, IndexList* to) {
  to->clear();
  int64_t last = -1;
  for (int32_t index : from) {
    const int64_t group = index / (from_size / groups);
    if (group == last) continue;
    last = group;
    AppendRange(group * (to_size / groups), (group + 1) * (to_size / groups),
                to);
  }
}

template <class Append>
Status Union(const IndexList& from, int64_t size, IndexList* to,
             Append append) {
  to->clear();
  // Repetitions pile up until they are squeezed out: do so before the list
  // takes more than a few times what the answer can hold.
  const size_t squeeze_at =
      static_cast<size_t>(std::max<int64_t>(4 * size, 64));
  size_t squeezed = 0;
  for (int32_t index : from) {
    append(index, to);
    if (to->size() > squeezed + squeeze_at) {
      Normalize(to);
      squeezed = to->size();
    }
    if (static_cast<int64_t>(to->size()) > kMaxListLength) {
      Normalize(to);
      squeezed = to->size();
      if (static_cast<int64_t>(to->size()) > kMaxListLength) {
        return Error(Code::kMemory,
                     "the set of cells is too large: more than 2^25 indices "
                     "along one axis");
      }
    }
    // Full already: nothing can be added.
    if (squeezed == static_cast<size_t>(size) && squeezed == to->size()) break;
  }
  Normalize(to);
  return Ok();
}

Status CheckLength(int64_t length) {
  if (length <= kMaxListLength) return Ok();
  return Error(
      Code::kMemory,
      "the set of cells is too large: more than 2^25 indices along one "
      "axis");
}

}  // namespace

const char* ToString(PaddingMode mode) {
  return kModeNames[static_cast<int>(mode)];
}

bool ParsePaddingMode(std::string_view text, PaddingMode* mode) {
  for (int i = 0; i < 4; ++i) {
    if (text == kModeNames[i]) {
      *mode = static_cast<PaddingMode>(i);
      return true;
    }
  }
  return false;
}

int64_t PaddedSource(int64_t position, int64_t size, PaddingMode mode) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case PaddingMode::kZeros:
      return -1;
    case PaddingMode::kReflect:
      return position < 0 ? -position : 2 * (size - 1) - position;
    case PaddingMode::kReplicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::kCircular:
      return position < 0 ? position + size : position - size;
  }
  return -1;
}

AxisMap AxisMap::Identity(int64_t size) {
  AxisMap map;
  map.in = map.out = size;
  return map;
}

AxisMap AxisMap::Groups(int64_t in, int64_t out, int64_t groups) {
  AxisMap map;
  map.kind = Kind::kGroups;
  map.in = in;
  map.out = out;
  map.groups = groups;
  return map;
}

AxisMap AxisMap::Adaptive(int64_t in, int64_t out) {
  AxisMap map;
  map.kind = Kind::kAdaptive;
  map.in = in;
  map.out = out;
  return map;
}

int64_t AxisMap::At(int64_t position) const {
  if (mode == PaddingMode::kCircular && (before < 0 || after < 0)) {
    // A cropped axis wraps round what the crop leaves.
    const int64_t begin = std::max<int64_t>(0, -before);
    const int64_t end = std::min(in, in + after);
    return begin + PaddedSource(position - begin, end - begin, mode);
  }
  return PaddedSource(position, in, mode);
}

int64_t AxisMap::Source(int64_t o, int64_t k) const {
  if (kind == Kind::kTransposed) {
    const int64_t stamp = o + before - k * dilation;
    if (stamp < 0 || stamp % stride != 0) return -1;
    const int64_t i = stamp / stride;
    return i < in ? i : -1;
  }
  return At(o * stride - before + k * dilation);
}

void AxisMap::AppendReads(int64_t o, IndexList* inputs) const {
  switch (kind) {
    case Kind::kIdentity:
      inputs->push_back(static_cast<int32_t>(o));
      break;
    case Kind::kGroups: {
      const int64_t group = o / (out / groups);
      AppendRange(group * (in / groups), (group + 1) * (in / groups), inputs);
      break;
    }
    case Kind::kAdaptive:
      AppendRange(o * in / out, CeilDiv((o + 1) * in, out), inputs);
      break;
    case Kind::kTransposed: {
      // i * stride = o + before - k * dilation: the mirror of a window.
      AxisMap mirror = *this;
      mirror.out = in;
      AppendWindowsOver(mirror, o + before, inputs);
      break;
    }
    case Kind::kWindow: {
      if (mode != PaddingMode::kZeros) {
        for (int64_t k = 0; k < kernel; ++k) {
          inputs->push_back(static_cast<int32_t>(Source(o, k)));
        }
        break;
      }
      const int64_t start = o * stride - before;
      const int64_t k_min = std::max<int64_t>(0, CeilDiv(-start, dilation));
      const int64_t k_max =
          std::min(kernel - 1, FloorDiv(in - 1 - start, dilation));
      for (int64_t k = k_min; k <= k_max; ++k) {
        inputs->push_back(static_cast<int32_t>(start + k * dilation));
      }
      break;
    }
  }
}

void AxisMap::AppendReadBy(int64_t i, IndexList* outputs) const {
  switch (kind) {
    case Kind::kIdentity:
      outputs->push_back(static_cast<int32_t>(i));
      break;
    case Kind::kGroups: {
      const int64_t group = i / (in / groups);
      AppendRange(group * (out / groups), (group + 1) * (out / groups),
                  outputs);
      break;
    }
    case Kind::kAdaptive:
      // floor(o * in / out) <= i < ceil((o + 1) * in / out)
      AppendRange(i * out / in, CeilDiv((i + 1) * out, in), outputs);
      break;
    case Kind::kTransposed: {
      const int64_t start = i * stride - before;
      const int64_t k_min = std::max<int64_t>(0, CeilDiv(-start, dilation));
      const int64_t k_max =
          std::min(kernel - 1, FloorDiv(out - 1 - start, dilation));
      for (int64_t k = k_min; k <= k_max; ++k) {
        outputs->push_back(static_cast<int32_t>(start + k * dilation));
      }
      break;
    }
    case Kind::kWindow:
      ForEachCopy(*this, i, [&](int64_t position) {
        AppendWindowsOver(*this, position + before, outputs);
      });
      if (mode == PaddingMode::kReplicate) {
        AppendBorderWindows(*this, i, outputs);
      }
      break;
  }
}

void AxisMap::AppendTapReaders(int64_t k, IndexList* outputs) const {
  if (kind == Kind::kTransposed) {
    // i stamps tap k at i * stride - before + k * dilation.
    const int64_t shift = k * dilation - before;
    const int64_t i_min = std::max<int64_t>(0, CeilDiv(-shift, stride));
    const int64_t i_max = std::min(in - 1, FloorDiv(out - 1 - shift, stride));
    for (int64_t i = i_min; i <= i_max; ++i) {
      outputs->push_back(static_cast<int32_t>(i * stride + shift));
    }
    return;
  }
  if (mode != PaddingMode::kZeros) return AppendRange(0, out, outputs);
  const int64_t shift = k * dilation - before;
  AppendRange(std::max<int64_t>(0, CeilDiv(-shift, stride)),
              std::min(out, FloorDiv(in - 1 - shift, stride) + 1), outputs);
}

Status Reads(const AxisMap& map, const IndexList& outputs, IndexList* inputs) {
  if (map.kind == AxisMap::Kind::kIdentity) {
    *inputs = outputs;
    return Ok();
  }
  if (map.kind == AxisMap::Kind::kGroups) {
    CONVSCOPE_RETURN_IF_ERROR(CheckLength(map.in));
    GroupsOf(outputs, map.out, map.in, map.groups, inputs);
    return Ok();
  }
  if (map.kind == AxisMap::Kind::kWindow ||
      map.kind == AxisMap::Kind::kTransposed) {
    // The most that one window can add.
    CONVSCOPE_RETURN_IF_ERROR(CheckLength(map.mode == PaddingMode::kZeros
                                              ? std::min(map.kernel, map.in)
                                              : map.kernel));
  }
  if (map.kind == AxisMap::Kind::kAdaptive) {
    CONVSCOPE_RETURN_IF_ERROR(
        CheckLength(map.in / std::max<int64_t>(map.out, 1) + 2));
  }
  return Union(outputs, map.in, inputs,
               [&](int32_t o, IndexList* list) { map.AppendReads(o, list); });
}

Status ReadBy(const AxisMap& map, const IndexList& inputs, IndexList* outputs) {
  if (map.kind == AxisMap::Kind::kIdentity) {
    *outputs = inputs;
    return Ok();
  }
  if (map.kind == AxisMap::Kind::kGroups) {
    CONVSCOPE_RETURN_IF_ERROR(CheckLength(map.out));
    GroupsOf(inputs, map.in, map.out, map.groups, outputs);
    return Ok();
  }
  if (map.kind == AxisMap::Kind::kWindow ||
      map.kind == AxisMap::Kind::kTransposed) {
    CONVSCOPE_RETURN_IF_ERROR(CheckLength(
        std::min(map.out, map.mode == PaddingMode::kReplicate
                              ? map.out
                              : 3 * std::min(map.kernel, map.out))));
  }
  if (map.kind == AxisMap::Kind::kAdaptive) {
    CONVSCOPE_RETURN_IF_ERROR(
        CheckLength(map.out / std::max<int64_t>(map.in, 1) + 2));
  }
  return Union(inputs, map.out, outputs,
               [&](int32_t i, IndexList* list) { map.AppendReadBy(i, list); });
}

}  // namespace convscope
