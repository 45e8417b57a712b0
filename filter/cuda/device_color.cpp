#include "filter/cuda/device_color.h"

#include <algorithm>

namespace cdsr {

DeviceFrame device_frame(const Frame& frame) {
  const PixelFormat& format = *frame.format;
  DeviceFrame f;
  std::copy_n(frame.plane, 4, f.plane);
  std::copy_n(frame.stride, 4, f.stride);
  f.width = frame.width;
  f.height = frame.height;
  f.model = format.model;
  f.bits = format.bits;
  f.bytes = format.bytes;
  f.log2_w = format.log2_w;
  f.log2_h = format.log2_h;
  f.colours = format.colours;
  f.alpha_bits = format.alpha_bits;
  f.big_endian = format.big_endian;
  f.pads_luma = format.pads_luma();
  std::copy_n(format.component, 4, f.component);
  f.matrix = frame.color.coefficients;
  f.luma = frame.color.luma;
  f.chroma = frame.color.chroma;
  f.alpha = frame.color.alpha;
  // Luma column x lies between chroma columns at (x - site) / 2.
  f.across = make_taps(1 << format.log2_w, -frame.color.chroma_x / 2);
  f.down = make_taps(1 << format.log2_h, -frame.color.chroma_y / 2);
  return f;
}

DeviceOutput device_output(const Frame& out, int scale, const FrameSink::Settings& settings) {
  const PixelFormat& format = *out.format;
  DeviceOutput o;
  o.frame = device_frame(out);
  o.scale = scale;
  o.strength = settings.strength;
  o.bicubic_chroma = settings.bicubic_chroma;
  o.picture = make_taps(scale, picture_offset(scale, 1, 0));
  o.chroma_picture_x = make_taps(scale, picture_offset(scale, 1 << format.log2_w, out.color.chroma_x));
  o.chroma_picture_y = make_taps(scale, picture_offset(scale, 1 << format.log2_h, out.color.chroma_y));
  o.halve_x = Halver::make(out.color.chroma_x);
  o.halve_y = Halver::make(out.color.chroma_y);
  return o;
}

}  // namespace cdsr
