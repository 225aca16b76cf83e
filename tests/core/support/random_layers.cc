#include "tests/core/support/random_layers.h"

#include <cmath>
#include <limits>
#include <utility>

#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

constexpr int64_t kMaxCells = 300;

Ints RandomInts(Random* random, int axes, int64_t low, int64_t high) {
  if (random->Chance(50)) return Ints(random->Int(low, high));
  std::vector<int64_t> values;
  for (int axis = 0; axis < axes; ++axis) {
    values.push_back(random->Int(low, high));
  }
  return Ints(std::move(values));
}

PaddingMode RandomMode(Random* random) {
  return random->Pick<PaddingMode>({PaddingMode::kZeros, PaddingMode::kReflect,
                                    PaddingMode::kReplicate,
                                    PaddingMode::kCircular});
}

void ChoosePadding(Random* random, ConvOptions* options) {
  if (options->transposed) {
    options->padding = RandomInts(random, options->axes, 0, 3);
    return;
  }
  if (random->Chance(50)) options->padding_mode = RandomMode(random);
  options->padding_kind = random->Pick<PaddingKind>(
      {PaddingKind::kNumbers, PaddingKind::kNumbers, PaddingKind::kPerSide,
       PaddingKind::kValid, PaddingKind::kSame, PaddingKind::kSameUpper,
       PaddingKind::kSameLower});
  // Copying modes may crop.
  const int64_t low =
      options->padding_mode != PaddingMode::kZeros && random->Chance(20) ? -1
                                                                         : 0;
  if (options->padding_kind == PaddingKind::kNumbers) {
    options->padding = RandomInts(random, options->axes, low, 3);
  }
  if (options->padding_kind == PaddingKind::kPerSide) {
    for (int axis = 0; axis < options->axes; ++axis) {
      options->padding_sides.push_back(
          {random->Int(low, 3), random->Int(low, 3)});
    }
  }
  if (options->padding_kind == PaddingKind::kSame) options->stride = 1;
}

// Creates a layer of type T and keeps it if it takes `in`.
template <class T, class Options>
bool Try(const Options& options, const Shape& in, MadeLayer* made,
         std::shared_ptr<T> MadeLayer::* as = nullptr) {
  std::unique_ptr<T> layer;
  if (!T::Create(options, &layer).ok()) return false;
  Shape out;
  if (!layer->OutputShape(in, &out).ok()) return false;
  if (out.elements() < 1 || out.elements() > kMaxCells) return false;
  *made = MadeLayer();
  std::shared_ptr<T> shared = std::move(layer);
  made->layer = shared;
  if (as != nullptr) made->*as = shared;
  return true;
}

bool TryConv(Random* random, const Shape& in, int axes, bool is_batched,
             MadeLayer* made) {
  ConvOptions options = RandomConvOptions(random, axes, random->Chance(35));
  options.in_channels = in[is_batched ? 1 : 0];
  if (options.in_channels % options.groups != 0) options.groups = 1;
  options.out_channels = options.groups * random->Int(1, 2);
  Generator generator(static_cast<uint64_t>(random->Int(0, 1 << 30)));
  std::unique_ptr<Conv> conv;
  if (!Conv::Create(options, &generator, &conv).ok()) return false;
  Shape out;
  if (!conv->OutputShape(in, &out).ok()) return false;
  if (out.elements() < 1 || out.elements() > kMaxCells) return false;
  *made = MadeLayer();
  made->conv = std::move(conv);
  made->layer = made->conv;
  return true;
}

bool TryPool(Random* random, const Shape& in, int axes, MadeLayer* made) {
  if (random->Chance(50)) {
    MaxPoolOptions options;
    options.axes = axes;
    options.kernel_size = RandomInts(random, axes, 1, 3);
    if (random->Chance(60)) options.stride = RandomInts(random, axes, 1, 3);
    options.padding = RandomInts(random, axes, 0, 1);
    options.dilation = RandomInts(random, axes, 1, 2);
    options.ceil_mode = random->Chance(40);
    return Try(options, in, made, &MadeLayer::max_pool);
  }
  AvgPoolOptions options;
  options.axes = axes;
  options.kernel_size = RandomInts(random, axes, 1, 3);
  if (random->Chance(60)) options.stride = RandomInts(random, axes, 1, 3);
  options.padding = RandomInts(random, axes, 0, 1);
  options.ceil_mode = random->Chance(40);
  options.count_include_pad = random->Chance(50);
  if (axes > 1 && random->Chance(30)) {
    options.divisor_override = random->Int(1, 5);
  }
  return Try<AvgPool>(options, in, made);
}

