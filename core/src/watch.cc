#include "convscope/watch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/src/format.h"

namespace convscope {
namespace {

bool SameBits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

// As numbers: 0 is -0, NaN is NaN.
bool SameValue(float a, float b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

// To compute a cell once more changes nothing, and one product is quick.
constexpr int64_t kSlack = 4;

void AddAll(const CellSet& from, CellSet* to) {
  for (const Product& part : from.parts()) to->Add(part);
}

}  // namespace

Status Watch::Create(std::shared_ptr<const Layer> layer, const Shape& in_shape,
                     const float* in, std::unique_ptr<Watch>* watch) {
  CONVSCOPE_RETURN_IF_ERROR(CheckElements(in_shape, "input"));
  auto made = std::make_unique<Watch>();
  layer->AppendLeaves(&made->leaves_);
  made->parameters_ = layer->Parameters();
  made->shapes_.push_back(in_shape);
  for (const Layer* leaf : made->leaves_) {
    Shape out;
    CONVSCOPE_RETURN_IF_ERROR(leaf->OutputShape(made->shapes_.back(), &out));
    made->shapes_.push_back(out);
  }
  made->values_.resize(made->shapes_.size());
  for (size_t i = 0; i < made->shapes_.size(); ++i) {
    CONVSCOPE_RETURN_IF_ERROR(
        made->values_[i].Allocate(made->shapes_[i].elements()));
  }
  for (size_t leaf = 0; leaf < made->leaves_.size(); ++leaf) {
    const size_t count = made->leaves_[leaf]->Parameters().size();
    for (size_t p = 0; p < count; ++p) made->owners_.push_back({leaf, p});
  }
  made->changed_.resize(made->shapes_.size());
  std::copy_n(in, made->values_.front().size(), made->values_.front().data());
  made->layer_ = std::move(layer);
  CONVSCOPE_RETURN_IF_ERROR(made->Refresh());
  *watch = std::move(made);
  return Ok();
}

Status Watch::Refresh() {
  std::vector<std::unique_ptr<Kernel>> kernels(leaves_.size());
  std::vector<std::unique_ptr<CellKernel>> cell_kernels(leaves_.size());
  for (size_t i = 0; i < leaves_.size(); ++i) {
    CONVSCOPE_RETURN_IF_ERROR(
        leaves_[i]->MakeKernel(shapes_[i], Math::kReproducible, &kernels[i]));
    CONVSCOPE_RETURN_IF_ERROR(
        leaves_[i]->MakeCellKernel(shapes_[i], &cell_kernels[i]));
  }
  // From here on nothing fails.
  cell_kernels_ = std::move(cell_kernels);
  for (std::vector<int32_t>& offsets : changed_) offsets.clear();
  reached_.clear();
  edited_.clear();
  for (size_t i = 0; i < leaves_.size(); ++i) {
    kernels[i]->Run(values_[i].data(), values_[i + 1].data());
  }
  return Ok();
}

Status Watch::CheckEdits(std::span<const Edit> edits) const {
  for (const Edit& edit : edits) {
    if (edit.target > parameters_.size()) {
      return Error(Code::kIndex, "the watched layer has no such parameter");
    }
    const int64_t size = edit.target == 0
                             ? values_.front().size()
                             : parameters_[edit.target - 1].shape.elements();
    if (edit.offset < 0 || edit.offset >= size) {
      return Error(Code::kIndex, "edit at element {} of a tensor of {}",
                   {edit.offset, size});
    }
  }
  return Ok();
}

// Which cells of `leaf`'s output read an edited parameter of it.
Status Watch::ReadByEdits(size_t leaf, std::span<const Edit> edits,
                          CellSet* outputs) const {
  for (size_t p = 0; p < parameters_.size(); ++p) {
    if (owners_[p].leaf != leaf) continue;
    std::vector<int32_t> offsets;
    for (const Edit& edit : edits) {
      // The same numbers may serve several places of a stack.
      if (edit.target > 0 &&
          parameters_[edit.target - 1].data == parameters_[p].data) {
        offsets.push_back(static_cast<int32_t>(edit.offset));
      }
    }
    Normalize(&offsets);
    const CellSet edited = CellsAt(parameters_[p].shape, offsets, 1);
    for (const Product& part : edited.parts()) {
      CellSet readers;
      CONVSCOPE_RETURN_IF_ERROR(leaves_[leaf]->ReadByParameter(
          shapes_[leaf], owners_[p].parameter, part, &readers));
      AddAll(readers, outputs);
    }
  }
  return Ok();
}

// One set per level, from the edited input cells to the output.
Status Watch::Reached(std::span<const Edit> edits,
                      std::vector<CellSet>* reached) const {
  std::vector<int32_t> offsets;
  for (const Edit& edit : edits) {
    if (edit.target == 0) offsets.push_back(static_cast<int32_t>(edit.offset));
  }
  Normalize(&offsets);
  CellSet set = CellsAt(shapes_.front(), offsets, 1);
  for (size_t leaf = 0; leaf < leaves_.size(); ++leaf) {
    CellSet next;
    CONVSCOPE_RETURN_IF_ERROR(
        convscope::ReadBy(*leaves_[leaf], shapes_[leaf], set, &next));
    CONVSCOPE_RETURN_IF_ERROR(ReadByEdits(leaf, edits, &next));
    reached->push_back(std::move(set));
    set = std::move(next);
  }
  reached->push_back(std::move(set));
  return Ok();
}

// Computes what reads the changed cells anew, layer by layer. `reached` is what
// all edits reach, `all_made` says that each of them changed a bit. `changed`
// holds input offsets whose bits changed, `before` what they held; both end as
// those of the output.
void Watch::Ripple(std::span<const Edit> parameter_edits,
                   const std::vector<CellSet>& reached, bool all_made,
                   std::vector<int32_t>* changed, std::vector<float>* before) {
  for (size_t leaf = 0; leaf < leaves_.size(); ++leaf) {
    const Shape& shape = shapes_[leaf + 1];
    float* values = values_[leaf + 1].data();
    CellSet asked(shape);
    const CellSet* stale = &asked;
    // Sets of several parts are slow to count, and this is for the quick ones.
    const bool is_simple = reached[leaf].parts().size() <= 1 &&
                           reached[leaf + 1].parts().size() <= 1;
    if (all_made && is_simple &&
        static_cast<int64_t>(changed->size()) == reached[leaf].size()) {
      // All that could change did.
      stale = &reached[leaf + 1];
    } else if (!convscope::ReadBy(*leaves_[leaf], shapes_[leaf],
                                  CellsAt(shapes_[leaf], *changed, kSlack),
                                  &asked)
                    .ok() ||
               !ReadByEdits(leaf, parameter_edits, &asked).ok()) {
      asked = CellSet(shape, AllCells(shape));
    }
    changed_[leaf] = std::move(*changed);
    *changed = stale->Offsets();
    before->resize(changed->size());
    int32_t* offsets = changed->data();
    float* old = before->data();
    const size_t count = changed->size();
    if (stale->parts().size() > 1) {
      // Parts that overlap would be computed again and again.
      asked = CellsAt(shape, *changed, kSlack);
      stale = &asked;
    }
    for (size_t i = 0; i < count; ++i) old[i] = values[offsets[i]];
    for (const Product& part : stale->parts()) {
      cell_kernels_[leaf]->Run(values_[leaf].data(), part, values);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
      if (SameBits(old[i], values[offsets[i]])) continue;
      offsets[kept] = offsets[i];
      old[kept] = old[i];
      ++kept;
    }
    changed->resize(kept);
    before->resize(kept);
  }
}

float* Watch::Cell(const Edit& edit) {
  return edit.offset + (edit.target == 0 ? values_.front().data()
                                         : parameters_[edit.target - 1].data);
}

void Watch::TellKernels(const Edit& edit) {
  for (size_t p = 0; p < parameters_.size(); ++p) {
    if (parameters_[p].data != parameters_[edit.target - 1].data) continue;
    cell_kernels_[owners_[p].leaf]->ParameterChanged(owners_[p].parameter,
                                                     edit.offset);
  }
}

// The last of several edits for one cell.
std::vector<Edit> Watch::LastOfEach(std::span<const Edit> edits) {
  std::vector<std::pair<float*, size_t>> order;
  for (size_t i = 0; i < edits.size(); ++i)
    order.push_back({Cell(edits[i]), i});
  // By a heap: std::sort is five times the code.
  std::make_heap(order.begin(), order.end());
  std::sort_heap(order.begin(), order.end());
  std::vector<Edit> last;
  for (size_t i = 0; i < order.size(); ++i) {
    const bool is_last =
        i + 1 == order.size() || order[i + 1].first != order[i].first;
    if (is_last) last.push_back(edits[order[i].second]);
  }
  return last;
}

Status Watch::Apply(std::span<const Edit> edits, Change* change, Step* step) {
  std::vector<CellSet> reached;
  CONVSCOPE_RETURN_IF_ERROR(Reached(edits, &reached));
  Change made;
  made.reached = reached.back();
  // From here on nothing fails.
  std::vector<int32_t> changed;
  std::vector<float> before;
  std::vector<Edit> parameter_edits;
  for (const Edit& edit : edits) {
    float* cell = Cell(edit);
    if (SameBits(*cell, edit.value)) continue;
    step->undo.push_back({edit.target, edit.offset, *cell});
    step->redo.push_back(edit);
    if (edit.target == 0) {
      changed.push_back(static_cast<int32_t>(edit.offset));
      before.push_back(*cell);
    } else {
      parameter_edits.push_back(edit);
    }
    *cell = edit.value;
    if (edit.target > 0) TellKernels(edit);
  }
  const bool all_made = step->redo.size() == edits.size();
  Ripple(parameter_edits, reached, all_made, &changed, &before);
  changed_.back() = changed;
  // What is another number now, and not just another zero or NaN.
  const float* output = values_.back().data();
  std::vector<float> after(changed.size());
  size_t count = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    const float value = output[changed[i]];
    if (SameValue(before[i], value)) continue;
    changed[count] = changed[i];
    before[count] = before[i];
    after[count] = value;
    ++count;
  }
  changed.resize(count);
  before.resize(count);
  after.resize(count);
  made.offsets = std::move(changed);
  made.before = std::move(before);
  made.after = std::move(after);
  reached_ = std::move(reached);
  edited_ = std::move(parameter_edits);
  made.edits.assign(edits.begin(), edits.end());
  *change = std::move(made);
  return Ok();
}

Status Watch::Replace(std::shared_ptr<const Layer> layer,
                      Replacement* replacement) {
  std::unique_ptr<Watch> made;
  CONVSCOPE_RETURN_IF_ERROR(
      Create(std::move(layer), input_shape(), input(), &made));
  Replacement answer;
  answer.before_shape = output_shape();
  answer.after_shape = made->output_shape();
  const Shape& from = answer.before_shape;
  const Shape& to = answer.after_shape;
  int64_t common = 0;
  if (from.rank() == to.rank()) {
    Shape both = from;
    for (size_t axis = 0; axis < both.rank(); ++axis) {
      both[axis] = std::min(from[axis], to[axis]);
    }
    common = both.elements();
    for (int64_t i = 0; i < common; ++i) {
      const Shape index = IndexAt(both, i);
      const int64_t at = Offset(to, index);
      const float before = output()[Offset(from, index)];
      const float after = made->output()[at];
      if (SameValue(before, after)) {
        ++answer.kept;
        continue;
      }
      answer.offsets.push_back(static_cast<int32_t>(at));
      answer.before.push_back(before);
      answer.after.push_back(after);
    }
  }
  answer.added = to.elements() - common;
  answer.removed = from.elements() - common;
  *this = std::move(*made);
  *replacement = std::move(answer);
  return Ok();
}

Status Watch::Set(std::span<const Edit> edits, Change* change) {
  CONVSCOPE_RETURN_IF_ERROR(CheckEdits(edits));
  Step step;
  CONVSCOPE_RETURN_IF_ERROR(Apply(LastOfEach(edits), change, &step));
  if (step.redo.empty()) return Ok();
  history_.erase(history_.begin() + static_cast<long>(position_),
                 history_.end());
  history_.push_back(std::move(step));
  if (history_.size() > kMaxHistory) history_.pop_front();
  position_ = history_.size();
  return Ok();
}

Status Watch::Undo(Change* change) {
  if (!can_undo()) return Error(Code::kIndex, "no step to undo");
  Step ignored;
  CONVSCOPE_RETURN_IF_ERROR(
      Apply(history_[position_ - 1].undo, change, &ignored));
  --position_;
  return Ok();
}

Status Watch::Redo(Change* change) {
  if (!can_redo()) return Error(Code::kIndex, "no step to redo");
  Step ignored;
  CONVSCOPE_RETURN_IF_ERROR(Apply(history_[position_].redo, change, &ignored));
  ++position_;
  return Ok();
}

}  // namespace convscope
