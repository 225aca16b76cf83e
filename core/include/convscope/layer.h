// Layer: what every layer of the library answers.
//
// A convolution, a pool, a padding, an activation and a stack of them are all
// asked the same six questions, each in a method below:
//
//   what shape comes out?                          OutputShape
//   what are the values?                           MakeKernel, Kernel::Run
//   what are the values of these output cells?     ForwardCells
//   what are the gradients?                        Backward
//   which inputs does this output read?            Reads
//   which outputs read these inputs?               ReadBy, ReadByParameter
//
// Plan and Watch are written against these questions and know no layer by name.
#ifndef CONVSCOPE_LAYER_H_
#define CONVSCOPE_LAYER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "convscope/axis.h"
#include "convscope/cells.h"
#include "convscope/shape.h"
#include "convscope/status.h"

namespace convscope {

// How sums are rounded.
enum class Math {
  // Bias plus products in the weight's row-major order, each multiplication and
  // each addition rounded on its own: the same bits on every machine, in every
  // box, at every vector width. A result that is not a number is always the
  // one quiet NaN 0x7fc00000.
  kReproducible,
  // Fused multiply-add and Winograd where they are faster. Never in a Watch.
  kFast,
};

// A named array of numbers that a layer owns: its weight, its bias.
struct Parameter {
  std::string name;  // "weight", "bias"; in a Sequential "0.weight"
  Shape shape;
  float* data = nullptr;
};

// A layer made ready for one input shape: weights packed, workspace held.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // Computes the whole output. `in` and `out` are dense, row-major, do not
  // overlap, any alignment. Allocates nothing, cannot fail.
  virtual void Run(const float* in, float* out) = 0;
  // Reads the layer's parameters anew after they were changed.
  virtual void Repack() {}
  // The algorithm's name, as tests and the page show it: "direct", "im2row".
  virtual const char* algorithm() const = 0;
  // Bytes held besides input and output: packed weights, scratch.
  virtual int64_t workspace_bytes() const = 0;
};

// A layer made ready for computing some cells of one output again and again, as
// a Watch does: it may keep the weights in a form of its own.
class CellKernel {
 public:
  virtual ~CellKernel() = default;
  // Layer::ForwardCells with the same bits, faster.
  virtual void Run(const float* in, const Product& cells, float* out) = 0;
  // Element `offset` of Parameters()[parameter] was changed.
  virtual void ParameterChanged(size_t, int64_t) {}
};

// Where gradients go; a null pointer means "not wanted". Each array has the
// shape of what it is the gradient of and is overwritten.
struct Gradients {
  float* input = nullptr;
  std::vector<float*> parameters;  // in the order of Layer::Parameters()
};

class Layer {
 public:
  virtual ~Layer() = default;

  // torch's print: "Conv2d(1, 2, kernel_size=(2, 3), stride=(1, 1))".
  virtual std::string ToString() const = 0;

  // The shape that an input of shape `in` gives, or why torch refuses it. All
  // other questions may be asked only about shapes that were accepted here.
  virtual Status OutputShape(const Shape& in, Shape* out) const = 0;

  // A kernel for inputs of shape `in`. It refers to this layer, which must
  // outlive it. The default runs Forward.
  virtual Status MakeKernel(const Shape& in, Math math,
                            std::unique_ptr<Kernel>* kernel) const;

  // Writes the whole output, with the same bits as a reproducible kernel. The
  // default asks ForwardCells for all cells.
  virtual void Forward(const Shape& in_shape, const float* in,
                       float* out) const;

  // Writes the output cells `cells` to `out` (the whole output's array) and
  // leaves all others alone: the same bits as a reproducible kernel.
  virtual void ForwardCells(const Shape& in_shape, const float* in,
                            const Product& cells, float* out) const = 0;

  // A kernel for cells of inputs of shape `in`. It refers to this layer, which
  // must outlive it. The default calls ForwardCells.
  virtual Status MakeCellKernel(const Shape& in,
                                std::unique_ptr<CellKernel>* kernel) const;

  // Gradients of sum(output * grad_output).
  virtual Status Backward(const Shape& in_shape, const float* in,
                          const float* grad_output,
                          const Gradients& gradients) const = 0;

  // Adds to `grad_input` what the output cells `cells` give it: the gradient of
  // the sum of their values times `grad_output`, both arrays of whole tensors,
  // of which only these cells and those that they read are touched. The default
  // goes through Backward, at the cost of the tensor.
  virtual Status BackwardCells(const Shape& in_shape, const float* in,
                               const Product& cells, const float* grad_output,
                               float* grad_input) const;

  // One map per axis of the tensor, if the layer maps each axis for itself.
  // Reads and ReadBy are answered from these.
  virtual std::vector<AxisMap> AxisMaps(const Shape& in) const = 0;

  // Exactly the input cells that these output cells read, by structure alone.
  // kMemory if a list would be longer than kMaxListLength.
  virtual Status Reads(const Shape& in, const Product& outputs,
                       CellSet* inputs) const;
  // Exactly the output cells that read one of these input cells.
  virtual Status ReadBy(const Shape& in, const Product& inputs,
                        CellSet* outputs) const;
  // The same for cells of Parameters()[parameter].
  virtual Status ReadByParameter(const Shape& in, size_t parameter,
                                 const Product& cells, CellSet* outputs) const;

  // Why output cell `index` kept its value although the input cells `inputs`
  // that it reads, or the cells `weights` of its first parameter, have just
  // become other numbers (offsets, ascending): a few words for a person, such
  // as "weight is 0". `in` holds the new numbers.
  virtual std::string WhyKept(const Shape& in_shape, const float* in,
                              const Shape& index,
                              std::span<const int32_t> inputs,
                              std::span<const int32_t> weights) const;

  // Views of what the layer owns; empty for layers without weights. Writing
  // through them changes the layer (see Kernel::Repack).
  virtual std::vector<Parameter> Parameters() const { return {}; }

  // Appends the layers that run one after another: itself, or, for a
  // Sequential, its parts' leaves. Pointers live as long as this layer.
  virtual void AppendLeaves(std::vector<const Layer*>* leaves) const {
    leaves->push_back(this);
  }
};

// The same questions for sets of cells: the union over the products.
Status Reads(const Layer& layer, const Shape& in, const CellSet& outputs,
             CellSet* inputs);
Status ReadBy(const Layer& layer, const Shape& in, const CellSet& inputs,
              CellSet* outputs);

}  // namespace convscope

#endif  // CONVSCOPE_LAYER_H_
