// R'G'B' to 8-bit YUV 4:2:0 and back, as video files and JPEG have it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cdsr::degrade {

enum class YuvKind {
  Video,  ///< BT.709, limited range, chroma sited left: H.264, HEVC, MPEG-2
  Jpeg,   ///< BT.601, full range, chroma sited in the centre: JFIF
};

struct Yuv420 {
  int width = 0, height = 0;      ///< even
  std::vector<uint8_t> plane[3];  ///< Y, U, V without padding; U and V are width / 2 x height / 2

  Yuv420() = default;
  Yuv420(int w, int h);
};

/// From three planes of width x height floats on 0..255 (clamped). An odd size is made even by repeating the
/// last column and row.
Yuv420 to_yuv420(std::span<const float> planes, int width, int height, YuvKind kind);

/// The upper left width x height as three planes on 0..255, neither clamped nor rounded; chroma interpolated
/// linearly.
void from_yuv420(const Yuv420& yuv, YuvKind kind, int width, int height, std::span<float> planes);

}  // namespace cdsr::degrade
