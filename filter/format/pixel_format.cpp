#include "filter/format/pixel_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "filter/include/cdsr/cdsr.h"

namespace cdsr {
namespace {

constexpr PixelFormat base(ColorModel model, int bits) {
  PixelFormat f{};
  f.model = model;
  f.bits = bits;
  f.bytes = bits > 8 ? 2 : 1;
  f.colours = model == ColorModel::Gray ? 1 : 3;
  f.planes = 1;
  return f;
}

constexpr PixelFormat gray(int bits) {
  PixelFormat f = base(ColorModel::Gray, bits);
  f.component[0] = {0, 0, 1, 0};
  return f;
}

constexpr PixelFormat gray_alpha(int bits) {
  PixelFormat f = base(ColorModel::Gray, bits);
  f.alpha_bits = bits;
  f.component[0] = {0, 0, 2, 0};
  f.component[3] = {0, 1, 2, 0};
  return f;
}

constexpr PixelFormat planar(int bits, int log2_w, int log2_h) {
  PixelFormat f = base(ColorModel::Yuv, bits);
  f.log2_w = log2_w;
  f.log2_h = log2_h;
  f.planes = 3;
  for (int c = 0; c < 3; ++c) f.component[c] = {c, 0, 1, 0};
  return f;
}

constexpr PixelFormat gbr(int bits) {
  PixelFormat f = base(ColorModel::Rgb, bits);
  f.planes = 3;
  f.component[0] = {2, 0, 1, 0};
  f.component[1] = {0, 0, 1, 0};
  f.component[2] = {1, 0, 1, 0};
  return f;
}

/// A plane more.
constexpr PixelFormat with_alpha(PixelFormat f) {
  f.alpha_bits = f.bits;
  f.component[3] = {f.planes++, 0, 1, 0};
  return f;
}

constexpr PixelFormat semi_planar(int bits, int shift, int log2_w, int log2_h) {
  PixelFormat f = planar(bits, log2_w, log2_h);
  f.planes = 2;
  f.component[0] = {0, 0, 1, shift};
  f.component[1] = {1, 0, 2, shift};
  f.component[2] = {1, 1, 2, shift};
  return f;
}

/// Cr before Cb.
constexpr PixelFormat swapped(PixelFormat f) {
  std::swap(f.component[1], f.component[2]);
  return f;
}

/// One plane of `words` words a pixel, and the place of each component in it; the value in a word's high
/// bits.
constexpr PixelFormat packed(ColorModel model, int bits, int words, std::array<int, 4> place) {
  PixelFormat f = base(model, bits);
  f.alpha_bits = words == 4 ? bits : 0;
  for (int c = 0; c < words; ++c) f.component[c] = {0, place[c], words, 8 * f.bytes - bits};
  return f;
}

/// One plane of four words for two pixels; the place of Y, Cb and Cr in it.
constexpr PixelFormat packed_422(int bits, int y, int cb, int cr) {
  PixelFormat f = base(ColorModel::Yuv, bits);
  const int shift = 8 * f.bytes - bits;
  f.log2_w = 1;
  f.component[0] = {0, y, 2, shift};
  f.component[1] = {0, cb, 4, shift};
  f.component[2] = {0, cr, 4, shift};
  return f;
}

/// A word of 32 bits a pixel: three times ten bits and two, from these bits on.
constexpr PixelFormat tens(ColorModel model, int first, int second, int third, int two) {
  PixelFormat f = base(model, 10);
  f.bytes = 4;
  f.alpha_bits = 2;
  f.component[0] = {0, 0, 1, first};
  f.component[1] = {0, 0, 1, second};
  f.component[2] = {0, 0, 1, third};
  f.component[3] = {0, 0, 1, two};
  return f;
}

constexpr PixelFormat named(int32_t id, const char* name, PixelFormat f) {
  f.id = id;
  f.name = name;
  f.big_endian = (id & CDSR_FORMAT_BIG_ENDIAN) != 0;
  return f;
}

/// Words of more than a byte come both ways.
#define CDSR_WORDS(id, name, format) \
  named(id, name "le", format), named((id) | CDSR_FORMAT_BIG_ENDIAN, name "be", format)

constexpr PixelFormat kFormats[] = {
    named(CDSR_FORMAT_GRAY8, "gray", gray(8)),
    CDSR_WORDS(CDSR_FORMAT_GRAY9, "gray9", gray(9)),
    CDSR_WORDS(CDSR_FORMAT_GRAY10, "gray10", gray(10)),
    CDSR_WORDS(CDSR_FORMAT_GRAY12, "gray12", gray(12)),
    CDSR_WORDS(CDSR_FORMAT_GRAY14, "gray14", gray(14)),
    CDSR_WORDS(CDSR_FORMAT_GRAY16, "gray16", gray(16)),
    named(CDSR_FORMAT_YA8, "ya8", gray_alpha(8)),
    CDSR_WORDS(CDSR_FORMAT_YA16, "ya16", gray_alpha(16)),
    named(CDSR_FORMAT_YUV420P, "yuv420p", planar(8, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_YUV420P9, "yuv420p9", planar(9, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_YUV420P10, "yuv420p10", planar(10, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_YUV420P12, "yuv420p12", planar(12, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_YUV420P14, "yuv420p14", planar(14, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_YUV420P16, "yuv420p16", planar(16, 1, 1)),
    named(CDSR_FORMAT_YUV422P, "yuv422p", planar(8, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV422P9, "yuv422p9", planar(9, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV422P10, "yuv422p10", planar(10, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV422P12, "yuv422p12", planar(12, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV422P14, "yuv422p14", planar(14, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV422P16, "yuv422p16", planar(16, 1, 0)),
    named(CDSR_FORMAT_YUV444P, "yuv444p", planar(8, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV444P9, "yuv444p9", planar(9, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV444P10, "yuv444p10", planar(10, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV444P12, "yuv444p12", planar(12, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV444P14, "yuv444p14", planar(14, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_YUV444P16, "yuv444p16", planar(16, 0, 0)),
    named(CDSR_FORMAT_YUVA420P, "yuva420p", with_alpha(planar(8, 1, 1))),
    CDSR_WORDS(CDSR_FORMAT_YUVA420P9, "yuva420p9", with_alpha(planar(9, 1, 1))),
    CDSR_WORDS(CDSR_FORMAT_YUVA420P10, "yuva420p10", with_alpha(planar(10, 1, 1))),
    CDSR_WORDS(CDSR_FORMAT_YUVA420P12, "yuva420p12", with_alpha(planar(12, 1, 1))),
    CDSR_WORDS(CDSR_FORMAT_YUVA420P16, "yuva420p16", with_alpha(planar(16, 1, 1))),
    named(CDSR_FORMAT_YUVA422P, "yuva422p", with_alpha(planar(8, 1, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA422P9, "yuva422p9", with_alpha(planar(9, 1, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA422P10, "yuva422p10", with_alpha(planar(10, 1, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA422P12, "yuva422p12", with_alpha(planar(12, 1, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA422P16, "yuva422p16", with_alpha(planar(16, 1, 0))),
    named(CDSR_FORMAT_YUVA444P, "yuva444p", with_alpha(planar(8, 0, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA444P9, "yuva444p9", with_alpha(planar(9, 0, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA444P10, "yuva444p10", with_alpha(planar(10, 0, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA444P12, "yuva444p12", with_alpha(planar(12, 0, 0))),
    CDSR_WORDS(CDSR_FORMAT_YUVA444P16, "yuva444p16", with_alpha(planar(16, 0, 0))),
    named(CDSR_FORMAT_NV12, "nv12", semi_planar(8, 0, 1, 1)),
    named(CDSR_FORMAT_NV21, "nv21", swapped(semi_planar(8, 0, 1, 1))),
    named(CDSR_FORMAT_NV16, "nv16", semi_planar(8, 0, 1, 0)),
    named(CDSR_FORMAT_NV61, "nv61", swapped(semi_planar(8, 0, 1, 0))),
    named(CDSR_FORMAT_NV24, "nv24", semi_planar(8, 0, 0, 0)),
    named(CDSR_FORMAT_NV42, "nv42", swapped(semi_planar(8, 0, 0, 0))),
    CDSR_WORDS(CDSR_FORMAT_P010, "p010", semi_planar(10, 6, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_P012, "p012", semi_planar(12, 4, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_P016, "p016", semi_planar(16, 0, 1, 1)),
    CDSR_WORDS(CDSR_FORMAT_P210, "p210", semi_planar(10, 6, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_P212, "p212", semi_planar(12, 4, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_P216, "p216", semi_planar(16, 0, 1, 0)),
    CDSR_WORDS(CDSR_FORMAT_P410, "p410", semi_planar(10, 6, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_P412, "p412", semi_planar(12, 4, 0, 0)),
    CDSR_WORDS(CDSR_FORMAT_P416, "p416", semi_planar(16, 0, 0, 0)),
    named(CDSR_FORMAT_GBRP, "gbrp", gbr(8)),
    CDSR_WORDS(CDSR_FORMAT_GBRP9, "gbrp9", gbr(9)),
    CDSR_WORDS(CDSR_FORMAT_GBRP10, "gbrp10", gbr(10)),
    CDSR_WORDS(CDSR_FORMAT_GBRP12, "gbrp12", gbr(12)),
    CDSR_WORDS(CDSR_FORMAT_GBRP14, "gbrp14", gbr(14)),
    CDSR_WORDS(CDSR_FORMAT_GBRP16, "gbrp16", gbr(16)),
    named(CDSR_FORMAT_GBRAP, "gbrap", with_alpha(gbr(8))),
    CDSR_WORDS(CDSR_FORMAT_GBRAP10, "gbrap10", with_alpha(gbr(10))),
    CDSR_WORDS(CDSR_FORMAT_GBRAP12, "gbrap12", with_alpha(gbr(12))),
    CDSR_WORDS(CDSR_FORMAT_GBRAP14, "gbrap14", with_alpha(gbr(14))),
    CDSR_WORDS(CDSR_FORMAT_GBRAP16, "gbrap16", with_alpha(gbr(16))),
    named(CDSR_FORMAT_RGB24, "rgb24", packed(ColorModel::Rgb, 8, 3, {0, 1, 2})),
    named(CDSR_FORMAT_BGR24, "bgr24", packed(ColorModel::Rgb, 8, 3, {2, 1, 0})),
    named(CDSR_FORMAT_RGBA, "rgba", packed(ColorModel::Rgb, 8, 4, {0, 1, 2, 3})),
    named(CDSR_FORMAT_BGRA, "bgra", packed(ColorModel::Rgb, 8, 4, {2, 1, 0, 3})),
    named(CDSR_FORMAT_ARGB, "argb", packed(ColorModel::Rgb, 8, 4, {1, 2, 3, 0})),
    named(CDSR_FORMAT_ABGR, "abgr", packed(ColorModel::Rgb, 8, 4, {3, 2, 1, 0})),
    CDSR_WORDS(CDSR_FORMAT_RGB48, "rgb48", packed(ColorModel::Rgb, 16, 3, {0, 1, 2})),
    CDSR_WORDS(CDSR_FORMAT_BGR48, "bgr48", packed(ColorModel::Rgb, 16, 3, {2, 1, 0})),
    CDSR_WORDS(CDSR_FORMAT_RGBA64, "rgba64", packed(ColorModel::Rgb, 16, 4, {0, 1, 2, 3})),
    CDSR_WORDS(CDSR_FORMAT_BGRA64, "bgra64", packed(ColorModel::Rgb, 16, 4, {2, 1, 0, 3})),
    CDSR_WORDS(CDSR_FORMAT_ARGB64, "argb64", packed(ColorModel::Rgb, 16, 4, {1, 2, 3, 0})),
    CDSR_WORDS(CDSR_FORMAT_ABGR64, "abgr64", packed(ColorModel::Rgb, 16, 4, {3, 2, 1, 0})),
    named(CDSR_FORMAT_YUYV422, "yuyv422", packed_422(8, 0, 1, 3)),
    named(CDSR_FORMAT_UYVY422, "uyvy422", packed_422(8, 1, 0, 2)),
    named(CDSR_FORMAT_YVYU422, "yvyu422", packed_422(8, 0, 3, 1)),
    named(CDSR_FORMAT_VYUY422, "vyuy422", packed_422(8, 1, 2, 0)),
    CDSR_WORDS(CDSR_FORMAT_Y210, "y210", packed_422(10, 0, 1, 3)),
    CDSR_WORDS(CDSR_FORMAT_Y212, "y212", packed_422(12, 0, 1, 3)),
    CDSR_WORDS(CDSR_FORMAT_Y216, "y216", packed_422(16, 0, 1, 3)),
    named(CDSR_FORMAT_AYUV, "ayuv", packed(ColorModel::Yuv, 8, 4, {1, 2, 3, 0})),
    named(CDSR_FORMAT_VUYA, "vuya", packed(ColorModel::Yuv, 8, 4, {2, 1, 0, 3})),
    named(CDSR_FORMAT_UYVA, "uyva", packed(ColorModel::Yuv, 8, 4, {1, 0, 2, 3})),
    named(CDSR_FORMAT_VYU444, "vyu444", packed(ColorModel::Yuv, 8, 3, {1, 2, 0})),
    CDSR_WORDS(CDSR_FORMAT_AYUV64, "ayuv64", packed(ColorModel::Yuv, 16, 4, {1, 2, 3, 0})),
    CDSR_WORDS(CDSR_FORMAT_XV36, "xv36", packed(ColorModel::Yuv, 12, 4, {1, 0, 2, 3})),
    CDSR_WORDS(CDSR_FORMAT_XV48, "xv48", packed(ColorModel::Yuv, 16, 4, {1, 0, 2, 3})),
    CDSR_WORDS(CDSR_FORMAT_XV30, "xv30", tens(ColorModel::Yuv, 10, 0, 20, 30)),
    CDSR_WORDS(CDSR_FORMAT_V30X, "v30x", tens(ColorModel::Yuv, 12, 2, 22, 0)),
    CDSR_WORDS(CDSR_FORMAT_X2RGB10, "x2rgb10", tens(ColorModel::Rgb, 20, 10, 0, 30)),
    CDSR_WORDS(CDSR_FORMAT_X2BGR10, "x2bgr10", tens(ColorModel::Rgb, 0, 10, 20, 30)),
};
#undef CDSR_WORDS

/// FFmpeg's names of formats that lie in memory as another one.
struct Alias {
  const char* name;
  int32_t id;
};
constexpr Alias kAliases[] = {
    {"yuvj420p", CDSR_FORMAT_YUV420P}, {"yuvj422p", CDSR_FORMAT_YUV422P}, {"yuvj444p", CDSR_FORMAT_YUV444P},
    {"rgb0", CDSR_FORMAT_RGBA},        {"bgr0", CDSR_FORMAT_BGRA},        {"0rgb", CDSR_FORMAT_ARGB},
    {"0bgr", CDSR_FORMAT_ABGR},        {"vuyx", CDSR_FORMAT_VUYA},
};

}  // namespace

PlaneSize plane_size(const PixelFormat& format, int plane, int width, int height) {
  PlaneSize size;
  for (int c = 0; c < 4; ++c) {
    const Component& component = format.component[c];
    if (!format.has(c) || component.plane != plane) continue;
    const auto words = static_cast<size_t>(format.width_of(c, width)) * static_cast<size_t>(component.step);
    size.row_bytes = std::max(size.row_bytes, words * static_cast<size_t>(format.bytes));
    size.rows = std::max(size.rows, format.height_of(c, height));
  }
  return size;
}

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
  for (const Alias& alias : kAliases) {
    if (name == alias.name) return find_format(alias.id);
  }
  return nullptr;
}

}  // namespace cdsr
