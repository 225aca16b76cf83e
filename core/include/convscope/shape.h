// Shape: the sizes of a dense, row-major tensor, outermost axis first.
#ifndef CONVSCOPE_SHAPE_H_
#define CONVSCOPE_SHAPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "convscope/status.h"

namespace convscope {

// Tensors of this many elements or more are refused.
inline constexpr int64_t kMaxElements = int64_t{1} << 30;

// Sizes, strides or an index: up to 16 numbers, held in place so that the
// smallest call allocates nothing.
class Shape {
 public:
  static constexpr size_t kMaxRank = 16;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes)
      : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}
  // The first kMaxRank of `sizes`: callers refuse higher ranks before.
  explicit Shape(std::span<const int64_t> sizes) {
    for (int64_t size : sizes) push_back(size);
  }

  size_t rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t operator[](size_t axis) const { return sizes_[axis]; }
  int64_t& operator[](size_t axis) { return sizes_[axis]; }
  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }
  std::span<const int64_t> span() const { return {begin(), rank_}; }
  int64_t back() const { return sizes_[rank_ - 1]; }
  void push_back(int64_t size) {
    if (rank_ < kMaxRank) sizes_[rank_++] = size;
  }

  // Elements of a tensor of this shape; 1 for rank 0. Call it only on shapes
  // that CheckElements() has accepted: the product is not checked again.
  int64_t elements() const {
    int64_t product = 1;
    for (int64_t size : span()) product *= size;
    return product;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (size_t i = 0; i < a.rank_; ++i) {
      if (a.sizes_[i] != b.sizes_[i]) return false;
    }
    return true;
  }

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  size_t rank_ = 0;
};

// "[1, 3, 4]", as torch writes sizes in its messages.
std::string ToString(std::span<const int64_t> sizes);
inline std::string ToString(const Shape& shape) {
  return ToString(shape.span());
}

// Refuses negative sizes and kMaxElements elements or more, counting a size of
// 0 as 1: the plane of an empty batch has its limit, too. `what` begins the
// message
// ("output"). Sizes may hold anything: no product overflows.
Status CheckElements(const Shape& shape, const char* what);

// Row-major offset of `index`, which must lie inside `shape`.
int64_t Offset(const Shape& shape, const Shape& index);

// The inverse: the index at `offset`.
Shape IndexAt(const Shape& shape, int64_t offset);

// Refuses an index of another rank or outside `shape`. Negative numbers are
// outside: nothing counts from the end.
Status CheckIndex(const Shape& shape, const Shape& index, const char* what);

}  // namespace convscope

#endif  // CONVSCOPE_SHAPE_H_
