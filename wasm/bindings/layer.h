// A layer as the package holds it.
#ifndef CONVSCOPE_WASM_LAYER_H_
#define CONVSCOPE_WASM_LAYER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "convscope/convscope.h"

namespace convscope::raw {

// A max pool's forward with indices.
using IndexedForward = void (*)(const Layer&, const Shape&, const float*,
                                float*, int32_t*);

// A layer, shared with the plans, watches and stacks made of it.
struct RawLayer {
  explicit RawLayer(std::shared_ptr<Layer> made, Conv* convolution = nullptr,
                    IndexedForward forward = nullptr)
      : layer(std::move(made)),
        parameters(layer->Parameters()),
        conv(convolution),
        with_indices(forward) {}

  std::shared_ptr<Layer> layer;
  std::vector<Parameter> parameters;
  Conv* conv;  // the layer, if it is one
  // Writes output and indices, if that is what the layer answers.
  IndexedForward with_indices;
};

// The layer, or null where `status` says why there is none.
RawLayer* WrapConv(Status status, std::unique_ptr<Conv> conv);

// Where convolutions draw their first numbers.
extern Generator generator;

}  // namespace convscope::raw

#endif  // CONVSCOPE_WASM_LAYER_H_
