#include "tools/media/frame_to_rgb.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <optional>
#include <utility>

#include "model/error.h"
#include "tools/media/sample_rows.h"

namespace cdsr::tools {
namespace {

AVPixelFormat sample_format(const SampleRows& rows) {
  const bool deep = rows.depth() > 8;
  if (rows.colours() == 1 && rows.has_alpha()) return deep ? AV_PIX_FMT_YA16BE : AV_PIX_FMT_YA8;
  if (rows.colours() == 1) return deep ? AV_PIX_FMT_GRAY16BE : AV_PIX_FMT_GRAY8;
  if (rows.has_alpha()) return deep ? AV_PIX_FMT_RGBA64BE : AV_PIX_FMT_RGBA;
  return deep ? AV_PIX_FMT_RGB48BE : AV_PIX_FMT_RGB24;
}

AvPtr<AVFrame> new_samples(const AVFrame& like, AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> out(av_frame_alloc());
  if (out) {
    out->format = format;
    out->width = width;
    out->height = height;
  }
  if (!out || av_frame_get_buffer(out.get(), 0) < 0 || av_frame_copy_props(out.get(), &like) < 0)
    fail(Errc::OutOfMemory, "no memory for a picture of {}x{}", width, height);
  return out;
}

/// Where a step right (a, b) and a step down (c, d) in the stored picture go in the one that is shown.
struct Turn {
  int a, b, c, d;
  bool swaps_sides() const { return a == 0; }

  /// Pixels of `bytes` bytes; `width` and `height` are the stored picture's.
  void copy(const uint8_t* from, ptrdiff_t from_stride, int width, int height, int bytes, uint8_t* to,
            ptrdiff_t to_stride) const {
    const int shown_width = swaps_sides() ? height : width, shown_height = swaps_sides() ? width : height;
    const int left = a < 0 || c < 0 ? shown_width - 1 : 0, top = b < 0 || d < 0 ? shown_height - 1 : 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const int u = left + a * x + c * y, v = top + b * x + d * y;
        std::copy_n(from + from_stride * y + ptrdiff_t{bytes} * x, bytes,
                    to + to_stride * v + ptrdiff_t{bytes} * u);
      }
  }
};

/// Nothing where the picture is upright, or the matrix is none of quarter turns and mirrors.
std::optional<Turn> turn_of(const AVFrame& frame) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side == nullptr || side->size < 9 * sizeof(int32_t)) return std::nullopt;
  const auto* m = reinterpret_cast<const int32_t*>(side->data);
  const auto sign = [](int32_t v) { return v > 0 ? 1 : v < 0 ? -1 : 0; };
  const Turn t{sign(m[0]), sign(m[1]), sign(m[3]), sign(m[4])};
  const bool upright = t.b == 0 && t.c == 0 && t.a != 0 && t.d != 0;
  const bool turned = t.a == 0 && t.d == 0 && t.b != 0 && t.c != 0;
  if (!turned && (!upright || (t.a > 0 && t.d > 0))) return std::nullopt;
  return t;
}

}  // namespace

Picture frame_to_rgb(const AVFrame& frame, const std::string& name) {
  SampleRows rows(frame, name, 255);
  Picture out{frame.width, frame.height,
              std::vector<uint8_t>(3 * static_cast<size_t>(frame.width) * static_cast<size_t>(frame.height))};
  std::vector<uint16_t> line;
  const int grey = rows.colours() == 1 ? 0 : 1;  // the one component three times
  uint8_t* to = out.rgb.data();
  for (int y = 0; y < frame.height; ++y) {
    rows.read(y, line);
    for (int x = 0; x < frame.width; ++x)
      for (int c = 0; c < 3; ++c)
        *to++ = static_cast<uint8_t>(line[static_cast<size_t>(x) * rows.channels() + grey * c]);
  }
  return out;
}

AvPtr<AVFrame> frame_to_samples(const AVFrame& frame, const std::string& name) {
  SampleRows rows(frame, name, SampleRows(frame, name, 255).depth() > 8 ? 65535 : 255);
  AvPtr<AVFrame> out = new_samples(frame, sample_format(rows), frame.width, frame.height);
  out->color_range = AVCOL_RANGE_JPEG;
  out->colorspace = rows.colours() == 1 ? AVCOL_SPC_UNSPECIFIED : AVCOL_SPC_RGB;
  out->chroma_location = AVCHROMA_LOC_UNSPECIFIED;
  std::vector<uint16_t> line;
  for (int y = 0; y < frame.height; ++y) {
    rows.read(y, line);
    uint8_t* to = out->data[0] + static_cast<ptrdiff_t>(y) * out->linesize[0];
    for (const uint16_t v : line) {
      if (rows.depth() > 8) *to++ = static_cast<uint8_t>(v >> 8);
      *to++ = static_cast<uint8_t>(v);
    }
  }
  return out;
}

bool is_rotated(const AVFrame& frame) { return turn_of(frame).has_value(); }

Picture apply_rotation(Picture in, const AVFrame& frame) {
  const std::optional<Turn> turn = turn_of(frame);
  if (!turn) return in;
  Picture out{turn->swaps_sides() ? in.height : in.width, turn->swaps_sides() ? in.width : in.height,
              std::vector<uint8_t>(in.rgb.size())};
  turn->copy(in.rgb.data(), ptrdiff_t{3} * in.width, in.width, in.height, 3, out.rgb.data(),
             ptrdiff_t{3} * out.width);
  return out;
}

AvPtr<AVFrame> apply_rotation(AvPtr<AVFrame> samples) {
  const std::optional<Turn> turn = turn_of(*samples);
  if (!turn) return samples;
  const auto format = static_cast<AVPixelFormat>(samples->format);
  const int width = samples->width, height = samples->height;
  AvPtr<AVFrame> out = new_samples(*samples, format, turn->swaps_sides() ? height : width,
                                   turn->swaps_sides() ? width : height);
  if (turn->swaps_sides() && out->sample_aspect_ratio.num != 0)
    out->sample_aspect_ratio = av_inv_q(out->sample_aspect_ratio);
  av_frame_remove_side_data(out.get(), AV_FRAME_DATA_DISPLAYMATRIX);
  turn->copy(samples->data[0], samples->linesize[0], width, height, av_pix_fmt_desc_get(format)->comp[0].step,
             out->data[0], out->linesize[0]);
  return out;
}

}  // namespace cdsr::tools
