// Dense convolutions natively, one thread: ours in both maths, and oneDNN with
// the memory layouts of its own choice, reorders left out.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dnnl.hpp>
#include <memory>
#include <string>
#include <vector>

#include "convscope/convscope.h"

namespace {

struct Layer {
  const char* name;
  int64_t in, out, size, kernel, stride;

  int64_t padding() const { return kernel / 2; }
  int64_t out_size() const {
    return (size + 2 * padding() - kernel) / stride + 1;
  }
  double operations() const {
    return 2.0 * static_cast<double>(in * out * kernel * kernel * out_size() *
                                     out_size());
  }
};

// Of ResNet-50, VGG-16 and MobileNetV2.
constexpr Layer kLayers[] = {
    {"3x3 64-64 @56", 64, 64, 56, 3, 1},
    {"3x3 128-128 @28", 128, 128, 28, 3, 1},
    {"3x3 256-256 @14", 256, 256, 14, 3, 1},
    {"3x3 512-512 @7", 512, 512, 7, 3, 1},
    {"3x3 64-64 @224", 64, 64, 224, 3, 1},
    {"3x3/2 128-128 @56", 128, 128, 56, 3, 2},
    {"1x1 64-256 @56", 64, 256, 56, 1, 1},
    {"1x1 256-64 @56", 256, 64, 56, 1, 1},
    {"1x1 1024-256 @14", 1024, 256, 14, 1, 1},
    {"1x1 2048-512 @7", 2048, 512, 7, 1, 1},
    {"7x7/2 3-64 @224", 3, 64, 224, 7, 2},
};

std::vector<float> Numbers(int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& number : numbers) {
    state = state * 1664525u + 1013904223u;
    number = static_cast<float>(state >> 8) / (1 << 24) - 0.5f;
  }
  return numbers;
}

void SetRate(benchmark::State& state, const Layer& layer) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      layer.operations() * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

std::unique_ptr<convscope::Conv> MakeConv(const Layer& layer) {
  std::unique_ptr<convscope::Conv> conv;
  const convscope::Status status =
      convscope::Conv::Create({.axes = 2,
                               .in_channels = layer.in,
                               .out_channels = layer.out,
                               .kernel_size = layer.kernel,
                               .stride = layer.stride,
                               .padding = layer.padding(),
                               .bias = false},
                              nullptr, &conv);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", layer.name, status.message.c_str());
    std::exit(1);
  }
  const convscope::Parameter weight = conv->Parameters()[0];
  const std::vector<float> numbers = Numbers(weight.shape.elements());
  std::copy(numbers.begin(), numbers.end(), weight.data);
  return conv;
}

std::unique_ptr<convscope::Plan> MakePlan(const convscope::Conv& conv,
                                          const Layer& layer,
                                          convscope::Math math) {
  std::unique_ptr<convscope::Plan> plan;
  const convscope::Status status = convscope::Plan::Create(
      conv, {layer.in, layer.size, layer.size}, math, &plan);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", layer.name, status.message.c_str());
    std::exit(1);
  }
  const std::vector<float> numbers =
      Numbers(layer.in * layer.size * layer.size);
  std::copy(numbers.begin(), numbers.end(), plan->input());
  return plan;
}

void Ours(benchmark::State& state, const Layer& layer, convscope::Math math) {
  const auto conv = MakeConv(layer);
  const auto plan = MakePlan(*conv, layer, math);
  for (auto _ : state) {
    plan->Run();
    benchmark::ClobberMemory();
  }
  SetRate(state, layer);
  state.SetLabel(plan->algorithm());
}

