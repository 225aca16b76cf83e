// A watch: edits in, what they changed out.
#include "convscope/watch.h"

#include <algorithm>
#include <cstring>

#include "wasm/bindings/bind.h"
#include "wasm/bindings/exchange.h"
#include "wasm/bindings/layer.h"

namespace convscope::raw {
namespace {

// Offsets, the values before and the values after: as many of each.
template <class Changed>
void AppendChanged(const Changed& changed, std::vector<int32_t>* numbers) {
  const size_t count = changed.offsets.size();
  const size_t begin = numbers->size();
  numbers->resize(begin + 3 * count);
  int32_t* to = numbers->data() + begin;
  std::copy_n(changed.offsets.data(), count, to);
  std::memcpy(to + count, changed.before.data(), count * sizeof(float));
  std::memcpy(to + 2 * count, changed.after.data(), count * sizeof(float));
}

}  // namespace

struct RawWatch {
  // The address of the reached cells and, behind them, of what changed; how
  // many numbers the former are, how many cells the latter; how many edits.
  int Answer(Status status) {
    if (!status.ok()) return Report(std::move(status));
    numbers.clear();
    AppendCells(change.reached, &numbers);
    mailbox[1] = static_cast<double>(numbers.size());
    AppendChanged(change, &numbers);
    mailbox[0] = Address(numbers.data());
    mailbox[2] = static_cast<double>(change.offsets.size());
    mailbox[3] = static_cast<double>(change.edits.size());
    return 0;
  }

  std::unique_ptr<Watch> watch;
  std::vector<Edit> edits;
  Change change;
  Replacement replacement;
  std::vector<int32_t> numbers;  // of an answer
};

// Input shape in.
RawWatch* MakeWatch(const RawLayer& layer, int rank, const float* input) {
  auto made = std::make_unique<RawWatch>();
  const int code = Report(
      Watch::Create(layer.layer, ReadShape(0, rank), input, &made->watch));
  return code == 0 ? made.release() : nullptr;
}
void DeleteWatch(RawWatch* watch) { delete watch; }

// Edits wait until watchApply().
void WatchAdd(RawWatch* watch, int target, double offset, float value) {
  watch->edits.push_back(
      {static_cast<size_t>(target), ToInteger(offset), value});
}
int WatchApply(RawWatch* watch) {
  const int code =
      watch->Answer(watch->watch->Set(watch->edits, &watch->change));
  watch->edits.clear();
  return code;
}
int WatchCanUndo(const RawWatch& watch) {
  return watch.watch->can_undo() ? 1 : 0;
}
int WatchCanRedo(const RawWatch& watch) {
  return watch.watch->can_redo() ? 1 : 0;
}
int WatchUndo(RawWatch* watch) {
  return watch->Answer(watch->watch->Undo(&watch->change));
}
int WatchRedo(RawWatch* watch) {
  return watch->Answer(watch->watch->Redo(&watch->change));
}
int WatchRefresh(RawWatch* watch) { return Report(watch->watch->Refresh()); }

// Target, offset and new value of an edit of the last change out.
void WatchEdit(const RawWatch& watch, int i) {
  const Edit& edit = watch.change.edits[static_cast<size_t>(i)];
  mailbox[0] = static_cast<double>(edit.target);
  mailbox[1] = static_cast<double>(edit.offset);
  mailbox[2] = edit.value;
}

// The values before the first layer, between them and after the last.
int WatchLevels(const RawWatch& watch) {
  return static_cast<int>(watch.watch->layers()) + 1;
}
int WatchLevelShape(const RawWatch& watch, int level) {
  return WriteShape(0, watch.watch->shape(static_cast<size_t>(level)));
}
double WatchLevel(const RawWatch& watch, int level) {
  return Address(watch.watch->values(static_cast<size_t>(level)));
}

// A cell of the output in.
void WatchWhyKept(const RawWatch& watch, int rank) {
  WriteText(watch.watch->WhyKept(ReadShape(0, rank)));
}

// A cell of the output in; the address of the offsets of the input cells that
// it reads, with its derivatives behind them, and how many there are out.
int WatchSensitivity(RawWatch* watch, int rank) {
  std::vector<int32_t>& numbers = watch->numbers;
  std::vector<float> derivatives;
  const int code = Report(
      watch->watch->Sensitivity(ReadShape(0, rank), &numbers, &derivatives));
  const size_t count = numbers.size();
  numbers.resize(2 * count);
  std::memcpy(numbers.data() + count, derivatives.data(),
              count * sizeof(float));
  mailbox[0] = Address(numbers.data());
  mailbox[1] = static_cast<double>(count);
  return code;
}

// The address of what changed, how many cells that are; how many cells kept
// their value, came and went.
int WatchReplace(RawWatch* watch, const RawLayer& layer) {
  const Replacement& replacement = watch->replacement;
  const int code =
      Report(watch->watch->Replace(layer.layer, &watch->replacement));
  if (code != 0) return code;
  watch->numbers.clear();
  AppendChanged(replacement, &watch->numbers);
  mailbox[0] = Address(watch->numbers.data());
  mailbox[1] = static_cast<double>(replacement.offsets.size());
  mailbox[2] = static_cast<double>(replacement.kept);
  mailbox[3] = static_cast<double>(replacement.added);
  mailbox[4] = static_cast<double>(replacement.removed);
  return 0;
}

EMSCRIPTEN_BINDINGS(watch) {
  Bind<&MakeWatch>("makeWatch");
  Bind<&DeleteWatch>("deleteWatch");
  Bind<&WatchAdd>("watchAdd");
  Bind<&WatchApply>("watchApply");
  Bind<&WatchCanUndo>("watchCanUndo");
  Bind<&WatchCanRedo>("watchCanRedo");
  Bind<&WatchUndo>("watchUndo");
  Bind<&WatchRedo>("watchRedo");
  Bind<&WatchRefresh>("watchRefresh");
  Bind<&WatchEdit>("watchEdit");
  Bind<&WatchLevels>("watchLevels");
  Bind<&WatchLevelShape>("watchLevelShape");
  Bind<&WatchLevel>("watchLevel");
  Bind<&WatchWhyKept>("watchWhyKept");
  Bind<&WatchSensitivity>("watchSensitivity");
  Bind<&WatchReplace>("watchReplace");
}

}  // namespace convscope::raw
