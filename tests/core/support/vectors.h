// The vectors: a folder of what PyTorch gives, described in its README.md.
#ifndef CONVSCOPE_TESTS_SUPPORT_VECTORS_H_
#define CONVSCOPE_TESTS_SUPPORT_VECTORS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "convscope/shape.h"
#include "tests/core/support/json.h"

namespace convscope::testing {

// A tensor of the vectors. `integers` where the file says so, else `floats`.
struct VectorTensor {
  Shape shape;
  std::vector<float> floats;
  std::vector<int32_t> integers;
};

// A .cvec file in memory.
class Cvec {
 public:
  // Throws if `bytes` is not such a file.
  explicit Cvec(std::string bytes);

  const std::vector<Json>& cases() const { return header_["cases"].Items(); }
  // A tensor of a case by its name; throws if the case has none.
  VectorTensor Tensor(const Json& test, std::string_view name) const;

 private:
  std::string bytes_;
  Json header_;
  size_t data_ = 0;  // Where the elements begin.
};

// Runs the cases of one file, counts them, and says at its end how many passed
// and which failed.
class Report {
 public:
  // What was wrong with a case; nothing: it passed.
  using Faults = std::vector<std::string>;

  explicit Report(std::string file) : file_(std::move(file)) {}
  Report(const Report&) = delete;
  // Prints the counts and fails the test where a case failed.
  ~Report();

  // The file's content. Nothing if the file is missing: then it is reported as
  // skipped, which passes only in a folder that the user named.
  std::optional<std::string> Read();

  // An exception is a fault too: a case that cannot be run has failed.
  void Case(const std::string& id, const std::function<void(Faults*)>& run);

 private:
  std::string file_;
  bool skipped_ = false;
  int passed_ = 0;
  std::vector<std::string> failed_;
};

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_VECTORS_H_
