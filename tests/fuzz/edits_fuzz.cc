// Sequences of edits, undos, redos and replacements on a watched stack: after
// each, the watch holds what a full run of the edited layer gives, bit for bit,
// and what it told about the change is true.
#include <algorithm>
#include <bit>

#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"
#include "tests/fuzz/choices.h"

namespace convscope::testing {
namespace {

std::vector<float> Copy(const float* from, const Shape& shape) {
  return {from, from + shape.elements()};
}

bool IsSameNumber(float a, float b) { return a == b || (a != a && b != b); }

class Session {
 public:
  explicit Session(Choices* choices)
      : choices_(choices), random_(choices->Seed()) {
    const Stack stack = RandomStack(&random_);
    layer_ = stack.layer;
    in_ = stack.in;
    for (int64_t i = 0; i < in_.elements(); ++i) {
      input_.push_back(random_.AnyValue());
    }
    Asking(layer_->ToString() + " on " + ToString(in_));
    Require(Watch::Create(layer_, in_, input_.data(), &watch_));
  }

  void Run() {
    Check("at first");
    for (int steps = 0; steps < 24 && !choices_->empty(); ++steps) Step();
  }

 private:
  void Check(const char* when) {
    MustBeSame(input_, watch_->input(), when);
    MustBeSame(Forward(*layer_, in_, input_), watch_->output(), when);
  }

  Edit AnyEdit() {
    const std::vector<Parameter> parameters = layer_->Parameters();
    Edit edit;
    edit.target = static_cast<size_t>(
        choices_->Int(0, static_cast<int64_t>(parameters.size())));
    const int64_t cells = edit.target == 0
                              ? in_.elements()
                              : parameters[edit.target - 1].shape.elements();
    edit.offset = choices_->Int(0, std::max<int64_t>(cells - 1, 0));
    edit.value = choices_->Float();
    if (choices_->Int(0, 63) == 0) edit.offset = choices_->Number();
    if (choices_->Int(0, 63) == 0) {
      edit.target = static_cast<size_t>(choices_->Int(0, 99));
    }
    return edit;
  }

  bool IsValid(const Edit& edit) const {
    const std::vector<Parameter> parameters = layer_->Parameters();
    if (edit.target > parameters.size() || edit.offset < 0) return false;
    return edit.offset < (edit.target == 0
                              ? in_.elements()
                              : parameters[edit.target - 1].shape.elements());
  }

  // What changed is what differs, and lies in what was reached.
  void CheckChange(const std::vector<float>& before, const Change& change) {
    const float* after = watch_->output();
    size_t next = 0;
    for (size_t o = 0; o < before.size(); ++o) {
      const bool is_told = next < change.offsets.size() &&
                           change.offsets[next] == static_cast<int32_t>(o);
      Must(is_told == !IsSameNumber(before[o], after[o]), "changed is wrong");
      const bool is_reached = change.reached.Has(
          IndexAt(watch_->output_shape(), static_cast<int64_t>(o)));
      const bool has_same_bits = std::bit_cast<uint32_t>(before[o]) ==
                                 std::bit_cast<uint32_t>(after[o]);
      Must(is_reached || has_same_bits, "changed, but not reached");
      if (!is_told) continue;
      MustBeSame({change.before[next]}, &before[o], "before");
      MustBeSame({change.after[next]}, &after[o], "after");
      ++next;
    }
    Must(next == change.offsets.size(), "changed cells that there are not");
    for (const Edit& edit : change.edits) {
      if (edit.target == 0) {
        input_[static_cast<size_t>(edit.offset)] = watch_->input()[edit.offset];
      }
    }
  }

  void Step() {
    const std::vector<float> before =
        Copy(watch_->output(), watch_->output_shape());
    Change change;
    const int64_t kind = choices_->Int(0, 15);
    if (kind == 0 || kind == 1) {
      const bool can = kind == 0 ? watch_->can_undo() : watch_->can_redo();
      const Status status =
          kind == 0 ? watch_->Undo(&change) : watch_->Redo(&change);
      Must(status.ok() == can, "undo or redo of a step");
      if (status.ok()) CheckChange(before, change);
      return Check("after undo or redo");
    }
    if (kind == 2) return Replace();
    if (kind == 3) return Ask();
    std::vector<Edit> edits;
    for (int64_t count = choices_->Int(0, 3); count >= 0; --count) {
      edits.push_back(AnyEdit());
    }
    const bool valid = std::all_of(edits.begin(), edits.end(),
                                   [&](const Edit& e) { return IsValid(e); });
    const Status status = watch_->Set(edits, &change);
    MustBeSound(status);
    Must(status.ok() == valid, "accepted what there is not, or refused");
    if (status.ok()) {
      for (const Edit& edit : edits) {
        if (edit.target == 0) {
          input_[static_cast<size_t>(edit.offset)] = edit.value;
        }
      }
      CheckChange(before, change);
    }
    Check("after an edit");
  }

  void Replace() {
    Replacement replacement;
    std::shared_ptr<Layer> other = RandomLayer(&random_, in_).layer;
    Require(watch_->Replace(other, &replacement));
    layer_ = std::move(other);
    Must(!watch_->can_undo() && !watch_->can_redo(), "steps of another layer");
    Check("after a replacement");
  }

  void Ask() {
    const Shape& shape = watch_->output_shape();
    if (shape.elements() == 0) return;
    const Shape index = IndexAt(shape, choices_->Int(0, shape.elements() - 1));
    (void)watch_->WhyKept(index);
    std::vector<int32_t> offsets;
    std::vector<float> derivatives;
    MustBeSound(watch_->Sensitivity(index, &offsets, &derivatives));
    Must(offsets.size() == derivatives.size(), "a derivative for each cell");
    Check("after a question");
  }

  Choices* choices_;
  Random random_;
  std::shared_ptr<Layer> layer_;
  Shape in_;
  std::vector<float> input_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace
}  // namespace convscope::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  return convscope::testing::HoldTo(
      data, size, [](convscope::testing::Choices* choices) {
        convscope::testing::Session(choices).Run();
      });
}
