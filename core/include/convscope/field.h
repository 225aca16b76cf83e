// The usual figures of a receptive field, layer by layer.
#ifndef CONVSCOPE_FIELD_H_
#define CONVSCOPE_FIELD_H_

#include <string>
#include <vector>

#include "convscope/layer.h"

namespace convscope {

// How one output cell sees the stack's input along one spatial axis, the input
// thought endless (no border).
struct AxisField {
  // Input cells from the first to the last that an output reads. After a
  // transposed layer the outputs differ; this is the largest.
  int64_t size = 1;
  // Input cells from one output's field to the next one's. A fraction after a
  // transposed layer.
  double jump = 1;
  // Where the first output's field has its middle, in input cells; 0 is the
  // middle of the first cell. Negative: most of the field lies in the padding.
  double first_center = 0;
  // True if the field skips cells between its first and last: `size` is then a
  // hull, and Layer::Reads tells the cells.
  bool has_holes = false;
};

// A layer of a stack and the field of its outputs in the stack's input.
struct FieldStep {
  std::string layer;  // the layer's print
  Shape output_shape;
  std::vector<AxisField> axes;  // spatial axes, outermost first
};

// One step for each leaf of `layer`, in order. Padding that copies counts as if
// the input went on. kNotImplemented for a layer that is no product of axes
// (Unfold, Fold); kMemory for a field of millions of cells.
//
// Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional
// neural networks", 2019, with dilation, one-sided padding and transposed
// layers worked in and checked against the exact sets.
Status ReceptiveFieldSteps(const Layer& layer, const Shape& in,
                           std::vector<FieldStep>* steps);

}  // namespace convscope

#endif  // CONVSCOPE_FIELD_H_
