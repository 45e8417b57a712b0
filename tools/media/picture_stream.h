// Pictures on their way through an engine without a copy as floats: 8-bit rows in, rows out as they come.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "filter/color/frame_sink.h"
#include "model/config.h"
#include "model/picture_rows.h"
#include "tools/media/image_io.h"
#include "tools/media/resize.h"

namespace cdsr::tools {

/// R'G'B' or BT.601's luma of a picture, which must outlive the object.
class PictureSource final : public RowSource {
 public:
  PictureSource(const Picture& picture, Colour colour) : picture_(picture), colour_(colour) {}
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override;

 private:
  const Picture& picture_;
  Colour colour_;
};

/// Gets interleaved RGB on 0..255, not clamped: row `y` of the result. Called from several threads at once,
/// for different rows.
using TakeRow = std::function<void(int y, const std::vector<float>& rgb)>;

/// The super-resolved picture, row by row. Of a network of Colour::Luma with the interpolated colour of `lr`,
/// which must outlive the object. `done` may be empty.
class PictureSink final : public RowSink {
 public:
  PictureSink(const Picture& lr, int scale, Colour colour, TakeRow take, RowsDone done);
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override;

 private:
  const int width_, height_;
  const TakeRow take_;
  const RowsDone done_;
  std::optional<Enlarger> colour_;  ///< of a luma network
  std::mutex mutex_;
  int rows_done_ = 0;
};

}  // namespace cdsr::tools
