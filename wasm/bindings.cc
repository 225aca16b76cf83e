// The package's engine: the core as Embind classes, and nothing else.
//
// How things cross:
//   options      once per layer, as value objects with every field filled in
//   shapes,      as doubles in `mailbox`, one list after another; the call says
//   indices      how many numbers each has
//   answers      in `mailbox`, too; longer ones as the address and length of an
//                array that stays until the next call
//   tensors      one bulk copy by the caller to or from an address named here
//   failures     null instead of an object, or a code other than 0; code and
//                text wait in lastError()
// The caller has checked that every number is a safe integer where one belongs
// and that ranks stay within Shape::kMaxRank.
#include <emscripten/bind.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convscope/adaptive_pool.h"
#include "convscope/convscope.h"

namespace {

using convscope::Buffer;
using convscope::CellSet;
using convscope::Code;
using convscope::Conv;
using convscope::Ints;
using convscope::Layer;
using convscope::Parameter;
using convscope::Shape;
using convscope::Status;
using emscripten::allow_raw_pointers;
using emscripten::val;

// JavaScript values with a name in the generated declarations. Embind's macro
// for this leaves out the default constructor that value objects need.
struct Numbers : val {  // number | readonly number[] | null
  Numbers() = default;
  explicit Numbers(const val& value) : val(value) {}
};
struct Layers : val {  // readonly RawLayer[]
  explicit Layers(const val& value) : val(value) {}
};

// --- The mailbox and the last error -----------------------------------------

// Holds two shapes of the highest rank and an answer beside them.
double mailbox[128];

struct RawError {
  int code;
  std::string message;
};
RawError last_error;

// The code as a number; keeps the text for lastError().
int Report(Status status) {
  const int code = static_cast<int>(status.code);
  if (code != 0) last_error = {code, std::move(status.message)};
  return code;
}

// The list of `rank` numbers that begins at mailbox[at].
Shape ReadShape(int at, int rank) {
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    shape.push_back(static_cast<int64_t>(mailbox[at + i]));
  }
  return shape;
}

// Answers with `shape` from mailbox[at] on.
int WriteShape(int at, const Shape& shape) {
  for (int64_t size : shape) mailbox[at++] = static_cast<double>(size);
  return static_cast<int>(shape.rank());
}

template <class T>
double Address(const T* pointer) {
  return static_cast<double>(reinterpret_cast<uintptr_t>(pointer));
}

