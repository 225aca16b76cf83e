// Conv: shapes, prints, and what is refused in which words.
#include <limits>

#include "convscope/conv.h"
#include "doctest/doctest.h"
#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

Status Create(const ConvOptions& options) {
  std::unique_ptr<Conv> conv;
  return Conv::Create(options, nullptr, &conv);
}

// What a call of the layer answers, construction included.
Status Call(const ConvOptions& options, const Shape& in) {
  std::unique_ptr<Conv> conv;
  CONVSCOPE_RETURN_IF_ERROR(Conv::Create(options, nullptr, &conv));
  Shape out;
  return conv->OutputShape(in, &out);
}

Shape ShapeOf(const ConvOptions& options, const Shape& in) {
  std::unique_ptr<Conv> conv;
  Require(Conv::Create(options, nullptr, &conv));
  return OutputShape(*conv, in);
}

TEST_CASE("sizes follow the formula of the guide") {
  // Dumoulin and Visin: floor((i + 2p - d (k - 1) - 1) / s) + 1.
  struct Row {
    int64_t in, kernel, stride, padding, dilation, out;
  };
  for (const Row& row :
       {Row{4, 3, 1, 0, 1, 2}, Row{5, 4, 1, 2, 1, 6}, Row{5, 3, 1, 1, 1, 5},
        Row{5, 3, 2, 1, 1, 3}, Row{6, 3, 2, 1, 1, 3}, Row{7, 3, 1, 0, 2, 3},
        Row{1, 1, 5, 0, 1, 1}}) {
    CAPTURE(row.in);
    CAPTURE(row.kernel);
    CHECK(ShapeOf({.axes = 1,
                   .kernel_size = row.kernel,
                   .stride = row.stride,
                   .padding = row.padding,
                   .dilation = row.dilation},
                  {1, row.in}) == Shape{1, row.out});
  }
}

TEST_CASE("transposed sizes undo the formula") {
  // (i - 1) s - 2p + d (k - 1) + output_padding + 1.
  CHECK(ShapeOf({.axes = 1, .transposed = true, .kernel_size = 3}, {1, 2}) ==
        Shape{1, 4});
  CHECK(ShapeOf({.axes = 1,
                 .transposed = true,
                 .kernel_size = 3,
                 .stride = 2,
                 .padding = 1,
                 .output_padding = 1},
                {1, 3}) == Shape{1, 6});
}

TEST_CASE("input may come with a batch or without one") {
  const ConvOptions options{
      .in_channels = 3, .out_channels = 5, .kernel_size = {2, 3}};
  CHECK(ShapeOf(options, {3, 4, 6}) == Shape{5, 3, 4});
  CHECK(ShapeOf(options, {7, 3, 4, 6}) == Shape{7, 5, 3, 4});
  CHECK(ShapeOf(options, {0, 3, 4, 6}) == Shape{0, 5, 3, 4});
}

TEST_CASE("'same' keeps the size; its odd cell is at the end") {
  for (int64_t kernel : {1, 2, 3, 4, 5}) {
    for (int64_t dilation : {1, 2, 3}) {
      CAPTURE(kernel);
      CAPTURE(dilation);
      const ConvOptions options{.axes = 1,
                                .kernel_size = kernel,
                                .padding_kind = PaddingKind::kSame,
                                .dilation = dilation};
      CHECK(ShapeOf(options, {1, 9}) == Shape{1, 9});
      std::unique_ptr<Conv> conv;
      Require(Conv::Create(options, nullptr, &conv));
      const AxisMap axis = conv->Geometry({1, 9}).axes[2];
      const int64_t total = dilation * (kernel - 1);
      CHECK(axis.before == total / 2);
      CHECK(axis.after == total - total / 2);
    }
  }
}

TEST_CASE("strided 'same' gives ceil(size / stride), as TensorFlow and ONNX") {
  for (bool upper : {true, false}) {
    for (int64_t size : {1, 4, 5, 6, 7, 10}) {
      for (int64_t kernel : {1, 2, 3, 4}) {
        for (int64_t stride : {1, 2, 3}) {
          CAPTURE(size);
          CAPTURE(kernel);
          CAPTURE(stride);
          const ConvOptions options{
              .axes = 1,
              .kernel_size = kernel,
              .stride = stride,
              .padding_kind =
                  upper ? PaddingKind::kSameUpper : PaddingKind::kSameLower};
          const int64_t out = (size + stride - 1) / stride;
          REQUIRE(ShapeOf(options, {1, size}) == Shape{1, out});
          std::unique_ptr<Conv> conv;
          Require(Conv::Create(options, nullptr, &conv));
          const AxisMap axis = conv->Geometry({1, size}).axes[2];
          const int64_t needed = (out - 1) * stride + kernel - size;
          const int64_t total = needed > 0 ? needed : 0;
          CHECK(axis.before + axis.after == total);
          CHECK(axis.before == (upper ? total / 2 : total - total / 2));
        }
      }
    }
  }
}

