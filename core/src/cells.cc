#include "convscope/cells.h"

#include <algorithm>
#include <utility>

namespace convscope {

void Normalize(IndexList* list) {
  // Lists mostly arrive in order: look before sorting.
  if (!std::is_sorted(list->begin(), list->end())) {
    std::sort(list->begin(), list->end());
  }
  list->erase(std::unique(list->begin(), list->end()), list->end());
}

IndexList Everything(int64_t size) {
  IndexList list(static_cast<size_t>(size));
  for (size_t i = 0; i < list.size(); ++i) list[i] = static_cast<int32_t>(i);
  return list;
}

int64_t Product::size() const {
  int64_t size = 1;
  for (const IndexList& list : axes) size *= static_cast<int64_t>(list.size());
  return size;
}

bool Product::Has(const Shape& index) const {
  if (index.rank() != axes.size()) return false;
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    if (!std::binary_search(axes[axis].begin(), axes[axis].end(),
                            index[axis])) {
      return false;
    }
  }
  return true;
}

Product SingleCell(const Shape& index) {
  Product product;
  for (int64_t i : index.span()) {
    product.axes.push_back({static_cast<int32_t>(i)});
  }
  return product;
}

Product AllCells(const Shape& shape) {
  Product product;
  for (int64_t size : shape.span()) product.axes.push_back(Everything(size));
  return product;
}

void CellSet::Add(Product product) {
  if (product.size() > 0) parts_.push_back(std::move(product));
}

int64_t CellSet::size() const {
  if (parts_.empty()) return 0;
  if (parts_.size() == 1) return parts_[0].size();
  return static_cast<int64_t>(Offsets().size());
}

bool CellSet::Has(const Shape& index) const {
  for (const Product& part : parts_) {
    if (part.Has(index)) return true;
  }
  return false;
}

std::vector<int32_t> CellSet::Offsets() const {
  std::vector<int32_t> offsets;
  int64_t count = 0;
  for (const Product& part : parts_) count += part.size();
  offsets.resize(static_cast<size_t>(count));
  int32_t* next = offsets.data();
  for (const Product& part : parts_) {
    ForEachOffset(shape_, part, [&](int64_t offset) {
      *next++ = static_cast<int32_t>(offset);
    });
  }
  if (parts_.size() > 1) Normalize(&offsets);
  return offsets;
}

}  // namespace convscope
