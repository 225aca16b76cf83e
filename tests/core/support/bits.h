// Bits: a checksum of every bit that each case of a vector file gives. The file
// tests/data/bits.json holds those of the native build; the npm package's tests
// compare the WebAssembly builds with the same file.
#ifndef CONVSCOPE_TESTS_SUPPORT_BITS_H_
#define CONVSCOPE_TESTS_SUPPORT_BITS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace convscope::testing {

class Bits {
 public:
  // `content` is the vector file's. Where bits.json belongs to another file,
  // nothing is compared, and that is printed.
  Bits(std::string name, std::string_view content);
  // With CONVSCOPE_WRITE_BITS=1 in the environment, writes bits.json.
  ~Bits();
  Bits(const Bits&) = delete;

  // The fault in words, or "". Results come in the order of their names.
  std::string Check(const std::string& id,
                    const std::map<std::string, std::vector<float>>& results);

 private:
  std::string name_;
  std::string vectors_;
  bool writes_ = false;
  bool compares_ = false;
  std::map<std::string, std::string> wanted_;
  std::map<std::string, std::string> got_;
};

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_BITS_H_
