// The table of pixel formats: where each component lies in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cdsr {

enum class ColorModel { Gray, Yuv, Rgb };

/// Where a component's samples lie; offset and step count samples, not bytes.
struct Component {
  int plane, offset, step;
};

/// A pixel format of cdsr.h. Components are Y, Cb, Cr for Yuv, R, G, B and A for Rgb, Y for Gray.
struct PixelFormat {
  int32_t id;        ///< cdsr_format
  const char* name;  ///< FFmpeg's
  ColorModel model;
  int bits;    ///< 8..16
  int shift;   ///< the value lies this many bits above bit 0 of its word
  int log2_w;  ///< chroma is this many halvings narrower and lower than luma
  int log2_h;
  int components;  ///< 1, 3 or 4
  int planes;
  Component component[4];

  int bytes() const { return bits > 8 ? 2 : 1; }  ///< of a sample
  bool has_alpha() const { return components == 4; }
  bool is_chroma(int c) const { return model == ColorModel::Yuv && (c == 1 || c == 2); }
  /// Size of component c of a picture `width` wide; chroma is rounded up.
  int width_of(int c, int width) const { return is_chroma(c) ? -((-width) >> log2_w) : width; }
  int height_of(int c, int height) const { return is_chroma(c) ? -((-height) >> log2_h) : height; }
};

std::span<const PixelFormat> pixel_formats();

/// nullptr when there is none.
const PixelFormat* find_format(int32_t id);
/// By FFmpeg's name; the yuvj names give the yuv formats. nullptr when there is none.
const PixelFormat* find_format(std::string_view name);

}  // namespace cdsr
