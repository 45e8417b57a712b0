#include "filter/format/bars.h"

#include <algorithm>
#include <cmath>

#include "filter/color/frame_sink.h"
#include "filter/color/row_resampler.h"
#include "model/error.h"

namespace cdsr {
namespace {

/// Codes of 8 bits that a bar's samples may differ by: what coding leaves of one colour.
constexpr int kTolerance = 2;
/// A thinner bar is part of the picture.
constexpr int kThinnest = 4;
/// A smaller picture is none: the encoder wants windows of it.
constexpr int kSmallest = 64;

Area whole(const Frame& frame) { return {0, 0, frame.width, frame.height}; }

/// Calls `body(c, area)` for every component with the area on its grid.
template <typename Body>
void for_components(const PixelFormat& format, const Area& area, Body body) {
  for (int c = 0; c < 4; ++c) {
    if (!format.has(c)) continue;
    const int log2_w = format.is_chroma(c) ? format.log2_w : 0,
              log2_h = format.is_chroma(c) ? format.log2_h : 0;
    const int x = area.x >> log2_w, y = area.y >> log2_h;
    body(c, Area{x, y, format.width_of(c, area.x + area.width) - x,
                 format.height_of(c, area.y + area.height) - y});
  }
}

/// The bars around `inside`, those above and below over the whole width.
template <typename Body>
void for_bars(const Area& all, const Area& inside, Body body) {
  const int bottom = inside.y + inside.height, right = inside.x + inside.width;
  for (const Area& bar :
       {Area{0, 0, all.width, inside.y}, Area{0, bottom, all.width, all.height - bottom},
        Area{0, inside.y, inside.x, inside.height}, Area{right, inside.y, all.width - right, inside.height}})
    if (bar.width > 0 && bar.height > 0) body(bar);
}

}  // namespace

Frame cropped(const Frame& frame, const Area& area) {
  Frame view = frame;
  view.width = area.width;
  view.height = area.height;
  const PixelFormat& format = *frame.format;
  for_components(format, area, [&](int c, const Area& grid) {
    const Component& at = format.component[c];
    view.plane[at.plane] = frame.row(c, grid.y) + ptrdiff_t{grid.x} * at.step * format.bytes;
  });
  return view;
}

bool Bars::is_bar(const Area& area) const {
  bool all = true;
  for_components(*source_.frame().format, area, [&](int c, const Area& grid) {
    float codes[kTile];
    for (int y = grid.y; all && y < grid.y + grid.height; ++y)
      for (int x = grid.x; all && x < grid.x + grid.width; x += kTile) {
        const int n = std::min(kTile, grid.x + grid.width - x);
        source_.load(c, y, x, n, /*codes=*/true, codes);
        all = !row_kernels().leaves(codes, n, static_cast<float>(low_[c]), static_cast<float>(high_[c]));
      }
  });
  return all;
}

bool Bars::is_picture(const Area& line) const {
  const Frame& frame = source_.frame();
  int other = 0;
  for (int y = line.y; y < line.y + line.height; ++y)
    for (int x = line.x; x < line.x + line.width; ++x) {
      bool differs = false;
      for (int c = 0; c < frame.format->colours; ++c) {
        if (frame.format->is_chroma(c)) continue;
        const auto code = static_cast<int>(frame.code(c, frame.row(c, y), x));
        differs = differs || code < low_[c] || code > high_[c];
      }
      other += differs ? 1 : 0;
    }
  return 2 * other > line.width * line.height;
}

bool Bars::begins_picture(int edge, const Area& inside) const {
  const PixelFormat& format = *source_.frame().format;
  const int lines = 1 << (edge < 2 ? format.log2_h : format.log2_w);
  for (int i = 0; i < lines; ++i) {
    Area line = inside;
    if (edge < 2) {
      line.y += edge == 0 ? i : inside.height - 1 - i;
      line.height = 1;
    } else {
      line.x += edge == 2 ? i : inside.width - 1 - i;
      line.width = 1;
    }
    if (is_picture(line)) return true;
  }
  return false;
}

int Bars::measure(int edge) const {
  const Frame& frame = source_.frame();
  const bool rows = edge < 2;
  const int step = 1 << (rows ? frame.format->log2_h : frame.format->log2_w);
  const int size = rows ? frame.height : frame.width;
  // Of rows and columns those of one chroma sample at a time; at the far edge the first may be fewer.
  const bool far = edge % 2 != 0;
  const auto stretch = [&](int begin, int count) {
    const int at = far ? size - begin - count : begin;
    return rows ? Area{0, at, frame.width, count} : Area{at, 0, count, frame.height};
  };
  int thick = 0;
  for (;;) {
    const int count = far && thick == 0 && size % step != 0 ? size % step : step;
    if (thick + count > size - kSmallest || !is_bar(stretch(thick, count))) break;
    thick += count;
  }
  return thick;
}

void Bars::find(const Frame& frame) {
  const PixelFormat& format = *frame.format;
  area_ = whole(frame);
  const int tolerance = kTolerance << (format.bits - 8);
  for (const bool far : {false, true}) {
    // The colour of the first corner, or where it gives no bars that of the last.
    for (int c = 0; c < 4; ++c) {
      if (!format.has(c)) continue;
      const int y = far ? format.height_of(c, frame.height) - 1 : 0,
                x = far ? format.width_of(c, frame.width) - 1 : 0;
      colour_[c] = static_cast<int>(frame.code(c, frame.row(c, y), x));
      low_[c] = c == 3 ? colour_[c] : colour_[c] - tolerance;
      high_[c] = c == 3 ? colour_[c] : colour_[c] + tolerance;
    }
    int thick[4];
    for (int edge = 0; edge < 4; ++edge) {
      thick[edge] = measure(edge);
      if (thick[edge] < kThinnest) thick[edge] = 0;
    }
    const Area inside = {thick[2], thick[0], frame.width - thick[2] - thick[3],
                         frame.height - thick[0] - thick[1]};
    if (inside.width < kSmallest || inside.height < kSmallest) return;
    if (inside == area_) continue;
    bool sharp = true;
    for (int edge = 0; edge < 4; ++edge) sharp = sharp && (thick[edge] == 0 || begins_picture(edge, inside));
    if (sharp) area_ = inside;
    return;
  }
}

Barred Bars::follow(const Frame& frame, bool new_shot) {
  source_.bind(frame);
  const Area all = whole(frame);
  if (new_shot) {
    find(frame);
  } else {
    for_bars(all, area_, [&](const Area& bar) {
      if (area_ != all && !is_bar(bar)) area_ = all;
    });
  }
  Barred found{area_, {}};
  for (int c = 0; c < 4 && area_ != all; ++c) {
    if (frame.format->has(c))
      found.colour[c] = static_cast<float>(colour_[c]) / static_cast<float>(frame.format->max_code(c));
  }
  return found;
}

void Bars::take(const Frame& frame, const Barred& known) {
  const Area& a = known.picture;
  const PixelFormat& format = *frame.format;
  const int right = a.x + a.width, bottom = a.y + a.height;
  const auto on_grid = [](int at, int size, int log2) { return at == size || at % (1 << log2) == 0; };
  if (a.x < 0 || a.y < 0 || a.width < 1 || a.height < 1 || right > frame.width || bottom > frame.height ||
      !on_grid(a.x, frame.width, format.log2_w) || !on_grid(right, frame.width, format.log2_w) ||
      !on_grid(a.y, frame.height, format.log2_h) || !on_grid(bottom, frame.height, format.log2_h)) {
    fail(Errc::InvalidArgument, "picture {}x{} at {},{}: must lie within {}x{} {}, on the grid of its chroma",
         a.width, a.height, a.x, a.y, frame.width, frame.height, format.name);
  }
  area_ = a;
  for (int c = 0; c < 4; ++c) {
    if (format.has(c))
      colour_[c] = static_cast<int>(std::lround(known.colour[c] * static_cast<float>(format.max_code(c))));
  }
}

void Bars::fill(const Frame& out, int scale) const {
  const Area inside = {area_.x * scale, area_.y * scale, area_.width * scale, area_.height * scale};
  const PixelFormat& format = *out.format;
  for_bars(whole(out), inside, [&](const Area& bar) {
    for_components(format, bar, [&](int c, const Area& grid) {
      float codes[kTile];
      std::fill_n(codes, kTile, static_cast<float>(colour_[c]));
      for (int y = grid.y; y < grid.y + grid.height; ++y)
        for (int x = grid.x; x < grid.x + grid.width; x += kTile)
          store_row(row_kernels(), out, c, y, x, std::min(kTile, grid.x + grid.width - x), /*codes=*/true,
                    codes);
    });
  });
}

}  // namespace cdsr
