// Why a watched output kept its value though an edit reaches it.
#include <algorithm>

#include "convscope/watch.h"

namespace convscope {
namespace {

// A cell that both products hold; no axes if there is none.
Shape FirstCommon(const Product& a, const Product& b) {
  Shape index;
  for (size_t axis = 0; axis < a.axes.size(); ++axis) {
    const IndexList& list = b.axes[axis];
    const auto at = std::find_if(
        a.axes[axis].begin(), a.axes[axis].end(), [&list](int32_t i) {
          return std::binary_search(list.begin(), list.end(), i);
        });
    if (at == a.axes[axis].end()) return Shape();
    index.push_back(*at);
  }
  return index;
}

}  // namespace

// `level` counts the leaves before the cell; level 0 is the input.
std::string Watch::WhyKeptAt(size_t level, const Shape& index) const {
  if (level == 0) return "the same value was written";
  const size_t leaf = level - 1;
  CellSet read;
  if (!leaves_[leaf]->Reads(shapes_[leaf], SingleCell(index), &read).ok()) {
    return "";
  }
  std::vector<int32_t> inputs;
  for (int32_t offset : changed_[leaf]) {
    if (read.Has(IndexAt(shapes_[leaf], offset))) inputs.push_back(offset);
  }
  std::vector<int32_t> weights;
  for (const Edit& edit : edited_) {
    for (size_t p = 0; p < parameters_.size(); ++p) {
      const bool is_own = owners_[p].leaf == leaf && owners_[p].parameter == 0;
      if (is_own && parameters_[p].data == parameters_[edit.target - 1].data) {
        weights.push_back(static_cast<int32_t>(edit.offset));
      }
    }
  }
  Normalize(&weights);
  CellSet readers(shapes_[level]);
  const bool is_edited =
      ReadByEdits(leaf, edited_, &readers).ok() && readers.Has(index);
  if (!inputs.empty() || is_edited) {
    return leaves_[leaf]->WhyKept(shapes_[leaf], values_[leaf].data(), index,
                                  inputs, weights);
  }
  // Nothing that it reads changed: the ripple ended before, at any of the
  // reached cells that it reads.
  for (const Product& part : reached_[leaf].parts()) {
    for (const Product& own : read.parts()) {
      const Shape meeting = FirstCommon(part, own);
      if (!meeting.empty()) return WhyKeptAt(leaf, meeting);
    }
  }
  return "";
}

std::string Watch::WhyKept(const Shape& index) const {
  if (!CheckIndex(output_shape(), index, "output").ok()) return "";
  const std::vector<int32_t>& changed = changed_.back();
  const auto offset = static_cast<int32_t>(Offset(output_shape(), index));
  if (std::binary_search(changed.begin(), changed.end(), offset)) return "";
  if (reached_.empty() || !reached_.back().Has(index)) return "";
  return WhyKeptAt(leaves_.size(), index);
}

}  // namespace convscope
