// Arguments that nobody should give: every public call answers with a Status,
// none crashes, hangs or leaves something half made, and the next call works.
// Run it under the sanitizers, too (preset asan).
#include <algorithm>
#include <functional>
#include <limits>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

using Limits = std::numeric_limits<int64_t>;
using Limit = std::numeric_limits<float>;

const std::vector<int64_t>& Numbers() {
  static const std::vector<int64_t> numbers{Limits::min(),
                                            -(int64_t{1} << 53) - 1,
                                            -(int64_t{1} << 32),
                                            -(int64_t{1} << 31) - 1,
                                            -1,
                                            0,
                                            1,
                                            3,
                                            1 << 15,
                                            1 << 20,
                                            (1 << 30) - 1,
                                            1 << 30,
                                            int64_t{1} << 31,
                                            (int64_t{1} << 32) + 1,
                                            (int64_t{1} << 53) + 1,
                                            int64_t{1} << 62,
                                            Limits::max()};
  return numbers;
}

// The hostile numbers alone, in tuples of the right and of wrong lengths.
std::vector<Ints> Tuples() {
  std::vector<Ints> tuples{Ints(std::vector<int64_t>()), Ints({1}),
                           Ints({1, 1}), Ints({1, 1, 1, 1}),
                           Ints(std::vector<int64_t>(40, 1))};
  for (int64_t number : Numbers()) {
    tuples.emplace_back(number);
    tuples.push_back(Ints({1, number}));
    tuples.push_back(Ints({number, number}));
    tuples.push_back(Ints({number, 2, 1}));
  }
  return tuples;
}

const std::vector<Shape>& Shapes() {
  constexpr int64_t kMax = Limits::max();
  static const std::vector<Shape> shapes{
      {},
      {4},
      {1, 4},
      {1, 4, 5},
      {1, 1, 4, 5},
      {2, 1, 3, 4, 5},
      {1, 1, 1, 3, 4, 5},
      Shape(std::vector<int64_t>(16, 1)),
      {0},
      {0, 1, 4, 5},
      {1, 0, 4, 5},
      {1, 1, 0, 5},
      {1, 4, 0},
      {-1, 4, 5},
      {1, Limits::min(), 5},
      {1, int64_t{1} << 32, 1},
      {1, int64_t{1} << 32, int64_t{1} << 32},
      {kMax, kMax, kMax},
      {1, 1, kMax, kMax},
      // Empty, though not by far in the other sizes.
      {0, 1, int64_t{1} << 40, int64_t{1} << 40},
      {0, kMax, kMax, kMax},
      {1, int64_t{1} << 40, 0, 5},
  };
  return shapes;
}

// A refusal has a reason.
bool IsSound(const Status& status) {
  return status.ok() ? status.message.empty() : !status.message.empty();
}

bool IsSmall(const Shape& shape) {
  return CheckElements(shape, "").ok() && shape.elements() <= 4096;
}

// Asks an accepted layer everything else, where its tensors are small.
void AskEverything(std::shared_ptr<const Layer> layer, const Shape& in,
                   const Shape& out) {
  if (!IsSmall(in) || !IsSmall(out)) return;
  int64_t weights = 0;
  for (const Parameter& parameter : layer->Parameters()) {
    weights += parameter.shape.elements();
  }
  if (weights > 1 << 20) return;
  const std::vector<float> values(static_cast<size_t>(in.elements()), 1.0f);
  std::vector<float> result;
  for (Math math : {Math::kReproducible, Math::kFast}) {
    CHECK(IsSound(Forward(*layer, in, values, math, &result)));
  }
  const std::vector<float> grad(static_cast<size_t>(out.elements()), 1.0f);
  (void)Backward(*layer, in, values, grad);
  CellSet cells;
  if (in.elements() > 0) {
    const Shape last = IndexAt(in, in.elements() - 1);
    CHECK(IsSound(layer->ReadBy(in, SingleCell(last), &cells)));
  }
  if (out.elements() > 0) {
    const Shape last = IndexAt(out, out.elements() - 1);
    CHECK(IsSound(layer->Reads(in, SingleCell(last), &cells)));
  }
  std::unique_ptr<Watch> watch;
  const Status status = Watch::Create(layer, in, values.data(), &watch);
  CHECK(IsSound(status));
  if (!status.ok()) return;
  for (int64_t offset : Numbers()) {
    const Edit edit{0, offset, 2.0f};
    Change change;
    CHECK(IsSound(watch->Set({&edit, 1}, &change)));
  }
}

