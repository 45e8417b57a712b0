// An input frame as the rows that the engine reads: R'G'B', or for a luma network Y'.
#pragma once

#include <atomic>
#include <cstdint>

#include "filter/color/resample.h"
#include "filter/color/row_kernels.h"
#include "filter/format/frame.h"
#include "model/windows.h"

namespace cdsr {

class FrameSource final : public WindowSource {
 public:
  explicit FrameSource(const RowKernels& kernels = row_kernels()) : kernels_(kernels) {}

  /// Looks at `frame`, whose planes must stay valid, from now on. Allocates nothing. With Colour::Luma read()
  /// gives Y' alone: a luma plane's own codes, super-whites and sub-blacks too, or what the frame's matrix
  /// makes of R'G'B'.
  void bind(const Frame& frame, Colour colour = Colour::Rgb);
  const Frame& frame() const { return frame_; }

  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override;

  void read_columns(int y, int rows, int x, int n, float* const dst[3], ptrdiff_t stride) const override;

  void read_luma(int y, int rows, int x, int n, float* dst, ptrdiff_t stride) const;

  /// Rows of R'G'B' for columns [x, x + n), n <= kMaxColumns; cheapest when asked for in ascending order.
  /// dst[p] is filled from its first element.
  class Tile;

  /// Columns [x, x + n) of one component's row as floats; columns outside the picture repeat its edge.
  /// `codes`: plain code values, else nominal units.
  void load(int component, int row, int x, int n, bool codes, float* dst) const;

  /// Time spent in read() since the last call, all threads together, nanoseconds.
  int64_t take_time() const { return nanoseconds_.exchange(0, std::memory_order_relaxed); }

 private:
  const RowKernels& kernels_;
  Frame frame_;
  Colour colour_ = Colour::Rgb;
  BicubicTaps across_, down_;  ///< chroma to luma size
  mutable std::atomic<int64_t> nanoseconds_{0};
};

/// How component c of a frame lies in memory; `codes` leaves the values as they are, cut to the depth alone.
CodeLayout code_layout(const Frame& frame, int c, bool codes);

}  // namespace cdsr
