// How the direct kernel calls its register tile (kernel_rowtile-inl.h).
#ifndef CONVSCOPE_SRC_KERNEL_ROWTILE_H_
#define CONVSCOPE_SRC_KERNEL_ROWTILE_H_

#include <cstddef>
#include <cstdint>

namespace convscope {

// What a tile reads and writes besides its position.
struct RowTileArguments {
  const float* weights;    // [term][channel of the tile]
  const int32_t* offsets;  // of each term, or run of terms, from x
  size_t terms;
  size_t run;           // terms per run
  size_t pitch;         // floats from slot to slot (kernel_strip.h)
  const float* starts;  // of each channel: bias
  size_t rows;          // output rows
  size_t x_row;         // floats from one row's x to the next's
  size_t out_row;
  size_t out_plane;  // floats from output channel to output channel
};

using RowTileFunction = void (*)(const RowTileArguments& arguments,
                                 const float* x, float* out);

}  // namespace convscope

#endif  // CONVSCOPE_SRC_KERNEL_ROWTILE_H_
