#include "filter/color/frame_sink.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "filter/color/dither.h"
#include "filter/color/excess.h"
#include "filter/color/source_tile.h"

namespace cdsr {
namespace {

/// Rows that the vertical chroma filter looks at above and below an even strip: 2 c - 3 .. 2 c + 4.
constexpr int kContext = 3;

/// Rows of R'G'B' for a stretch of columns that may leave the picture.
struct LoadRgb {
  FrameSource::Tile* tile;
  int x0, columns;  ///< what the tile covers

  void operator()(int row, int x, int n, float* const dst[3]) const {
    const int left = x0 - x;
    float* const inside[3] = {dst[0] + left, dst[1] + left, dst[2] + left};
    tile->row(row, inside);
    for (int p = 0; p < 3; ++p) {
      std::fill(dst[p], dst[p] + left, dst[p][left]);
      std::fill(dst[p] + left + columns, dst[p] + n, dst[p][left + columns - 1]);
    }
  }
};

/// Input rows and columns that a bicubic output sample may look at beside that of its own place.
constexpr int kTaps = 2;

/// One component's codes, or its nominal values.
struct LoadPlane {
  const FrameSource* source;
  int component;
  bool codes;
  void operator()(int row, int x, int n, float* const dst[1]) const {
    source->load(component, row, x, n, codes, dst[0]);
  }
};

}  // namespace

/// Columns [x, x + n) of the output: R'G'B' rows in, all that is made of them out.
class FrameSink::ColorTile {
 public:
  ColorTile(const FrameSink& sink, const Strip& strip, int x, int n);
  void run();

 private:
  void convert(int row);
  void halve_rows(int chroma_row);
  void halve_columns(int component, const float* row, int chroma_row);
  /// R'G'B' of an output row, columns [left_, right_).
  void fetch(int row, const float* rgb[3]);
  void fetch_luma(int row, const float* rgb[3]);
  /// Nominal values of a component's row from its column x.
  void store(int component, int row, int x, int n, const float* src);

  /// Ring slot of a row relative to the strip, which may be above it.
  static int slot(int row) { return (row + 8) & 7; }

