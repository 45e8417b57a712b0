// What an encoder of LpeInput::Normalized sees in place of R'G'B': the same rule for every backend.
//
//   x' = 0.3 (x - m) / sqrt(g + 2e-5)
//
// m is the mean over the window's channels, g the mean square of its horizontal differences plus that
// of its vertical ones. How much contrast a picture has says nothing about its blur and drowns what does: the
// ratio of fine to coarse detail. 2e-5 is about one 8-bit code value squared: a flat window stays flat.
#pragma once

#include <cmath>
#include <cstddef>

namespace cdsr {

inline constexpr double kNormalizedContrast = 0.3;
inline constexpr double kNormalizedFloor = 2e-5;

/// A window's channels in any order in memory; strides in floats. Sides are at least 1.
struct WindowView {
  float* data = nullptr;
  ptrdiff_t channel = 0, row = 0, column = 0;
  int width = 0, height = 0, channels = 3;

  float& at(int c, int y, int x) const { return data[c * channel + y * row + x * column]; }
};

/// Normalizes a window in place. Sums in double, in one order, whatever the layout.
inline void normalize_window(const WindowView& w) {
  double sum = 0, across = 0, down = 0;
  for (int c = 0; c < w.channels; ++c)
    for (int y = 0; y < w.height; ++y)
      for (int x = 0; x < w.width; ++x) {
        const double value = w.at(c, y, x);
        sum += value;
        if (x > 0) across += (value - w.at(c, y, x - 1)) * (value - w.at(c, y, x - 1));
        if (y > 0) down += (value - w.at(c, y - 1, x)) * (value - w.at(c, y - 1, x));
      }
  const double channels = w.channels;
  const double mean = sum / (channels * w.width * w.height);
  if (w.width > 1) across /= channels * (w.width - 1) * w.height;
  if (w.height > 1) down /= channels * w.width * (w.height - 1);
  const double gain = kNormalizedContrast / std::sqrt(across + down + kNormalizedFloor);
  for (int c = 0; c < w.channels; ++c)
    for (int y = 0; y < w.height; ++y)
      for (int x = 0; x < w.width; ++x) w.at(c, y, x) = static_cast<float>((w.at(c, y, x) - mean) * gain);
}

}  // namespace cdsr
