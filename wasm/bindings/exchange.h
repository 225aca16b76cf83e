// How numbers, lists, words and answers cross between JavaScript and the core.
//
// What the package calls are plain functions that Embind binds (bind.h): a
// name, numbers in, a number out. Bound classes and value objects would add 6
// kB to the download.
//
//   objects      addresses, made by make…() and freed by delete…(); 0: refused
//   options      in the mailbox, encoded one after another (Arguments)
//   shapes,      as doubles in the mailbox, one list after another; the call
//   indices      says how many numbers each has
//   answers      in the mailbox, too; longer ones as the address and length of
//                an array that stays until the next call
//   texts        as address and length of UTF-8, mailbox[0] and [1]
//   tensors      one bulk copy by the caller to or from an address named here
//   failures     0 instead of an object, or a code other than 0; the text waits
//                in lastError()
//
// Addresses are answered as doubles: an int would be negative beyond 2 GB. The
// caller has checked that every number is a safe integer where one belongs and
// that ranks stay within Shape::kMaxRank. wasm/src/bindings.ts has the same
// functions with their types; the compiler compares it with what was bound.
#ifndef CONVSCOPE_WASM_EXCHANGE_H_
#define CONVSCOPE_WASM_EXCHANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "convscope/convscope.h"

namespace convscope::raw {

// Holds the arguments of any layer; wasm/src/validate.ts bounds their lists.
inline constexpr int kMailbox = 2048;
extern double mailbox[kMailbox];

// The code as a number; keeps the text for lastError().
int Report(Status status);

// Answers with a text, which is kept until the next one.
void WriteText(std::string text);

// The list of `rank` numbers that begins at mailbox[at].
Shape ReadShape(int at, int rank);
// Answers with `shape` from mailbox[at] on; returns its rank.
int WriteShape(int at, const Shape& shape);

// Adds a set of cells as numbers: how many parts; per part and axis the length
// of the list, then the list.
void AppendCells(const CellSet& cells, std::vector<int32_t>* numbers);

// Answers with address, length, rank and shape of a set of cells.
void WriteCells(const CellSet& cells);

template <class T>
double Address(const T* pointer) {
  return static_cast<double>(reinterpret_cast<uintptr_t>(pointer));
}

inline int64_t ToInteger(double number) { return static_cast<int64_t>(number); }

// Reads the mailbox from its beginning. Every argument begins with a tag: how
// many numbers follow as a list, or one of these.
class Arguments {
 public:
  double Number();
  int64_t Integer() { return ToInteger(Number()); }
  bool Flag() { return Number() != 0; }
  std::optional<double> OptionalNumber();
  // A number stands for all axes, a list has one per axis.
  std::optional<std::vector<double>> OptionalNumbers(bool* is_list);
  std::optional<Ints> OptionalIntegers();
  Ints Integers() { return *OptionalIntegers(); }
  // UTF-8, one number per byte.
  std::string Text();

 private:
  static constexpr double kNumber = -1;  // one number follows
  static constexpr double kNone = -2;    // nothing follows

  const double* next_ = mailbox;
};

}  // namespace convscope::raw

#endif  // CONVSCOPE_WASM_EXCHANGE_H_
