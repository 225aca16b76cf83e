// Shape: sizes, offsets and the refusal of what is too large.
#include "convscope/shape.h"

#include <limits>

#include "doctest/doctest.h"

namespace convscope {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TEST_CASE("sizes print as torch prints them") {
  CHECK(ToString(Shape{}) == "[]");
  CHECK(ToString(Shape{3}) == "[3]");
  CHECK(ToString(Shape{1, -3, 4}) == "[1, -3, 4]");
}

TEST_CASE(
    "a tensor holds the product of its sizes; a scalar holds one number") {
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{3, 4}.elements() == 12);
  CHECK(Shape{3, 0, 4}.elements() == 0);
}

TEST_CASE("tensors of 2^30 elements or more are refused") {
  CHECK(CheckElements({(1 << 30) - 1}, "input").ok());
  CHECK(CheckElements({1 << 15, (1 << 15) - 1}, "input").ok());
  for (const Shape& shape :
       {Shape{1 << 30}, Shape{1 << 15, 1 << 15}, Shape{2, 1 << 29},
        Shape{kHuge}, Shape{kHuge, kHuge}, Shape{1 << 16, 1 << 16, 1 << 16},
        // Products that wrap to 0 and to 1 in 64 bits.
        Shape{int64_t{1} << 32, int64_t{1} << 32},
        Shape{3, int64_t{-6148914691236517205} + kHuge}}) {
    CAPTURE(ToString(shape));
    const Status status = CheckElements(shape, "input");
    CHECK(status.code == Code::kMemory);
    CHECK(status.message.find("input of size " + ToString(shape)) == 0);
  }
}

TEST_CASE("an empty tensor is as large as its other sizes make it") {
  CHECK(CheckElements({0, 1 << 10, 1 << 10}, "input").ok());
  CHECK(CheckElements({0, kHuge, kHuge}, "input").code == Code::kMemory);
  CHECK(CheckElements({1 << 20, 1 << 20, 0}, "input").code == Code::kMemory);
}

TEST_CASE("negative sizes are refused in torch's words") {
  const Status status = CheckElements({2, -3, 0}, "weight");
  CHECK(status.code == Code::kShape);
  CHECK(status.message ==
        "Trying to create tensor with negative dimension -3: [2, -3, 0]");
}

TEST_CASE("offsets count in row-major order, and indices come back from them") {
  const Shape shape{2, 3, 4};
  int64_t offset = 0;
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      for (int64_t k = 0; k < 4; ++k, ++offset) {
        REQUIRE(Offset(shape, {i, j, k}) == offset);
        REQUIRE(IndexAt(shape, offset) == Shape{i, j, k});
      }
    }
  }
}

TEST_CASE("an index outside its tensor is refused; none counts from the end") {
  const Shape shape{2, 3};
  CHECK(CheckIndex(shape, {0, 0}, "input").ok());
  CHECK(CheckIndex(shape, {1, 2}, "input").ok());
  for (const Shape& index :
       {Shape{2, 0}, Shape{0, 3}, Shape{-1, 0}, Shape{0, -1}, Shape{kHuge, 0},
        Shape{0}, Shape{0, 0, 0}, Shape{}}) {
    CAPTURE(ToString(index));
    CHECK(CheckIndex(shape, index, "input").code == Code::kIndex);
  }
  CHECK(CheckIndex({}, {}, "input").ok());
  CHECK(CheckIndex({0}, {0}, "input").code == Code::kIndex);
}

}  // namespace
}  // namespace convscope
