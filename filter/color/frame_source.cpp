#include "filter/color/frame_source.h"

#include <algorithm>
#include <chrono>

#include "filter/color/source_tile.h"

namespace cdsr {

CodeLayout code_layout(const Frame& frame, int c, bool codes) {
  const PixelFormat& format = *frame.format;
  CodeLayout layout;
  layout.step = format.component[c].step;
  layout.shift = format.component[c].shift;
  layout.mask = static_cast<unsigned>(format.max_code(c));
  layout.big_endian = format.big_endian;
  layout.quantizer = c == 3 ? frame.color.alpha : format.is_chroma(c) ? frame.color.chroma : frame.color.luma;
  if (codes) {
    layout.quantizer.scale = layout.quantizer.gain = 1;
    layout.quantizer.offset = layout.quantizer.base = 0;
    layout.quantizer.low = 0;
    layout.quantizer.high = static_cast<float>(layout.mask);
  }
  return layout;
}

void FrameSource::bind(const Frame& frame, Colour colour) {
  frame_ = frame;
  colour_ = colour;
  // Luma column x lies between chroma columns at (x - site) / 2.
  across_ = make_taps(1 << frame.format->log2_w, -frame.color.chroma_x / 2);
  down_ = make_taps(1 << frame.format->log2_h, -frame.color.chroma_y / 2);
}

void FrameSource::load(int component, int row, int x, int n, bool codes, float* dst) const {
  const PixelFormat& format = *frame_.format;
  const int width = format.width_of(component, frame_.width);
  const int first = std::clamp(x, 0, width - 1);
  const int last = std::clamp(x + n - 1, 0, width - 1);
  const int left = first - x;
  const int inside = last - first + 1;
  const CodeLayout layout = code_layout(frame_, component, codes);
  const ptrdiff_t at = format.component[component].offset + ptrdiff_t{first} * layout.step;
  const uint8_t* bytes = frame_.row(component, row);
  if (format.bytes == 1) {
    kernels_.load8(bytes + at, layout, inside, dst + left);
  } else if (format.bytes == 2) {
    kernels_.load16(reinterpret_cast<const uint16_t*>(bytes) + at, layout, inside, dst + left);
  } else {
    kernels_.load32(reinterpret_cast<const uint32_t*>(bytes) + at, layout, inside, dst + left);
  }
  std::fill(dst, dst + left, dst[left]);
  std::fill(dst + left + inside, dst + n, dst[left + inside - 1]);
}

void FrameSource::Tile::row(int y, float* const dst[3]) {
  const PixelFormat& format = *source_.frame_.format;
  const RowKernels& kernels = source_.kernels_;
  float raw[3][kMaxColumns];
  source_.load(0, y, x_, n_, /*codes=*/false, raw[0]);
  if (format.model == ColorModel::Gray) {
    for (int p = 0; p < 3; ++p) kernels.clip(raw[0], n_, dst[p]);
    return;
  }
  const float* chroma[2] = {raw[1], raw[2]};
  if (format.log2_w > 0) {
    const float* const* rows = chroma_.row(y);
    chroma[0] = rows[0];
    chroma[1] = rows[1];
  } else {
    for (int c = 1; c < 3; ++c) source_.load(c, y, x_, n_, /*codes=*/false, raw[c]);
  }
  if (format.model == ColorModel::Rgb) {
    for (int p = 0; p < 3; ++p) kernels.clip(raw[p], n_, dst[p]);
  } else {
    kernels.ycbcr_to_rgb(raw[0], chroma[0], chroma[1], source_.frame_.color.coefficients, n_, dst[0], dst[1],
                         dst[2]);
  }
}

void FrameSource::read_luma(int y, int rows, int left, int columns, float* dst, ptrdiff_t stride) const {
  if (frame_.format->model != ColorModel::Rgb) {
    for (int r = 0; r < rows; ++r) load(0, y + r, left, columns, /*codes=*/false, dst + r * stride);
    return;
  }
  float rgb[3][kMaxColumns];
  float* const planes[3] = {rgb[0], rgb[1], rgb[2]};
  for (int x = 0; x < columns; x += kTile) {
    const int n = std::min(kTile, columns - x);
    Tile tile(*this, left + x, n);
    for (int r = 0; r < rows; ++r) {
      tile.row(y + r, planes);
      kernels_.rgb_to_y(rgb[0], rgb[1], rgb[2], frame_.color.coefficients, n, dst + r * stride + x);
    }
  }
}

void FrameSource::read(int y, int rows, float* const dst[3], ptrdiff_t stride) const {
  read_columns(y, rows, 0, frame_.width, dst, stride);
}

void FrameSource::read_columns(int y, int rows, int left, int columns, float* const dst[3],
                               ptrdiff_t stride) const {
  const auto start = std::chrono::steady_clock::now();
  if (colour_ == Colour::Luma) read_luma(y, rows, left, columns, dst[0], stride);
  for (int x = 0; colour_ == Colour::Rgb && x < columns; x += kTile) {
    Tile tile(*this, left + x, std::min(kTile, columns - x));
    for (int r = 0; r < rows; ++r) {
      float* const row[3] = {dst[0] + r * stride + x, dst[1] + r * stride + x, dst[2] + r * stride + x};
      tile.row(y + r, row);
    }
  }
  nanoseconds_.fetch_add(std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count(),
                         std::memory_order_relaxed);
}

}  // namespace cdsr