TEST_CASE("padding per side may differ") {
  // Causal: everything before.
  const ConvOptions options{.axes = 1,
                            .kernel_size = 3,
                            .padding_kind = PaddingKind::kPerSide,
                            .padding_sides = {{2, 0}},
                            .bias = false};
  std::unique_ptr<Conv> conv;
  Require(Conv::Create(options, nullptr, &conv));
  for (int k = 0; k < 3; ++k) {
    conv->Parameters()[0].data[k] = static_cast<float>(k + 1);
  }
  CHECK(Forward(*conv, {1, 3}, {1, 10, 100}) == std::vector<float>{3, 32, 321});
}

TEST_CASE("output_size chooses among the sizes that a stride allows") {
  std::unique_ptr<Conv> conv, fitted;
  Require(Conv::Create(
      {.axes = 1, .transposed = true, .kernel_size = 3, .stride = 3}, nullptr,
      &conv));
  for (int64_t size : {9, 10, 11}) {
    Require(conv->ForOutputSize({1, 3}, std::vector<int64_t>{size}, &fitted));
    CHECK(OutputShape(*fitted, {1, 3}) == Shape{1, size});
    Require(
        conv->ForOutputSize({1, 3}, std::vector<int64_t>{1, size}, &fitted));
    CHECK(OutputShape(*fitted, {1, 3}) == Shape{1, size});
  }
  for (int64_t size : {8, 12, -1}) {
    const Status status =
        conv->ForOutputSize({1, 3}, std::vector<int64_t>{size}, &fitted);
    CHECK(status.code == Code::kValue);
    CHECK(status.message ==
          "requested an output size of [" + std::to_string(size) +
              "], but valid sizes range from [9] to [11] (for an input of "
              "torch.Size([3]))");
  }
}

TEST_CASE("output_size stands for output_padding, whatever that is") {
  // nn.ConvTranspose1d(1, 1, 3, stride=2, output_padding=-1)(zeros(1, 3),
  // output_size=[8]) has shape [1, 8].
  std::unique_ptr<Conv> conv, fitted;
  Require(Conv::Create({.axes = 1,
                        .transposed = true,
                        .kernel_size = 3,
                        .stride = 2,
                        .output_padding = -1},
                       nullptr, &conv));
  Require(conv->ForOutputSize({1, 3}, std::vector<int64_t>{8}, &fitted));
  CHECK(OutputShape(*fitted, {1, 3}) == Shape{1, 8});
}

TEST_CASE("an empty batch has no output of a negative size either") {
  // nn.ConvTranspose1d(1, 1, 1, padding=p)(zeros(0, 1, 5)): shape [0, 1, 1] for
  // p = 2, "invalid shape dimension -3" for p = 4.
  ConvOptions options{.axes = 1, .transposed = true, .padding = 2};
  CHECK(ShapeOf(options, {0, 1, 5}) == Shape{0, 1, 1});
  options.padding = 4;
  const Status status = Call(options, {0, 1, 5});
  CHECK(status.code == Code::kShape);
  CHECK(status.message == "invalid shape dimension -3");
}

TEST_CASE("a layer that no call can use is not constructed") {
  struct Row {
    ConvOptions options;
    const char* message;
  };
  for (const Row& row :
       {Row{{.groups = 0}, "groups must be a positive integer"},
        Row{{.groups = -2}, "groups must be a positive integer"},
        Row{{.in_channels = 3, .out_channels = 4, .groups = 2},
            "in_channels must be divisible by groups"},
        Row{{.in_channels = 4, .out_channels = 3, .groups = 2},
            "out_channels must be divisible by groups"},
        Row{{.stride = 2, .padding_kind = PaddingKind::kSame},
            "padding='same' is not supported for strided convolutions"},
        Row{{.transposed = true, .padding_mode = PaddingMode::kReflect},
            "Only \"zeros\" padding mode is supported for ConvTranspose2d"}}) {
    CAPTURE(row.message);
    const Status status = Create(row.options);
    CHECK(status.code == Code::kValue);
    CHECK(status.message == row.message);
  }
}

