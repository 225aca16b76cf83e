#include "tests/fuzz/choices.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace convscope::testing {
namespace {

std::string asking;

using Limits = std::numeric_limits<int64_t>;

// A weight of gigabytes, allowed as it is, tells no more than a small one.
bool IsCostly(const ConvOptions& options) {
  if (options.out_channels > 1 << 14) return true;
  double weights = static_cast<double>(options.in_channels) *
                   static_cast<double>(options.out_channels) /
                   static_cast<double>(std::max<int64_t>(1, options.groups));
  for (int64_t size :
       PerAxis(options.kernel_size, static_cast<size_t>(options.axes))) {
    weights *= static_cast<double>(size);
  }
  return std::abs(weights) > 1 << 14 && std::abs(weights) < 1.1 * (1 << 30);
}

std::shared_ptr<Conv> AnyConv(Choices* choices) {
  ConvOptions options;
  options.axes = static_cast<int>(choices->Int(1, 3));
  options.transposed = choices->Flag();
  options.groups = choices->Number();
  // Mostly such as the groups divide.
  const bool fits =
      choices->Int(0, 9) > 0 && options.groups > 0 && options.groups < 8;
  const int64_t unit = fits ? options.groups : 1;
  options.in_channels = fits ? unit * choices->Int(1, 4) : choices->Number();
  options.out_channels = fits ? unit * choices->Int(1, 9) : choices->Number();
  options.kernel_size = choices->Numbers(options.axes);
  options.stride = choices->Numbers(options.axes);
  options.dilation = choices->Numbers(options.axes);
  options.padding_kind = static_cast<PaddingKind>(choices->Int(0, 5));
  options.padding = choices->Numbers(options.axes);
  if (options.padding_kind == PaddingKind::kPerSide) {
    for (int axis = 0; axis < options.axes; ++axis) {
      options.padding_sides.push_back({choices->Number(), choices->Number()});
    }
  }
  if (options.transposed)
    options.output_padding = choices->Numbers(options.axes);
  options.bias = choices->Flag();
  options.padding_mode = static_cast<PaddingMode>(choices->Int(0, 3));
  options.is_module = choices->Flag();
  if (IsCostly(options)) return nullptr;
  Generator generator(choices->Seed());
  std::unique_ptr<Conv> conv;
  MustBeSound(Conv::Create(options, &generator, &conv));
  return conv;
}

template <class T, class Options>
std::shared_ptr<T> Make(const Options& options) {
  std::unique_ptr<T> layer;
  const Status status = T::Create(options, &layer);
  MustBeSound(status);
  Must(status.ok() == (layer != nullptr), "a refused layer was made");
  return layer;
}

std::optional<Ints> AnyStride(Choices* choices, int axes) {
  if (choices->Flag()) return choices->Numbers(axes);
  return std::nullopt;
}

std::shared_ptr<MaxPool> AnyMaxPool(Choices* choices) {
  const int axes = static_cast<int>(choices->Int(1, 3));
  return Make<MaxPool>(MaxPoolOptions{.axes = axes,
                                      .kernel_size = choices->Numbers(axes),
                                      .stride = AnyStride(choices, axes),
                                      .padding = choices->Numbers(axes),
                                      .dilation = choices->Numbers(axes),
                                      .ceil_mode = choices->Flag()});
}

std::shared_ptr<AvgPool> AnyAvgPool(Choices* choices) {
  const int axes = static_cast<int>(choices->Int(1, 3));
  AvgPoolOptions options{.axes = axes,
                         .kernel_size = choices->Numbers(axes),
                         .stride = AnyStride(choices, axes),
                         .padding = choices->Numbers(axes),
                         .ceil_mode = choices->Flag(),
                         .count_include_pad = choices->Flag()};
  if (choices->Flag()) options.divisor_override = choices->Number();
  return Make<AvgPool>(options);
}

std::shared_ptr<Layer> AnyAdaptivePool(Choices* choices, bool is_max) {
  AdaptivePoolOptions options{.axes = static_cast<int>(choices->Int(1, 3))};
  const Ints size = choices->Numbers(options.axes);
  options.output_size.is_tuple = size.is_tuple;
  options.output_size.values.assign(size.values.begin(), size.values.end());
  for (auto& value : options.output_size.values) {
    if (options.output_size.is_tuple && choices->Int(0, 3) == 0) value.reset();
  }
  if (is_max) return Make<AdaptiveMaxPool>(options);
  return Make<AdaptiveAvgPool>(options);
}

std::shared_ptr<Pad> AnyPad(Choices* choices) {
  PadOptions options;
  options.axes = static_cast<int>(choices->Int(0, 3));
  options.padding = choices->Numbers(
      2 *
      (options.axes > 0 ? options.axes : static_cast<int>(choices->Int(1, 3))));
  options.mode = static_cast<PaddingMode>(choices->Int(0, 3));
  if (choices->Flag()) options.value = choices->Real();
  return Make<Pad>(options);
}

std::shared_ptr<Activation> AnyActivation(Choices* choices) {
  ActivationOptions options;
  options.kind = static_cast<ActivationKind>(choices->Int(0, 16));
  options.negative_slope = choices->Real();
  options.alpha = choices->Real();
  options.approximate = choices->Flag() ? "tanh" : choices->Text();
  options.beta = choices->Real();
  options.threshold = choices->Real();
  options.min_val = choices->Real();
  options.max_val = choices->Real();
  return Make<Activation>(options);
}

}  // namespace

