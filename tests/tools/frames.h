// Frames for tests of picture files.
#pragma once

#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "filter/format/pixel_format.h"
#include "tools/media/av.h"

namespace cdsr::tools {

inline AvPtr<AVFrame> blank_frame(AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> f(av_frame_alloc());
  f->format = format;
  f->width = width;
  f->height = height;
  if (av_frame_get_buffer(f.get(), 0) < 0) std::abort();
  return f;
}

/// Every byte of the samples, row by row.
inline std::string samples_of(const AVFrame& f) {
  const PixelFormat& format =
      *find_format(std::string_view(av_get_pix_fmt_name(static_cast<AVPixelFormat>(f.format))));
  std::string out;
  for (int p = 0; p < format.planes; ++p) {
    const PlaneSize size = plane_size(format, p, f.width, f.height);
    for (int y = 0; y < size.rows; ++y)
      out.append(reinterpret_cast<const char*>(f.data[p]) + static_cast<ptrdiff_t>(y) * f.linesize[p],
                 size.row_bytes);
  }
  return out;
}

/// A gentle pattern that differs between the bytes of a sample and between components.
inline AvPtr<AVFrame> patterned_frame(AVPixelFormat av, int width, int height) {
  AvPtr<AVFrame> f = blank_frame(av, width, height);
  const PixelFormat& format = *find_format(std::string_view(av_get_pix_fmt_name(av)));
  for (int p = 0; p < format.planes; ++p) {
    const PlaneSize size = plane_size(format, p, width, height);
    for (int y = 0; y < size.rows; ++y)
      for (size_t x = 0; x < size.row_bytes; ++x)
        f->data[p][static_cast<ptrdiff_t>(y) * f->linesize[p] + static_cast<ptrdiff_t>(x)] =
            static_cast<uint8_t>(60 + 37 * p + 5 * x + 3 * static_cast<size_t>(y) + x * y % 11);
  }
  return f;
}

/// A colour profile's header, of colours "RGB ", "GRAY" or "CMYK", and no more.
inline void set_profile(AVFrame& f, const char* colours) {
  AVFrameSideData* side = av_frame_new_side_data(&f, AV_FRAME_DATA_ICC_PROFILE, 200);
  if (side == nullptr) std::abort();
  for (size_t i = 0; i < side->size; ++i) side->data[i] = static_cast<uint8_t>(i);
  const uint8_t length[4] = {0, 0, 0, 200};
  std::memcpy(side->data, length, 4);
  std::memcpy(side->data + 16, colours, 4);
  std::memcpy(side->data + 36, "acsp", 4);
}

inline std::string profile_of(const AVFrame& f) {
  const AVFrameSideData* side = av_frame_get_side_data(&f, AV_FRAME_DATA_ICC_PROFILE);
  return side == nullptr ? "" : std::string(reinterpret_cast<const char*>(side->data), side->size);
}

}  // namespace cdsr::tools
