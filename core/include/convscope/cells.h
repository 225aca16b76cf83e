// Sets of tensor cells that keep their structure: which inputs an output
// reads, which outputs read an input.
//
// A convolution maps each axis for itself, so the set of cells that belongs to
// one cell is a product of index lists, one list per axis, with every hole that
// dilation or stride leaves. A CellSet is a union of such products; for a
// single cell of most layers it is one product.
#ifndef CONVSCOPE_CELLS_H_
#define CONVSCOPE_CELLS_H_

#include <cstdint>
#include <vector>

#include "convscope/shape.h"
#include "convscope/status.h"

namespace convscope {

// Indices along one axis: ascending, each once.
using IndexList = std::vector<int32_t>;

// The list of an axis may hold this many indices at most (128 MiB); a query
// that would need more is refused.
inline constexpr int64_t kMaxListLength = int64_t{1} << 25;

// Sorts and drops repetitions.
void Normalize(IndexList* list);

// 0, 1, … size - 1.
IndexList Everything(int64_t size);

// One index list per axis; holds every combination. Empty if any list is.
struct Product {
  std::vector<IndexList> axes;

  int64_t size() const;
  bool Has(const Shape& index) const;
};

// The product that holds just `index`.
Product SingleCell(const Shape& index);

// All cells of `shape`.
Product AllCells(const Shape& shape);

// A union of products over the cells of a tensor of shape `shape`. The
// products may overlap; each cell counts once.
class CellSet {
 public:
  CellSet() = default;
  explicit CellSet(const Shape& shape) : shape_(shape) {}
  CellSet(const Shape& shape, Product product) : shape_(shape) {
    Add(std::move(product));
  }

  const Shape& shape() const { return shape_; }
  const std::vector<Product>& parts() const { return parts_; }
  bool empty() const { return parts_.empty(); }

  // Leaves empty products out.
  void Add(Product product);

  // Number of cells. With several parts it enumerates them.
  int64_t size() const;
  bool Has(const Shape& index) const;
  // Row-major offsets of all cells, ascending, each once.
  std::vector<int32_t> Offsets() const;

 private:
  Shape shape_;
  std::vector<Product> parts_;
};

// The cells at `offsets`, ascending: as one product, if it holds at most
// `slack` times as many cells, else row by row. 1: exactly these cells.
CellSet CellsAt(const Shape& shape, const std::vector<int32_t>& offsets,
                int64_t slack);

// Calls visit(offset) for each cell of `product`, in row-major order.
template <class Visit>
void ForEachOffset(const Shape& shape, const Product& product, Visit visit) {
  const size_t rank = shape.rank();
  if (rank == 0) return visit(int64_t{0});
  if (product.size() == 0) return;
  Shape stride = shape;
  int64_t step = 1;
  for (size_t axis = rank; axis-- > 0; step *= shape[axis]) {
    stride[axis] = step;
  }
  // An odometer over all axes but the last.
  std::vector<size_t> at(rank, 0);
  for (;;) {
    int64_t base = 0;
    for (size_t axis = 0; axis + 1 < rank; ++axis) {
      base += product.axes[axis][at[axis]] * stride[axis];
    }
    for (int32_t last : product.axes[rank - 1]) visit(base + last);
    size_t axis = rank - 1;
    for (;;) {
      if (axis == 0) return;
      --axis;
      if (++at[axis] < product.axes[axis].size()) break;
      at[axis] = 0;
    }
  }
}

}  // namespace convscope

#endif  // CONVSCOPE_CELLS_H_