// A layer of these options on every shape.
template <class T, class Options>
void Sweep(
    const Options& options,
    const std::function<Status(const Options&, std::unique_ptr<T>*)>& create) {
  std::unique_ptr<T> made;
  const Status created = create(options, &made);
  CHECK(IsSound(created));
  CHECK(created.ok() == (made != nullptr));
  if (!made) return;
  const std::shared_ptr<const T> layer = std::move(made);
  (void)layer->ToString();
  for (const Shape& in : Shapes()) {
    INFO(layer->ToString());
    INFO(ToString(in));
    Shape out{7, 7};
    const Status status = layer->OutputShape(in, &out);
    CHECK(IsSound(status));
    if (status.ok()) {
      CHECK(CheckElements(out, "output").ok());
      AskEverything(layer, in, out);
    } else {
      CHECK(ToString(out) == "[7, 7]");
      std::unique_ptr<Kernel> kernel;
      CHECK_FALSE(layer->MakeKernel(in, Math::kFast, &kernel).ok());
      std::unique_ptr<Plan> plan;
      CHECK_FALSE(Plan::Create(*layer, in, Math::kReproducible, &plan).ok());
    }
  }
}

template <class T, class Options>
void Sweep(const Options& options) {
  Sweep<T, Options>(options,
                    [](const Options& given, std::unique_ptr<T>* layer) {
                      return T::Create(given, layer);
                    });
}

// A weight of 4 GiB, allowed as it is, says nothing that a small one does not.
bool IsCostly(const std::vector<int64_t>& sizes) {
  return std::any_of(sizes.begin(), sizes.end(), [](int64_t size) {
    return size > 1 << 15 && size < 1 << 30;
  });
}

void SweepConv(const ConvOptions& options) {
  Sweep<Conv, ConvOptions>(
      options, [](const ConvOptions& given, std::unique_ptr<Conv>* conv) {
        return Conv::Create(given, nullptr, conv);
      });
}

// Sweeps each member of the options in turn.
template <class T, class Options, class Member, class Values>
void SweepMember(const std::vector<Options>& bases, Member Options::* member,
                 const Values& values) {
  for (Options options : bases) {
    for (const auto& value : values) {
      options.*member = value;
      Sweep<T, Options>(options);
    }
  }
}

TEST_CASE("convolutions answer hostile arguments with a status") {
  std::vector<ConvOptions> bases;
  for (int axes : {1, 2, 3}) {
    for (bool transposed : {false, true}) {
      bases.push_back({.axes = axes, .transposed = transposed});
    }
  }
  bases.push_back({.padding = 1, .padding_mode = PaddingMode::kReflect});
  bases.push_back({.padding = 1, .padding_mode = PaddingMode::kCircular});
  bases.push_back({.axes = 1, .padding_kind = PaddingKind::kSame});
  bases.push_back({.padding_kind = PaddingKind::kSameUpper});
  for (const ConvOptions& base : bases) {
    for (int64_t ConvOptions::* member :
         {&ConvOptions::in_channels, &ConvOptions::out_channels,
          &ConvOptions::groups}) {
      for (int64_t number : Numbers()) {
        if (IsCostly({number})) continue;
        ConvOptions options = base;
        options.*member = number;
        SweepConv(options);
      }
    }
    for (Ints ConvOptions::* member :
         {&ConvOptions::kernel_size, &ConvOptions::stride,
          &ConvOptions::padding, &ConvOptions::output_padding,
          &ConvOptions::dilation}) {
      for (const Ints& tuple : Tuples()) {
        if (member == &ConvOptions::kernel_size && IsCostly(tuple.values)) {
          continue;
        }
        ConvOptions options = base;
        options.*member = tuple;
        SweepConv(options);
      }
    }
  }
}

TEST_CASE("padding per side answers hostile numbers with a status") {
  for (int64_t before : Numbers()) {
    for (int64_t after : Numbers()) {
      for (PaddingMode mode : {PaddingMode::kZeros, PaddingMode::kReplicate,
                               PaddingMode::kCircular}) {
        SweepConv({.axes = 1,
                   .padding_kind = PaddingKind::kPerSide,
                   .padding_sides = {{before, after}},
                   .padding_mode = mode});
      }
    }
  }
  SweepConv({.axes = 1, .padding_kind = PaddingKind::kPerSide});
  SweepConv({.axes = 1,
             .padding_kind = PaddingKind::kPerSide,
             .padding_sides = {{0, 0}, {0, 0}}});
}

