// Padding as a layer: torch's F.pad and the modules around it.
#ifndef CONVSCOPE_PAD_H_
#define CONVSCOPE_PAD_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convscope/arguments.h"
#include "convscope/axis.h"
#include "convscope/layer.h"

namespace convscope {

struct PadOptions {
  // 0: F.pad. 1, 2 or 3: the module for that many axes, ReflectionPad2d and
  // the like.
  int axes = 0;
  // torch's list: cells before and after the last axis, then before and after
  // the one before it, and so on; negative numbers crop. A module takes one
  // number for all sides, too.
  Ints padding = Ints(std::vector<int64_t>());
  // kZeros is torch's "constant": new cells hold `value`.
  PaddingMode mode = PaddingMode::kZeros;
  // Without a value it is 0, and a constant module is a ZeroPad, not a
  // ConstantPad.
  std::optional<double> value = std::nullopt;
};

// torch's word for a mode of F.pad: "constant", "reflect", "replicate",
// "circular". Refuses others with torch's text.
Status ParsePadMode(std::string_view text, PaddingMode* mode);

// Puts cells around the input, or takes some away.
//
// Constant: any number of axes, counted from the last. The other modes pad 1, 2
// or 3 axes of an input with one or two axes before them. "circular" crops
// before it wraps. A constant cell reads nothing; others read the cell they
// copy.
//
// Values are moved, not computed: they keep their bits. In Backward an input's
// copies are added in the row-major order of the output.
//
// Source: torch.nn.functional.pad, torch.nn.ReflectionPadNd and the like.
class Pad : public Layer {
 public:
  // Refuses what torch refuses whatever the input is.
  static Status Create(const PadOptions& options, std::unique_ptr<Pad>* pad);

  std::string ToString() const override;
  Status OutputShape(const Shape& in, Shape* out) const override;
  void Forward(const Shape& in_shape, const float* in,
               float* out) const override;
  void ForwardCells(const Shape& in_shape, const float* in,
                    const Product& cells, float* out) const override;
  Status Backward(const Shape& in_shape, const float* in,
                  const float* grad_output,
                  const Gradients& gradients) const override;
  Status BackwardCells(const Shape& in_shape, const float* in,
                       const Product& cells, const float* grad_output,
                       float* grad_input) const override;
  std::vector<AxisMap> AxisMaps(const Shape& in) const override;

  const PadOptions& options() const { return options_; }

 private:
  PadOptions options_;
  std::vector<int64_t> padding_;  // options_.padding with a number spread out
};

}  // namespace convscope

#endif  // CONVSCOPE_PAD_H_
