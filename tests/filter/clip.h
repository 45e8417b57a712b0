// Small synthetic clips of luma, in integers alone: the same on every machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/filter/frame_buffer.h"

namespace cdsr::test {

inline constexpr int kClipWidth = 160;
inline constexpr int kClipHeight = 90;

/// Triangle wave of period 256 and height 128.
inline int triangle(int t) { return std::abs((t & 255) - 128); }

/// 8-bit luma of a scene at a place: a few crossing waves and blocks, different for each scene.
inline int scene_luma(int scene, int x, int y) {
  const int a = triangle(x * (1 + scene % 5) + y * (scene % 3) + scene * 37);
  const int b = triangle(y * (2 + scene % 4) - x * (scene % 2) + scene * 91);
  const uint32_t block = (static_cast<uint32_t>(x >> 4) * 73856093U) ^
                         (static_cast<uint32_t>(y >> 4) * 19349663U) ^
                         (static_cast<uint32_t>(scene) * 83492791U);
  return std::clamp(30 + a / 2 + b / 2 + static_cast<int>(block >> 8 & 63), 0, 255);
}

/// One frame: scene, moved by dx, contrast and brightness changed.
struct Shown {
  int scene = 0;
  int dx = 0;
  int gain = 256;  ///< of 256
  int offset = 0;
};

inline void draw(FrameBuffer& frame, const Shown& shown) {
  const PixelFormat& format = frame.format();
  for (int y = 0; y < frame.height(); ++y) {
    for (int x = 0; x < frame.width(); ++x) {
      const int luma = scene_luma(shown.scene, x + shown.dx, y) * shown.gain / 256 + shown.offset;
      const int code = std::clamp(luma, 0, 255) << (format.bits - 8);
      frame.set(0, x, y, code);
      for (int c = 1; c < 3 && format.model == ColorModel::Rgb; ++c) frame.set(c, x, y, code);
    }
  }
}

}  // namespace cdsr::test
