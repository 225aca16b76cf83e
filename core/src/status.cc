#include "convscope/status.h"

namespace convscope {

Status Error(Code code, const char* message) {
  return Error(code, std::string(message));
}

}  // namespace convscope
