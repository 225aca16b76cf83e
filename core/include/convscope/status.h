// Status: how every call of the library that can be refused says so.
//
// Nothing in the library throws or prints. A refused call has changed nothing.
// Where PyTorch refuses the same call, the message is PyTorch's own text.
#ifndef CONVSCOPE_STATUS_H_
#define CONVSCOPE_STATUS_H_

#include <string>
#include <utility>

namespace convscope {

// Why a call was refused. Each value names the Python exception that PyTorch
// raises for such a call.
enum class Code {
  kOk = 0,
  kValue,           // ValueError: an argument no layer can have
  kShape,           // RuntimeError: layer and tensor do not fit each other
  kType,            // TypeError: an argument of the wrong kind
  kNotImplemented,  // NotImplementedError: a combination torch lacks, too
  kIndex,           // IndexError: an index outside its tensor
  kMemory,          // no memory for what was asked; everything is as it was
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  std::string message;

  bool ok() const { return code == Code::kOk; }
};

inline Status Ok() { return Status(); }
inline Status Error(Code code, std::string message) {
  return Status{code, std::move(message)};
}
// Most messages are literals: out of line, as they are many.
Status Error(Code code, const char* message);

// Returns from the enclosing function when `expression` is not ok.
#define CONVSCOPE_RETURN_IF_ERROR(expression)                      \
  do {                                                             \
    if (::convscope::Status status_ = (expression); !status_.ok()) \
      return status_;                                              \
  } while (false)

}  // namespace convscope

#endif  // CONVSCOPE_STATUS_H_
