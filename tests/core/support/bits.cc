#include "tests/core/support/bits.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/core/support/json.h"

namespace convscope::testing {
namespace {

constexpr char kFile[] = CONVSCOPE_VECTORS_DEFAULT "/../bits.json";

// FNV-1a, a word at a time: as easy to write in JavaScript.
class Checksum {
 public:
  void Add(uint32_t word) { state_ = (state_ ^ word) * 16777619u; }
  std::string Text() const {
    char text[9];
    std::snprintf(text, sizeof(text), "%08x", state_);
    return text;
  }

 private:
  uint32_t state_ = 2166136261u;
};

}  // namespace

Bits::Bits(std::string name, std::string_view content)
    : name_(std::move(name)),
      writes_(std::getenv("CONVSCOPE_WRITE_BITS") != nullptr) {
  Checksum checksum;
  for (char c : content) checksum.Add(static_cast<unsigned char>(c));
  vectors_ = checksum.Text();
  if (writes_) return;
  std::ifstream stream(kFile);
  if (!stream) throw std::runtime_error("tests/data/bits.json is missing");
  std::ostringstream text;
  text << stream.rdbuf();
  const Json file = Json::Parse(text.str());
  compares_ = file["vectors"].String() == vectors_;
  if (!compares_) {
    std::printf("bits.json: skipped, it belongs to another %s\n",
                name_.c_str());
    return;
  }
  for (const auto& [id, bits] : file["cases"].Members()) {
    wanted_[id] = bits.String();
  }
}

Bits::~Bits() {
  if (!writes_) return;
  std::ofstream file(kFile);
  file << "{\n  \"vectors\": \"" << vectors_ << "\",\n  \"cases\": {";
  const char* separator = "\n";
  for (const auto& [id, bits] : got_) {
    file << separator << "    \"" << id << "\": \"" << bits << "\"";
    separator = ",\n";
  }
  file << "\n  }\n}\n";
}

std::string Bits::Check(
    const std::string& id,
    const std::map<std::string, std::vector<float>>& results) {
  Checksum checksum;
  for (const auto& [name, values] : results) {
    for (float value : values) checksum.Add(std::bit_cast<uint32_t>(value));
  }
  got_[id] = checksum.Text();
  if (!compares_ || wanted_[id] == got_[id]) return "";
  return "the bits are no longer those of tests/data/bits.json";
}

}  // namespace convscope::testing
