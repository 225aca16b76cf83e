#include "convscope/sequential.h"

#include <algorithm>
#include <utility>

#include "convscope/buffer.h"
#include "core/src/format.h"

namespace convscope {
namespace {

// Runs the parts' kernels one after another through two buffers in turn.
class ChainKernel : public Kernel {
 public:
  Status Create(const std::vector<std::shared_ptr<Layer>>& parts,
                const std::vector<Shape>& shapes, Math math) {
    int64_t largest = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      std::unique_ptr<Kernel> kernel;
      CONVSCOPE_RETURN_IF_ERROR(parts[i]->MakeKernel(shapes[i], math, &kernel));
      kernels_.push_back(std::move(kernel));
      if (i > 0) largest = std::max(largest, shapes[i].elements());
    }
    elements_ = shapes.front().elements();
    if (parts.size() > 1) CONVSCOPE_RETURN_IF_ERROR(even_.Allocate(largest));
    if (parts.size() > 2) CONVSCOPE_RETURN_IF_ERROR(odd_.Allocate(largest));
    return Ok();
  }

  void Run(const float* in, float* out) override {
    if (kernels_.empty()) std::copy(in, in + elements_, out);
    for (size_t i = 0; i < kernels_.size(); ++i) {
      const bool is_last = i + 1 == kernels_.size();
      float* to = is_last ? out : i % 2 == 0 ? even_.data() : odd_.data();
      kernels_[i]->Run(in, to);
      in = to;
    }
  }
  void Repack() override {
    for (auto& kernel : kernels_) kernel->Repack();
  }
  const char* algorithm() const override { return "sequential"; }
  int64_t workspace_bytes() const override {
    int64_t bytes = even_.bytes() + odd_.bytes();
    for (const auto& kernel : kernels_) bytes += kernel->workspace_bytes();
    return bytes;
  }

