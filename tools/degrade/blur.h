// Blur and subsampling of planar pictures, fast enough for training data. The same numbers as degrade.h's.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cdsr::degrade {

/// A 21 x 21 kernel cut to the rectangle of the taps that matter.
class TrimmedKernel {
 public:
  /// The rectangle holds every tap of at least 3e-4 of the largest; its taps sum to 1 again.
  explicit TrimmedKernel(std::span<const float> kernel);

  int first_row = 0, first_column = 0;  ///< of the rectangle in the 21 x 21 array
  int rows = 0, columns = 0;
  std::vector<float> taps;  ///< rows x columns
};

/// One plane of floats and where its rows are.
struct PlaneView {
  const float* data;
  ptrdiff_t stride;  ///< floats from one row to the next
};

/// Pixels of a row that are made at once.
inline constexpr int kBlock = 64;

/// out[y][x] = sum of taps[i][j] * in[scale y + i][scale x + j] over the 21 x 21 array: `in` begins 10 pixels
/// above and left of LR pixel (0, 0)'s HR position and has scale (height - 1) + 21 rows, columns likewise.
/// `out` is width x height, contiguous. Safe from many threads.
void blur_subsample(PlaneView in, const TrimmedKernel& kernel, int scale, int width, int height, float* out);

/// Gaussian blur in place, edges repeated, `sigma` pixels of standard deviation (0: nothing). The taps reach
/// 3 sigma. `plane` is width x height, contiguous. Safe from many threads.
void soften(std::span<float> plane, int width, int height, double sigma);

}  // namespace cdsr::degrade
