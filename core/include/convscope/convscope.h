// convscope: PyTorch's convolution family with PyTorch's semantics, exact
// dependency sets, and recomputation of just what an edit reaches.
//
//   convscope::Generator generator(3784828440);
//   std::unique_ptr<convscope::Conv> conv;
//   convscope::Status status = convscope::Conv::Create(
//       {.axes = 1, .in_channels = 3, .out_channels = 3}, &generator, &conv);
//
// Nothing here throws or prints: what can be refused returns a Status.
#ifndef CONVSCOPE_CONVSCOPE_H_
#define CONVSCOPE_CONVSCOPE_H_

#include "convscope/activation.h"
#include "convscope/adaptive_pool.h"
#include "convscope/conv.h"
#include "convscope/field.h"
#include "convscope/fold.h"
#include "convscope/layer.h"
#include "convscope/pad.h"
#include "convscope/plan.h"
#include "convscope/pool.h"
#include "convscope/print.h"
#include "convscope/random.h"
#include "convscope/sequential.h"
#include "convscope/watch.h"

#endif  // CONVSCOPE_CONVSCOPE_H_
