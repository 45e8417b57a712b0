// A stretch of columns of a FrameSource, with the scratch rows its chroma filter needs. Lives on the stack.
#pragma once

#include "filter/color/frame_source.h"
#include "filter/color/row_resampler.h"

namespace cdsr {

class FrameSource::Tile {
 public:
  /// 0 <= x, x + n <= width, 1 <= n <= kMaxColumns.
  Tile(const FrameSource& source, int x, int n)
      : source_(source),
        x_(x),
        n_(n),
        chroma_(source.kernels_, source.across_, source.down_,
                source.frame_.format->height_of(1, source.frame_.height), x, n, LoadChroma{&source}) {}

  void row(int y, float* const dst[3]);

 private:
  struct LoadChroma {
    const FrameSource* source;
    void operator()(int row, int x, int n, float* const dst[2]) const {
      source->load(1, row, x, n, /*codes=*/false, dst[0]);
      source->load(2, row, x, n, /*codes=*/false, dst[1]);
    }
  };

  const FrameSource& source_;
  int x_, n_;
  RowResampler<2, LoadChroma> chroma_;
};

}  // namespace cdsr