bool TryAdaptive(Random* random, const Shape& in, int axes, MadeLayer* made) {
  AdaptivePoolOptions options;
  options.axes = axes;
  std::vector<std::optional<int64_t>> sizes;
  for (int axis = 0; axis < axes; ++axis) {
    sizes.emplace_back(random->Int(1, 5));
    if (random->Chance(20)) sizes.back().reset();
  }
  options.output_size = OutputSize(std::move(sizes));
  return random->Chance(50)
             ? Try<AdaptiveAvgPool>(options, in, made)
             : Try(options, in, made, &MadeLayer::adaptive_max_pool);
}

bool TryPad(Random* random, const Shape& in, int axes, MadeLayer* made) {
  PadOptions options;
  options.axes = random->Chance(50) ? axes : 0;
  options.mode = RandomMode(random);
  if (options.mode == PaddingMode::kZeros && random->Chance(50)) {
    options.value = random->Value();
  }
  for (int side = 0; side < 2 * axes; ++side) {
    options.padding.values.push_back(
        random->Int(random->Chance(15) ? -1 : 0, 2));
  }
  return Try<Pad>(options, in, made);
}

bool TryFold(Random* random, const Shape& in, MadeLayer* made) {
  if (random->Chance(50)) {
    UnfoldOptions options;
    options.kernel_size = RandomInts(random, 2, 1, 3);
    options.dilation = RandomInts(random, 2, 1, 2);
    options.padding = RandomInts(random, 2, 0, 1);
    options.stride = RandomInts(random, 2, 1, 2);
    return Try<Unfold>(options, in, made);
  }
  FoldOptions options;
  options.output_size = RandomInts(random, 2, 2, 6);
  options.kernel_size = RandomInts(random, 2, 1, 3);
  options.dilation = RandomInts(random, 2, 1, 2);
  options.padding = RandomInts(random, 2, 0, 1);
  options.stride = RandomInts(random, 2, 1, 2);
  return Try<Fold>(options, in, made);
}

bool TryActivation(Random* random, const Shape& in, MadeLayer* made) {
  ActivationOptions options;
  options.kind =
      static_cast<ActivationKind>(random->Chance(40) ? 0 : random->Int(0, 16));
  if (random->Chance(50)) options.approximate = "tanh";
  return Try<Activation>(options, in, made);
}

}  // namespace

int64_t Random::Int(int64_t low, int64_t high) {
  const uint64_t count = static_cast<uint64_t>(high - low) + 1;
  return low + static_cast<int64_t>(engine_() % count);
}

float Random::Value() {
  return static_cast<float>(Int(-(1 << 24), 1 << 24)) / (1 << 23);
}

float Random::AnyValue() {
  using Limits = std::numeric_limits<float>;
  if (!Chance(25)) return Value();
  return Pick<float>({0.0f, -0.0f, 1.0f, Limits::infinity(),
                      -Limits::infinity(), Limits::quiet_NaN(),
                      Limits::denorm_min(), Limits::max()});
}

std::vector<float> Random::Values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = Value();
  return values;
}

std::vector<float> Random::Dyadics(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = Dyadic();
  return values;
}

ConvOptions RandomConvOptions(Random* random, int axes, bool transposed) {
  ConvOptions options;
  options.axes = axes;
  options.transposed = transposed;
  options.groups = random->Chance(60) ? 1 : random->Int(2, 3);
  options.in_channels = options.groups * random->Int(1, 3);
  options.out_channels = options.groups * random->Int(1, 3);
  options.kernel_size = RandomInts(random, axes, 1, axes == 3 ? 3 : 5);
  options.stride = RandomInts(random, axes, 1, 3);
  options.dilation =
      random->Chance(60) ? Ints(1) : RandomInts(random, axes, 1, 3);
  options.bias = random->Chance(70);
  ChoosePadding(random, &options);
  if (transposed && random->Chance(40)) {
    options.output_padding = RandomInts(random, axes, 0, 1);
  }
  return options;
}

