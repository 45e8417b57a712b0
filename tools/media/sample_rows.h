// A decoded picture of any pixel format, row by row, as grey or R'G'B', with its alpha.
#pragma once

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <cstdint>
#include <string>
#include <vector>

#include "tools/media/av.h"

namespace cdsr::tools {

/// Own code and not swscale: exact for RGB, grey and palettes of any depth, and the same bits with every
/// FFmpeg version. YUV is converted by the frame's matrix and range (JFIF's where it says nothing), chroma
/// interpolated linearly, between luma samples.
class SampleRows {
 public:
  /// Values will be on 0..max, at most 65535. The frame must outlive the object. Throws Unsupported, naming
  /// the format, for floating-point, XYZ, Bayer and hardware formats. `name` is for messages.
  SampleRows(const AVFrame& frame, const std::string& name, unsigned max);

  int colours() const { return colours_; }  ///< 1 (grey) or 3
  bool has_alpha() const { return alpha_; }
  int channels() const { return colours_ + (alpha_ ? 1 : 0); }
  /// Bits of the deepest component.
  int depth() const;

  /// channels() values for each pixel of row y, alpha last.
  void read(int y, std::vector<uint16_t>& out);

 private:
  enum class Kind { Palette, Components, Yuv };
  struct Tap {
    int low, high;
    double weight;  ///< of `high`
  };
  static Tap tap(int position, int shift, int size);

  /// Values 0 .. 2^depth - 1 of `width` samples of component c in its own row y.
  const std::vector<uint16_t>& line(int c, int y, int width);
  void read_palette(int y, uint16_t* out) const;
  /// Component c, as it is, to place `to` of every pixel.
  void copy(int c, int to, int y, uint16_t* out);
  void read_yuv(int y, uint16_t* out);
  uint16_t scaled(unsigned value, unsigned from) const {
    return static_cast<uint16_t>((uint64_t{value} * max_ + from / 2) / from);
  }

  const AVFrame& frame_;
  const AVPixFmtDescriptor* desc_;
  const unsigned max_;
  Kind kind_ = Kind::Components;
  int colours_ = 3;
  bool alpha_ = false;
  std::vector<Tap> across_;
  std::vector<uint16_t> line_;
  std::vector<double> mixed_[2];  ///< Cb and Cr of a luma row
};

}  // namespace cdsr::tools
