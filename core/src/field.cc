#include "convscope/field.h"

#include <algorithm>
#include <utility>

#include "core/src/format.h"
#include "core/src/integers.h"

namespace convscope {
namespace {

// Cells that may be listed in all, and how far from the first they may lie:
// beyond, a field has no figures that anyone could use.
constexpr int64_t kMaxCells = int64_t{1} << 22;
constexpr int64_t kMaxReach = int64_t{1} << 30;
// Outputs looked at: after transposed layers fields differ from one output to
// the next, with a period that is the product of their strides.
constexpr int64_t kMaxPeriod = 4096;

using Positions = std::vector<int64_t>;

// The most cells that one output reads.
int64_t Width(const AxisMap& map) {
  switch (map.kind) {
    case AxisMap::Kind::kWindow:
    case AxisMap::Kind::kTransposed:
      return map.kernel;
    case AxisMap::Kind::kAdaptive:
      return map.in / std::max<int64_t>(map.out, 1) + 2;
    default:
      return 1;
  }
}

// What output `o` reads on an endless axis.
void AppendEndless(const AxisMap& map, int64_t o, Positions* inputs) {
  switch (map.kind) {
    case AxisMap::Kind::kIdentity:
    case AxisMap::Kind::kGroups:
      inputs->push_back(o);
      break;
    case AxisMap::Kind::kWindow:
      for (int64_t k = 0; k < map.kernel; ++k) {
        inputs->push_back(o * map.stride - map.before + k * map.dilation);
      }
      break;
    case AxisMap::Kind::kTransposed:
      for (int64_t k = 0; k < map.kernel; ++k) {
        const int64_t stamp = o + map.before - k * map.dilation;
        if (stamp % map.stride == 0) inputs->push_back(stamp / map.stride);
      }
      break;
    case AxisMap::Kind::kAdaptive: {
      if (map.out == 0) break;
      const int64_t end = CeilDiv((o + 1) * map.in, map.out);
      for (int64_t i = o * map.in / map.out; i < end; ++i) {
        inputs->push_back(i);
      }
      break;
    }
  }
}

// The input cells behind output `o` of the last of `maps`, ascending. False if
// they are more than `left`, which is lowered by what was listed, or too far.
bool FieldOf(const std::vector<AxisMap>& maps, int64_t o, int64_t* left,
             Positions* positions) {
  *positions = {o};
  for (size_t layer = maps.size(); layer-- > 0;) {
    Positions next;
    for (int64_t position : *positions) {
      *left -= Width(maps[layer]);
      if (*left < 0) return false;
      AppendEndless(maps[layer], position, &next);
    }
    // By a heap: std::sort is five times the code.
    std::make_heap(next.begin(), next.end());
    std::sort_heap(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    if (!next.empty() &&
        (next.front() < -kMaxReach || next.back() > kMaxReach)) {
      return false;
    }
    *positions = std::move(next);
  }
  return true;
}

Status FieldAlong(const std::vector<AxisMap>& maps, AxisField* result) {
  AxisField field;
  int64_t period = 1;
  for (const AxisMap& map : maps) {
    if (map.kind == AxisMap::Kind::kWindow) {
      field.jump *= static_cast<double>(map.stride);
    } else if (map.kind == AxisMap::Kind::kTransposed) {
      field.jump /= static_cast<double>(map.stride);
      period = std::min(period * map.stride, kMaxPeriod);
    } else if (map.kind == AxisMap::Kind::kAdaptive) {
      field.jump *= static_cast<double>(map.in) / static_cast<double>(map.out);
      period = std::clamp<int64_t>(map.out, period, kMaxPeriod);
    }
  }
  field.size = 0;
  int64_t left = kMaxCells;
  for (int64_t o = 0; o < period; ++o) {
    Positions cells;
    if (!FieldOf(maps, o, &left, &cells)) {
      return Error(Code::kMemory,
                   "the receptive field is too large: its figures would need a "
                   "list of more than 2^22 cells");
    }
    if (cells.empty()) continue;
    const int64_t size = cells.back() - cells.front() + 1;
    field.has_holes |= size != static_cast<int64_t>(cells.size());
    field.size = std::max(field.size, size);
    if (o == 0) {
      field.first_center =
          static_cast<double>(cells.front() + cells.back()) / 2;
    }
  }
  *result = field;
  return Ok();
}

}  // namespace

Status ReceptiveFieldSteps(const Layer& layer, const Shape& in,
                           std::vector<FieldStep>* steps) {
  std::vector<const Layer*> leaves;
  layer.AppendLeaves(&leaves);
  std::vector<FieldStep> made;
  // maps[axis][leaf], for every axis of the tensor.
  std::vector<std::vector<AxisMap>> maps(in.rank());
  std::vector<bool> is_spatial(in.rank(), false);
  Shape shape = in;
  for (const Layer* leaf : leaves) {
    Shape out;
    CONVSCOPE_RETURN_IF_ERROR(leaf->OutputShape(shape, &out));
    const std::vector<AxisMap> own = leaf->AxisMaps(shape);
    if (own.size() != in.rank()) {
      return Error(Code::kNotImplemented,
                   "receptive field figures need layers that treat each axis "
                   "for itself, which {} does not",
                   {leaf->ToString()});
    }
    FieldStep step{leaf->ToString(), out, {}};
    for (size_t axis = 0; axis < own.size(); ++axis) {
      maps[axis].push_back(own[axis]);
      const AxisMap::Kind kind = own[axis].kind;
      is_spatial[axis] =
          is_spatial[axis] ||
          (kind != AxisMap::Kind::kIdentity && kind != AxisMap::Kind::kGroups);
    }
    made.push_back(std::move(step));
    shape = out;
  }
  // Only now is it known which axes are more than batch and channels.
  for (size_t leaf = 0; leaf < made.size(); ++leaf) {
    for (size_t axis = 0; axis < maps.size(); ++axis) {
      if (!is_spatial[axis]) continue;
      AxisField field;
      CONVSCOPE_RETURN_IF_ERROR(
          FieldAlong({maps[axis].begin(),
                      maps[axis].begin() + static_cast<long>(leaf) + 1},
                     &field));
      made[leaf].axes.push_back(field);
    }
  }
  *steps = std::move(made);
  return Ok();
}

}  // namespace convscope