bool RandomInputFor(Random* random, const Conv& conv, Shape* in) {
  const ConvOptions& options = conv.options();
  const int64_t largest = options.axes == 1 ? 40 : options.axes == 2 ? 14 : 7;
  for (int attempt = 0; attempt < 20; ++attempt) {
    Shape shape;
    if (random->Chance(70)) shape.push_back(random->Int(1, 2));
    shape.push_back(options.in_channels);
    for (int axis = 0; axis < options.axes; ++axis) {
      shape.push_back(random->Int(1, largest));
    }
    Shape out;
    if (!conv.OutputShape(shape, &out).ok()) continue;
    if (out.elements() < 1 || out.elements() > 20000) continue;
    *in = shape;
    return true;
  }
  return false;
}

ConvCase RandomConv(Random* random, bool transposed) {
  for (;;) {
    const int axes = static_cast<int>(random->Int(1, 3));
    const ConvOptions options = RandomConvOptions(random, axes, transposed);
    Generator generator(static_cast<uint64_t>(random->Int(0, 1 << 30)));
    std::unique_ptr<Conv> conv;
    Require(Conv::Create(options, &generator, &conv));
    Shape in;
    if (RandomInputFor(random, *conv, &in)) return {std::move(conv), in};
  }
}

MadeLayer RandomLayer(Random* random, const Shape& in) {
  MadeLayer made;
  for (;;) {
    // [C][L], [N][C][L] or [C][H][W], and so on.
    const int least = static_cast<int>(in.rank()) - 2;
    const bool is_batched = least >= 1 && random->Chance(60);
    const int axes = is_batched ? least : least + 1;
    const int64_t kind = random->Int(0, 9);
    if (kind == 9 && TryActivation(random, in, &made)) return made;
    if (axes < 1 || axes > 3) continue;
    if (kind <= 4 && TryConv(random, in, axes, is_batched, &made)) return made;
    if (kind == 5 && TryPool(random, in, axes, &made)) return made;
    if (kind == 6 && TryAdaptive(random, in, axes, &made)) return made;
    if (kind == 7 && TryPad(random, in, axes, &made)) return made;
    if (kind == 8 && TryFold(random, in, &made)) return made;
  }
}

Stack RandomStack(Random* random) {
  Stack stack;
  const int64_t rank = random->Int(2, 5);
  for (int64_t axis = 0; axis < rank; ++axis) {
    const bool is_spatial = axis + 1 >= rank - 1;
    stack.in.push_back(random->Int(1, is_spatial && rank < 5 ? 7 : 3));
  }
  const int64_t count = random->Int(1, 4);
  Shape shape = stack.in;
  std::vector<std::shared_ptr<Layer>> layers;
  while (static_cast<int64_t>(layers.size()) < count) {
    MadeLayer next = RandomLayer(random, shape);
    // The same layer again, where it takes its own output.
    if (!stack.parts.empty() && stack.parts.back().conv && random->Chance(30)) {
      Shape out;
      const bool fits =
          stack.parts.back().layer->OutputShape(shape, &out).ok() &&
          out.elements() >= 1 && out.elements() <= kMaxCells;
      if (fits) next = stack.parts.back();
    }
    shape = OutputShape(*next.layer, shape);
    layers.push_back(next.layer);
    stack.parts.push_back(std::move(next));
  }
  if (layers.size() == 1 && random->Chance(50)) {
    stack.layer = layers[0];
  } else if (layers.size() > 2 && random->Chance(30)) {
    // A stack within a stack.
    std::vector<std::shared_ptr<Layer>> rest(layers.begin() + 1, layers.end());
    stack.layer =
        std::make_shared<Sequential>(std::vector<std::shared_ptr<Layer>>{
            layers[0], std::make_shared<Sequential>(std::move(rest))});
  } else {
    stack.layer = std::make_shared<Sequential>(std::move(layers));
  }
  return stack;
}

}  // namespace convscope::testing