  const FrameSink& sink_;
  const RowKernels& kernels_;
  const Strip& strip_;
  const PixelFormat& format_;
  const int x_, n_;
  const int left_, right_;  ///< with the margin that the horizontal chroma filter needs
  const int columns_;       ///< right_ - left_
  const int source_left_, source_columns_;
  FrameSource::Tile source_tile_;
  RowResampler<3, LoadRgb> bicubic_;
  std::optional<Excess> excess_[3];
  float mixed_[3][kMaxColumns];
  float luma_[kMaxColumns];
  float chroma_[8][2][kMaxColumns];  ///< Cb, Cr of the last eight rows
};

FrameSink::ColorTile::ColorTile(const FrameSink& sink, const Strip& strip, int x, int n)
    : sink_(sink),
      kernels_(sink.kernels_),
      strip_(strip),
      format_(*sink.out_.format),
      x_(x),
      n_(n),
      left_(std::max(0, x - kTileMargin)),
      right_(std::min(sink.out_.width, x + n + kTileMargin)),
      columns_(right_ - left_),
      source_left_(std::max(0, left_ / sink.scale_ - 2)),
      source_columns_(std::min(sink.source_->frame().width, (right_ - 1) / sink.scale_ + 4) - source_left_),
      source_tile_(*sink.source_, source_left_, source_columns_),
      bicubic_(kernels_, sink.picture_, sink.picture_, sink.source_->frame().height, left_, columns_,
               LoadRgb{&source_tile_, source_left_, source_columns_}) {
  for (int c = 0; c < 3; ++c) {
    if (!strip.excess[c]) continue;
    const int log2_w = format_.is_chroma(c) ? format_.log2_w : 0;
    excess_[c].emplace(*sink.source_, kernels_, sink.across(c), sink.down(c), c, x >> log2_w,
                       -(-n >> log2_w));
  }
}

void FrameSink::ColorTile::store(int component, int row, int x, int n, const float* src) {
  if (!excess_[component]) return sink_.store(component, row, x, n, /*codes=*/false, src);
  float codes[kTile];
  excess_[component]->add(row, src, codes);
  sink_.store(component, row, x, n, /*codes=*/true, codes);
}

void FrameSink::ColorTile::fetch(int row, const float* rgb[3]) {
  const Settings& settings = sink_.settings_;
  if (settings.colour == Colour::Luma) return fetch_luma(row, rgb);
  const bool rgb_chroma = settings.bicubic_chroma && format_.model == ColorModel::Rgb;
  const float* network_row[3] = {};
  for (int p = 0; p < 3; ++p) network_row[p] = strip_.src[p] + row * strip_.stride + left_;
  std::copy_n(network_row, 3, rgb);
  if (settings.strength >= 1 && !rgb_chroma) return;
  const float* const* base = bicubic_.row(strip_.y + row);
  if (settings.strength < 1) {
    for (int p = 0; p < 3; ++p) {
      kernels_.mix(base[p], network_row[p], settings.strength, columns_, mixed_[p]);
      rgb[p] = mixed_[p];
    }
  }
  if (rgb_chroma) {
    // The colour of the interpolated picture with the luma of the network's.
    const MatrixCoefficients& m = sink_.out_.color.coefficients;
    float to[kMaxColumns];
    float from[kMaxColumns];
    kernels_.rgb_to_y(rgb[0], rgb[1], rgb[2], m, columns_, to);
    kernels_.rgb_to_y(base[0], base[1], base[2], m, columns_, from);
    for (int p = 0; p < 3; ++p) {
      kernels_.shift(base[p], from, to, columns_, mixed_[p]);
      rgb[p] = mixed_[p];
    }
  }
}

void FrameSink::ColorTile::fetch_luma(int row, const float* rgb[3]) {
  // The colour of the interpolated picture with the luma of the network's.
  const float* const* base = bicubic_.row(strip_.y + row);
  const float* const luma = strip_.src[0] + row * strip_.stride + left_;
  float from[kMaxColumns];
  float to[kMaxColumns];
  kernels_.rgb_to_y(base[0], base[1], base[2], sink_.out_.color.coefficients, columns_, from);
  kernels_.mix(from, luma, sink_.settings_.strength, columns_, to);
  for (int p = 0; p < 3; ++p) {
    kernels_.shift(base[p], from, to, columns_, mixed_[p]);
    rgb[p] = mixed_[p];
  }
}

void FrameSink::ColorTile::halve_columns(int component, const float* row, int chroma_row) {
  // Three samples before column x_ and four after the last one; beyond the picture its edge is repeated.
  float padded[kMaxColumns + 16];
  const int before = x_ - left_;
  float* const inside = padded + 4 - before;
  std::copy_n(row, columns_, inside);
  std::fill(padded, inside, row[0]);
  std::fill(inside + columns_, padded + 4 + n_ + 5, row[columns_ - 1]);
  const int count = (n_ + 1) / 2;
  float halved[kTile];
  kernels_.halve(padded + 1, sink_.halve_x_.coefficient, count, halved);
  store(component, chroma_row, x_ / 2, count, halved);
}

void FrameSink::ColorTile::halve_rows(int chroma_row) {
  const int row = 2 * chroma_row - strip_.y;
  float blended[kMaxColumns];
  for (int c = 0; c < 2; ++c) {
    const float* rows[8];
    for (int k = 0; k < 8; ++k) {
      rows[k] = chroma_[slot(std::clamp(row - 3 + k, -strip_.above, strip_.rows + strip_.below - 1))][c];
    }
    kernels_.blend8(rows, sink_.halve_y_.coefficient, columns_, blended);
    halve_columns(c + 1, blended, chroma_row);
  }
}

void FrameSink::ColorTile::convert(int row) {
  const MatrixCoefficients& m = sink_.out_.color.coefficients;
  const float* rgb[3];
  fetch(row, rgb);
  const bool inside = row >= 0 && row < strip_.rows;
  const int y = strip_.y + row;
  const int skip = x_ - left_;
  if (format_.model == ColorModel::Rgb) {
    for (int c = 0; c < 3; ++c) {
      kernels_.clip(rgb[c] + skip, n_, luma_);
      store(c, y, x_, n_, luma_);
    }
    return;
  }
  if (format_.model == ColorModel::Gray || sink_.settings_.bicubic_chroma) {
    kernels_.rgb_to_y(rgb[0], rgb[1], rgb[2], m, columns_, luma_);
    store(0, y, x_, n_, luma_ + skip);
    return;
  }
  float(&chroma)[2][kMaxColumns] = chroma_[slot(row)];
  kernels_.rgb_to_ycbcr(rgb[0], rgb[1], rgb[2], m, columns_, luma_, chroma[0], chroma[1]);
  if (inside) store(0, y, x_, n_, luma_ + skip);
  if (format_.log2_h > 0) return;  // once all rows of the filter are there
  for (int c = 0; c < 2; ++c) {
    if (format_.log2_w > 0) {
      halve_columns(c + 1, chroma[c], y);
    } else {
      store(c + 1, y, x_, n_, chroma[c] + skip);
    }
  }
}

void FrameSink::ColorTile::run() {
  const bool halves = sink_.halves_rows();
  const int first = halves ? -strip_.above : 0;
  const int last = strip_.rows - 1 + (halves ? strip_.below : 0);
  int next = 0;  // even row whose chroma comes next
  for (int row = first; row <= last; ++row) {
    convert(row);
    if (!halves) continue;
    for (; next < strip_.rows && std::min(next + 4, last) <= row; next += 2)
      halve_rows((strip_.y + next) / 2);
  }
}

bool FrameSink::halves_rows() const {
  return out_.format->model == ColorModel::Yuv && out_.format->log2_h > 0 && !settings_.bicubic_chroma;
}

int FrameSink::context() const { return halves_rows() ? kContext : 0; }

void FrameSink::bind(const FrameSource& source, const Frame& out, int scale, const Settings& settings) {
  source_ = &source;
  out_ = out;
  scale_ = scale;
  settings_ = settings;
  rows_done_ = 0;
  picture_ = make_taps(scale, picture_offset(scale, 1, 0));
  chroma_picture_x_ = make_taps(scale, picture_offset(scale, 1 << out.format->log2_w, out.color.chroma_x));
  chroma_picture_y_ = make_taps(scale, picture_offset(scale, 1 << out.format->log2_h, out.color.chroma_y));
  halve_x_ = Halver::make(out.color.chroma_x);
  halve_y_ = Halver::make(out.color.chroma_y);
}

void store_row(const RowKernels& kernels, const Frame& out, int component, int row, int x, int n, bool codes,
               const float* src) {
  const PixelFormat& format = *out.format;
  const CodeLayout layout = code_layout(out, component, codes);
  const ptrdiff_t at = format.component[component].offset + ptrdiff_t{x} * layout.step;
  uint8_t* const first = out.row(component, row) + at * format.bytes;
  const float* dither = dither_row(format.bits_of(component), row);
  if (format.bytes == 1) {
    kernels.store8(src, layout, dither, n, first);
  } else if (format.bytes == 2) {
    kernels.store16(src, layout, dither, n, reinterpret_cast<uint16_t*>(first));
  } else {
    kernels.store32(src, layout, dither, n, reinterpret_cast<uint32_t*>(first));
  }
  if (component == 0 && format.pads_luma() && x + n == out.width && out.width % 2 != 0) {
    const ptrdiff_t step = layout.step * format.bytes;
    std::copy_n(first + (n - 1) * step, format.bytes, first + n * step);
  }
}

void FrameSink::store(int component, int row, int x, int n, bool codes, const float* src) const {
  store_row(kernels_, out_, component, row, x, n, codes, src);
}

const BicubicTaps& FrameSink::across(int component) const {
  return out_.format->is_chroma(component) ? chroma_picture_x_ : picture_;
}

const BicubicTaps& FrameSink::down(int component) const {
  return out_.format->is_chroma(component) ? chroma_picture_y_ : picture_;
}

void FrameSink::write_interpolated(int y, int rows, int x, int columns, int component) {
  const PixelFormat& format = *out_.format;
  const bool chroma = format.is_chroma(component);
  const int log2_h = chroma ? format.log2_h : 0;
  const int left = chroma ? x >> format.log2_w : x;
  const int right = format.width_of(component, x + columns);
  const int in_height = format.height_of(component, source_->frame().height);
  const int end = -(-(y + rows) >> log2_h);
  for (int tile = left; tile < right; tile += kTile) {
    const int n = std::min(kTile, right - tile);
    RowResampler<1, LoadPlane> plane(kernels_, across(component), down(component), in_height, tile, n,
                                     LoadPlane{source_, component, /*codes=*/true});
    for (int row = y >> log2_h; row < end; ++row)
      store(component, row, tile, n, /*codes=*/true, plane.row(row)[0]);
  }
}

bool FrameSink::has_excess(int y, int rows, int x, int columns, int component) const {
  const Frame& in = source_->frame();
  const PixelFormat& format = *in.format;
  const CodeLayout layout = code_layout(in, component, /*codes=*/false);
  const Quantizer& legal = layout.quantizer;
  if (legal.low <= 0 && legal.high >= static_cast<float>(layout.mask)) return false;
  const bool chroma = format.is_chroma(component);
  const int log2_w = chroma ? format.log2_w : 0, log2_h = chroma ? format.log2_h : 0;
  const int top = std::max(0, (y >> log2_h) / scale_ - kTaps);
  const int bottom =
      std::min(format.height_of(component, in.height), ((y + rows - 1) >> log2_h) / scale_ + kTaps + 1);
  const int left = std::max(0, (x >> log2_w) / scale_ - kTaps);
  const int right =
      std::min(format.width_of(component, in.width), ((x + columns - 1) >> log2_w) / scale_ + kTaps + 1);
  float codes[kTile];
  for (int row = top; row < bottom; ++row) {
    for (int column = left; column < right; column += kTile) {
      const int n = std::min(kTile, right - column);
      source_->load(component, row, column, n, /*codes=*/true, codes);
      if (kernels_.leaves(codes, n, legal.low, legal.high)) return true;
    }
  }
  return false;
}

void FrameSink::write_luma(const Strip& strip) {
  const float strength = settings_.strength;
  const int right = strip.x + strip.n;
  for (int x = strip.x; x < right; x += kTile) {
    const int n = std::min(kTile, right - x);
    RowResampler<1, LoadPlane> base(kernels_, picture_, picture_, source_->frame().height, x, n,
                                    LoadPlane{source_, 0, /*codes=*/false});
    std::optional<Excess> excess;
    if (strip.excess[0]) excess.emplace(*source_, kernels_, picture_, picture_, 0, x, n);
    float mixed[kTile];
    float codes[kTile];
    for (int row = 0; row < strip.rows; ++row) {
      const float* luma = strip.src[0] + row * strip.stride + x;
      if (strength < 1) {
        const float* const low = base.row(strip.y + row)[0];
        for (int i = 0; i < n; ++i) mixed[i] = low[i] + strength * (luma[i] - low[i]);
        luma = mixed;
      }
      if (excess) excess->add(strip.y + row, luma, codes);
      store(0, strip.y + row, x, n, excess.has_value(), excess ? codes : luma);
    }
  }
}

void FrameSink::write_strip(int y, int rows, int left, int columns, const float* const src[3],
                            ptrdiff_t stride) {
  const auto start = std::chrono::steady_clock::now();
  const PixelFormat& format = *out_.format;
  const int margin = context();
  const bool chroma_planes = format.model == ColorModel::Yuv && settings_.bicubic_chroma;
  Strip strip{y,   rows,   left, columns, std::min(margin, y), std::min(margin, out_.height - y - rows),
              src, stride, {}};
  for (int c = 0; c < format.colours; ++c)
    strip.excess[c] = !(c > 0 && chroma_planes) && has_excess(y, rows, left, columns, c);
  if (writes_luma()) {
    write_luma(strip);
  } else {
    const int right = left + columns;
    for (int x = left; x < right; x += kTile) {
      ColorTile(*this, strip, x, std::min(kTile, right - x)).run();
    }
  }
  for (int c = 1; c < 4; ++c)
    if (format.has(c) && (c == 3 || chroma_planes)) write_interpolated(y, rows, left, columns, c);
  count_time(start);
}

void FrameSink::count_time(std::chrono::steady_clock::time_point start) {
  nanoseconds_.fetch_add(std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count(),
                         std::memory_order_relaxed);
}

void FrameSink::write(int y, int rows, const float* const src[3], ptrdiff_t stride) {
  write_strip(y, rows, 0, out_.width, src, stride);
  if (!progress_) return;
  const std::lock_guard lock(progress_mutex_);
  progress_(rows_done_ += rows, out_.height);
}

bool FrameSink::writes_luma() const {
  return settings_.colour == Colour::Luma && out_.format->model != ColorModel::Rgb;
}

int FrameSink::margin() const { return writes_luma() ? 0 : (kTileMargin + scale_ - 1) / scale_; }

void FrameSink::write_columns(int y, int rows, int x, int n, const float* const src[3], ptrdiff_t stride) {
  write_strip(y, rows, x, n, src, stride);
}

void FrameSink::write_bicubic() {
  const auto start = std::chrono::steady_clock::now();
  for (int c = 0; c < 4; ++c)
    if (out_.format->has(c)) write_interpolated(0, out_.height, 0, out_.width, c);
  count_time(start);
}

}  // namespace cdsr
