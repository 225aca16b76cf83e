#include "convscope/cells.h"

#include <algorithm>
#include <utility>

namespace convscope {
namespace {

// The cells at `offsets`, ascending, row by row of the last axis.
class Rows {
 public:
  Rows(const Shape& shape, const std::vector<int32_t>& offsets)
      : shape_(shape), offsets_(offsets) {
    if (!shape.empty()) {
      width_ = shape.back();
      for (size_t axis = 0; axis + 1 < shape.rank(); ++axis) {
        outer_.push_back(shape[axis]);
      }
    }
    for (size_t i = 0; i < offsets.size();) {
      begins_.push_back(i);
      const int64_t end = (offsets[i] / width_ + 1) * width_;
      while (i < offsets.size() && offsets[i] < end) ++i;
    }
    begins_.push_back(offsets.size());
  }

  // One product for each row.
  CellSet Separate() const {
    CellSet set(shape_);
    for (size_t row = 0; row + 1 < begins_.size(); ++row) {
      Product product;
      if (!shape_.empty()) {
        product = SingleCell(OuterIndex(row));
        product.axes.emplace_back();
        AppendColumns(row, &product.axes.back());
      }
      set.Add(std::move(product));
    }
    return set;
  }

  // The smallest product that holds all of them.
  Product Hull() const {
    Product hull;
    hull.axes.resize(shape_.rank());
    if (shape_.empty()) return hull;
    for (size_t row = 0; row + 1 < begins_.size(); ++row) {
      const Shape index = OuterIndex(row);
      for (size_t axis = 0; axis < outer_.rank(); ++axis) {
        IndexList& list = hull.axes[axis];
        const auto at = static_cast<int32_t>(index[axis]);
        if (list.empty() || list.back() != at) list.push_back(at);
      }
      if (row == 0 || !SameColumns(row - 1, row)) {
        AppendColumns(row, &hull.axes.back());
      }
    }
    for (IndexList& list : hull.axes) Normalize(&list);
    return hull;
  }

 private:
  Shape OuterIndex(size_t row) const {
    return IndexAt(outer_, offsets_[begins_[row]] / width_);
  }
  int32_t RowBegin(size_t row) const {
    const int32_t first = offsets_[begins_[row]];
    return first - static_cast<int32_t>(first % width_);
  }
  void AppendColumns(size_t row, IndexList* columns) const {
    const int32_t begin = RowBegin(row);
    for (size_t i = begins_[row]; i < begins_[row + 1]; ++i) {
      columns->push_back(offsets_[i] - begin);
    }
  }
  bool SameColumns(size_t a, size_t b) const {
    const size_t count = begins_[a + 1] - begins_[a];
    if (begins_[b + 1] - begins_[b] != count) return false;
    const int32_t apart = RowBegin(b) - RowBegin(a);
    for (size_t i = 0; i < count; ++i) {
      if (offsets_[begins_[a] + i] + apart != offsets_[begins_[b] + i]) {
        return false;
      }
    }
    return true;
  }

  Shape shape_, outer_;
  int64_t width_ = 1;
  const std::vector<int32_t>& offsets_;
  std::vector<size_t> begins_;  // in offsets_, and the end
};

}  // namespace

void Normalize(IndexList* list) {
  // Lists mostly arrive in order: look before sorting.
  if (!std::is_sorted(list->begin(), list->end())) {
    // By a heap: std::sort is five times the code.
    std::make_heap(list->begin(), list->end());
    std::sort_heap(list->begin(), list->end());
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

CellSet CellsAt(const Shape& shape, const std::vector<int32_t>& offsets,
                int64_t slack) {
  if (offsets.empty()) return CellSet(shape);
  if (offsets.size() == 1) {
    return CellSet(shape, SingleCell(IndexAt(shape, offsets[0])));
  }
  const Rows rows(shape, offsets);
  Product hull = rows.Hull();
  if (hull.size() <= slack * static_cast<int64_t>(offsets.size())) {
    return CellSet(shape, std::move(hull));
  }
  return rows.Separate();
}

}  // namespace convscope
