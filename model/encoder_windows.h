// Which parts of a frame the encoder (LPE) looks at: the same rule for every backend.
//
// The paper's encoder costs 0.46 M multiply-accumulates a pixel, more than ten times all of cdsr-rt, and was
// trained on 48x48 patches. So a frame of at most kEncoderWindows patches' worth of pixels is looked at
// whole, and a larger one in up to kEncoderWindows windows of 48x48 spread evenly over it, first and last at
// its edges: bounded cost at a cut. The pooled features are averaged over the windows before the CSC: the
// pools are means themselves. An encoder of LpeInput::Statistics always looks at windows, at places on the
// codecs' grid of blocks; the mean is taken after the CSC's MLP.
#pragma once

#include <algorithm>
#include <vector>

#include "model/config.h"

namespace cdsr {

inline constexpr int kEncoderWindow = 48;   ///< side, low-resolution pixels
inline constexpr int kEncoderWindows = 16;  ///< at most, 4 x 4 on a frame of at least 145 x 145
inline constexpr int kBlockGrid = 8;        ///< of JPEG, MPEG-2 and, where it shows, H.264
inline constexpr int kEncoderWholePixels = kEncoderWindows * kEncoderWindow * kEncoderWindow;

struct EncoderWindow {
  int x = 0, y = 0, width = 0, height = 0;
};

/// The windows of a frame, row by row; all have the same size. Sides are at least 1.
inline std::vector<EncoderWindow> encoder_windows(const CdsrConfig& config, int width, int height) {
  const bool statistics = config.lpe_input == LpeInput::Statistics;
  if (!statistics && static_cast<long long>(width) * height <= kEncoderWholePixels)
    return {{0, 0, width, height}};
  const auto fit = [](int side) { return (side + kEncoderWindow - 1) / kEncoderWindow; };
  int down = std::min(4, fit(height));
  const int across = std::min(kEncoderWindows / down, fit(width));
  down = std::min(kEncoderWindows / across, fit(height));
  const int w = std::min(width, kEncoderWindow), h = std::min(height, kEncoderWindow);
  const int grid = statistics ? kBlockGrid : 1;
  const auto place = [grid](int i, int count, int space) {
    const int at = count > 1 ? i * space / (count - 1) : space / 2;
    return at - at % grid;
  };
  std::vector<EncoderWindow> windows;
  for (int j = 0; j < down; ++j)
    for (int i = 0; i < across; ++i)
      windows.push_back({place(i, across, width - w), place(j, down, height - h), w, h});
  return windows;
}

}  // namespace cdsr
