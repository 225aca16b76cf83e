// Backward of every layer against a numerical derivative.
#include <cmath>

#include "convscope/convscope.h"
#include "doctest/doctest.h"
#include "tests/core/support/random_layers.h"
#include "tests/core/support/run.h"

namespace convscope::testing {
namespace {

// sum(layer(in) * grad_output), the number that Backward differentiates.
double Loss(const Layer& layer, const Shape& shape,
            const std::vector<float>& in,
            const std::vector<float>& grad_output) {
  const std::vector<float> out = Forward(layer, shape, in);
  double loss = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    loss += double{out[i]} * double{grad_output[i]};
  }
  return loss;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

std::vector<float> Moved(std::vector<float> values,
                         const std::vector<float>& direction, float step) {
  for (size_t i = 0; i < values.size(); ++i) values[i] += step * direction[i];
  return values;
}

TEST_CASE("a convolution's gradients are its differences, exactly") {
  // It is linear in each of input, weight and bias, and on small multiples of
  // 1/8 nothing is rounded: a step of any length gives the derivative.
  Random random(21);
  for (int round = 0; round < 150; ++round) {
    const ConvCase test = RandomConv(&random, round % 2 == 0);
    INFO(test.conv->ToString());
    INFO(ToString(test.in));
    for (const Parameter& parameter : test.conv->Parameters()) {
      const std::vector<float> values =
          random.Dyadics(parameter.shape.elements());
      std::copy(values.begin(), values.end(), parameter.data);
    }
    const std::vector<float> in = random.Dyadics(test.in.elements());
    const std::vector<float> grad_output =
        random.Dyadics(OutputShape(*test.conv, test.in).elements());
    const AllGradients gradients =
        Backward(*test.conv, test.in, in, grad_output);
    const double loss = Loss(*test.conv, test.in, in, grad_output);
    const std::vector<float> direction = random.Dyadics(test.in.elements());
    CHECK(Loss(*test.conv, test.in, Moved(in, direction, 1), grad_output) -
              loss ==
          Dot(gradients.input, direction));
    const std::vector<Parameter> parameters = test.conv->Parameters();
    for (size_t p = 0; p < parameters.size(); ++p) {
      CAPTURE(parameters[p].name);
      const auto size = static_cast<size_t>(parameters[p].shape.elements());
      const std::vector<float> old(parameters[p].data,
                                   parameters[p].data + size);
      const std::vector<float> way = random.Dyadics(static_cast<int64_t>(size));
      const std::vector<float> moved = Moved(old, way, 1);
      std::copy(moved.begin(), moved.end(), parameters[p].data);
      CHECK(Loss(*test.conv, test.in, in, grad_output) - loss ==
            Dot(gradients.parameters[p], way));
      std::copy(old.begin(), old.end(), parameters[p].data);
    }
  }
}

// The difference quotient to either side. Where a kink (a ReLU's 0, two equal
// maxima) lies on one side, the derivative is the quotient of the other; they
// are then apart by twice what their mean is off.
void CheckSmooth(Random* random, const Layer& layer, const Shape& shape) {
  const std::vector<float> in = random->Values(shape.elements());
  const std::vector<float> grad_output =
      random->Values(OutputShape(layer, shape).elements());
  const std::vector<float> direction = random->Values(shape.elements());
  const float step = 1.0f / 1024;
  const double middle = Loss(layer, shape, in, grad_output);
  // A window over nothing but padding has the maximum -inf.
  if (!std::isfinite(middle)) return;
  const double ahead =
      (Loss(layer, shape, Moved(in, direction, step), grad_output) - middle) /
      step;
  const double behind =
      (middle - Loss(layer, shape, Moved(in, direction, -step), grad_output)) /
      step;
  // Inputs and outputs are rounded to 2^-24 of themselves, the quotients
  // magnify that; what the third derivative adds is below 1e-4 of the scale.
  double scale = 1 + std::abs(middle);
  for (float g : grad_output) scale += std::abs(g);
  const double tolerance = scale * (std::ldexp(1.0, -22) / step + 1e-4) +
                           std::abs(ahead - behind) / 2;
  const AllGradients gradients = Backward(layer, shape, in, grad_output);
  CHECK(std::abs((ahead + behind) / 2 - Dot(gradients.input, direction)) <=
        tolerance);
}

TEST_CASE("every layer's input gradient is its numerical derivative") {
  Random random(22);
  for (int round = 0; round < 600; ++round) {
    Shape shape;
    for (int64_t rank = random.Int(2, 4); rank > 0; --rank) {
      shape.push_back(random.Int(1, 6));
    }
    const MadeLayer made = RandomLayer(&random, shape);
    INFO(made.layer->ToString());
    INFO(ToString(shape));
    CheckSmooth(&random, *made.layer, shape);
  }
}

TEST_CASE("a stack's gradients are its numerical derivatives") {
  Random random(23);
  for (int round = 0; round < 200; ++round) {
    const Stack stack = RandomStack(&random);
    INFO(stack.layer->ToString());
    INFO(ToString(stack.in));
    CheckSmooth(&random, *stack.layer, stack.in);
  }
}

TEST_CASE("gradients of an empty batch are zeros") {
  std::unique_ptr<Conv> conv;
  Generator generator(1);
  Require(Conv::Create({.in_channels = 2, .out_channels = 3, .kernel_size = 3},
                       &generator, &conv));
  const AllGradients gradients = Backward(*conv, {0, 2, 5, 5}, {}, {});
  CHECK(gradients.input.empty());
  CHECK(gradients.parameters[0] == std::vector<float>(3 * 2 * 9));
  CHECK(gradients.parameters[1] == std::vector<float>(3));
}

TEST_CASE("a gradient that nobody wants is left out") {
  std::unique_ptr<Conv> conv;
  Generator generator(1);
  Require(Conv::Create({.axes = 1, .kernel_size = 2}, &generator, &conv));
  const std::vector<float> in{1, 2, 3};
  const std::vector<float> grad_output{1, 1};
  Gradients none;
  none.parameters = {nullptr, nullptr};
  CHECK(conv->Backward({1, 3}, in.data(), grad_output.data(), none).ok());
  std::vector<float> weight(2);
  Gradients one;
  one.parameters = {weight.data(), nullptr};
  CHECK(conv->Backward({1, 3}, in.data(), grad_output.data(), one).ok());
  CHECK(weight == std::vector<float>{3, 5});
}

}  // namespace
}  // namespace convscope::testing