// oneDNN's convolution of the same numbers, in its own layouts.
class OneDnn {
 public:
  explicit OneDnn(const Layer& layer)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    using dnnl::memory;
    const memory::dims in = {1, layer.in, layer.size, layer.size};
    const memory::dims weight = {layer.out, layer.in, layer.kernel,
                                 layer.kernel};
    const memory::dims out = {1, layer.out, layer.out_size(), layer.out_size()};
    const auto any = [](const memory::dims& dims) {
      return memory::desc(dims, memory::data_type::f32,
                          memory::format_tag::any);
    };
    const auto plain = [](const memory::dims& dims) {
      return memory::desc(dims, memory::data_type::f32,
                          memory::format_tag::abcd);
    };
    const memory::dims stride = {layer.stride, layer.stride};
    const memory::dims padding = {layer.padding(), layer.padding()};
    const dnnl::convolution_forward::primitive_desc description(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
         any(in), any(weight), any(out), stride, padding, padding},
        engine_);
    in_ = memory(description.src_desc(), engine_);
    weight_ = memory(description.weights_desc(), engine_);
    out_ = memory(description.dst_desc(), engine_);
    plain_out_ = memory(plain(out), engine_);
    Fill(plain(in), layer.in * layer.size * layer.size, &in_);
    Fill(plain(weight), layer.out * layer.in * layer.kernel * layer.kernel,
         &weight_);
    primitive_ = dnnl::convolution_forward(description);
    name_ = description.impl_info_str();
  }

  void Run() {
    primitive_.execute(stream_, {{DNNL_ARG_SRC, in_},
                                 {DNNL_ARG_WEIGHTS, weight_},
                                 {DNNL_ARG_DST, out_}});
    stream_.wait();
  }

  // The result of Run() in the plain layout.
  const float* Output() {
    dnnl::reorder(out_, plain_out_).execute(stream_, out_, plain_out_);
    stream_.wait();
    return static_cast<const float*>(plain_out_.get_data_handle());
  }

  const std::string& name() const { return name_; }

 private:
  void Fill(const dnnl::memory::desc& plain, int64_t count,
            dnnl::memory* memory) {
    std::vector<float> numbers = Numbers(count);
    dnnl::memory from(plain, engine_, numbers.data());
    dnnl::reorder(from, *memory).execute(stream_, from, *memory);
    stream_.wait();
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::memory in_, weight_, out_, plain_out_;
  dnnl::convolution_forward primitive_;
  std::string name_;
};

void Theirs(benchmark::State& state, const Layer& layer) {
  OneDnn dnn(layer);
  for (auto _ : state) {
    dnn.Run();
    benchmark::ClobberMemory();
  }
  SetRate(state, layer);
  state.SetLabel(dnn.name());
}

// A race between unlike results would say nothing.
void CheckSame(const Layer& layer) {
  const auto conv = MakeConv(layer);
  OneDnn dnn(layer);
  dnn.Run();
  const float* theirs = dnn.Output();
  for (const convscope::Math math :
       {convscope::Math::kReproducible, convscope::Math::kFast}) {
    const auto plan = MakePlan(*conv, layer, math);
    plan->Run();
    for (int64_t i = 0; i < plan->output_shape().elements(); ++i) {
      if (std::abs(plan->output()[i] - theirs[i]) < 2e-3f) continue;
      std::fprintf(stderr, "%s: output %lld is %g, oneDNN says %g\n",
                   layer.name, static_cast<long long>(i),
                   static_cast<double>(plan->output()[i]),
                   static_cast<double>(theirs[i]));
      std::exit(1);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const Layer& layer : kLayers) {
    CheckSame(layer);
    const std::string name = layer.name;
    benchmark::RegisterBenchmark(
        (name + "/reproducible").c_str(), [&layer](benchmark::State& state) {
          Ours(state, layer, convscope::Math::kReproducible);
        });
    benchmark::RegisterBenchmark((name + "/fast").c_str(),
                                 [&layer](benchmark::State& state) {
                                   Ours(state, layer, convscope::Math::kFast);
                                 });
    benchmark::RegisterBenchmark(
        (name + "/oneDNN").c_str(),
        [&layer](benchmark::State& state) { Theirs(state, layer); });
  }
  benchmark::RunSpecifiedBenchmarks();
}