 private:
  std::vector<std::unique_ptr<Kernel>> kernels_;
  Buffer<float> even_;
  Buffer<float> odd_;
  int64_t elements_ = 0;
};

// Indents all lines but the first, as torch nests modules.
std::string Indented(const std::string& text) {
  std::string result;
  for (char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

}  // namespace

std::string Sequential::ToString() const {
  if (parts_.empty()) return "Sequential()";
  std::string text = "Sequential(\n";
  for (size_t i = 0; i < parts_.size(); ++i) {
    text += Format("  ({}): {}\n", {i, Indented(parts_[i]->ToString())});
  }
  return text + ")";
}

Status Sequential::OutputShape(const Shape& in, Shape* out) const {
  Shape shape = in;
  for (const auto& part : parts_) {
    Shape next;
    CONVSCOPE_RETURN_IF_ERROR(part->OutputShape(shape, &next));
    shape = next;
  }
  *out = shape;
  return Ok();
}

std::vector<Shape> Sequential::ShapesAlong(const Shape& in) const {
  std::vector<Shape> shapes{in};
  for (const auto& part : parts_) {
    Shape next;
    // Accepted before: see Layer.
    (void)part->OutputShape(shapes.back(), &next);
    shapes.push_back(next);
  }
  return shapes;
}

Status Sequential::MakeKernel(const Shape& in, Math math,
                              std::unique_ptr<Kernel>* kernel) const {
  Shape out;
  CONVSCOPE_RETURN_IF_ERROR(OutputShape(in, &out));
  auto chain = std::make_unique<ChainKernel>();
  CONVSCOPE_RETURN_IF_ERROR(chain->Create(parts_, ShapesAlong(in), math));
  *kernel = std::move(chain);
  return Ok();
}

void Sequential::ForwardCells(const Shape& in_shape, const float* in,
                              const Product& cells, float* out) const {
  // What the cells need of each part, from the last to the first.
  const std::vector<Shape> shapes = ShapesAlong(in_shape);
  std::vector<CellSet> needed(parts_.size());
  CellSet next(shapes.back(), cells);
  for (size_t i = parts_.size(); i-- > 0;) {
    needed[i] = next;
    if (i == 0) break;
    CellSet inputs;
    // A list too long to hold falls back to everything.
    if (!convscope::Reads(*parts_[i], shapes[i], next, &inputs).ok()) {
      inputs = CellSet(shapes[i], AllCells(shapes[i]));
    }
    next = std::move(inputs);
  }
  if (parts_.empty()) {
    ForEachOffset(in_shape, cells,
                  [&](int64_t offset) { out[offset] = in[offset]; });
    return;
  }
  Buffer<float> from, to;
  const float* current = in;
  for (size_t i = 0; i < parts_.size(); ++i) {
    float* target = out;
    if (i + 1 < parts_.size()) {
      if (!to.Allocate(shapes[i + 1].elements()).ok()) return;
      target = to.data();
    }
    for (const Product& part : needed[i].parts()) {
      parts_[i]->ForwardCells(shapes[i], current, part, target);
    }
    std::swap(from, to);
    current = from.data();
  }
}

Status Sequential::Backward(const Shape& in_shape, const float* in,
                            const float* grad_output,
                            const Gradients& gradients) const {
  const std::vector<Shape> shapes = ShapesAlong(in_shape);
  // The inputs of all parts, by a reproducible run.
  std::vector<Buffer<float>> values(parts_.size());
  const float* current = in;
  for (size_t i = 0; i + 1 < parts_.size(); ++i) {
    std::unique_ptr<Kernel> kernel;
    CONVSCOPE_RETURN_IF_ERROR(
        parts_[i]->MakeKernel(shapes[i], Math::kReproducible, &kernel));
    CONVSCOPE_RETURN_IF_ERROR(values[i + 1].Allocate(shapes[i + 1].elements()));
    kernel->Run(current, values[i + 1].data());
    current = values[i + 1].data();
  }
  size_t end = gradients.parameters.size();
  Buffer<float> grad, next;
  const float* grad_out = grad_output;
  for (size_t i = parts_.size(); i-- > 0;) {
    Gradients own;
    const size_t count = parts_[i]->Parameters().size();
    if (!gradients.parameters.empty()) {
      const auto last = gradients.parameters.begin() + static_cast<long>(end);
      own.parameters.assign(last - static_cast<long>(count), last);
      end -= count;
    }
    if (i == 0) {
      own.input = gradients.input;
    } else {
      CONVSCOPE_RETURN_IF_ERROR(next.Allocate(shapes[i].elements()));
      own.input = next.data();
    }
    CONVSCOPE_RETURN_IF_ERROR(parts_[i]->Backward(
        shapes[i], i == 0 ? in : values[i].data(), grad_out, own));
    std::swap(grad, next);
    grad_out = grad.data();
  }
  if (parts_.empty() && gradients.input != nullptr) {
    std::copy(grad_output, grad_output + in_shape.elements(), gradients.input);
  }
  return Ok();
}

std::vector<AxisMap> Sequential::AxisMaps(const Shape&) const { return {}; }

Status Sequential::Reads(const Shape& in, const Product& outputs,
                         CellSet* inputs) const {
  const std::vector<Shape> shapes = ShapesAlong(in);
  CellSet set(shapes.back(), outputs);
  for (size_t i = parts_.size(); i-- > 0;) {
    CellSet next;
    CONVSCOPE_RETURN_IF_ERROR(
        convscope::Reads(*parts_[i], shapes[i], set, &next));
    set = std::move(next);
  }
  *inputs = std::move(set);
  return Ok();
}

Status Sequential::ReadBy(const Shape& in, const Product& inputs,
                          CellSet* outputs) const {
  const std::vector<Shape> shapes = ShapesAlong(in);
  CellSet set(in, inputs);
  for (size_t i = 0; i < parts_.size(); ++i) {
    CellSet next;
    CONVSCOPE_RETURN_IF_ERROR(
        convscope::ReadBy(*parts_[i], shapes[i], set, &next));
    set = std::move(next);
  }
  *outputs = std::move(set);
  return Ok();
}

Status Sequential::ReadByParameter(const Shape& in, size_t parameter,
                                   const Product& cells,
                                   CellSet* outputs) const {
  const std::vector<Shape> shapes = ShapesAlong(in);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const size_t count = parts_[i]->Parameters().size();
    if (parameter >= count) {
      parameter -= count;
      continue;
    }
    CellSet set;
    CONVSCOPE_RETURN_IF_ERROR(
        parts_[i]->ReadByParameter(shapes[i], parameter, cells, &set));
    for (++i; i < parts_.size(); ++i) {
      CellSet next;
      CONVSCOPE_RETURN_IF_ERROR(
          convscope::ReadBy(*parts_[i], shapes[i], set, &next));
      set = std::move(next);
    }
    *outputs = std::move(set);
    return Ok();
  }
  return Error(Code::kIndex, "the layer has no such parameter");
}

std::vector<Parameter> Sequential::Parameters() const {
  std::vector<Parameter> all;
  for (size_t i = 0; i < parts_.size(); ++i) {
    for (Parameter& parameter : parts_[i]->Parameters()) {
      parameter.name = std::to_string(i) + "." + parameter.name;
      all.push_back(std::move(parameter));
    }
  }
  return all;
}

void Sequential::AppendLeaves(std::vector<const Layer*>* leaves) const {
  for (const auto& part : parts_) part->AppendLeaves(leaves);
}

}  // namespace convscope
