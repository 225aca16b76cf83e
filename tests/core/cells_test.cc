// CellSet: unions of products of index lists.
#include "convscope/cells.h"

#include <set>

#include "doctest/doctest.h"
#include "tests/core/support/random_layers.h"

namespace convscope::testing {
namespace {

Product RandomProduct(Random* random, const Shape& shape) {
  Product product;
  for (int64_t size : shape.span()) {
    IndexList list;
    for (int64_t i = 0; i < size; ++i) {
      if (random->Chance(50)) list.push_back(static_cast<int32_t>(i));
    }
    product.axes.push_back(std::move(list));
  }
  return product;
}

bool Holds(const IndexList& list, int64_t index) {
  for (int32_t each : list) {
    if (each == index) return true;
  }
  return false;
}

// The cells of a product, asked for one by one.
std::set<int32_t> BruteForce(const Shape& shape, const Product& product) {
  std::set<int32_t> cells;
  for (int64_t offset = 0; offset < shape.elements(); ++offset) {
    const Shape index = IndexAt(shape, offset);
    bool is_in = true;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      is_in = is_in && Holds(product.axes[axis], index[axis]);
    }
    if (is_in) cells.insert(static_cast<int32_t>(offset));
  }
  return cells;
}

TEST_CASE("a set of products has, counts and lists each of its cells once") {
  Random random(1);
  for (int round = 0; round < 500; ++round) {
    Shape shape;
    for (int64_t rank = random.Int(0, 4); rank > 0; --rank) {
      shape.push_back(random.Int(1, 4));
    }
    CAPTURE(ToString(shape));
    CellSet set(shape);
    std::set<int32_t> want;
    for (int64_t parts = random.Int(0, 3); parts > 0; --parts) {
      const Product product = RandomProduct(&random, shape);
      const std::set<int32_t> cells = BruteForce(shape, product);
      REQUIRE(product.size() == static_cast<int64_t>(cells.size()));
      want.insert(cells.begin(), cells.end());
      set.Add(product);
    }
    CHECK(set.size() == static_cast<int64_t>(want.size()));
    CHECK(set.empty() == want.empty());
    CHECK(set.Offsets() == std::vector<int32_t>(want.begin(), want.end()));
    for (int64_t offset = 0; offset < shape.elements(); ++offset) {
      REQUIRE(set.Has(IndexAt(shape, offset)) ==
              (want.count(static_cast<int32_t>(offset)) > 0));
    }
  }
}

TEST_CASE("a single cell and all cells are what they say") {
  const Shape shape{2, 3};
  CHECK(CellSet(shape, SingleCell({1, 2})).Offsets() ==
        std::vector<int32_t>{5});
  CHECK(CellSet(shape, AllCells(shape)).size() == 6);
  // A scalar has one cell, with an index of no numbers.
  CHECK(CellSet({}, SingleCell({})).Offsets() == std::vector<int32_t>{0});
  CHECK(CellSet({0, 3}, AllCells({0, 3})).empty());
}

TEST_CASE("an index of another rank is in no set") {
  const CellSet set({2, 3}, AllCells({2, 3}));
  CHECK_FALSE(set.Has({0}));
  CHECK_FALSE(set.Has({0, 0, 0}));
  CHECK_FALSE(set.Has({0, 3}));
  CHECK_FALSE(set.Has({0, -1}));
  // A number that is in range once it is cut to 32 bits.
  CHECK_FALSE(set.Has({0, int64_t{1} << 32}));
}

TEST_CASE("normalizing sorts and drops repetitions") {
  IndexList list{3, 1, 3, 2, 1};
  Normalize(&list);
  CHECK(list == IndexList{1, 2, 3});
  IndexList none;
  Normalize(&none);
  CHECK(none.empty());
}

}  // namespace
}  // namespace convscope::testing