TEST_CASE("a number of axes that there is not is refused") {
  for (int axes : {-1, 0, 4, 1 << 30}) {
    CAPTURE(axes);
    SweepConv({.axes = axes});
    Sweep<MaxPool>(MaxPoolOptions{.axes = axes});
    Sweep<AvgPool>(AvgPoolOptions{.axes = axes});
    Sweep<AdaptiveAvgPool>(AdaptivePoolOptions{.axes = axes});
    Sweep<AdaptiveMaxPool>(AdaptivePoolOptions{.axes = axes});
    if (axes != 0) Sweep<Pad>(PadOptions{.axes = axes});  // 0 is F.pad.
  }
}

TEST_CASE("output_size answers hostile numbers with a status") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.axes = 1, .transposed = true, .stride = 2}, nullptr,
                       &conv));
  for (const Shape& in : Shapes()) {
    for (const Ints& tuple : Tuples()) {
      std::unique_ptr<Conv> fitted;
      const Status status = conv->ForOutputSize(in, tuple.values, &fitted);
      CHECK(IsSound(status));
      Shape out;
      if (status.ok() && fitted) CHECK(IsSound(fitted->OutputShape(in, &out)));
    }
  }
  std::unique_ptr<Conv> plain, fitted;
  Require(Conv::Create({.axes = 1}, nullptr, &plain));
  CHECK(
      IsSound(plain->ForOutputSize({1, 4}, std::vector<int64_t>{4}, &fitted)));
}

TEST_CASE("pools answer hostile arguments with a status") {
  std::vector<MaxPoolOptions> max_bases;
  std::vector<AvgPoolOptions> avg_bases;
  for (int axes : {1, 2, 3}) {
    for (bool ceil_mode : {false, true}) {
      max_bases.push_back(
          {.axes = axes, .kernel_size = 2, .ceil_mode = ceil_mode});
      avg_bases.push_back(
          {.axes = axes, .kernel_size = 2, .ceil_mode = ceil_mode});
    }
  }
  const std::vector<Ints> tuples = Tuples();
  SweepMember<MaxPool>(max_bases, &MaxPoolOptions::kernel_size, tuples);
  SweepMember<MaxPool>(max_bases, &MaxPoolOptions::stride, tuples);
  SweepMember<MaxPool>(max_bases, &MaxPoolOptions::padding, tuples);
  SweepMember<MaxPool>(max_bases, &MaxPoolOptions::dilation, tuples);
  SweepMember<AvgPool>(avg_bases, &AvgPoolOptions::kernel_size, tuples);
  SweepMember<AvgPool>(avg_bases, &AvgPoolOptions::stride, tuples);
  SweepMember<AvgPool>(avg_bases, &AvgPoolOptions::padding, tuples);
  SweepMember<AvgPool>(avg_bases, &AvgPoolOptions::divisor_override, Numbers());
}

TEST_CASE("a window far larger than its input costs what the input costs") {
  for (int64_t half : {1 << 10, 1 << 20, 1 << 29}) {
    CAPTURE(half);
    for (int axes : {1, 2, 3}) {
      Sweep<MaxPool>(MaxPoolOptions{
          .axes = axes, .kernel_size = 2 * half, .padding = half});
      Sweep<MaxPool>(MaxPoolOptions{.axes = axes,
                                    .kernel_size = 2 * half,
                                    .stride = Ints(half),
                                    .padding = half,
                                    .dilation = 2});
      Sweep<AvgPool>(AvgPoolOptions{
          .axes = axes, .kernel_size = 2 * half, .padding = half});
    }
  }
}

TEST_CASE("adaptive pools answer hostile arguments with a status") {
  for (int axes : {1, 2, 3}) {
    for (const Ints& tuple : Tuples()) {
      AdaptivePoolOptions options{.axes = axes};
      options.output_size.is_tuple = tuple.is_tuple;
      options.output_size.values.assign(tuple.values.begin(),
                                        tuple.values.end());
      Sweep<AdaptiveAvgPool>(options);
      Sweep<AdaptiveMaxPool>(options);
    }
    AdaptivePoolOptions none{.axes = axes};
    none.output_size = OutputSize({std::nullopt, std::nullopt});
    Sweep<AdaptiveAvgPool>(none);
  }
}

TEST_CASE("padding answers hostile arguments with a status") {
  std::vector<PadOptions> bases;
  for (int axes : {0, 1, 2, 3}) {
    for (PaddingMode mode : {PaddingMode::kZeros, PaddingMode::kReflect,
                             PaddingMode::kReplicate, PaddingMode::kCircular}) {
      bases.push_back({.axes = axes, .mode = mode});
    }
  }
  SweepMember<Pad>(bases, &PadOptions::padding, Tuples());
  PaddingMode mode;
  for (const char* word : {"", "zeros", "Constant", "constant\n"}) {
    CHECK_FALSE(ParsePadMode(word, &mode).ok());
  }
}

