#include "core/src/blocks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/src/axis_cells.h"
#include "core/src/nan.h"

namespace convscope {
namespace {

// A set of numbers high * width + low as a union of products of a list of highs
// and a list of lows.
struct Rectangle {
  IndexList high, low;
};

std::vector<Rectangle> Rectangles(const IndexList& numbers, int64_t width) {
  std::vector<Rectangle> rectangles;
  for (size_t i = 0; i < numbers.size();) {
    const int32_t high = static_cast<int32_t>(numbers[i] / width);
    IndexList low;
    for (; i < numbers.size() && numbers[i] / width == high; ++i) {
      low.push_back(static_cast<int32_t>(numbers[i] % width));
    }
    const auto same =
        std::find_if(rectangles.begin(), rectangles.end(),
                     [&](const Rectangle& r) { return r.low == low; });
    if (same != rectangles.end()) {
      same->high.push_back(high);
    } else {
      rectangles.push_back({{high}, std::move(low)});
    }
  }
  return rectangles;
}

// What the taps `k` of the blocks `o` take along one axis.
IndexList Taken(const AxisMap& map, const IndexList& o, const IndexList& k) {
  IndexList taken;
  for (int32_t tap : k) {
    for (int32_t block : o) {
      const int64_t i = map.Source(block, tap);
      if (i >= 0) taken.push_back(static_cast<int32_t>(i));
    }
  }
  Normalize(&taken);
  return taken;
}

// The blocks whose tap `k` takes one of the cells `i`.
IndexList Takers(const AxisMap& map, const IndexList& i, int64_t k) {
  IndexList takers;
  for (int32_t cell : i) {
    const int64_t start = cell + map.before - k * map.dilation;
    if (start < 0 || start % map.stride != 0) continue;
    const int64_t o = start / map.stride;
    if (o < map.out) takers.push_back(static_cast<int32_t>(o));
  }
  return takers;  // ascending, as `i` is
}

// The number of high * width + low: every combination.
Status Combine(const IndexList& high, const IndexList& low, int64_t width,
               IndexList* numbers) {
  const int64_t size =
      static_cast<int64_t>(high.size()) * static_cast<int64_t>(low.size());
  if (size > kMaxListLength) {
    return Error(Code::kMemory,
                 "the set of cells is too large: more than 2^25 indices along "
                 "one axis");
  }
  numbers->reserve(static_cast<size_t>(size));
  for (int32_t h : high) {
    for (int32_t l : low) {
      numbers->push_back(static_cast<int32_t>(h * width + l));
    }
  }
  return Ok();
}

// Cells `left`, left + stride, … of a row of the image, or zeros where it has
// none; `row` null: has none at all.
void GatherRow(const float* row, const AxisMap& map, int64_t left, float* to) {
  if (row == nullptr) {
    std::fill_n(to, map.out, 0.0f);
    return;
  }
  const int64_t begin =
      std::min(map.out, left < 0 ? (-left + map.stride - 1) / map.stride : 0);
  const int64_t end =
      left < map.in
          ? std::clamp((map.in - 1 - left) / map.stride + 1, begin, map.out)
          : begin;
  std::fill(to, to + begin, 0.0f);
  if (map.stride == 1) {
    std::copy(row + begin + left, row + end + left, to + begin);
  } else {
    for (int64_t o = begin; o < end; ++o) to[o] = row[o * map.stride + left];
  }
  std::fill(to + end, to + map.out, 0.0f);
}

}  // namespace

Shape Blocks::ImageShape() const {
  return batched ? Shape{n, c, axes[0].in, axes[1].in}
                 : Shape{c, axes[0].in, axes[1].in};
}

Shape Blocks::MatrixShape() const {
  return batched ? Shape{n, rows(), columns()} : Shape{rows(), columns()};
}

void Blocks::Gather(const float* image, const Product* cells,
                    float* matrix) const {
  const size_t first = batched ? 1 : 0;
  const AxisCells batch =
      batched ? AxisCells::Of(cells, 0, n) : AxisCells::All(1);
  const AxisCells row = AxisCells::Of(cells, first, rows());
  const AxisCells column = AxisCells::Of(cells, first + 1, columns());
  const int64_t width = axes[1].out;
  for (int64_t b = 0; b < batch.size; ++b) {
    for (int64_t r = 0; r < row.size; ++r) {
      const int64_t channel = row[r] / taps();
      const int64_t kh = row[r] % taps() / axes[1].kernel;
      const int64_t kw = row[r] % axes[1].kernel;
      const float* plane = image + (batch[b] * c + channel) * this->plane();
      float* to = matrix + (batch[b] * rows() + row[r]) * columns();
      const int64_t left = kw * axes[1].dilation - axes[1].before;
      // The image's row under block row `oh`, or null beyond the border.
      const auto image_row = [&](int64_t oh) {
        const int64_t ih = axes[0].Source(oh, kh);
        return ih < 0 ? nullptr : plane + ih * axes[1].in;
      };
      if (cells == nullptr) {
        for (int64_t oh = 0; oh < axes[0].out; ++oh, to += width) {
          GatherRow(image_row(oh), axes[1], left, to);
        }
        continue;
      }
      int64_t next = 0;  // where the next row of blocks begins
      int64_t begin = 0;
      const float* from = nullptr;
      for (int64_t l = 0; l < column.size; ++l) {
        const int64_t at = column[l];
        if (at >= next) {
          begin = at / width * width;
          next = begin + width;
          from = image_row(at / width);
        }
        const int64_t iw = (at - begin) * axes[1].stride + left;
        const bool inside = from != nullptr && iw >= 0 && iw < axes[1].in;
        to[at] = inside ? from[iw] : 0.0f;
      }
    }
  }
}

void Blocks::Scatter(const float* matrix, const Product* cells,
                     float* image) const {
  const AxisMap& height = axes[0];
  const AxisMap& width = axes[1];
  if (cells == nullptr) {
    std::fill_n(image, n * c * plane(), 0.0f);
    // Row by row, so a cell receives its blocks in the order of (kh, kw).
    for (int64_t bc = 0; bc < n * c; ++bc) {
      float* to = image + bc * plane();
      const float* from = matrix + bc * taps() * columns();
      for (int64_t kh = 0; kh < height.kernel; ++kh) {
        for (int64_t kw = 0; kw < width.kernel; ++kw) {
          const int64_t left = kw * width.dilation - width.before;
          for (int64_t oh = 0; oh < height.out; ++oh, from += width.out) {
            const int64_t ih = height.Source(oh, kh);
            if (ih < 0) continue;
            for (int64_t ow = 0; ow < width.out; ++ow) {
              const int64_t iw = ow * width.stride + left;
              if (iw >= 0 && iw < width.in) to[ih * width.in + iw] += from[ow];
            }
          }
        }
      }
    }
    OneNaN(n * c * plane(), image);
    return;
  }
  // The block whose tap k takes cell i, or -1.
  const auto block = [](const AxisMap& map, int64_t i, int64_t k) {
    const int64_t start = i + map.before - k * map.dilation;
    if (start < 0 || start % map.stride != 0) return int64_t{-1};
    const int64_t o = start / map.stride;
    return o < map.out ? o : -1;
  };
  const size_t first = batched ? 1 : 0;
  const AxisCells batch =
      batched ? AxisCells::Of(cells, 0, n) : AxisCells::All(1);
  const AxisCells channel = AxisCells::Of(cells, first, c);
  const AxisCells row = AxisCells::Of(cells, first + 1, height.in);
  const AxisCells column = AxisCells::Of(cells, first + 2, width.in);
  for (int64_t b = 0; b < batch.size; ++b) {
    for (int64_t ch = 0; ch < channel.size; ++ch) {
      const int64_t bc = batch[b] * c + channel[ch];
      const float* from = matrix + bc * taps() * columns();
      for (int64_t y = 0; y < row.size; ++y) {
        float* to = image + bc * plane() + row[y] * width.in;
        for (int64_t x = 0; x < column.size; ++x) {
          float sum = 0;
          for (int64_t kh = 0; kh < height.kernel; ++kh) {
            const int64_t oh = block(height, row[y], kh);
            if (oh < 0) continue;
            for (int64_t kw = 0; kw < width.kernel; ++kw) {
              const int64_t ow = block(width, column[x], kw);
              if (ow < 0) continue;
              sum += from[(kh * width.kernel + kw) * columns() +
                          oh * width.out + ow];
            }
          }
          to[column[x]] = OneNaN(sum);
        }
      }
    }
  }
}

Status Blocks::ToImage(const Product& matrix, CellSet* image) const {
  *image = CellSet(ImageShape());
  const size_t first = batched ? 1 : 0;
  const std::vector<Rectangle> columns =
      Rectangles(matrix.axes[first + 1], axes[1].out);
  for (const Rectangle& row : Rectangles(matrix.axes[first], taps())) {
    for (const Rectangle& tap : Rectangles(row.low, axes[1].kernel)) {
      for (const Rectangle& column : columns) {
        Product part;
        if (batched) part.axes.push_back(matrix.axes[0]);
        part.axes.push_back(row.high);
        part.axes.push_back(Taken(axes[0], column.high, tap.high));
        part.axes.push_back(Taken(axes[1], column.low, tap.low));
        image->Add(std::move(part));
      }
    }
  }
  return Ok();
}

Status Blocks::ToMatrix(const Product& image, CellSet* matrix) const {
  *matrix = CellSet(MatrixShape());
  const size_t first = batched ? 1 : 0;
  for (int64_t kh = 0; kh < axes[0].kernel; ++kh) {
    const IndexList oh = Takers(axes[0], image.axes[first + 1], kh);
    if (oh.empty()) continue;
    for (int64_t kw = 0; kw < axes[1].kernel; ++kw) {
      const IndexList ow = Takers(axes[1], image.axes[first + 2], kw);
      if (ow.empty()) continue;
      Product part;
      if (batched) part.axes.push_back(image.axes[0]);
      IndexList rows;
      for (int32_t channel : image.axes[first]) {
        rows.push_back(
            static_cast<int32_t>(channel * taps() + kh * axes[1].kernel + kw));
      }
      part.axes.push_back(std::move(rows));
      part.axes.emplace_back();
      CONVSCOPE_RETURN_IF_ERROR(
          Combine(oh, ow, axes[1].out, &part.axes.back()));
      matrix->Add(std::move(part));
    }
  }
  return Ok();
}

}  // namespace convscope
