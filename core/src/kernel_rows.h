// Convolution row by row, for few channels: see kernel_rows.cc.
#ifndef CONVSCOPE_SRC_KERNEL_ROWS_H_
#define CONVSCOPE_SRC_KERNEL_ROWS_H_

#include <memory>

#include "convscope/conv.h"
#include "core/src/conv_task.h"

namespace convscope {

// Whether the kernel below is made for such a layer.
bool SuitsRows(const ConvGeometry& geometry);

// The weights must be finite where windows meet zero padding: a padding cell is
// multiplied here.
Status MakeRowsKernel(const ConvTask& task, std::unique_ptr<Kernel>* kernel);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_ROWS_H_
