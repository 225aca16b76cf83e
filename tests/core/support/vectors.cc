#include "tests/core/support/vectors.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "doctest/doctest.h"

namespace convscope::testing {
namespace {

// Failing cases that are told in full; the others are counted.
constexpr size_t kToldInFull = 20;

const char* NamedFolder() { return std::getenv("CONVSCOPE_VECTORS"); }

uint32_t ReadUint32(const std::string& bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

}  // namespace

Cvec::Cvec(std::string bytes) : bytes_(std::move(bytes)) {
  if (bytes_.size() < 16 || bytes_.compare(0, 8, "CNVEC01\n") != 0 ||
      ReadUint32(bytes_, 8) != 1) {
    throw std::runtime_error("not a .cvec file of version 1");
  }
  const size_t header = ReadUint32(bytes_, 12);
  data_ = 16 + header;
  if (data_ > bytes_.size()) throw std::runtime_error("the file is cut off");
  header_ = Json::Parse(std::string_view(bytes_).substr(16, header));
}

VectorTensor Cvec::Tensor(const Json& test, std::string_view name) const {
  const Json& entry = test["tensors"][name];
  if (entry.is_null()) {
    throw std::runtime_error("the case has no tensor " + std::string(name));
  }
  VectorTensor tensor;
  tensor.shape = Shape(entry["shape"].Integers());
  const size_t elements = static_cast<size_t>(tensor.shape.elements());
  const size_t begin =
      data_ + sizeof(float) * static_cast<size_t>(entry["offset"].Integer());
  if (begin + sizeof(float) * elements > bytes_.size()) {
    throw std::runtime_error("the file is cut off");
  }
  const char* from = bytes_.data() + begin;
  if (entry.Has("dtype")) {
    tensor.integers.resize(elements);
    if (elements > 0) std::memcpy(tensor.integers.data(), from, 4 * elements);
  } else {
    tensor.floats.resize(elements);
    if (elements > 0) std::memcpy(tensor.floats.data(), from, 4 * elements);
  }
  return tensor;
}

std::optional<std::string> Report::Read() {
  const char* named = NamedFolder();
  const std::string folder = named ? named : CONVSCOPE_VECTORS_DEFAULT;
  std::ifstream stream(folder + "/" + file_, std::ios::binary);
  if (!stream) {
    skipped_ = true;
    std::printf("%s: skipped, it is not in %s\n", file_.c_str(),
                folder.c_str());
    CHECK_MESSAGE(named != nullptr, file_ << " is missing from the clone");
    return std::nullopt;
  }
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

void Report::Case(const std::string& id,
                  const std::function<void(Faults*)>& run) {
  Faults faults;
  try {
    run(&faults);
  } catch (const std::exception& error) {
    faults.push_back(error.what());
  }
  if (faults.empty()) {
    ++passed_;
    return;
  }
  std::string text = id;
  for (const std::string& fault : faults) text += "\n    " + fault;
  failed_.push_back(text);
}

Report::~Report() {
  if (skipped_) return;
  for (size_t i = 0; i < failed_.size(); ++i) {
    const bool in_full = i < kToldInFull;
    const std::string& text = failed_[i];
    std::printf(
        "%s: failed: %s\n", file_.c_str(),
        in_full ? text.c_str() : text.substr(0, text.find('\n')).c_str());
  }
  std::printf("%s: %d passed, %d failed, 0 skipped\n", file_.c_str(), passed_,
              static_cast<int>(failed_.size()));
  CHECK_MESSAGE(failed_.empty(), file_);
  CHECK_MESSAGE(passed_ > 0, file_ << " holds no case");
}

}  // namespace convscope::testing
