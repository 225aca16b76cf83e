// How much a watched output would change with each input that it reads.
#include <algorithm>
#include <utility>

#include "convscope/watch.h"

namespace convscope {

Status Watch::Sensitivity(const Shape& index, std::vector<int32_t>* offsets,
                          std::vector<float>* derivatives) {
  CONVSCOPE_RETURN_IF_ERROR(CheckIndex(output_shape(), index, "output"));
  if (gradients_.empty()) {
    std::vector<Buffer<float>> made(shapes_.size());
    for (size_t i = 0; i < shapes_.size(); ++i) {
      CONVSCOPE_RETURN_IF_ERROR(made[i].Allocate(shapes_[i].elements()));
      std::fill_n(made[i].data(), made[i].size(), 0.0f);
    }
    gradients_ = std::move(made);
  }
  // The cells that count at each level, checked before anything is written.
  std::vector<CellSet> cells(shapes_.size());
  cells.back() = CellSet(output_shape(), SingleCell(index));
  for (size_t leaf = leaves_.size(); leaf-- > 0;) {
    CONVSCOPE_RETURN_IF_ERROR(convscope::Reads(*leaves_[leaf], shapes_[leaf],
                                               cells[leaf + 1], &cells[leaf]));
    // Each cell once, because gradients add up.
    if (cells[leaf].parts().size() > 1) {
      cells[leaf] = CellsAt(shapes_[leaf], cells[leaf].Offsets(), 1);
    }
  }
  gradients_.back().data()[Offset(output_shape(), index)] = 1.0f;
  Status status = Ok();
  for (size_t leaf = leaves_.size(); leaf-- > 0;) {
    float* gradient = gradients_[leaf + 1].data();
    for (const Product& part : cells[leaf + 1].parts()) {
      if (!status.ok()) break;
      status =
          leaves_[leaf]->BackwardCells(shapes_[leaf], values_[leaf].data(),
                                       part, gradient, gradients_[leaf].data());
    }
  }
  std::vector<int32_t> inputs = cells.front().Offsets();
  std::vector<float> found;
  for (int32_t offset : inputs) {
    found.push_back(gradients_.front().data()[offset]);
  }
  for (size_t level = 0; level < cells.size(); ++level) {
    for (int32_t offset : cells[level].Offsets()) {
      gradients_[level].data()[offset] = 0.0f;
    }
  }
  if (!status.ok()) return status;
  *offsets = std::move(inputs);
  *derivatives = std::move(found);
  return Ok();
}

}  // namespace convscope
