#include "tests/core/support/properties.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

namespace convscope::testing {
namespace {

Shape OutputOf(const Layer& layer, const Shape& in) {
  Shape out;
  const Status status = layer.OutputShape(in, &out);
  if (!status.ok()) throw std::runtime_error(status.message);
  return out;
}

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

// Each index with a chance of one half; now and then all or none.
Product RandomProduct(const Shape& shape, std::mt19937* random) {
  Product product;
  for (int64_t size : shape.span()) {
    const uint32_t kind = (*random)() % 6;
    IndexList list;
    for (int32_t i = 0; i < size; ++i) {
      if (kind == 0 || (kind != 1 && (*random)() % 2 == 0)) list.push_back(i);
    }
    product.axes.push_back(std::move(list));
  }
  return product;
}

std::string At(const char* what, const Shape& shape, int64_t offset) {
  return std::string(what) + " " + ToString(IndexAt(shape, offset));
}

}  // namespace

std::vector<float> DistinctValues(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i + 1) / 4;
  }
  std::mt19937 random(seed);
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random() % i]);
  }
  return values;
}

std::vector<float> Values(const Layer& layer, const Shape& in,
                          const std::vector<float>& values) {
  std::vector<float> out(static_cast<size_t>(OutputOf(layer, in).elements()));
  layer.Forward(in, values.data(), out.data());
  return out;
}

std::vector<float> InputGradient(const Layer& layer, const Shape& in,
                                 const std::vector<float>& values,
                                 const std::vector<float>& grad_output) {
  std::vector<float> gradient(values.size(), -77.0f);
  const Status status = layer.Backward(in, values.data(), grad_output.data(),
                                       {gradient.data(), {}});
  if (!status.ok()) throw std::runtime_error(status.message);
  return gradient;
}

std::string CellsFault(const Layer& layer, const Shape& in, uint32_t seed) {
  const Shape out = OutputOf(layer, in);
  const std::vector<float> values = DistinctValues(in.elements(), seed);
  const std::vector<float> whole = Values(layer, in, values);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    const Product cells =
        round == 0 ? AllCells(out) : RandomProduct(out, &random);
    constexpr float kUntouched = -1234.5f;
    std::vector<float> some(whole.size(), kUntouched);
    layer.ForwardCells(in, values.data(), cells, some.data());
    for (int64_t o = 0; o < out.elements(); ++o) {
      const bool asked = cells.Has(IndexAt(out, o));
      const float want = asked ? whole[o] : kUntouched;
      if (Bits(some[o]) == Bits(want)) continue;
      return At(asked ? "computed alone, another value:" : "touched:", out, o);
    }
  }
  return "";
}

std::string DependencyFault(const Layer& layer, const Shape& in) {
  const Shape out = OutputOf(layer, in);
  std::vector<std::vector<int32_t>> readers;
  std::vector<float> values(static_cast<size_t>(in.elements()), 1.0f);
  for (int64_t i = 0; i < in.elements(); ++i) {
    values[i] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> spread = Values(layer, in, values);
    values[i] = 1;
    std::vector<int32_t> reached;
    for (size_t o = 0; o < spread.size(); ++o) {
      if (std::isnan(spread[o])) reached.push_back(static_cast<int32_t>(o));
    }
    CellSet read_by;
    if (!layer.ReadBy(in, SingleCell(IndexAt(in, i)), &read_by).ok() ||
        read_by.Offsets() != reached) {
      return At("ReadBy is wrong for", in, i);
    }
    readers.push_back(std::move(reached));
  }
  for (int64_t o = 0; o < out.elements(); ++o) {
    std::vector<int32_t> read;
    for (size_t i = 0; i < readers.size(); ++i) {
      if (std::binary_search(readers[i].begin(), readers[i].end(), o)) {
        read.push_back(static_cast<int32_t>(i));
      }
    }
    CellSet reads;
    if (!layer.Reads(in, SingleCell(IndexAt(out, o)), &reads).ok() ||
        reads.Offsets() != read) {
      return At("Reads is wrong for", out, o);
    }
  }
  // Products of several cells: the union of what each cell gives.
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    const Product cells = RandomProduct(in, &random);
    std::vector<int32_t> want;
    for (int64_t i = 0; i < in.elements(); ++i) {
      if (!cells.Has(IndexAt(in, i))) continue;
      want.insert(want.end(), readers[i].begin(), readers[i].end());
    }
    Normalize(&want);
    CellSet got;
    if (!layer.ReadBy(in, cells, &got).ok() || got.Offsets() != want) {
      return "ReadBy is wrong for a product";
    }
    const Product outputs = RandomProduct(out, &random);
    want.clear();
    for (size_t i = 0; i < readers.size(); ++i) {
      for (int32_t o : readers[i]) {
        if (!outputs.Has(IndexAt(out, o))) continue;
        want.push_back(static_cast<int32_t>(i));
        break;
      }
    }
    if (!layer.Reads(in, outputs, &got).ok() || got.Offsets() != want) {
      return "Reads is wrong for a product";
    }
  }
  return "";
}

std::string GradientFault(const Layer& layer, const Shape& in,
                          double tolerance) {
  const Shape out = OutputOf(layer, in);
  std::vector<float> values = DistinctValues(in.elements(), 3);
  // Both signs, and 1/8 away from whole numbers: no kink within a step.
  const float shift = static_cast<float>(in.elements() / 8) + 0.125f;
  for (float& value : values) value -= shift;
  const std::vector<float> weights = DistinctValues(out.elements(), 4);
  const std::vector<float> gradient = InputGradient(layer, in, values, weights);
  constexpr float kStep = 1.0f / 64;
  for (int64_t i = 0; i < in.elements(); ++i) {
    const float value = values[i];
    values[i] = value + kStep;
    const std::vector<float> ahead = Values(layer, in, values);
    values[i] = value - kStep;
    const std::vector<float> behind = Values(layer, in, values);
    values[i] = value;
    double slope = 0;
    for (size_t o = 0; o < ahead.size(); ++o) {
      slope += weights[o] * (double{ahead[o]} - behind[o]) / (2 * kStep);
    }
    if (std::fabs(slope - gradient[i]) <= tolerance) continue;
    return At("the slope is another one at", in, i) + ": " +
           std::to_string(gradient[i]) + " instead of " + std::to_string(slope);
  }
  // The gradient of some outputs is added to what is there.
  std::mt19937 random(9);
  for (int round = 0; round < 10; ++round) {
    const Product cells = RandomProduct(out, &random);
    std::vector<float> masked(weights.size(), 0.0f);
    ForEachOffset(out, cells, [&](int64_t o) { masked[o] = weights[o]; });
    const std::vector<float> want = InputGradient(layer, in, values, masked);
    std::vector<float> got(values.size(), 0.5f);
    if (!layer
             .BackwardCells(in, values.data(), cells, weights.data(),
                            got.data())
             .ok()) {
      return "BackwardCells was refused";
    }
    for (size_t i = 0; i < got.size(); ++i) {
      if (std::fabs(got[i] - 0.5f - want[i]) <= tolerance) continue;
      return At("BackwardCells gives something else at", in,
                static_cast<int64_t>(i));
    }
  }
  return "";
}

}  // namespace convscope::testing