TEST_CASE("an input that does not fit is refused in torch's words") {
  struct Row {
    ConvOptions options;
    Shape in;
    const char* message;
  };
  for (const Row& row :
       {Row{{.in_channels = 3, .kernel_size = 2},
            {1, 3, 4},
            "Given groups=1, weight of size [1, 3, 2, 2], expected input[1, 1, "
            "3, 4] to have 3 channels, but got 1 channels instead"},
        Row{{.kernel_size = 3},
            {1, 2, 2},
            "Calculated padded input size per channel: (2 x 2). Kernel size: "
            "(3 x 3). Kernel size can't be greater than actual input size"},
        Row{{.kernel_size = 3, .dilation = 2},
            {1, 4, 9},
            "Calculated padded input size per channel: (4 x 9). Kernel size: "
            "(5 x 5). Kernel size can't be greater than actual input size"},
        Row{{.kernel_size = 1, .stride = 0},
            {1, 2, 2},
            "non-positive stride is not supported"},
        Row{{.kernel_size = 1, .padding = -1},
            {1, 2, 2},
            "negative padding is not supported"},
        Row{{.kernel_size = 2},
            {4, 4},
            "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got "
            "input of size: [4, 4]"},
        Row{{.transposed = true, .kernel_size = 2},
            {1, 1, 1, 4, 4},
            "Expected 3D (unbatched) or 4D (batched) input to "
            "conv_transpose2d, but got input of size: [1, 1, 1, 4, 4]"},
        Row{{.axes = 1, .kernel_size = 2, .stride = {1, 1}},
            {1, 4},
            "expected stride to be a single integer value or a list of 1 "
            "values to match the convolution dimensions, but got stride=[1, "
            "1]"},
        Row{{.transposed = true, .kernel_size = 2, .output_padding = -1},
            {1, 4, 4},
            "negative output_padding is not supported"}}) {
    CAPTURE(row.message);
    const Status status = Call(row.options, row.in);
    CHECK(status.code == Code::kShape);
    CHECK(status.message == row.message);
  }
}

TEST_CASE("unknown words are refused in torch's words") {
  ConvOptions options;
  Status status = ParsePadding("full", &options);
  CHECK(status.code == Code::kValue);
  CHECK(status.message.find(
            "Invalid padding string 'full', should be one of") == 0);
  status = ParsePaddingMode("mirror", &options);
  CHECK(status.code == Code::kValue);
  CHECK(status.message.find("padding_mode must be one of {") == 0);
  CHECK(status.message.find("but got padding_mode='mirror'") !=
        std::string::npos);
}

TEST_CASE("sizes that overflow are refused before anything is allocated") {
  for (int64_t large : {int64_t{1} << 31, int64_t{1} << 53, kHuge}) {
    CAPTURE(large);
    CHECK_FALSE(Create({.in_channels = large}).ok());
    CHECK_FALSE(Create({.out_channels = large}).ok());
    CHECK_FALSE(Create({.kernel_size = large}).ok());
    CHECK_FALSE(
        Create({.in_channels = large, .out_channels = large, .groups = large})
            .ok());
    CHECK_FALSE(Call({.kernel_size = 1, .padding = large}, {1, 4, 4}).ok());
    CHECK_FALSE(Call({.kernel_size = 2, .dilation = large}, {1, 4, 4}).ok());
    CHECK_FALSE(
        Call({.transposed = true, .kernel_size = 2, .stride = large}, {1, 4, 4})
            .ok());
    CHECK_FALSE(Call({.transposed = true, .kernel_size = 2, .padding = large},
                     {1, 4, 4})
                    .ok());
    CHECK_FALSE(Call({}, {1, large, large}).ok());
    CHECK_FALSE(Call({}, {large, 1, 4, 4}).ok());
    // A stride beyond the input is one window.
    CHECK(ShapeOf({.stride = large}, {1, 4, 4}) == Shape{1, 1, 1});
  }
}

TEST_CASE("zero input channels give zero output channels, as in torch") {
  CHECK(ShapeOf({.in_channels = 0, .out_channels = 2, .kernel_size = 2},
                {0, 4, 4}) == Shape{0, 3, 3});
}

}  // namespace
}  // namespace convscope::testing
