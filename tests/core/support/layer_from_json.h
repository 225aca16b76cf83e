// LayerFromJson: what a call to PyTorch, written down as JSON, is in this
// library. Everything that the vectors can name is listed in its source.
#ifndef CONVSCOPE_TESTS_SUPPORT_LAYER_FROM_JSON_H_
#define CONVSCOPE_TESTS_SUPPORT_LAYER_FROM_JSON_H_

#include <memory>
#include <string>
#include <string_view>

#include "convscope/convscope.h"
#include "tests/core/support/json.h"

namespace convscope::testing {

// A layer as what it is, too, where a test needs more than a Layer answers.
struct MadeLayer {
  std::shared_ptr<Layer> layer;
  std::shared_ptr<Conv> conv;
  std::shared_ptr<MaxPool> max_pool;
  std::shared_ptr<AdaptiveMaxPool> adaptive_max_pool;
};

// `api` is torch's name, "nn.Conv2d", "Conv2d" or "F.pad"; `args` an object of
// torch's arguments, each as one number or as a list (a tuple). Throws
// std::runtime_error for a name that it does not know, which is no refusal.
//
// For F.conv2d and the like, in_channels, out_channels and kernel_size must be
// among the arguments.
Status LayerFromJson(std::string_view api, const Json& args,
                     Generator* generator, MadeLayer* made);

// "Conv2d(1,6,5,padding=2), ReLU(), MaxPool2d(2)" as a Sequential.
Status SequentialFromText(std::string_view text, Generator* generator,
                          MadeLayer* made);

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_LAYER_FROM_JSON_H_
