// Makes layers. Each function takes its arguments from the mailbox, in the
// order in which they are read here, and returns null for those that are
// refused.
#include <cmath>

#include "convscope/adaptive_pool.h"
#include "wasm/bindings/bind.h"
#include "wasm/bindings/exchange.h"
#include "wasm/bindings/layer.h"

namespace convscope::raw {
namespace {

RawLayer* Wrap(Status status, std::shared_ptr<Layer> layer,
               IndexedForward with_indices = nullptr) {
  if (Report(std::move(status)) != 0) return nullptr;
  return new RawLayer(std::move(layer), nullptr, with_indices);
}

// A layer of class L with these options.
template <class L, class Options>
RawLayer* Make(const Options& options, IndexedForward with_indices = nullptr) {
  std::unique_ptr<L> layer;
  Status status = L::Create(options, &layer);
  return Wrap(std::move(status), std::move(layer), with_indices);
}

// What Unfold and Fold have in common.
template <class Options>
void ReadBlocks(Arguments* arguments, Options* options) {
  options->kernel_size = arguments->Integers();
  options->dilation = arguments->Integers();
  options->padding = arguments->Integers();
  options->stride = arguments->Integers();
}

// The layer is one of type T.
template <class T>
void ForwardWithIndices(const Layer& layer, const Shape& in_shape,
                        const float* in, float* out, int32_t* indices) {
  static_cast<const T&>(layer).ForwardWithIndices(in_shape, in, out, indices);
}

// Of an adaptive pool: NaN in a list stands for null, an axis that stays.
OutputSize ToOutputSize(Arguments* arguments) {
  bool is_list = false;
  const auto numbers = *arguments->OptionalNumbers(&is_list);
  if (!is_list) return ToInteger(numbers.front());
  std::vector<std::optional<int64_t>> sizes;
  for (double size : numbers) {
    sizes.push_back(std::isnan(size) ? std::nullopt
                                     : std::optional(ToInteger(size)));
  }
  return OutputSize(std::move(sizes));
}

}  // namespace

RawLayer* WrapConv(Status status, std::unique_ptr<Conv> conv) {
  if (Report(std::move(status)) != 0) return nullptr;
  Conv* layer = conv.get();
  return new RawLayer(std::move(conv), layer);
}

// The layer's numbers are zero until drawn or set.
RawLayer* MakeConv() {
  Arguments arguments;
  ConvOptions options;
  options.axes = static_cast<int>(arguments.Number());
  options.transposed = arguments.Flag();
  options.in_channels = arguments.Integer();
  options.out_channels = arguments.Integer();
  options.kernel_size = arguments.Integers();
  options.bias = arguments.Flag();
  const std::string padding_mode = arguments.Text();
  options.is_module = arguments.Flag();
  options.stride = arguments.Integers();
  // "same" and the like, or "" for numbers.
  const std::string padding_name = arguments.Text();
  options.padding = arguments.Integers();
  // [before, after, before, after, …] or null.
  const std::optional<Ints> sides = arguments.OptionalIntegers();
  options.output_padding = arguments.Integers();
  options.dilation = arguments.Integers();
  options.groups = arguments.Integer();
  Status status;
  if (!padding_name.empty()) {
    status = ParsePadding(padding_name, &options);
  } else if (sides) {
    options.padding_kind = PaddingKind::kPerSide;
    for (size_t i = 0; i + 1 < sides->values.size(); i += 2) {
      options.padding_sides.emplace_back(sides->values[i],
                                         sides->values[i + 1]);
    }
  }
  if (status.ok()) status = ParsePaddingMode(padding_mode, &options);
  std::unique_ptr<Conv> conv;
  if (status.ok()) status = Conv::Create(options, nullptr, &conv);
  return WrapConv(std::move(status), std::move(conv));
}

RawLayer* MakeMaxPool() {
  Arguments arguments;
  MaxPoolOptions options;
  options.axes = static_cast<int>(arguments.Number());
  options.kernel_size = arguments.Integers();
  options.stride = arguments.OptionalIntegers();  // null: the kernel's size
  options.padding = arguments.Integers();
  options.dilation = arguments.Integers();
  options.ceil_mode = arguments.Flag();
  options.return_indices = arguments.Flag();
  return Make<MaxPool>(
      options, options.return_indices ? &ForwardWithIndices<MaxPool> : nullptr);
}

RawLayer* MakeAvgPool() {
  Arguments arguments;
  AvgPoolOptions options;
  options.axes = static_cast<int>(arguments.Number());
  options.kernel_size = arguments.Integers();
  options.stride = arguments.OptionalIntegers();
  options.padding = arguments.Integers();
  options.ceil_mode = arguments.Flag();
  options.count_include_pad = arguments.Flag();
  if (const auto divisor = arguments.OptionalNumber()) {
    options.divisor_override = ToInteger(*divisor);
  }
  return Make<AvgPool>(options);
}

RawLayer* MakeAdaptivePool() {
  Arguments arguments;
  AdaptivePoolOptions options;
  options.axes = static_cast<int>(arguments.Number());
  const bool is_max = arguments.Flag();
  options.output_size = ToOutputSize(&arguments);
  options.return_indices = arguments.Flag();
  if (!is_max) return Make<AdaptiveAvgPool>(options);
  return Make<AdaptiveMaxPool>(
      options,
      options.return_indices ? &ForwardWithIndices<AdaptiveMaxPool> : nullptr);
}

// axes 0: F.pad. A value of null: none was given.
RawLayer* MakePad() {
  Arguments arguments;
  PadOptions options;
  options.axes = static_cast<int>(arguments.Number());
  options.padding = arguments.Integers();
  const std::string mode = arguments.Text();
  if (const auto value = arguments.OptionalNumber()) options.value = *value;
  std::unique_ptr<Pad> pad;
  Status status = ParsePadMode(mode, &options.mode);
  if (status.ok()) status = Pad::Create(options, &pad);
  return Wrap(std::move(status), std::move(pad));
}

RawLayer* MakeUnfold() {
  Arguments arguments;
  UnfoldOptions options;
  ReadBlocks(&arguments, &options);
  return Make<Unfold>(options);
}

RawLayer* MakeFold() {
  Arguments arguments;
  FoldOptions options;
  ReadBlocks(&arguments, &options);
  options.output_size = arguments.Integers();
  return Make<Fold>(options);
}

// The name is one of torch.nn's that the core has.
RawLayer* MakeActivation() {
  Arguments arguments;
  ActivationOptions options;
  (void)ParseActivationKind(arguments.Text(), &options.kind);
  options.negative_slope = arguments.Number();
  options.alpha = arguments.Number();
  options.approximate = arguments.Text();
  options.beta = arguments.Number();
  options.threshold = arguments.Number();
  options.min_val = arguments.Number();
  options.max_val = arguments.Number();
  return Make<Activation>(options);
}

// From the addresses of its parts.
RawLayer* MakeSequential(const RawLayer* const* parts, int count) {
  std::vector<std::shared_ptr<Layer>> layers;
  for (int i = 0; i < count; ++i) layers.push_back(parts[i]->layer);
  return new RawLayer(std::make_shared<Sequential>(std::move(layers)));
}

EMSCRIPTEN_BINDINGS(make) {
  Bind<&MakeConv>("makeConv");
  Bind<&MakeMaxPool>("makeMaxPool");
  Bind<&MakeAvgPool>("makeAvgPool");
  Bind<&MakeAdaptivePool>("makeAdaptivePool");
  Bind<&MakePad>("makePad");
  Bind<&MakeUnfold>("makeUnfold");
  Bind<&MakeFold>("makeFold");
  Bind<&MakeActivation>("makeActivation");
  Bind<&MakeSequential>("makeSequential");
}

}  // namespace convscope::raw
