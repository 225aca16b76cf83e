#include "wasm/bindings/exchange.h"

#include <utility>

#include "wasm/bindings/bind.h"

namespace convscope::raw {
namespace {

Status last_error;

}  // namespace

double mailbox[kMailbox];

int Report(Status status) {
  const int code = static_cast<int>(status.code);
  if (code != 0) last_error = std::move(status);
  return code;
}

void WriteText(std::string text) {
  static std::string kept;
  kept = std::move(text);
  mailbox[0] = Address(kept.data());
  mailbox[1] = static_cast<double>(kept.size());
}

Shape ReadShape(int at, int rank) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(ToInteger(mailbox[at + i]));
  return shape;
}

int WriteShape(int at, const Shape& shape) {
  for (int64_t size : shape) mailbox[at++] = static_cast<double>(size);
  return static_cast<int>(shape.rank());
}

void AppendCells(const CellSet& cells, std::vector<int32_t>* numbers) {
  numbers->push_back(static_cast<int32_t>(cells.parts().size()));
  for (const Product& part : cells.parts()) {
    for (const IndexList& list : part.axes) {
      numbers->push_back(static_cast<int32_t>(list.size()));
      numbers->insert(numbers->end(), list.begin(), list.end());
    }
  }
}

void WriteCells(const CellSet& cells) {
  static std::vector<int32_t> numbers;
  numbers.clear();
  AppendCells(cells, &numbers);
  mailbox[0] = Address(numbers.data());
  mailbox[1] = static_cast<double>(numbers.size());
  mailbox[2] = WriteShape(3, cells.shape());
}

double Arguments::Number() {
  next_ += 2;
  return next_[-1];
}

std::optional<double> Arguments::OptionalNumber() {
  if (*next_ != kNone) return Number();
  ++next_;
  return std::nullopt;
}

std::optional<std::vector<double>> Arguments::OptionalNumbers(bool* is_list) {
  const double tag = *next_++;
  if (tag == kNone) return std::nullopt;
  *is_list = tag != kNumber;
  const double* begin = next_;
  next_ += *is_list ? static_cast<int>(tag) : 1;
  return std::vector<double>(begin, next_);
}

std::optional<Ints> Arguments::OptionalIntegers() {
  bool is_list = false;
  const auto numbers = OptionalNumbers(&is_list);
  if (!numbers) return std::nullopt;
  if (!is_list) return Ints(ToInteger(numbers->front()));
  return Ints(std::vector<int64_t>(numbers->begin(), numbers->end()));
}

std::string Arguments::Text() {
  const int length = static_cast<int>(*next_++);
  std::string text;
  for (int i = 0; i < length; ++i) {
    text.push_back(static_cast<char>(static_cast<uint8_t>(*next_++)));
  }
  return text;
}

double MailboxAddress() { return Address(mailbox); }

// Code and text of the call that was refused last.
int LastError() {
  WriteText(last_error.message);
  return static_cast<int>(last_error.code);
}

// The package's version as a number, so that another version's file is told by
// it.
double Version() { return CONVSCOPE_VERSION; }

// Shape and a set of cells as AppendCells() gives it in; the address of the
// offsets of all its cells out, in row-major order, each once. Their number is
// returned.
int CellOffsets(const int32_t* next, int rank) {
  static IndexList offsets;
  CellSet cells(ReadShape(0, rank));
  for (int32_t parts = *next++; parts > 0; --parts) {
    Product part;
    for (int axis = 0; axis < rank; ++axis) {
      const int32_t count = *next++;
      part.axes.emplace_back(next, next + count);
      next += count;
    }
    cells.Add(std::move(part));
  }
  offsets = cells.Offsets();
  mailbox[0] = Address(offsets.data());
  return static_cast<int>(offsets.size());
}

EMSCRIPTEN_BINDINGS(exchange) {
  Bind<&MailboxAddress>("mailboxAddress");
  Bind<&LastError>("lastError");
  Bind<&Version>("version");
  Bind<&CellOffsets>("cellOffsets");
}

}  // namespace convscope::raw
