#include "tools/media/picture_stream.h"

#include <utility>

#include "tools/media/luma.h"

namespace cdsr::tools {

void PictureSource::read(int y, int rows, float* const dst[3], ptrdiff_t stride) const {
  for (int r = 0; r < rows; ++r) {
    const uint8_t* const rgb = picture_.rgb.data() + 3 * (static_cast<size_t>(y) + r) * picture_.width;
    if (colour_ == Colour::Luma) {
      for (int x = 0; x < picture_.width; ++x) dst[0][r * stride + x] = luma_of(rgb + ptrdiff_t{3} * x);
      continue;
    }
    for (int c = 0; c < 3; ++c)
      for (int x = 0; x < picture_.width; ++x)
        dst[c][r * stride + x] = static_cast<float>(rgb[ptrdiff_t{3} * x + c]) / 255.0F;
  }
}

PictureSink::PictureSink(const Picture& lr, int scale, Colour colour, TakeRow take, RowsDone done)
    : width_(lr.width * scale), height_(lr.height * scale), take_(std::move(take)), done_(std::move(done)) {
  if (colour == Colour::Luma) colour_.emplace(lr, scale, Filter::Bicubic, (scale - 1) / 2.0);
}

void PictureSink::write(int y, int rows, const float* const src[3], ptrdiff_t stride) {
  std::vector<float> interpolated, rgb(3 * static_cast<size_t>(width_));
  if (colour_) interpolated = colour_->rows(y, rows);
  for (int r = 0; r < rows; ++r) {
    if (colour_) {
      rgb.assign(interpolated.begin() + static_cast<ptrdiff_t>(rgb.size()) * r,
                 interpolated.begin() + static_cast<ptrdiff_t>(rgb.size()) * (r + 1));
      set_luma(rgb, src[0] + r * stride);
    } else {
      for (int c = 0; c < 3; ++c)
        for (int x = 0; x < width_; ++x)
          rgb[3 * static_cast<size_t>(x) + c] = 255.0F * src[c][r * stride + x];
    }
    take_(y + r, rgb);
  }
  if (!done_) return;
  const std::lock_guard lock(mutex_);
  done_(rows_done_ += rows, height_);
}

}  // namespace cdsr::tools
