#include "convscope/print.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "convscope/arguments.h"
#include "core/src/decimal.h"

namespace convscope {
namespace {

// torch.set_printoptions, as it is from the start.
constexpr int kPrecision = 4;
constexpr int64_t kThreshold = 1000;
constexpr int64_t kEdgeItems = 3;
constexpr size_t kLineWidth = 80;

// How numbers are written. torch chooses one form for all of a tensor.
struct Form {
  enum Kind { kIndex, kInteger, kFixed, kScientific };
  Kind kind = kInteger;
  size_t width = 1;
};

// Doubles hold floats and indices alike.
std::string NumberText(double value, Form::Kind kind) {
  if (kind == Form::kIndex) return std::to_string(static_cast<int32_t>(value));
  const float number = static_cast<float>(value);
  if (kind == Form::kScientific) return ScientificText(number, kPrecision);
  if (kind == Form::kFixed) return FixedText(number, kPrecision);
  return FixedText(number, 0) + (std::isfinite(number) ? "." : "");
}

Form ChooseForm(const std::vector<double>& values, bool indices) {
  Form form;
  // Zeros, nan and inf have no say among floats, not even in the width.
  std::vector<double> counted;
  for (double value : values) {
    if (indices || (std::isfinite(value) && value != 0)) {
      counted.push_back(value);
    }
  }
  if (counted.empty()) return form;
  double smallest = std::abs(counted[0]);
  double largest = smallest;
  bool integers = true;
  for (double value : counted) {
    smallest = std::min(smallest, std::abs(value));
    largest = std::max(largest, std::abs(value));
    integers = integers && value == std::ceil(value);
  }
  if (indices) {
    form.kind = Form::kIndex;
  } else if (largest / smallest > 1000.0 || largest > 1.0e8 ||
             smallest < 1.0e-4) {
    form.kind = Form::kScientific;
  } else if (!integers) {
    form.kind = Form::kFixed;
  }
  for (double value : counted) {
    form.width = std::max(form.width, NumberText(value, form.kind).size());
  }
  return form;
}

class Printer {
 public:
  // Floats, or indices if `is_index`; the other pointer is not looked at.
  Printer(std::span<const int64_t> shape, bool is_index, const float* floats,
          const int32_t* indices)
      : shape_(shape),
        is_index_(is_index),
        floats_(floats),
        indices_(indices),
        step_(shape.size()) {
    for (size_t axis = shape.size(); axis-- > 0;) {
      step_[axis] = elements_;
      elements_ *= shape[axis];
    }
    summarize_ = elements_ > kThreshold;
  }

  std::string Print() {
    text_ = "tensor(";
    if (elements_ == 0) {
      text_ += "[]";
      AppendEmptySuffixes();
    } else {
      Collect(0, 0);
      form_ = ChooseForm(shown_, is_index_);
      AppendAxis(0);
    }
    return text_ + ")";
  }

 private:
  static constexpr size_t kIndent = 7;  // The length of "tensor(".

  // Of an axis, which indices are shown: all, or three at either end.
  bool Cut(size_t axis) const {
    return summarize_ && shape_[axis] > 2 * kEdgeItems;
  }
  int64_t Shown(size_t axis) const {
    return Cut(axis) ? 2 * kEdgeItems : shape_[axis];
  }

  // The numbers that will be shown, in row-major order: the form is chosen
  // from them alone.
  void Collect(size_t axis, int64_t offset) {
    if (axis == shape_.size()) {
      // Not by way of float, which would round an index.
      shown_.push_back(is_index_ ? static_cast<double>(indices_[offset])
                                 : static_cast<double>(floats_[offset]));
      return;
    }
    for (int64_t i = 0; i < Shown(axis); ++i) {
      const bool behind_cut = Cut(axis) && i >= kEdgeItems;
      const int64_t index = behind_cut ? shape_[axis] - 2 * kEdgeItems + i : i;
      Collect(axis + 1, offset + index * step_[axis]);
    }
  }

  void AppendNumber() {
    const std::string number = NumberText(shown_[next_++], form_.kind);
    if (number.size() < form_.width) {
      text_.append(form_.width - number.size(), ' ');
    }
    text_ += number;
  }

  // Writes the part of the tensor that begins at shown_[next_] and spans the
  // axes from `axis` on. Brackets nest by one column per axis.
  void AppendAxis(size_t axis) {
    if (axis == shape_.size()) return AppendNumber();
    if (axis + 1 == shape_.size()) return AppendRow(axis);
    std::string separator = ",";
    separator.append(shape_.size() - axis - 1, '\n');
    separator.append(kIndent + axis + 1, ' ');
    text_ += '[';
    for (int64_t i = 0; i < Shown(axis); ++i) {
      if (i > 0) text_ += separator;
      if (Cut(axis) && i == kEdgeItems) text_ += "..." + separator;
      AppendAxis(axis + 1);
    }
    text_ += ']';
  }

  void AppendRow(size_t axis) {
    const size_t indent = kIndent + axis;
    const size_t room = kLineWidth > indent ? kLineWidth - indent : 0;
    const size_t per_line = std::max<size_t>(1, room / (form_.width + 2));
    size_t items = 0;
    const auto separate = [&] {
      if (items > 0) {
        text_ +=
            items % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
      }
      ++items;
    };
    text_ += '[';
    for (int64_t i = 0; i < Shown(axis); ++i) {
      if (Cut(axis) && i == kEdgeItems) {
        separate();
        text_ += " ...";
      }
      separate();
      AppendNumber();
    }
    text_ += ']';
  }

  void AppendEmptySuffixes() {
    std::vector<std::string> suffixes;
    if (shape_.size() != 1) {
      suffixes.push_back("size=" +
                         TupleToString({shape_.begin(), shape_.end()}));
    }
    // There is no element whose look says that these are integers.
    if (is_index_) suffixes.push_back("dtype=torch.int64");
    size_t line = text_.size() + 2;
    for (const std::string& suffix : suffixes) {
      if (line + suffix.size() + 2 > kLineWidth) {
        text_ += ",\n" + std::string(kIndent, ' ') + suffix;
        line = kIndent + suffix.size();
      } else {
        text_ += ", " + suffix;
        line += suffix.size() + 2;
      }
    }
  }

  std::span<const int64_t> shape_;
  bool is_index_;
  const float* floats_;
  const int32_t* indices_;
  std::vector<int64_t> step_;  // Elements from one index to the next, per axis.
  int64_t elements_ = 1;
  bool summarize_ = false;
  std::vector<double> shown_;
  size_t next_ = 0;
  Form form_;
  std::string text_;
};

}  // namespace

std::string TensorToString(std::span<const int64_t> shape, const float* data) {
  return Printer(shape, false, data, nullptr).Print();
}

std::string TensorToString(std::span<const int64_t> shape,
                           const int32_t* data) {
  return Printer(shape, true, nullptr, data).Print();
}

}  // namespace convscope