template <class T>
T* Pointer(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

// A set of cells as numbers: how many parts; per part and axis the length of
// the list, then the list.
void AppendCells(const CellSet& cells, std::vector<int32_t>* numbers) {
  numbers->push_back(static_cast<int32_t>(cells.parts().size()));
  for (const convscope::Product& part : cells.parts()) {
    for (const convscope::IndexList& list : part.axes) {
      numbers->push_back(static_cast<int32_t>(list.size()));
      numbers->insert(numbers->end(), list.begin(), list.end());
    }
  }
}

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

class CellsAnswer {
 public:
  // Answers with address, length, rank and shape from mailbox[0] on; returns
  // how many numbers that is.
  int Write(const CellSet& cells) {
    numbers_.clear();
    AppendCells(cells, &numbers_);
    mailbox[0] = Address(numbers_.data());
    mailbox[1] = static_cast<double>(numbers_.size());
    const int rank = WriteShape(3, cells.shape());
    mailbox[2] = rank;
    return 3 + rank;
  }

 private:
  std::vector<int32_t> numbers_;
};
CellsAnswer cells_answer;

// The offsets of all cells of an encoded set, in row-major order, each once.
// Shape in; their address out. The count is returned.
int CellOffsets(double address, int rank) {
  static std::vector<int32_t> offsets;
  CellSet cells(ReadShape(0, rank));
  const int32_t* next = Pointer<const int32_t>(address);
  for (int32_t parts = *next++; parts > 0; --parts) {
    convscope::Product part;
    for (int axis = 0; axis < rank; ++axis) {
      const int32_t count = *next++;
      part.axes.emplace_back(next, next + count);
      next += count;
    }
    cells.Add(std::move(part));
  }
  offsets = cells.Offsets();
  mailbox[0] = Address(offsets.data());
  return static_cast<int>(offsets.size());
}

// --- Options ----------------------------------------------------------------

int64_t ToInteger(double number) { return static_cast<int64_t>(number); }

std::optional<Ints> ToOptionalInts(const Numbers& value) {
  if (value.isNull()) return std::nullopt;
  if (value.isNumber()) return Ints(ToInteger(value.as<double>()));
  const auto list = emscripten::convertJSArrayToNumberVector<double>(value);
  return Ints(std::vector<int64_t>(list.begin(), list.end()));
}

Ints ToInts(const Numbers& value) { return *ToOptionalInts(value); }

struct ConvArguments {
  int axes;
  bool transposed;
  double in_channels;
  double out_channels;
  Numbers kernel_size;
  Numbers stride;
  std::string padding_name;  // "same" and the like, or "" for numbers
  Numbers padding;
  Numbers padding_sides;  // [before, after, before, after, …] or null
  Numbers output_padding;
  Numbers dilation;
  double groups;
  bool bias;
  std::string padding_mode;
  bool is_module;
};

struct PoolArguments {
  int axes;
  Numbers kernel_size;
  Numbers stride;  // null: the kernel's size
  Numbers padding;
  Numbers dilation;
  bool ceil_mode;
  bool return_indices;
  bool count_include_pad;
  Numbers divisor_override;  // number or null
};

struct FoldArguments {
  Numbers output_size;  // Fold only
  Numbers kernel_size;
  Numbers dilation;
  Numbers padding;
  Numbers stride;
};

struct ActivationArguments {
  std::string name;
  double negative_slope;
  double alpha;
  std::string approximate;
  double beta;
  double threshold;
  double min_val;
  double max_val;
};

// --- Layers -----------------------------------------------------------------

convscope::Generator generator;

class RawPlan;
class RawBackward;
class RawWatch;

// A max pool's forward with indices; the layer is one of type T.
using IndexedForward = void (*)(const Layer&, const Shape&, const float*,
                                float*, int32_t*);
template <class T>
void ForwardWithIndices(const Layer& layer, const Shape& in_shape,
                        const float* in, float* out, int32_t* indices) {
  static_cast<const T&>(layer).ForwardWithIndices(in_shape, in, out, indices);
}

// A layer, shared with the plans, watches and stacks made of it.
class RawLayer {
 public:
  explicit RawLayer(std::shared_ptr<Layer> layer, Conv* conv = nullptr,
                    IndexedForward with_indices = nullptr)
      : layer_(std::move(layer)),
        parameters_(layer_->Parameters()),
        conv_(conv),
        with_indices_(with_indices) {}

  const std::shared_ptr<Layer>& layer() const { return layer_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

  std::string ToString() const { return layer_->ToString(); }

  // Input shape in, output shape out. The output's rank, or minus the code.
  int OutputShape(int rank) const {
    Shape out;
    const int code = Report(layer_->OutputShape(ReadShape(0, rank), &out));
    return code != 0 ? -code : WriteShape(0, out);
  }

  // Input shape and a cell of the output in; the input cells that it reads out.
  int Reads(int rank, int index_rank) const {
    return Ask(rank, index_rank,
               [&](const Shape& in, const Shape& out, const Shape& index,
                   CellSet* cells) {
                 CONVSCOPE_RETURN_IF_ERROR(CheckIndex(out, index, "output"));
                 return layer_->Reads(in, convscope::SingleCell(index), cells);
               });
  }

  // Input shape and a cell of the input in; the output cells that read it out.
  int ReadBy(int rank, int index_rank) const {
    return Ask(
        rank, index_rank,
        [&](const Shape& in, const Shape&, const Shape& index, CellSet* cells) {
          CONVSCOPE_RETURN_IF_ERROR(CheckIndex(in, index, "input"));
          return layer_->ReadBy(in, convscope::SingleCell(index), cells);
        });
  }

  // The same for a cell of a parameter.
  int ReadByParameter(int p, int rank, int index_rank) const {
    return Ask(
        rank, index_rank,
        [&](const Shape& in, const Shape&, const Shape& index, CellSet* cells) {
          CONVSCOPE_RETURN_IF_ERROR(
              CheckIndex(At(p).shape, index, At(p).name.c_str()));
          return layer_->ReadByParameter(in, static_cast<size_t>(p),
                                         convscope::SingleCell(index), cells);
        });
  }

  int parameter_count() const { return static_cast<int>(parameters_.size()); }
  std::string ParameterName(int p) const { return At(p).name; }
  double ParameterAddress(int p) const { return Address(At(p).data); }
  int ParameterShape(int p) const { return WriteShape(0, At(p).shape); }

  // Takes over the values at `address`. False if they are the same bits.
  bool SetParameter(int p, double address) {
    const Parameter& parameter = At(p);
    const float* values = Pointer<const float>(address);
    const size_t bytes =
        static_cast<size_t>(parameter.shape.elements()) * sizeof(float);
    if (std::memcmp(parameter.data, values, bytes) == 0) return false;
    std::memcpy(parameter.data, values, bytes);
    return true;
  }

  // Of a convolution: draws torch's numbers for its weight, its bias or both.
  void Draw(bool weight, bool bias) const {
    conv_->ResetParameters(&generator, weight, bias);
  }

  RawPlan* MakePlan(int rank, bool fast) const;
  RawBackward* MakeBackward(int rank) const;
  RawWatch* MakeWatch(int rank, double input) const;

  // The figures of the receptive field, one step per layer: how many steps and
  // axes there are, and the address of the figures (size, jump, first centre
  // and whether there are holes), step by step, axis by axis.
  int FieldSteps(int rank) {
    static std::vector<double> figures;
    const int code = Report(convscope::ReceptiveFieldSteps(
        *layer_, ReadShape(0, rank), &field_steps_));
    if (code != 0) return code;
    figures.clear();
    for (const convscope::FieldStep& step : field_steps_) {
      for (const convscope::AxisField& axis : step.axes) {
        figures.insert(figures.end(),
                       {static_cast<double>(axis.size), axis.jump,
                        axis.first_center, axis.has_holes ? 1.0 : 0.0});
      }
    }
    mailbox[0] = static_cast<double>(field_steps_.size());
    mailbox[1] = field_steps_.empty()
                     ? 0
                     : static_cast<double>(field_steps_[0].axes.size());
    mailbox[2] = Address(figures.data());
    return 0;
  }
  std::string FieldLayer(int step) const {
    return field_steps_[static_cast<size_t>(step)].layer;
  }
  int FieldShape(int step) const {
    return WriteShape(0, field_steps_[static_cast<size_t>(step)].output_shape);
  }

  // Of a convolution: input shape and output_size in, the layer that gives it.
  RawLayer* ForOutputSize(int rank, int count) const;
  // Of a convolution: input shape and a cell of the output in. Value, bias and
  // the number of terms out; then the addresses of the terms' offsets (input
  // and weight in turn) and of their numbers (x, w and product in turn).
  int Explain(int rank, int index_rank, double input) const;

 private:
  const Parameter& At(int p) const {
    return parameters_[static_cast<size_t>(p)];
  }

  template <class Question>
  int Ask(int rank, int index_rank, Question question) const {
    const Shape in = ReadShape(0, rank);
    const Shape index = ReadShape(rank, index_rank);
    Shape out;
    CellSet cells;
    Status status = layer_->OutputShape(in, &out);
    if (status.ok()) status = question(in, out, index, &cells);
    if (status.ok()) cells_answer.Write(cells);
    return Report(std::move(status));
  }

  std::shared_ptr<Layer> layer_;
  std::vector<Parameter> parameters_;
  Conv* conv_;  // the layer, if it is one
  // Writes output and indices, if that is what the layer answers.
  IndexedForward with_indices_;
  std::vector<convscope::FieldStep> field_steps_;
};

// --- Plans, gradients, watches ----------------------------------------------

// A plan with the layer that it refers to.
class RawPlan {
 public:
  RawPlan(std::shared_ptr<Layer> layer, IndexedForward with_indices)
      : layer_(std::move(layer)), with_indices_(with_indices) {}

  Status Create(const Shape& in, convscope::Math math) {
    CONVSCOPE_RETURN_IF_ERROR(
        convscope::Plan::Create(*layer_, in, math, &plan_));
    if (with_indices_ == nullptr) return convscope::Ok();
    return indices_.Allocate(plan_->output_shape().elements());
  }

  void Run() { plan_->Run(); }
  void RunWithIndices() {
    with_indices_(*layer_, plan_->input_shape(), plan_->input(),
                  plan_->output(), indices_.data());
  }
  void Repack() { plan_->Repack(); }

  // Output shape out; the rank is returned.
  int OutputShape() const { return WriteShape(0, plan_->output_shape()); }
  double input() const { return Address(plan_->input()); }
  double output() const { return Address(plan_->output()); }
  // 0 unless the layer answers with indices.
  double indices() const { return Address(indices_.data()); }
  std::string algorithm() const { return plan_->algorithm(); }
  double workspace_bytes() const {
    return static_cast<double>(plan_->workspace_bytes());
  }

 private:
  std::shared_ptr<Layer> layer_;
  IndexedForward with_indices_;
  std::unique_ptr<convscope::Plan> plan_;
  Buffer<int32_t> indices_;
};

RawPlan* RawLayer::MakePlan(int rank, bool fast) const {
  auto plan = std::make_unique<RawPlan>(layer_, with_indices_);
  const int code = Report(
      plan->Create(ReadShape(0, rank), fast ? convscope::Math::kFast
                                            : convscope::Math::kReproducible));
  return code == 0 ? plan.release() : nullptr;
}

// The arrays of one backward call.
class RawBackward {
 public:
  explicit RawBackward(std::shared_ptr<Layer> layer)
      : layer_(std::move(layer)) {}

  Status Create(const Shape& in) {
    CONVSCOPE_RETURN_IF_ERROR(layer_->OutputShape(in, &out_shape_));
    in_shape_ = in;
    CONVSCOPE_RETURN_IF_ERROR(in_.Allocate(in.elements()));
    CONVSCOPE_RETURN_IF_ERROR(grad_output_.Allocate(out_shape_.elements()));
    CONVSCOPE_RETURN_IF_ERROR(grad_input_.Allocate(in.elements()));
    for (const Parameter& parameter : layer_->Parameters()) {
      Buffer<float> gradient;
      CONVSCOPE_RETURN_IF_ERROR(gradient.Allocate(parameter.shape.elements()));
      grad_parameters_.push_back(std::move(gradient));
    }
    return convscope::Ok();
  }

  int Run() {
    convscope::Gradients gradients{grad_input_.data(), {}};
    for (Buffer<float>& gradient : grad_parameters_) {
      gradients.parameters.push_back(gradient.data());
    }
    return Report(layer_->Backward(in_shape_, in_.data(), grad_output_.data(),
                                   gradients));
  }

  int OutputShape() const { return WriteShape(0, out_shape_); }
  double input() const { return Address(in_.data()); }
  double grad_output() const { return Address(grad_output_.data()); }
  double grad_input() const { return Address(grad_input_.data()); }
  double GradParameter(int p) const {
    return Address(grad_parameters_[static_cast<size_t>(p)].data());
  }

 private:
  std::shared_ptr<Layer> layer_;
  Shape in_shape_, out_shape_;
  Buffer<float> in_, grad_output_, grad_input_;
  std::vector<Buffer<float>> grad_parameters_;
};

RawBackward* RawLayer::MakeBackward(int rank) const {
  auto backward = std::make_unique<RawBackward>(layer_);
  const int code = Report(backward->Create(ReadShape(0, rank)));
  return code == 0 ? backward.release() : nullptr;
}

// A watch. Each change is answered in the mailbox: the reached cells, how many
// cells changed, the addresses of their offsets, values before and values
// after, and how many edits were made.
class RawWatch {
 public:
  explicit RawWatch(std::unique_ptr<convscope::Watch> watch)
      : watch_(std::move(watch)) {}

  // Edits wait here until Apply().
  void Add(int target, double offset, float value) {
    edits_.push_back({static_cast<size_t>(target), ToInteger(offset), value});
  }
  int Apply() {
    const int code = Answer(watch_->Set(edits_, &change_));
    edits_.clear();
    return code;
  }
  bool can_undo() const { return watch_->can_undo(); }
  bool can_redo() const { return watch_->can_redo(); }
  int Undo() { return Answer(watch_->Undo(&change_)); }
  int Redo() { return Answer(watch_->Redo(&change_)); }
  int Refresh() { return Report(watch_->Refresh()); }

  int EditTarget(int i) const { return static_cast<int>(Edit(i).target); }
  double EditOffset(int i) const { return static_cast<double>(Edit(i).offset); }
  float EditValue(int i) const { return Edit(i).value; }

  // The values before the first layer, between them and after the last.
  int levels() const { return static_cast<int>(watch_->layers()) + 1; }
  int LevelShape(int level) const {
    return WriteShape(0, watch_->shape(static_cast<size_t>(level)));
  }
  double Level(int level) const {
    return Address(watch_->values(static_cast<size_t>(level)));
  }

  // A cell of the output in.
  std::string WhyKept(int rank) const {
    return watch_->WhyKept(ReadShape(0, rank));
  }

  // A cell of the output in; the address of the offsets of the input cells that
  // it reads, with its derivatives behind them, and how many there are out.
  int Sensitivity(int rank) {
    std::vector<float> derivatives;
    const int code = Report(
        watch_->Sensitivity(ReadShape(0, rank), &numbers_, &derivatives));
    const size_t count = numbers_.size();
    numbers_.resize(2 * count);
    std::memcpy(numbers_.data() + count, derivatives.data(),
                count * sizeof(float));
    mailbox[0] = Address(numbers_.data());
    mailbox[1] = static_cast<double>(count);
    return code;
  }

  // The address of what changed, how many cells that are; how many cells kept
  // their value, came and went.
  int Replace(const RawLayer& layer) {
    const int code = Report(watch_->Replace(layer.layer(), &replacement_));
    if (code != 0) return code;
    numbers_.clear();
    AppendChanged(replacement_, &numbers_);
    mailbox[0] = Address(numbers_.data());
    mailbox[1] = static_cast<double>(replacement_.offsets.size());
    mailbox[2] = static_cast<double>(replacement_.kept);
    mailbox[3] = static_cast<double>(replacement_.added);
    mailbox[4] = static_cast<double>(replacement_.removed);
    return 0;
  }

 private:
  const convscope::Edit& Edit(int i) const {
    return change_.edits[static_cast<size_t>(i)];
  }

  // The address of the reached cells and, behind them, of what changed; how
  // many numbers the former are, how many cells the latter; how many edits.
  int Answer(Status status) {
    if (!status.ok()) return Report(std::move(status));
    numbers_.clear();
    AppendCells(change_.reached, &numbers_);
    mailbox[1] = static_cast<double>(numbers_.size());
    AppendChanged(change_, &numbers_);
    mailbox[0] = Address(numbers_.data());
    mailbox[2] = static_cast<double>(change_.offsets.size());
    mailbox[3] = static_cast<double>(change_.edits.size());
    return 0;
  }

  std::unique_ptr<convscope::Watch> watch_;
  std::vector<convscope::Edit> edits_;
  convscope::Change change_;
  convscope::Replacement replacement_;
  std::vector<int32_t> numbers_;  // of an answer
};

RawWatch* RawLayer::MakeWatch(int rank, double input) const {
  std::unique_ptr<convscope::Watch> watch;
  const int code = Report(convscope::Watch::Create(
      layer_, ReadShape(0, rank), Pointer<const float>(input), &watch));
  return code == 0 ? new RawWatch(std::move(watch)) : nullptr;
}

// --- Making layers ----------------------------------------------------------

template <class T>
RawLayer* Wrap(Status status, std::unique_ptr<T> layer,
               IndexedForward with_indices = nullptr) {
  if (Report(std::move(status)) != 0) return nullptr;
  return new RawLayer(std::move(layer), nullptr, with_indices);
}

RawLayer* WrapConv(Status status, std::unique_ptr<Conv> conv) {
  if (Report(std::move(status)) != 0) return nullptr;
  Conv* layer = conv.get();
  return new RawLayer(std::move(conv), layer);
}

// The layer's numbers are zero until drawn or set.
RawLayer* MakeConv(const ConvArguments& arguments) {
  convscope::ConvOptions options;
  options.axes = arguments.axes;
  options.transposed = arguments.transposed;
  options.in_channels = ToInteger(arguments.in_channels);
  options.out_channels = ToInteger(arguments.out_channels);
  options.kernel_size = ToInts(arguments.kernel_size);
  options.stride = ToInts(arguments.stride);
  options.padding = ToInts(arguments.padding);
  options.output_padding = ToInts(arguments.output_padding);
  options.dilation = ToInts(arguments.dilation);
  options.groups = ToInteger(arguments.groups);
  options.bias = arguments.bias;
  options.is_module = arguments.is_module;
  Status status;
  if (!arguments.padding_name.empty()) {
    status = ParsePadding(arguments.padding_name, &options);
  } else if (const auto sides = ToOptionalInts(arguments.padding_sides)) {
    options.padding_kind = convscope::PaddingKind::kPerSide;
    for (size_t i = 0; i + 1 < sides->values.size(); i += 2) {
      options.padding_sides.emplace_back(sides->values[i],
                                         sides->values[i + 1]);
    }
  }
  if (status.ok()) status = ParsePaddingMode(arguments.padding_mode, &options);
  std::unique_ptr<Conv> conv;
  if (status.ok()) status = Conv::Create(options, nullptr, &conv);
  return WrapConv(std::move(status), std::move(conv));
}

RawLayer* RawLayer::ForOutputSize(int rank, int count) const {
  const Shape sizes = ReadShape(rank, count);
  std::unique_ptr<Conv> conv;
  Status status = conv_->ForOutputSize(ReadShape(0, rank), sizes.span(), &conv);
  return WrapConv(std::move(status), std::move(conv));
}

int RawLayer::Explain(int rank, int index_rank, double input) const {
  // Kept for the caller to read.
  static std::vector<int32_t> offsets;
  static std::vector<float> numbers;
  convscope::Explanation explanation;
  const int code =
      Report(conv_->Explain(ReadShape(0, rank), Pointer<const float>(input),
                            ReadShape(rank, index_rank), &explanation));
  if (code != 0) return code;
  offsets.clear();
  numbers.clear();
  for (const convscope::Term& term : explanation.terms) {
    offsets.push_back(static_cast<int32_t>(term.input));
    offsets.push_back(static_cast<int32_t>(term.weight));
    numbers.insert(numbers.end(), {term.x, term.w, term.product});
  }
  mailbox[0] = explanation.value;
  mailbox[1] = explanation.bias;
  mailbox[2] = static_cast<double>(explanation.terms.size());
  mailbox[3] = Address(offsets.data());
  mailbox[4] = Address(numbers.data());
  return 0;
}

RawLayer* MakeMaxPool(const PoolArguments& arguments) {
  std::unique_ptr<convscope::MaxPool> pool;
  Status status =
      convscope::MaxPool::Create({.axes = arguments.axes,
                                  .kernel_size = ToInts(arguments.kernel_size),
                                  .stride = ToOptionalInts(arguments.stride),
                                  .padding = ToInts(arguments.padding),
                                  .dilation = ToInts(arguments.dilation),
                                  .ceil_mode = arguments.ceil_mode,
                                  .return_indices = arguments.return_indices},
                                 &pool);
  return Wrap(std::move(status), std::move(pool),
              arguments.return_indices ? &ForwardWithIndices<convscope::MaxPool>
                                       : nullptr);
}

RawLayer* MakeAvgPool(const PoolArguments& arguments) {
  convscope::AvgPoolOptions options{
      .axes = arguments.axes,
      .kernel_size = ToInts(arguments.kernel_size),
      .stride = ToOptionalInts(arguments.stride),
      .padding = ToInts(arguments.padding),
      .ceil_mode = arguments.ceil_mode,
      .count_include_pad = arguments.count_include_pad,
      .divisor_override = std::nullopt};
  if (const auto divisor = ToOptionalInts(arguments.divisor_override)) {
    options.divisor_override = divisor->values[0];
  }
  std::unique_ptr<convscope::AvgPool> pool;
  Status status = convscope::AvgPool::Create(options, &pool);
  return Wrap(std::move(status), std::move(pool));
}

// In `output_size` a NaN stands for null: that axis keeps its size.
RawLayer* MakeAdaptivePool(int axes, bool is_max, const Numbers& output_size,
                           bool return_indices) {
  convscope::AdaptivePoolOptions options;
  options.axes = axes;
  options.return_indices = return_indices;
  if (output_size.isNumber()) {
    options.output_size = ToInteger(output_size.as<double>());
  } else {
    std::vector<std::optional<int64_t>> sizes;
    for (double size :
         emscripten::convertJSArrayToNumberVector<double>(output_size)) {
      sizes.push_back(std::isnan(size) ? std::nullopt
                                       : std::optional(ToInteger(size)));
    }
    options.output_size = convscope::OutputSize(std::move(sizes));
  }
  if (is_max) {
    std::unique_ptr<convscope::AdaptiveMaxPool> pool;
    Status status = convscope::AdaptiveMaxPool::Create(options, &pool);
    return Wrap(std::move(status), std::move(pool),
                return_indices ? &ForwardWithIndices<convscope::AdaptiveMaxPool>
                               : nullptr);
  }
  std::unique_ptr<convscope::AdaptiveAvgPool> pool;
  Status status = convscope::AdaptiveAvgPool::Create(options, &pool);
  return Wrap(std::move(status), std::move(pool));
}

// axes 0: F.pad. A value of null: none was given.
RawLayer* MakePad(int axes, const Numbers& padding, const std::string& mode,
                  const Numbers& value) {
  convscope::PadOptions options;
  options.axes = axes;
  options.padding = ToInts(padding);
  if (!value.isNull()) options.value = value.as<double>();
  std::unique_ptr<convscope::Pad> pad;
  Status status = convscope::ParsePadMode(mode, &options.mode);
  if (status.ok()) status = convscope::Pad::Create(options, &pad);
  return Wrap(std::move(status), std::move(pad));
}

RawLayer* MakeUnfold(const FoldArguments& arguments) {
  std::unique_ptr<convscope::Unfold> unfold;
  Status status =
      convscope::Unfold::Create({.kernel_size = ToInts(arguments.kernel_size),
                                 .dilation = ToInts(arguments.dilation),
                                 .padding = ToInts(arguments.padding),
                                 .stride = ToInts(arguments.stride)},
                                &unfold);
  return Wrap(std::move(status), std::move(unfold));
}

RawLayer* MakeFold(const FoldArguments& arguments) {
  std::unique_ptr<convscope::Fold> fold;
  Status status =
      convscope::Fold::Create({.output_size = ToInts(arguments.output_size),
                               .kernel_size = ToInts(arguments.kernel_size),
                               .dilation = ToInts(arguments.dilation),
                               .padding = ToInts(arguments.padding),
                               .stride = ToInts(arguments.stride)},
                              &fold);
  return Wrap(std::move(status), std::move(fold));
}

// The name is one of torch.nn's that the core has.
RawLayer* MakeActivation(const ActivationArguments& arguments) {
  convscope::ActivationOptions options;
  (void)convscope::ParseActivationKind(arguments.name, &options.kind);
  options.negative_slope = arguments.negative_slope;
  options.alpha = arguments.alpha;
  options.approximate = arguments.approximate;
  options.beta = arguments.beta;
  options.threshold = arguments.threshold;
  options.min_val = arguments.min_val;
  options.max_val = arguments.max_val;
  std::unique_ptr<convscope::Activation> activation;
  Status status = convscope::Activation::Create(options, &activation);
  return Wrap(std::move(status), std::move(activation));
}

RawLayer* MakeSequential(const Layers& parts) {
  std::vector<std::shared_ptr<Layer>> layers;
  const unsigned count = parts["length"].as<unsigned>();
  for (unsigned i = 0; i < count; ++i) {
    layers.push_back(parts[i].as<RawLayer*>(allow_raw_pointers())->layer());
  }
  return new RawLayer(
      std::make_shared<convscope::Sequential>(std::move(layers)));
}

// --- Random numbers and prints ----------------------------------------------

void ManualSeed(double seed) {
  generator.ManualSeed(static_cast<uint64_t>(ToInteger(seed)));
}
void FillRand(double address, double count) {
  generator.FillRand(ToInteger(count), Pointer<float>(address));
}
void FillRandn(double address, double count) {
  generator.FillRandn(ToInteger(count), Pointer<float>(address));
}

// Shape in; its rank may be any up to 64.
template <class T>
std::string TensorToString(double address, int rank) {
  const std::vector<int64_t> shape(mailbox, mailbox + rank);
  return convscope::TensorToString(shape, Pointer<const T>(address));
}

RawError LastError() { return last_error; }
double MailboxAddress() { return Address(mailbox); }

}  // namespace

EMSCRIPTEN_BINDINGS(convscope) {
  emscripten::register_type<Numbers>("number | readonly number[] | null");
  emscripten::register_type<Layers>("readonly RawLayer[]");

  emscripten::value_object<RawError>("RawError")
      .field("code", &RawError::code)
      .field("message", &RawError::message);
  emscripten::value_object<ConvArguments>("ConvArguments")
      .field("axes", &ConvArguments::axes)
      .field("transposed", &ConvArguments::transposed)
      .field("inChannels", &ConvArguments::in_channels)
      .field("outChannels", &ConvArguments::out_channels)
      .field("kernelSize", &ConvArguments::kernel_size)
      .field("stride", &ConvArguments::stride)
      .field("paddingName", &ConvArguments::padding_name)
      .field("padding", &ConvArguments::padding)
      .field("paddingSides", &ConvArguments::padding_sides)
      .field("outputPadding", &ConvArguments::output_padding)
      .field("dilation", &ConvArguments::dilation)
      .field("groups", &ConvArguments::groups)
      .field("bias", &ConvArguments::bias)
      .field("paddingMode", &ConvArguments::padding_mode)
      .field("isModule", &ConvArguments::is_module);
  emscripten::value_object<PoolArguments>("PoolArguments")
      .field("axes", &PoolArguments::axes)
      .field("kernelSize", &PoolArguments::kernel_size)
      .field("stride", &PoolArguments::stride)
      .field("padding", &PoolArguments::padding)
      .field("dilation", &PoolArguments::dilation)
      .field("ceilMode", &PoolArguments::ceil_mode)
      .field("returnIndices", &PoolArguments::return_indices)
      .field("countIncludePad", &PoolArguments::count_include_pad)
      .field("divisorOverride", &PoolArguments::divisor_override);
  emscripten::value_object<FoldArguments>("FoldArguments")
      .field("outputSize", &FoldArguments::output_size)
      .field("kernelSize", &FoldArguments::kernel_size)
      .field("dilation", &FoldArguments::dilation)
      .field("padding", &FoldArguments::padding)
      .field("stride", &FoldArguments::stride);
  emscripten::value_object<ActivationArguments>("ActivationArguments")
      .field("name", &ActivationArguments::name)
      .field("negativeSlope", &ActivationArguments::negative_slope)
      .field("alpha", &ActivationArguments::alpha)
      .field("approximate", &ActivationArguments::approximate)
      .field("beta", &ActivationArguments::beta)
      .field("threshold", &ActivationArguments::threshold)
      .field("minVal", &ActivationArguments::min_val)
      .field("maxVal", &ActivationArguments::max_val);

  emscripten::class_<RawLayer>("RawLayer")
      .function("toText", &RawLayer::ToString)
      .function("outputShape", &RawLayer::OutputShape)
      .function("reads", &RawLayer::Reads)
      .function("readBy", &RawLayer::ReadBy)
      .function("readByParameter", &RawLayer::ReadByParameter)
      .function("parameterCount", &RawLayer::parameter_count)
      .function("parameterName", &RawLayer::ParameterName)
      .function("parameterShape", &RawLayer::ParameterShape)
      .function("parameterAddress", &RawLayer::ParameterAddress)
      .function("setParameter", &RawLayer::SetParameter)
      .function("draw", &RawLayer::Draw)
      .function("explain", &RawLayer::Explain)
      .function("fieldSteps", &RawLayer::FieldSteps)
      .function("fieldLayer", &RawLayer::FieldLayer)
      .function("fieldShape", &RawLayer::FieldShape)
      .function("forOutputSize", &RawLayer::ForOutputSize, allow_raw_pointers())
      .function("makePlan", &RawLayer::MakePlan, allow_raw_pointers())
      .function("makeBackward", &RawLayer::MakeBackward, allow_raw_pointers())
      .function("makeWatch", &RawLayer::MakeWatch, allow_raw_pointers());
  emscripten::class_<RawPlan>("RawPlan")
      .function("run", &RawPlan::Run)
      .function("runWithIndices", &RawPlan::RunWithIndices)
      .function("repack", &RawPlan::Repack)
      .function("outputShape", &RawPlan::OutputShape)
      .function("input", &RawPlan::input)
      .function("output", &RawPlan::output)
      .function("indices", &RawPlan::indices)
      .function("algorithm", &RawPlan::algorithm)
      .function("workspaceBytes", &RawPlan::workspace_bytes);
  emscripten::class_<RawBackward>("RawBackward")
      .function("run", &RawBackward::Run)
      .function("outputShape", &RawBackward::OutputShape)
      .function("input", &RawBackward::input)
      .function("gradOutput", &RawBackward::grad_output)
      .function("gradInput", &RawBackward::grad_input)
      .function("gradParameter", &RawBackward::GradParameter);
  emscripten::class_<RawWatch>("RawWatch")
      .function("add", &RawWatch::Add)
      .function("apply", &RawWatch::Apply)
      .function("canUndo", &RawWatch::can_undo)
      .function("canRedo", &RawWatch::can_redo)
      .function("undo", &RawWatch::Undo)
      .function("redo", &RawWatch::Redo)
      .function("refresh", &RawWatch::Refresh)
      .function("editTarget", &RawWatch::EditTarget)
      .function("editOffset", &RawWatch::EditOffset)
      .function("editValue", &RawWatch::EditValue)
      .function("levels", &RawWatch::levels)
      .function("levelShape", &RawWatch::LevelShape)
      .function("level", &RawWatch::Level)
      .function("whyKept", &RawWatch::WhyKept)
      .function("sensitivity", &RawWatch::Sensitivity)
      .function("replace", &RawWatch::Replace);

  emscripten::function("makeConv", &MakeConv, allow_raw_pointers());
  emscripten::function("makeMaxPool", &MakeMaxPool, allow_raw_pointers());
  emscripten::function("makeAvgPool", &MakeAvgPool, allow_raw_pointers());
  emscripten::function("makeAdaptivePool", &MakeAdaptivePool,
                       allow_raw_pointers());
  emscripten::function("makePad", &MakePad, allow_raw_pointers());
  emscripten::function("makeUnfold", &MakeUnfold, allow_raw_pointers());
  emscripten::function("makeFold", &MakeFold, allow_raw_pointers());
  emscripten::function("makeActivation", &MakeActivation, allow_raw_pointers());
  emscripten::function("makeSequential", &MakeSequential, allow_raw_pointers());

  emscripten::function("manualSeed", &ManualSeed);
  emscripten::function("fillRand", &FillRand);
  emscripten::function("fillRandn", &FillRandn);
  emscripten::function("floatsToText", &TensorToString<float>);
  emscripten::function("intsToText", &TensorToString<int32_t>);
  emscripten::function("lastError", &LastError);
  emscripten::function("cellOffsets", &CellOffsets);
  emscripten::function("mailboxAddress", &MailboxAddress);
}