TEST_CASE("unfold and fold answer hostile arguments with a status") {
  const std::vector<Ints> tuples = Tuples();
  for (Ints UnfoldOptions::* member :
       {&UnfoldOptions::kernel_size, &UnfoldOptions::dilation,
        &UnfoldOptions::padding, &UnfoldOptions::stride}) {
    SweepMember<Unfold>(std::vector<UnfoldOptions>(1), member, tuples);
  }
  for (Ints FoldOptions::* member :
       {&FoldOptions::output_size, &FoldOptions::kernel_size,
        &FoldOptions::dilation, &FoldOptions::padding, &FoldOptions::stride}) {
    SweepMember<Fold>(std::vector<FoldOptions>{{.output_size = {2, 2}}}, member,
                      tuples);
  }
}

TEST_CASE("activations answer hostile arguments with a status") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int kind = 0; kind <= 16; ++kind) {
    ActivationOptions options;
    options.kind = static_cast<ActivationKind>(kind);
    Sweep<Activation>(options);
    for (double number : {0.0, -1.0, 1e300, -inf, inf, nan}) {
      options.alpha = options.beta = options.threshold = number;
      options.negative_slope = options.min_val = options.max_val = number;
      Sweep<Activation>(options);
    }
    options.approximate = "sinh";
    Sweep<Activation>(options);
  }
}

TEST_CASE("questions about cells that do not exist are refused") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.kernel_size = 2}, nullptr, &conv));
  const std::vector<float> in(16);
  Explanation explanation;
  for (int64_t number : Numbers()) {
    if (number >= 0 && number < 3) continue;
    CAPTURE(number);
    for (const Shape& index :
         {Shape{0, 0, number}, Shape{number, 0, 0}, Shape{number}}) {
      CHECK(conv->Explain({1, 4, 4}, in.data(), index, &explanation).code ==
            Code::kIndex);
    }
  }
  CHECK_FALSE(
      conv->Explain({1, 1, 1}, in.data(), {0, 0, 0}, &explanation).ok());
  CHECK(conv->Explain({1, 4, 4}, in.data(), {0, 2, 2}, &explanation).ok());
}

TEST_CASE("receptive fields of hostile shapes are refused or told") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.kernel_size = 2}, nullptr, &conv));
  for (const Shape& in : Shapes()) {
    std::vector<FieldStep> steps;
    CHECK(IsSound(ReceptiveFieldSteps(*conv, in, &steps)));
  }
}

TEST_CASE("an infinite weight meets no padding in a row of any length") {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create({.axes = 1, .kernel_size = 2, .padding = 1}, nullptr,
                       &conv));
  // The first tap reads the cell before: padding for the first output alone.
  float* weight = conv->Parameters()[0].data;
  weight[0] = Limit::infinity();
  weight[1] = 1;
  const std::vector<float> in(9000, 2.0f);
  const std::vector<float> out = Forward(*conv, {1, 9000}, in);
  REQUIRE(out.size() == 9001);
  CHECK(out[0] == 2);
  CHECK(std::all_of(out.begin() + 1, out.end(),
                    [](float value) { return value == Limit::infinity(); }));
}

TEST_CASE("a transposed layer that copies borders is refused, module or not") {
  for (bool is_module : {true, false}) {
    CAPTURE(is_module);
    std::unique_ptr<Conv> conv;
    const Status status = Conv::Create({.axes = 1,
                                        .transposed = true,
                                        .padding = 1,
                                        .padding_mode = PaddingMode::kReplicate,
                                        .is_module = is_module},
                                       nullptr, &conv);
    CHECK(status.code == Code::kValue);
    CHECK(conv == nullptr);
  }
}

TEST_CASE("a receptive field of a billion cells is refused, not listed") {
  std::unique_ptr<MaxPool> pool;
  Require(MaxPool::Create(
      {.axes = 1, .kernel_size = 1 << 30, .stride = 1, .padding = 1 << 29},
      &pool));
  std::vector<FieldStep> steps;
  CHECK(ReceptiveFieldSteps(*pool, {1, 4}, &steps).code == Code::kMemory);
}

TEST_CASE("a pool of no outputs has a receptive field of no cells") {
  std::unique_ptr<AdaptiveAvgPool> pool;
  Require(AdaptiveAvgPool::Create({.axes = 1, .output_size = 0}, &pool));
  std::vector<FieldStep> steps;
  Require(ReceptiveFieldSteps(*pool, {1, 4}, &steps));
  CHECK(steps.at(0).axes.at(0).size == 0);
}

}  // namespace
}  // namespace convscope::testing
