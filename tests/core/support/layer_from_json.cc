#include "tests/core/support/layer_from_json.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "tests/core/support/python_call.h"

namespace convscope::testing {
namespace {

// A number or a list, as it was written.
Ints ToInts(const Json& json) {
  if (json.is_number()) return Ints(json.Integer());
  return Ints(json.Integers());
}

OutputSize ToOutputSize(const Json& json) {
  if (json.is_number()) return OutputSize(json.Integer());
  std::vector<std::optional<int64_t>> sizes;
  if (json.is_null()) sizes.emplace_back();
  if (json.is_list()) {
    for (const Json& item : json.Items()) {
      sizes.push_back(item.is_null() ? std::optional<int64_t>()
                                     : item.Integer());
    }
  }
  return OutputSize(std::move(sizes));
}

// Fill `target` from an argument that may be left out.
void Take(const Json& args, const char* name, Ints* target) {
  if (args.Has(name)) *target = ToInts(args[name]);
}
void Take(const Json& args, const char* name, std::optional<Ints>* target) {
  if (args.Has(name)) *target = ToInts(args[name]);
}
void Take(const Json& args, const char* name, int64_t* target) {
  if (args.Has(name)) *target = args[name].Integer();
}
void Take(const Json& args, const char* name, std::optional<int64_t>* target) {
  if (args.Has(name)) *target = args[name].Integer();
}
void Take(const Json& args, const char* name, bool* target) {
  if (args.Has(name)) *target = args[name].Bool();
}
void Take(const Json& args, const char* name, double* target) {
  if (args.Has(name)) *target = args[name].Number();
}
void Take(const Json& args, const char* name, std::optional<double>* target) {
  if (args.Has(name)) *target = args[name].Number();
}
void Take(const Json& args, const char* name, std::string* target) {
  if (args.Has(name)) *target = args[name].String();
}

// Keeps a created layer under its own type, too.
template <class T, class Options>
Status Make(const Options& options, MadeLayer* made,
            std::shared_ptr<T>* as = nullptr) {
  std::unique_ptr<T> layer;
  CONVSCOPE_RETURN_IF_ERROR(T::Create(options, &layer));
  std::shared_ptr<T> shared = std::move(layer);
  made->layer = shared;
  if (as != nullptr) *as = shared;
  return Ok();
}

Status MakeConv(const Json& args, ConvOptions options, Generator* generator,
                MadeLayer* made) {
  Take(args, "in_channels", &options.in_channels);
  Take(args, "out_channels", &options.out_channels);
  Take(args, "kernel_size", &options.kernel_size);
  Take(args, "stride", &options.stride);
  Take(args, "output_padding", &options.output_padding);
  Take(args, "dilation", &options.dilation);
  Take(args, "groups", &options.groups);
  Take(args, "bias", &options.bias);
  if (args["padding"].is_string()) {
    CONVSCOPE_RETURN_IF_ERROR(ParsePadding(args["padding"].String(), &options));
  } else {
    Take(args, "padding", &options.padding);
  }
  if (args.Has("padding_mode")) {
    CONVSCOPE_RETURN_IF_ERROR(
        ParsePaddingMode(args["padding_mode"].String(), &options));
  }
  std::unique_ptr<Conv> conv;
  CONVSCOPE_RETURN_IF_ERROR(Conv::Create(options, generator, &conv));
  made->conv = std::move(conv);
  made->layer = made->conv;
  return Ok();
}

// What all that slide a window take.
template <class Options>
void TakeWindow(const Json& args, Options* options) {
  Take(args, "kernel_size", &options->kernel_size);
  Take(args, "stride", &options->stride);
  Take(args, "padding", &options->padding);
  if constexpr (requires { options->dilation; }) {
    Take(args, "dilation", &options->dilation);
  }
}

Status MakeMaxPool(const Json& args, int axes, MadeLayer* made) {
  MaxPoolOptions options;
  options.axes = axes;
  TakeWindow(args, &options);
  Take(args, "ceil_mode", &options.ceil_mode);
  Take(args, "return_indices", &options.return_indices);
  return Make(options, made, &made->max_pool);
}

Status MakeAvgPool(const Json& args, int axes, MadeLayer* made) {
  AvgPoolOptions options;
  options.axes = axes;
  TakeWindow(args, &options);
  Take(args, "ceil_mode", &options.ceil_mode);
  Take(args, "count_include_pad", &options.count_include_pad);
  Take(args, "divisor_override", &options.divisor_override);
  return Make<AvgPool>(options, made);
}

Status MakeAdaptivePool(const Json& args, int axes, bool is_max,
                        MadeLayer* made) {
  AdaptivePoolOptions options;
  options.axes = axes;
  options.output_size = ToOutputSize(args["output_size"]);
  if (!is_max) return Make<AdaptiveAvgPool>(options, made);
  Take(args, "return_indices", &options.return_indices);
  return Make(options, made, &made->adaptive_max_pool);
}

Status MakePad(const Json& args, PadOptions options, MadeLayer* made) {
  Take(args, "pad", &options.padding);      // F.pad
  Take(args, "padding", &options.padding);  // the modules
  Take(args, "value", &options.value);
  if (args.Has("mode")) {
    CONVSCOPE_RETURN_IF_ERROR(
        ParsePadMode(args["mode"].String(), &options.mode));
  }
  // The vectors' complete arguments give the default value to every mode.
  if (options.mode != PaddingMode::kZeros && options.value == 0.0) {
    options.value.reset();
  }
  return Make<Pad>(options, made);
}

Status MakeUnfold(const Json& args, MadeLayer* made) {
  UnfoldOptions options;
  TakeWindow(args, &options);
  return Make<Unfold>(options, made);
}

Status MakeFold(const Json& args, MadeLayer* made) {
  FoldOptions options;
  Take(args, "output_size", &options.output_size);
  TakeWindow(args, &options);
  return Make<Fold>(options, made);
}

Status MakeActivation(const Json& args, ActivationKind kind, MadeLayer* made) {
  ActivationOptions options;
  options.kind = kind;
  Take(args, "negative_slope", &options.negative_slope);
  Take(args, "alpha", &options.alpha);
  Take(args, "approximate", &options.approximate);
  Take(args, "beta", &options.beta);
  Take(args, "threshold", &options.threshold);
  Take(args, "min_val", &options.min_val);
  Take(args, "max_val", &options.max_val);
  return Make<Activation>(options, made);
}

// "nn.ConvTranspose2d", "F.conv_transpose2d" -> "convtranspose2d".
std::string Plain(std::string_view name) {
  std::string plain;
  for (char c : name.substr(name.rfind('.') + 1)) {
    if (c == '_') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

bool FindActivation(std::string_view plain, ActivationKind* kind) {
  for (const char* name :
       {"ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU",
        "Mish", "Sigmoid", "Tanh", "Softplus", "Softsign", "Hardswish",
        "Hardsigmoid", "Hardtanh", "LogSigmoid"}) {
    if (Plain(name) == plain) return ParseActivationKind(name, kind);
  }
  return false;
}

}  // namespace

Status LayerFromJson(std::string_view api, const Json& args,
                     Generator* generator, MadeLayer* made) {
  *made = MadeLayer();
  std::string name = Plain(api);
  ActivationKind kind;
  if (FindActivation(name, &kind)) return MakeActivation(args, kind, made);
  if (name == "unfold") return MakeUnfold(args, made);
  if (name == "fold") return MakeFold(args, made);
  if (name == "pad") return MakePad(args, PadOptions(), made);
  if (name.size() < 3 || name.back() != 'd') {
    throw std::runtime_error("the tests know no layer " + std::string(api));
  }
  const int axes = name[name.size() - 2] - '0';
  name.resize(name.size() - 2);
  if (name == "conv" || name == "convtranspose") {
    ConvOptions options;
    options.axes = axes;
    options.transposed = name != "conv";
    options.is_module = api.substr(0, 2) != "F.";
    return MakeConv(args, options, generator, made);
  }
  if (name == "maxpool") return MakeMaxPool(args, axes, made);
  if (name == "avgpool") return MakeAvgPool(args, axes, made);
  if (name == "adaptiveavgpool") {
    return MakeAdaptivePool(args, axes, false, made);
  }
  if (name == "adaptivemaxpool") {
    return MakeAdaptivePool(args, axes, true, made);
  }
  PadOptions options;
  options.axes = axes;
  if (name == "zeropad" || name == "constantpad") {
    return MakePad(args, options, made);
  }
  for (const auto& [word, mode] :
       {std::pair("reflectionpad", PaddingMode::kReflect),
        std::pair("replicationpad", PaddingMode::kReplicate),
        std::pair("circularpad", PaddingMode::kCircular)}) {
    options.mode = mode;
    if (name == word) return MakePad(args, options, made);
  }
  throw std::runtime_error("the tests know no layer " + std::string(api));
}

Status SequentialFromText(std::string_view text, Generator* generator,
                          MadeLayer* made) {
  std::vector<std::shared_ptr<Layer>> parts;
  for (const PythonCall& call : ParsePythonCalls(text)) {
    MadeLayer part;
    CONVSCOPE_RETURN_IF_ERROR(
        LayerFromJson(call.name, call.args, generator, &part));
    parts.push_back(part.layer);
  }
  *made = MadeLayer();
  made->layer = std::make_shared<Sequential>(std::move(parts));
  return Ok();
}

}  // namespace convscope::testing
