// ForEachTarget: the same test on every instruction set of this machine.
#ifndef CONVSCOPE_TESTS_SUPPORT_TARGETS_H_
#define CONVSCOPE_TESTS_SUPPORT_TARGETS_H_

#include "doctest/doctest.h"
#include "hwy/targets.h"

namespace convscope::testing {

// Calls body() with Highway's dispatch held to one target after another, the
// best one first.
template <class Body>
void ForEachTarget(const Body& body) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);  // All again.
}

}  // namespace convscope::testing

#endif  // CONVSCOPE_TESTS_SUPPORT_TARGETS_H_
