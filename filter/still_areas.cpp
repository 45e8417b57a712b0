#include "filter/still_areas.h"

#include <algorithm>
#include <cstring>

namespace cdsr {
namespace {

/// Side of the squares of luma samples that are compared.
constexpr int kCell = 8;
static_assert(kCell == kWindowRows);
/// A frame that changed in more than this much of its cells, or of which windows would cost more than this
/// much, is made as a whole.
constexpr double kMostChanged = 0.9;
/// Luma columns or rows that halved chroma is seen beyond its own: four taps.
constexpr int kChromaReach = 5;

/// How the samples of a plane lie under those of luma.
struct Plane {
  int log2_w = 0, log2_h = 0;
  size_t bytes = 0;  ///< of all samples in one place of the widest grid

  Plane(const PixelFormat& format, int p) {
    for (int c = 0; c < 4; ++c) {
      if (!format.has(c) || format.component[c].plane != p) continue;
      log2_w = format.is_chroma(c) ? format.log2_w : 0;
      log2_h = format.is_chroma(c) ? format.log2_h : 0;
      bytes = static_cast<size_t>(format.component[c].step) * format.bytes;
    }
  }
  int column(int x) const { return -(-x >> log2_w); }
  int row(int y) const { return -(-y >> log2_h); }
};

/// Copies a part of a frame.
void copy(const Frame& from, const Frame& to, const Window& w) {
  for (int p = 0; p < from.format->planes; ++p) {
    const Plane plane(*from.format, p);
    const size_t at = plane.column(w.x) * plane.bytes;
    const size_t bytes = plane.column(w.x + w.width) * plane.bytes - at;
    for (int y = plane.row(w.y); y < plane.row(w.y + w.height); ++y)
      std::memcpy(to.plane[p] + y * to.stride[p] + at, from.plane[p] + y * from.stride[p] + at, bytes);
  }
}

Window enlarged(const Window& w, int scale) {
  return {w.x * scale, w.y * scale, w.width * scale, w.height * scale};
}

Window united(const Window& a, const Window& b) {
  const int x = std::min(a.x, b.x), y = std::min(a.y, b.y);
  return {x, y, std::max(a.x + a.width, b.x + b.width) - x, std::max(a.y + a.height, b.y + b.height) - y};
}

bool overlap(const Window& a, const Window& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

}  // namespace

StillAreas::StillAreas(Engine& engine)
    : engine_(engine), backend_(window_backend(engine)), scale_(engine.network().config.scale) {}

void StillAreas::enable() {
  if (backend_ == nullptr) return;
  enabled_ = true;
  backend_->want_windows();
  windows_.reserve(kMostWindows + 1);
}

void StillAreas::resize(const Frame& in, const Frame& out) {
  if (in_.frame().format == in.format && in_.frame().width == in.width && in_.frame().height == in.height)
    return;
  kept_ = false;
  in_ = FrameMemory(*in.format, in.width, in.height);
  out_ = FrameMemory(*out.format, out.width, out.height);
  columns_ = (in.width + kCell - 1) / kCell;
  rows_ = (in.height + kCell - 1) / kCell;
  blocks_ = (in.width + kWindowColumns - 1) / kWindowColumns;
  changed_.assign(static_cast<size_t>(columns_) * rows_, 0);
  across_.assign(static_cast<size_t>(blocks_) * rows_, 0);
  touched_ = across_;
}

bool StillAreas::matches(const Frame& in, const Key& key) const {
  return kept_ && key == key_ && in_.frame().format == in.format && in_.frame().width == in.width &&
         in_.frame().height == in.height;
}

bool StillAreas::compare(const Frame& in) {
  std::fill(changed_.begin(), changed_.end(), uint8_t{0});
  const Frame& kept = in_.frame();
  for (int p = 0; p < in.format->planes; ++p) {
    const Plane plane(*in.format, p);
    const int height = plane.row(in.height);
    const size_t row_bytes = plane.column(in.width) * plane.bytes;
    const size_t cell_bytes = (static_cast<size_t>(kCell) >> plane.log2_w) * plane.bytes;
    for (int y = 0; y < height; ++y) {
      const uint8_t* const now = in.plane[p] + y * in.stride[p];
      const uint8_t* const before = kept.plane[p] + y * kept.stride[p];
      if (std::memcmp(now, before, row_bytes) == 0) continue;
      uint8_t* const row = &changed_[static_cast<size_t>((y << plane.log2_h) / kCell) * columns_];
      for (int c = 0; c < columns_; ++c) {
        const size_t at = c * cell_bytes;
        if (row[c] == 0)
          row[c] = std::memcmp(now + at, before + at, std::min(cell_bytes, row_bytes - at)) != 0;
      }
    }
  }
  const auto changed = std::count(changed_.begin(), changed_.end(), uint8_t{1});
  return static_cast<double>(changed) <= kMostChanged * static_cast<double>(changed_.size());
}

int64_t StillAreas::touch() {
  // Across, then down.
  for (int r = 0; r < rows_; ++r) {
    const uint8_t* const row = &changed_[static_cast<size_t>(r) * columns_];
    for (int c = 0; c < blocks_; ++c) {
      const int left = std::max(0, c * kWindowColumns - around_columns_) / kCell;
      const int right =
          std::min(columns_ - 1, (c * kWindowColumns + kWindowColumns - 1 + around_columns_) / kCell);
      across_[static_cast<size_t>(r) * blocks_ + c] = std::memchr(row + left, 1, right - left + 1) != nullptr;
    }
  }
  int64_t count = 0;
  for (int r = 0; r < rows_; ++r) {
    const int top = std::max(0, r * kWindowRows - around_rows_) / kCell;
    const int bottom = std::min(rows_ - 1, (r * kWindowRows + kWindowRows - 1 + around_rows_) / kCell);
    for (int c = 0; c < blocks_; ++c) {
      uint8_t any = 0;
      for (int k = top; k <= bottom; ++k) any |= across_[static_cast<size_t>(k) * blocks_ + c];
      touched_[static_cast<size_t>(r) * blocks_ + c] = any;
      count += any;
    }
  }
  return count;
}

int64_t StillAreas::cost(const Window& w) const {
  const Frame& frame = in_.frame();
  return int64_t{std::min(frame.width, w.width + 2 * margin_columns_)} *
         std::min(frame.height, w.height + around_rows_);
}

void StillAreas::add(Window window) {
  for (size_t i = 0; i < windows_.size();) {
    const Window both = united(windows_[i], window);
    if (overlap(windows_[i], window) || cost(both) <= cost(windows_[i]) + cost(window)) {
      window = both;
      windows_[i] = windows_.back();
      windows_.pop_back();
      i = 0;
    } else {
      ++i;
    }
  }
  windows_.push_back(window);
}

double StillAreas::cover() {
  windows_.clear();
  if (static_cast<double>(touch()) > kMostChanged * static_cast<double>(touched_.size())) return 0;
  const int width = in_.frame().width, height = in_.frame().height;
  for (int r = 0; r < rows_; ++r) {
    const uint8_t* const row = &touched_[static_cast<size_t>(r) * blocks_];
    for (int c = 0; c < blocks_; ++c) {
      const int first = c;
      while (c < blocks_ && row[c] != 0) ++c;
      if (c == first) continue;
      const int x = first * kWindowColumns, y = r * kWindowRows;
      add({x, y, std::min(c * kWindowColumns, width) - x, std::min(kWindowRows, height - y)});
      if (windows_.size() > kMostWindows) return 0;
    }
  }
  int64_t area = 0, work = 0;
  for (const Window& w : windows_) {
    area += int64_t{w.width} * w.height;
    work += cost(w);
  }
  const double all = static_cast<double>(width) * height;
  return static_cast<double>(work) > kMostChanged * all ? 0 : 1 - static_cast<double>(area) / all;
}

double StillAreas::upscale(const FrameSource& source, FrameSink& sink, const Frame& out,
                           const FrameSink::Settings& settings) {
  if (!enabled_) {
    engine_.upscale(source, sink);
    return 0;
  }
  const Frame& in = source.frame();
  resize(in, out);
  const PixelFormat& format = *in.format;
  const bool luma = settings.colour == Colour::Luma && format.model != ColorModel::Rgb;
  const Reach reach = backend_->reach();
  margin_columns_ = reach.columns + sink.margin();
  around_columns_ = std::max(kChromaReach, margin_columns_ + (luma || format.log2_w == 0 ? 0 : kChromaReach));
  around_rows_ = std::max(kChromaReach, reach.rows + (sink.context() + scale_ - 1) / scale_ +
                                            (luma || format.log2_h == 0 ? 0 : kChromaReach));
  const Key key = {backend_->state(), settings.strength, settings.bicubic_chroma,
                   in.color.matrix,   in.color.range,    in.color.chroma_location};
  const double share = matches(in, key) && compare(in) ? cover() : 0;
  kept_ = false;  // until all has gone well
  key_ = key;
  if (share > 0) {
    copy(out_.frame(), out, {0, 0, out.width, out.height});
    if (!windows_.empty()) backend_->upscale_windows(source, sink, windows_);
    for (const Window& w : windows_) {
      copy(in, in_.frame(), w);
      copy(out, out_.frame(), enlarged(w, scale_));
    }
  } else {
    engine_.upscale(source, sink);
    in_.copy(in);
    out_.copy(out);
  }
  kept_ = true;
  return share;
}

}  // namespace cdsr