int64_t Choices::Number() {
  static constexpr int64_t kEdges[] = {Limits::min(),
                                       -(int64_t{1} << 32),
                                       -(int64_t{1} << 31) - 1,
                                       -(1 << 30),
                                       1 << 10,
                                       1 << 15,
                                       (1 << 30) - 1,
                                       1 << 30,
                                       (int64_t{1} << 31) - 1,
                                       int64_t{1} << 31,
                                       int64_t{1} << 32,
                                       (int64_t{1} << 53) + 1,
                                       int64_t{1} << 62,
                                       Limits::max()};
  const int64_t kind = Int(0, 63);
  if (kind == 0) return kEdges[Int(0, std::size(kEdges) - 1)];
  if (kind == 1) return Int(Limits::min(), Limits::max());
  if (kind == 2) return Int(-4, 40);
  return kind % 16 < 10 ? 1 : Int(0, 5);
}

double Choices::Real() {
  const int64_t kind = Int(0, 7);
  if (kind == 0) return std::bit_cast<double>(Seed());
  if (kind == 1) return 0.0;
  return static_cast<double>(Int(-64, 64)) / 16;
}

float Choices::Float() {
  const int64_t kind = Int(0, 7);
  if (kind == 0) return std::bit_cast<float>(static_cast<uint32_t>(Seed()));
  if (kind == 1) return 0.0f;
  return static_cast<float>(Int(-64, 64)) / 16;
}

Ints Choices::Numbers(int length) {
  if (Int(0, 3) > 0) return Ints(Number());
  // Mostly of the right length.
  const int64_t odd = Int(0, 15);
  const int64_t count = odd < 4 ? odd : length;
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(Number());
  return Ints(std::move(values));
}

Shape Choices::Sizes() {
  Shape shape;
  for (int64_t rank = Int(1, 5); rank > 0; --rank) {
    const int64_t kind = Int(0, 31);
    shape.push_back(kind == 0 ? Number() : kind % 2 == 0 ? 1 : Int(0, 9));
  }
  return shape;
}

AnyLayer MakeAnyLayer(Choices* choices) {
  AnyLayer made;
  std::shared_ptr<Pad> pad;
  switch (choices->Int(0, 15)) {
    case 8:
      made.layer = made.max_pool = AnyMaxPool(choices);
      break;
    case 9:
      made.layer = AnyAvgPool(choices);
      break;
    case 10:
      made.layer = AnyAdaptivePool(choices, true);
      break;
    case 11:
      made.layer = AnyAdaptivePool(choices, false);
      break;
    case 12:
      made.layer = AnyActivation(choices);
      made.makes_nan = true;
      break;
    case 13:
      made.layer =
          Make<Unfold>(UnfoldOptions{choices->Numbers(2), choices->Numbers(2),
                                     choices->Numbers(2), choices->Numbers(2)});
      break;
    case 14:
      made.layer = Make<Fold>(FoldOptions{
          choices->Numbers(2), choices->Numbers(2), choices->Numbers(2),
          choices->Numbers(2), choices->Numbers(2)});
      break;
    case 15:
      made.layer = pad = AnyPad(choices);
      made.makes_nan = pad && std::isnan(pad->options().value.value_or(0));
      break;
    default:
      made.layer = made.conv = AnyConv(choices);
  }
  return made;
}

void Asking(std::string what) { asking = std::move(what); }

void Must(bool holds, const std::string& fault) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\nof %s\n", fault.c_str(),
               asking.c_str());
  std::abort();
}

void MustBeSound(const Status& status) {
  Must(status.ok() == status.message.empty(), "a status without sense");
}

void MustBeSame(const std::vector<float>& got, const float* want,
                const char* what) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::bit_cast<uint32_t>(got[i]) == std::bit_cast<uint32_t>(want[i])) {
      continue;
    }
    Must(false, std::string(what) + ", cell " + std::to_string(i));
  }
}

}  // namespace convscope::testing
