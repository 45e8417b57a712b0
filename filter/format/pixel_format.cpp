#include "filter/format/pixel_format.h"

#include <string>

#include "filter/include/cdsr/cdsr.h"

namespace cdsr {
namespace {

constexpr PixelFormat gray(int32_t id, const char* name, int bits) {
  return {id, name, ColorModel::Gray, bits, 0, 0, 0, 1, 1, {{0, 0, 1}}};
}

constexpr PixelFormat planar(int32_t id, const char* name, int bits, int log2_w, int log2_h) {
  return {id, name, ColorModel::Yuv, bits, 0, log2_w, log2_h, 3, 3, {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}};
}

constexpr PixelFormat semi_planar(int32_t id, const char* name, int bits, int shift) {
  return {id, name, ColorModel::Yuv, bits, shift, 1, 1, 3, 2, {{0, 0, 1}, {1, 0, 2}, {1, 1, 2}}};
}

constexpr PixelFormat gbr(int32_t id, const char* name, int bits) {
  return {id, name, ColorModel::Rgb, bits, 0, 0, 0, 3, 3, {{2, 0, 1}, {0, 0, 1}, {1, 0, 1}}};
}

constexpr PixelFormat packed(int32_t id, const char* name, int components, int r, int b) {
  return {id,
          name,
          ColorModel::Rgb,
          8,
          0,
          0,
          0,
          components,
          1,
          {{0, r, components}, {0, 1, components}, {0, b, components}, {0, 3, components}}};
}

constexpr PixelFormat kFormats[] = {
    gray(CDSR_FORMAT_GRAY8, "gray", 8),
    gray(CDSR_FORMAT_GRAY10, "gray10le", 10),
    gray(CDSR_FORMAT_GRAY12, "gray12le", 12),
    gray(CDSR_FORMAT_GRAY16, "gray16le", 16),
    planar(CDSR_FORMAT_YUV420P, "yuv420p", 8, 1, 1),
    planar(CDSR_FORMAT_YUV420P9, "yuv420p9le", 9, 1, 1),
    planar(CDSR_FORMAT_YUV420P10, "yuv420p10le", 10, 1, 1),
    planar(CDSR_FORMAT_YUV420P12, "yuv420p12le", 12, 1, 1),
    planar(CDSR_FORMAT_YUV420P14, "yuv420p14le", 14, 1, 1),
    planar(CDSR_FORMAT_YUV420P16, "yuv420p16le", 16, 1, 1),
    planar(CDSR_FORMAT_YUV422P, "yuv422p", 8, 1, 0),
    planar(CDSR_FORMAT_YUV422P9, "yuv422p9le", 9, 1, 0),
    planar(CDSR_FORMAT_YUV422P10, "yuv422p10le", 10, 1, 0),
    planar(CDSR_FORMAT_YUV422P12, "yuv422p12le", 12, 1, 0),
    planar(CDSR_FORMAT_YUV422P14, "yuv422p14le", 14, 1, 0),
    planar(CDSR_FORMAT_YUV422P16, "yuv422p16le", 16, 1, 0),
    planar(CDSR_FORMAT_YUV444P, "yuv444p", 8, 0, 0),
    planar(CDSR_FORMAT_YUV444P9, "yuv444p9le", 9, 0, 0),
    planar(CDSR_FORMAT_YUV444P10, "yuv444p10le", 10, 0, 0),
    planar(CDSR_FORMAT_YUV444P12, "yuv444p12le", 12, 0, 0),
    planar(CDSR_FORMAT_YUV444P14, "yuv444p14le", 14, 0, 0),
    planar(CDSR_FORMAT_YUV444P16, "yuv444p16le", 16, 0, 0),
    semi_planar(CDSR_FORMAT_NV12, "nv12", 8, 0),
    semi_planar(CDSR_FORMAT_P010, "p010le", 10, 6),
    semi_planar(CDSR_FORMAT_P016, "p016le", 16, 0),
    gbr(CDSR_FORMAT_GBRP, "gbrp", 8),
    gbr(CDSR_FORMAT_GBRP9, "gbrp9le", 9),
    gbr(CDSR_FORMAT_GBRP10, "gbrp10le", 10),
    gbr(CDSR_FORMAT_GBRP12, "gbrp12le", 12),
    gbr(CDSR_FORMAT_GBRP14, "gbrp14le", 14),
    gbr(CDSR_FORMAT_GBRP16, "gbrp16le", 16),
    packed(CDSR_FORMAT_RGB24, "rgb24", 3, 0, 2),
    packed(CDSR_FORMAT_BGR24, "bgr24", 3, 2, 0),
    packed(CDSR_FORMAT_RGBA, "rgba", 4, 0, 2),
    packed(CDSR_FORMAT_BGRA, "bgra", 4, 2, 0),
};

}  // namespace

std::span<const PixelFormat> pixel_formats() { return kFormats; }

const PixelFormat* find_format(int32_t id) {
  for (const PixelFormat& format : kFormats) {
    if (format.id == id) return &format;
  }
  return nullptr;
}

const PixelFormat* find_format(std::string_view name) {
  for (const PixelFormat& format : kFormats) {
    if (name == format.name) return &format;
  }
  if (name == "yuvj420p") return find_format(CDSR_FORMAT_YUV420P);
  if (name == "yuvj422p") return find_format(CDSR_FORMAT_YUV422P);
  if (name == "yuvj444p") return find_format(CDSR_FORMAT_YUV444P);
  return nullptr;
}

}  // namespace cdsr
