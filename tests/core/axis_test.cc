// AxisMap: dependencies along one axis against a map drawn cell by cell.
#include "convscope/axis.h"

#include <algorithm>
#include <set>

#include "doctest/doctest.h"
#include "tests/core/support/random_layers.h"

namespace convscope::testing {
namespace {

using Kind = AxisMap::Kind;

// The cells of an axis after padding or cropping: the input index that each
// place holds, -1 for a constant. Built as torch builds it, by taking cells one
// after another.
std::vector<int64_t> PaddedAxis(const AxisMap& map) {
  std::vector<int64_t> cells;
  const int64_t begin = std::max<int64_t>(0, -map.before);
  const int64_t end = map.in + std::min<int64_t>(0, map.after);
  for (int64_t i = 0; i < map.in; ++i) cells.push_back(i);
  if (map.mode == PaddingMode::kCircular) {
    // What a crop leaves is what the circle closes round.
    cells.assign(cells.begin() + begin, cells.begin() + end);
    const std::vector<int64_t> ring = cells;
    for (int64_t k = 0; k < map.before; ++k) {
      cells.insert(cells.begin(), ring[ring.size() - 1 - k]);
    }
    for (int64_t k = 0; k < map.after; ++k) cells.push_back(ring[k]);
    return cells;
  }
  for (int64_t k = 1; k <= map.before; ++k) {
    const int64_t copied = map.mode == PaddingMode::kReflect     ? k
                           : map.mode == PaddingMode::kReplicate ? 0
                                                                 : -1;
    cells.insert(cells.begin(), copied);
  }
  for (int64_t k = 1; k <= map.after; ++k) {
    const int64_t last = map.in - 1;
    const int64_t copied = map.mode == PaddingMode::kReflect     ? last - k
                           : map.mode == PaddingMode::kReplicate ? last
                                                                 : -1;
    cells.push_back(copied);
  }
  if (map.before < 0) cells.erase(cells.begin(), cells.begin() - map.before);
  if (map.after < 0) cells.erase(cells.end() + map.after, cells.end());
  return cells;
}

// sources[o][k]: the input index under tap k of output o, or -1.
std::vector<std::vector<int64_t>> Sources(const AxisMap& map) {
  std::vector<std::vector<int64_t>> sources(
      static_cast<size_t>(map.out),
      std::vector<int64_t>(static_cast<size_t>(map.kernel), -1));
  if (map.kind == Kind::kTransposed) {
    for (int64_t i = 0; i < map.in; ++i) {
      for (int64_t k = 0; k < map.kernel; ++k) {
        const int64_t o = i * map.stride - map.before + k * map.dilation;
        if (o >= 0 && o < map.out) sources[o][k] = i;
      }
    }
    return sources;
  }
  const std::vector<int64_t> cells = PaddedAxis(map);
  for (int64_t o = 0; o < map.out; ++o) {
    for (int64_t k = 0; k < map.kernel; ++k) {
      sources[o][k] = cells.at(o * map.stride + k * map.dilation);
    }
  }
  return sources;
}

// reads[o]: the inputs that output o reads.
std::vector<std::set<int64_t>> AllReads(const AxisMap& map) {
  std::vector<std::set<int64_t>> reads(static_cast<size_t>(map.out));
  for (int64_t o = 0; o < map.out; ++o) {
    if (map.kind == Kind::kIdentity) {
      reads[o].insert(o);
    } else if (map.kind == Kind::kGroups) {
      for (int64_t i = 0; i < map.in; ++i) {
        if (i * map.groups / map.in == o * map.groups / map.out) {
          reads[o].insert(i);
        }
      }
    } else if (map.kind == Kind::kAdaptive) {
      // Cell i covers [i, i + 1), output o the part [o, o + 1) * in / out.
      for (int64_t i = 0; i < map.in; ++i) {
        if ((i + 1) * map.out > o * map.in && i * map.out < (o + 1) * map.in) {
          reads[o].insert(i);
        }
      }
    }
  }
  if (map.kind == Kind::kWindow || map.kind == Kind::kTransposed) {
    const auto sources = Sources(map);
    for (int64_t o = 0; o < map.out; ++o) {
      for (int64_t i : sources[o]) {
        if (i >= 0) reads[o].insert(i);
      }
    }
  }
  return reads;
}

AxisMap RandomWindow(Random* random, PaddingMode mode) {
  for (;;) {
    AxisMap map;
    map.kind = Kind::kWindow;
    map.in = random->Int(1, 12);
    map.kernel = random->Int(1, 5);
    map.stride = random->Int(1, 4);
    map.dilation = random->Int(1, 4);
    map.mode = mode;
    // How far torch lets each mode reach: one reflection, one turn.
    const int64_t crop = random->Chance(30) ? -2 : 0;
    map.before = random->Int(crop, 6);
    map.after = random->Int(crop, 6);
    const int64_t cropped = map.in + std::min<int64_t>(0, map.before) +
                            std::min<int64_t>(0, map.after);
    if (cropped < 1) continue;
    if (mode == PaddingMode::kReflect &&
        std::max(map.before, map.after) >= map.in) {
      continue;
    }
    if (mode == PaddingMode::kCircular &&
        std::max(map.before, map.after) > cropped) {
      continue;
    }
    const int64_t room =
        map.in + map.before + map.after - map.dilation * (map.kernel - 1) - 1;
    if (room < 0) continue;
    map.out = room / map.stride + 1;
    return map;
  }
}

AxisMap RandomTransposed(Random* random) {
  for (;;) {
    AxisMap map;
    map.kind = Kind::kTransposed;
    map.in = random->Int(1, 9);
    map.kernel = random->Int(1, 5);
    map.stride = random->Int(1, 4);
    map.dilation = random->Int(1, 4);
    map.before = random->Int(0, 6);
    map.after = random->Int(0, 6);
    map.out = (map.in - 1) * map.stride - map.before - map.after +
              map.dilation * (map.kernel - 1) + 1 +
              random->Int(0, std::max(map.stride, map.dilation) - 1);
    if (map.out >= 1) return map;
  }
}

AxisMap RandomMap(Random* random) {
  switch (random->Int(0, 6)) {
    case 0:
      return AxisMap::Identity(random->Int(1, 9));
    case 1: {
      const int64_t groups = random->Int(1, 4);
      return AxisMap::Groups(groups * random->Int(1, 3),
                             groups * random->Int(1, 3), groups);
    }
    case 2:
      return AxisMap::Adaptive(random->Int(1, 12), random->Int(1, 12));
    case 3:
      return RandomTransposed(random);
    default:
      return RandomWindow(
          random, random->Pick<PaddingMode>(
                      {PaddingMode::kZeros, PaddingMode::kReflect,
                       PaddingMode::kReplicate, PaddingMode::kCircular}));
  }
}

IndexList ToList(const std::set<int64_t>& set) {
  return IndexList(set.begin(), set.end());
}

IndexList RandomSubset(Random* random, int64_t size) {
  IndexList list;
  for (int64_t i = 0; i < size; ++i) {
    if (random->Chance(30)) list.push_back(static_cast<int32_t>(i));
  }
  return list;
}

std::string Describe(const AxisMap& map) {
  std::string text = "kind " + std::to_string(static_cast<int>(map.kind));
  for (int64_t number : {map.in, map.out, map.kernel, map.stride, map.dilation,
                         map.before, map.after, map.groups}) {
    text += " " + std::to_string(number);
  }
  return text + " " + ToString(map.mode);
}

TEST_CASE("an axis knows the source of every tap, in every padding mode") {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    const AxisMap map = RandomMap(&random);
    if (map.kind != Kind::kWindow && map.kind != Kind::kTransposed) continue;
    CAPTURE(Describe(map));
    const auto sources = Sources(map);
    for (int64_t o = 0; o < map.out; ++o) {
      for (int64_t k = 0; k < map.kernel; ++k) {
        CAPTURE(o);
        CAPTURE(k);
        REQUIRE(map.Source(o, k) == sources[o][k]);
      }
    }
  }
}

TEST_CASE("an axis knows which outputs meet a cell with a tap") {
  Random random(2);
  for (int round = 0; round < 3000; ++round) {
    const AxisMap map = RandomMap(&random);
    if (map.kind != Kind::kWindow && map.kind != Kind::kTransposed) continue;
    CAPTURE(Describe(map));
    const auto sources = Sources(map);
    for (int64_t k = 0; k < map.kernel; ++k) {
      std::set<int64_t> want;
      for (int64_t o = 0; o < map.out; ++o) {
        if (sources[o][k] >= 0) want.insert(o);
      }
      IndexList got;
      map.AppendTapReaders(k, &got);
      Normalize(&got);
      CAPTURE(k);
      REQUIRE(got == ToList(want));
    }
  }
}

TEST_CASE("an axis reads, and is read by, exactly the cells of its windows") {
  Random random(3);
  for (int round = 0; round < 5000; ++round) {
    const AxisMap map = RandomMap(&random);
    CAPTURE(Describe(map));
    const std::vector<std::set<int64_t>> reads = AllReads(map);
    for (int64_t o = 0; o < map.out; ++o) {
      IndexList got;
      map.AppendReads(o, &got);
      Normalize(&got);
      CAPTURE(o);
      REQUIRE(got == ToList(reads[o]));
    }
    for (int64_t i = 0; i < map.in; ++i) {
      std::set<int64_t> want;
      for (int64_t o = 0; o < map.out; ++o) {
        if (reads[o].count(i) > 0) want.insert(o);
      }
      IndexList got;
      map.AppendReadBy(i, &got);
      Normalize(&got);
      CAPTURE(i);
      REQUIRE(got == ToList(want));
    }
  }
}

TEST_CASE("a set of cells depends on the union of what its cells depend on") {
  Random random(4);
  for (int round = 0; round < 3000; ++round) {
    const AxisMap map = RandomMap(&random);
    CAPTURE(Describe(map));
    const std::vector<std::set<int64_t>> reads = AllReads(map);
    const IndexList outputs = RandomSubset(&random, map.out);
    std::set<int64_t> want;
    for (int32_t o : outputs) want.insert(reads[o].begin(), reads[o].end());
    IndexList got{-7};  // What was there is replaced.
    REQUIRE(Reads(map, outputs, &got).ok());
    REQUIRE(got == ToList(want));

    const IndexList inputs = RandomSubset(&random, map.in);
    std::set<int64_t> want_outputs;
    for (int64_t o = 0; o < map.out; ++o) {
      for (int32_t i : inputs) {
        if (reads[o].count(i) > 0) want_outputs.insert(o);
      }
    }
    got = {-7};
    REQUIRE(ReadBy(map, inputs, &got).ok());
    REQUIRE(got == ToList(want_outputs));
  }
}

TEST_CASE("a list that no memory should hold is refused, not made") {
  AxisMap map;
  map.kind = Kind::kWindow;
  map.in = map.kernel = int64_t{1} << 29;
  map.out = 1;
  IndexList list;
  CHECK(Reads(map, {0}, &list).code == Code::kMemory);
  std::swap(map.in, map.out);
  map.before = map.out - 1;
  CHECK(ReadBy(map, {0}, &list).code == Code::kMemory);
  const AxisMap groups = AxisMap::Groups(int64_t{1} << 29, 1, 1);
  CHECK(Reads(groups, {0}, &list).code == Code::kMemory);
}

TEST_CASE("padding modes have torch's names") {
  for (const char* name : {"zeros", "reflect", "replicate", "circular"}) {
    CAPTURE(name);
    PaddingMode mode;
    REQUIRE(ParsePaddingMode(name, &mode));
    CHECK(ToString(mode) == std::string(name));
  }
  for (const char* name : {"", "Zeros", "constant", "zeros "}) {
    CAPTURE(name);
    PaddingMode mode;
    CHECK_FALSE(ParsePaddingMode(name, &mode));
  }
}

}  // namespace
}  // namespace convscope::testing
