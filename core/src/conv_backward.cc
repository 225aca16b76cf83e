// Gradients of a convolution, each sum in one fixed order:
//
//   input   at every padded cell: over output channels, then the kernel's taps
//           in row-major order; then over the copies of a cell that the padding
//           mode made, in row-major order of their places
//   weight  over the batch, then output positions (transposed: input positions)
//           in row-major order
//   bias    over the batch, then output positions in row-major order
#include <algorithm>
#include <memory>

#include "convscope/buffer.h"
#include "convscope/conv.h"
#include "core/src/conv_cells.h"
#include "core/src/kernels.h"
#include "core/src/nan.h"

namespace convscope {
namespace {

bool Copies(const AxisMap& map) { return map.mode != PaddingMode::kZeros; }

// Adds the gradients of padded cells to those of the cells they copy. An axis
// in zeros mode has no padded cells here.
void FoldCopies(const ConvGeometry& g, const float* padded, float* grad_input) {
  std::fill_n(grad_input, g.n * g.groups * g.ic * g.in_plane(), 0.0f);
  std::array<IndexList, 3> sources;
  for (size_t axis = 0; axis < 3; ++axis) {
    AxisMap copy = g.axes[axis];
    copy.kernel = copy.stride = copy.dilation = 1;
    const int64_t size =
        copy.in + (Copies(copy) ? copy.before + copy.after : 0);
    if (!Copies(copy)) copy.before = copy.after = 0;
    for (int64_t position = 0; position < size; ++position) {
      sources[axis].push_back(static_cast<int32_t>(copy.Source(position, 0)));
    }
  }
  const int64_t planes = g.n * g.groups * g.ic;
  for (int64_t plane = 0; plane < planes; ++plane) {
    for (int32_t d : sources[0]) {
      for (int32_t h : sources[1]) {
        float* row = grad_input + (d * g.axes[1].in + h) * g.axes[2].in;
        for (int32_t w : sources[2]) row[w] += *padded++;
      }
    }
    grad_input += g.in_plane();
  }
}

Status InputGradient(const ConvGeometry& g, const float* weight,
                     const float* grad_output, float* grad_input) {
  const ConvGeometry mirror = InputGradientGeometry(g);
  std::unique_ptr<Kernel> kernel;
  CONVSCOPE_RETURN_IF_ERROR(
      MakeConvKernel(mirror, weight, nullptr, Math::kReproducible, &kernel));
  if (!Copies(g.axes[0]) && !Copies(g.axes[1]) && !Copies(g.axes[2])) {
    kernel->Run(grad_output, grad_input);
    return Ok();
  }
  Buffer<float> padded;
  CONVSCOPE_RETURN_IF_ERROR(padded.Allocate(mirror.n * mirror.groups *
                                            mirror.oc * mirror.out_plane()));
  kernel->Run(grad_output, padded.data());
  FoldCopies(g, padded.data(), grad_input);
  return Ok();
}

void BiasGradient(const ConvGeometry& g, const float* grad_output,
                  float* grad_bias) {
  const int64_t plane = g.out_plane();
  const int64_t channels = g.groups * g.oc;
  for (int64_t c = 0; c < channels; ++c) {
    float sum = 0;
    for (int64_t n = 0; n < g.n; ++n) {
      const float* from = grad_output + (n * channels + c) * plane;
      for (int64_t i = 0; i < plane; ++i) sum += from[i];
    }
    grad_bias[c] = OneNaN(sum);
  }
}

}  // namespace

Status Conv::Backward(const Shape& in_shape, const float* in,
                      const float* grad_output,
                      const Gradients& gradients) const {
  const ConvGeometry g = Geometry(in_shape);
  // Nothing was read: no position, no channel or no batch.
  const bool is_empty = g.n * g.ic * g.oc * g.in_plane() * g.out_plane() == 0;
  if (gradients.input != nullptr) {
    if (is_empty) {
      std::fill_n(gradients.input, in_shape.elements(), 0.0f);
    } else {
      CONVSCOPE_RETURN_IF_ERROR(
          InputGradient(g, weight(), grad_output, gradients.input));
    }
  }
  const std::vector<Parameter> parameters = Parameters();
  for (size_t p = 0; p < gradients.parameters.size(); ++p) {
    float* gradient = gradients.parameters[p];
    if (gradient == nullptr) continue;
    if (is_empty) {
      std::fill_n(gradient, parameters[p].shape.elements(), 0.0f);
    } else if (p == 0) {
      CONVSCOPE_RETURN_IF_ERROR(WeightGradient(g, in, grad_output, gradient));
    } else {
      BiasGradient(g, grad_output, gradient);
    }
  }
  return Ok();
}

Status Conv::BackwardCells(const Shape& in_shape, const float*,
                           const Product& cells, const float* grad_output,
                           float* grad_input) const {
  ScatterCells(Geometry(in_shape), weight(), grad_output,
               FiveAxes(cells, in_shape.rank(), options_.axes), grad_input);
  return Ok();
}

}  // namespace convscope
