// A frame's luma, averaged to about 80 x 45: what the shot detector compares.
//
// All statistics are sums of integers and equal on every backend; only the last divisions are floating point.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/color/row_kernels.h"
#include "filter/format/frame.h"

namespace cdsr {

inline constexpr int kThumbnailWidth = 80;
inline constexpr int kThumbnailHeight = 45;
inline constexpr int kThumbnailCells = kThumbnailWidth * kThumbnailHeight;

/// Cells are on a scale of 16 bits: an 8-bit code c is 256 c, a 10-bit code 64 c.
struct Thumbnail {
  int width = 0, height = 0;
  uint16_t cell[kThumbnailCells] = {};

  int count() const { return width * height; }
};

/// What two thumbnails of the same size have in common.
struct Similarity {
  double zncc = 1;        ///< zero-mean normalized cross-correlation, -1..1; gain and offset do not change it
  double difference = 0;  ///< mean absolute difference in 8-bit codes, 0..255
};
Similarity compare(const Thumbnail& a, const Thumbnail& b);

/// Standard deviation in 8-bit codes.
double deviation(const Thumbnail& thumbnail);

/// Makes thumbnails of frames. Luma of RGB frames is (R + 2 G + B) / 4.
class Thumbnailer {
 public:
  explicit Thumbnailer(const RowKernels& kernels = row_kernels()) : kernels_(kernels) {}
  /// Allocates for frames of this width; make() then allocates nothing.
  void plan(int width);
  void make(const Frame& frame, Thumbnail& result);

 private:
  void accumulate(const Frame& frame, int component, int row);

  const RowKernels& kernels_;
  std::vector<uint32_t> sums_;     ///< of a cell's rows, for every column
  std::vector<uint16_t> columns_;  ///< packed and big-endian formats: a component's row, dense
};

}  // namespace cdsr
