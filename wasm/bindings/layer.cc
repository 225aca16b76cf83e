// What a layer answers: its shape, its sets of cells, its parameters.
#include "wasm/bindings/layer.h"

#include <cstring>
#include <string>

#include "wasm/bindings/bind.h"
#include "wasm/bindings/exchange.h"

namespace convscope::raw {
namespace {

// Input shape and a cell in, the cells that `question` says out.
template <class Question>
int Ask(const RawLayer& layer, int rank, int index_rank, Question question) {
  const Shape in = ReadShape(0, rank);
  const Shape index = ReadShape(rank, index_rank);
  Shape out;
  CellSet cells;
  Status status = layer.layer->OutputShape(in, &out);
  if (status.ok()) status = question(in, out, index, &cells);
  if (status.ok()) WriteCells(cells);
  return Report(std::move(status));
}

std::vector<FieldStep> field_steps;

}  // namespace

void DeleteLayer(RawLayer* layer) { delete layer; }

void LayerText(const RawLayer& layer) { WriteText(layer.layer->ToString()); }

// Input shape in, output shape out. The output's rank, or minus the code.
int OutputShape(const RawLayer& layer, int rank) {
  Shape out;
  const int code = Report(layer.layer->OutputShape(ReadShape(0, rank), &out));
  return code != 0 ? -code : WriteShape(0, out);
}

// Input shape and a cell of the output in; the input cells that it reads out.
int Reads(const RawLayer& layer, int rank, int index_rank) {
  return Ask(layer, rank, index_rank,
             [&](const Shape& in, const Shape& out, const Shape& index,
                 CellSet* cells) {
               CONVSCOPE_RETURN_IF_ERROR(CheckIndex(out, index, "output"));
               return layer.layer->Reads(in, SingleCell(index), cells);
             });
}

// Input shape and a cell of the input (parameter -1) or of a parameter in; the
// output cells that read it out.
int ReadBy(const RawLayer& layer, int parameter, int rank, int index_rank) {
  return Ask(
      layer, rank, index_rank,
      [&](const Shape& in, const Shape&, const Shape& index, CellSet* cells) {
        if (parameter < 0) {
          CONVSCOPE_RETURN_IF_ERROR(CheckIndex(in, index, "input"));
          return layer.layer->ReadBy(in, SingleCell(index), cells);
        }
        const auto p = static_cast<size_t>(parameter);
        const Parameter& read = layer.parameters[p];
        CONVSCOPE_RETURN_IF_ERROR(
            CheckIndex(read.shape, index, read.name.c_str()));
        return layer.layer->ReadByParameter(in, p, SingleCell(index), cells);
      });
}

int ParameterCount(const RawLayer& layer) {
  return static_cast<int>(layer.parameters.size());
}
int ParameterShape(const RawLayer& layer, int p) {
  return WriteShape(0, layer.parameters[static_cast<size_t>(p)].shape);
}
double ParameterAddress(const RawLayer& layer, int p) {
  return Address(layer.parameters[static_cast<size_t>(p)].data);
}

// Takes over the values. 0 if they are the same bits.
int SetParameter(const RawLayer& layer, int p, const float* values) {
  const Parameter& parameter = layer.parameters[static_cast<size_t>(p)];
  const size_t bytes =
      static_cast<size_t>(parameter.shape.elements()) * sizeof(float);
  if (std::memcmp(parameter.data, values, bytes) == 0) return 0;
  std::memcpy(parameter.data, values, bytes);
  return 1;
}

// Of a convolution: draws torch's numbers for its weight, its bias or both.
void Draw(const RawLayer& layer, int weight, int bias) {
  layer.conv->ResetParameters(&generator, weight != 0, bias != 0);
}

// Of a convolution: input shape and output_size in, the layer that gives it.
RawLayer* ForOutputSize(const RawLayer& layer, int rank, int count) {
  const Shape sizes = ReadShape(rank, count);
  std::unique_ptr<Conv> conv;
  Status status =
      layer.conv->ForOutputSize(ReadShape(0, rank), sizes.span(), &conv);
  return WrapConv(std::move(status), std::move(conv));
}

// Of a convolution: input shape and a cell of the output in. Value, bias and
// the number of terms out; then the addresses of the terms' offsets (input and
// weight in turn) and of their numbers (x, w and product in turn).
int Explain(const RawLayer& layer, int rank, int index_rank,
            const float* input) {
  // Kept for the caller to read.
  static std::vector<int32_t> offsets;
  static std::vector<float> numbers;
  Explanation explanation;
  const int code = Report(layer.conv->Explain(
      ReadShape(0, rank), input, ReadShape(rank, index_rank), &explanation));
  if (code != 0) return code;
  offsets.clear();
  numbers.clear();
  for (const Term& term : explanation.terms) {
    offsets.push_back(static_cast<int32_t>(term.input));
    offsets.push_back(static_cast<int32_t>(term.weight));
    numbers.insert(numbers.end(), {term.x, term.w, term.product});
  }
  mailbox[0] = explanation.value;
  mailbox[1] = explanation.bias;
  mailbox[2] = static_cast<double>(explanation.terms.size());
  mailbox[3] = Address(offsets.data());
  mailbox[4] = Address(numbers.data());
  return 0;
}

// The figures of the receptive field, one step per layer: how many steps and
// axes there are, and the address of the figures (size, jump, first centre and
// whether there are holes), step by step, axis by axis.
int FieldSteps(const RawLayer& layer, int rank) {
  static std::vector<double> figures;
  const int code = Report(
      ReceptiveFieldSteps(*layer.layer, ReadShape(0, rank), &field_steps));
  if (code != 0) return code;
  figures.clear();
  for (const FieldStep& step : field_steps) {
    for (const AxisField& axis : step.axes) {
      figures.push_back(static_cast<double>(axis.size));
      figures.push_back(axis.jump);
      figures.push_back(axis.first_center);
      figures.push_back(axis.has_holes ? 1 : 0);
    }
  }
  mailbox[0] = static_cast<double>(field_steps.size());
  mailbox[1] = field_steps.empty()
                   ? 0
                   : static_cast<double>(field_steps.front().axes.size());
  mailbox[2] = Address(figures.data());
  return 0;
}
// Print and output shape of a step that fieldSteps() found.
void FieldLayer(int step) {
  WriteText(field_steps[static_cast<size_t>(step)].layer);
}
int FieldShape(int step) {
  return WriteShape(0, field_steps[static_cast<size_t>(step)].output_shape);
}

EMSCRIPTEN_BINDINGS(layer) {
  Bind<&DeleteLayer>("deleteLayer");
  Bind<&LayerText>("layerText");
  Bind<&OutputShape>("outputShape");
  Bind<&Reads>("reads");
  Bind<&ReadBy>("readBy");
  Bind<&ParameterCount>("parameterCount");
  Bind<&ParameterShape>("parameterShape");
  Bind<&ParameterAddress>("parameterAddress");
  Bind<&SetParameter>("setParameter");
  Bind<&Draw>("draw");
  Bind<&ForOutputSize>("forOutputSize");
  Bind<&Explain>("explain");
  Bind<&FieldSteps>("fieldSteps");
  Bind<&FieldLayer>("fieldLayer");
  Bind<&FieldShape>("fieldShape");
}

}  // namespace convscope::raw
