// The table of pixel formats: where each component lies in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cdsr {

enum class ColorModel { Gray, Yuv, Rgb };

/// Where a component's samples lie: in words of PixelFormat::bytes, of which offset and step count. A sample
/// is word >> shift, as many bits as the component has.
struct Component {
  int plane, offset, step, shift;
};

/// A pixel format of cdsr.h. Components are Y, Cb, Cr for Yuv, R, G, B for Rgb, Y for Gray; alpha, or what
/// fills its place, is always component 3.
struct PixelFormat {
  int32_t id;        ///< cdsr_format
  const char* name;  ///< FFmpeg's
  ColorModel model;
  int bits;    ///< 8..16
  int bytes;   ///< of a word: 1, 2, or 4, which then holds a sample of every component
  int log2_w;  ///< chroma is this many halvings narrower and lower than luma
  int log2_h;
  int colours;     ///< components but alpha: 1 or 3
  int alpha_bits;  ///< 0: no alpha
  int planes;
  Component component[4];
  bool big_endian;  ///< words of more than a byte

  bool has(int c) const { return c == 3 ? alpha_bits > 0 : c < colours; }
  int bits_of(int c) const { return c == 3 ? alpha_bits : bits; }
  int max_code(int c) const { return (1 << bits_of(c)) - 1; }
  bool is_chroma(int c) const { return model == ColorModel::Yuv && (c == 1 || c == 2); }
  /// Size of component c of a picture `width` wide; chroma is rounded up.
  int width_of(int c, int width) const { return is_chroma(c) ? -((-width) >> log2_w) : width; }
  int height_of(int c, int height) const { return is_chroma(c) ? -((-height) >> log2_h) : height; }
  /// Luma and halved chroma share a plane: rows of an odd width end with a luma sample that no pixel has.
  bool pads_luma() const { return log2_w > 0 && component[0].plane == component[1].plane; }
};

/// What a plane of a picture holds: bytes of a row, without padding, and rows.
struct PlaneSize {
  size_t row_bytes = 0;
  int rows = 0;
};
PlaneSize plane_size(const PixelFormat& format, int plane, int width, int height);

std::span<const PixelFormat> pixel_formats();

/// nullptr when there is none.
const PixelFormat* find_format(int32_t id);
/// By FFmpeg's name; names that differ in range (yuvj420p) or in what fills the place of alpha (rgb0) give
/// the format of the same layout. nullptr when there is none.
const PixelFormat* find_format(std::string_view name);

}  // namespace cdsr
