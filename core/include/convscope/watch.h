// Watch: edit a cell, and learn exactly which outputs changed.
#ifndef CONVSCOPE_WATCH_H_
#define CONVSCOPE_WATCH_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "convscope/buffer.h"
#include "convscope/layer.h"

namespace convscope {

// One cell to write. The target is 0 for the input, p + 1 for
// Layer::Parameters()[p].
struct Edit {
  size_t target = 0;
  int64_t offset = 0;
  float value = 0;
};

// What an edit did to the output.
struct Change {
  // Every output cell that reads an edited cell, by structure.
  CellSet reached;
  // Those whose value is another number now (0 is -0, NaN is NaN): row-major
  // offsets, ascending, and the values before and after.
  std::vector<int32_t> offsets;
  std::vector<float> before;
  std::vector<float> after;
  // The edits that were made, in order: what an undo gave back, too.
  std::vector<Edit> edits;
};

// What another layer did to the output: cells with the same index are compared
// where both shapes have as many axes.
struct Replacement {
  Shape before_shape;
  Shape after_shape;
  // Cells of both shapes whose value differs: offsets in the new output,
  // ascending, and the values before and after.
  std::vector<int32_t> offsets;
  std::vector<float> before;
  std::vector<float> after;
  int64_t kept = 0;     // cells of both shapes with the same value
  int64_t added = 0;    // cells that only the new shape has
  int64_t removed = 0;  // cells that only the old shape had
};

// Holds the input, every layer's output and the parameters of a layer or stack.
// After each edit it asks, layer by layer, which outputs read the changed
// cells, computes just those in the reproducible order, and goes on with the
// cells whose bits differ: a ReLU or a max pool may stop the ripple.
//
// Promises: output() is bit for bit what the layer's reproducible kernel gives
// for input(); no output outside Change::reached changes a bit; the cost of an
// edit follows the size of what it reaches, not of the tensor.
class Watch {
 public:
  // Steps that Undo() can go back; older ones are forgotten.
  static constexpr size_t kMaxHistory = 1000;

  // Copies `in`. `layer` must outlive the watch; its parameters are edited in
  // place, and may be changed by others only with a Refresh() after it.
  static Status Create(std::shared_ptr<const Layer> layer,
                       const Shape& in_shape, const float* in,
                       std::unique_ptr<Watch>* watch);

  // Writes the cells one after another, so that the last of several for one
  // cell holds, and answers what changed. An edit that changes no bit of its
  // target is no step for Undo(). kIndex for a target or offset that does not
  // exist; then nothing happened.
  Status Set(std::span<const Edit> edits, Change* change);

  // Why output cell `index`, which the last edit reached, kept its value: in a
  // few words, "weight is 0", "ReLU cut it", "another cell is the maximum",
  // "rounded away". Empty for a cell that changed or was not reached.
  std::string WhyKept(const Shape& index) const;

  // How much output cell `index` changes with each input cell that it reads, at
  // the numbers as they are: derivatives by the chain rule, at the cost of the
  // windows behind the cell. Input offsets, ascending.
  Status Sensitivity(const Shape& index, std::vector<int32_t>* offsets,
                     std::vector<float>* derivatives);

  // Makes `layer` the watched one: the same input through another stride,
  // another kernel, another stack. Its parameters are read as they are; the
  // steps for Undo() are forgotten. On an error (torch refuses the layer for
  // this input) the watch stays as it was.
  Status Replace(std::shared_ptr<const Layer> layer, Replacement* replacement);

  // Takes the last step back, or makes it again. kIndex where there is none.
  bool can_undo() const { return position_ > 0; }
  bool can_redo() const { return position_ < history_.size(); }
  Status Undo(Change* change);
  Status Redo(Change* change);

  // Computes everything anew from the layer's parameters as they now are.
  Status Refresh();

  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }
  const float* input() const { return values_.front().data(); }
  const float* output() const { return values_.back().data(); }
  // The values between the leaves of a stack: 0 is the input.
  size_t layers() const { return leaves_.size(); }
  const Shape& shape(size_t layer) const { return shapes_[layer]; }
  const float* values(size_t layer) const { return values_[layer].data(); }

 private:
  struct Step {
    std::vector<Edit> undo;
    std::vector<Edit> redo;
  };

  float* Cell(const Edit& edit);
  void TellKernels(const Edit& edit);
  std::vector<Edit> LastOfEach(std::span<const Edit> edits);
  Status CheckEdits(std::span<const Edit> edits) const;
  Status ReadByEdits(size_t leaf, std::span<const Edit> edits,
                     CellSet* outputs) const;
  Status Reached(std::span<const Edit> edits,
                 std::vector<CellSet>* reached) const;
  std::string WhyKeptAt(size_t level, const Shape& index) const;
  void Ripple(std::span<const Edit> parameter_edits,
              const std::vector<CellSet>& reached, bool all_made,
              std::vector<int32_t>* changed, std::vector<float>* before);
  Status Apply(std::span<const Edit> edits, Change* change, Step* step);

  std::shared_ptr<const Layer> layer_;
  std::vector<const Layer*> leaves_;
  std::vector<Parameter> parameters_;
  // Which leaf a parameter belongs to, and its number there. A layer that
  // stands twice in a stack has its parameters listed twice, at one address.
  struct Owner {
    size_t leaf;
    size_t parameter;
  };
  std::vector<Owner> owners_;
  std::vector<Shape> shapes_;
  std::vector<Buffer<float>> values_;
  std::vector<std::unique_ptr<CellKernel>> cell_kernels_;
  // For Sensitivity(): one array per level, 0 everywhere between calls.
  std::vector<Buffer<float>> gradients_;
  // Of the last edit: the cells of each level that it reached and those that
  // changed, and the parameter cells that were edited.
  std::vector<CellSet> reached_;
  std::vector<std::vector<int32_t>> changed_;
  std::vector<Edit> edited_;
  std::deque<Step> history_;
  size_t position_ = 0;
};

}  // namespace convscope

#endif  // CONVSCOPE_WATCH_H_
