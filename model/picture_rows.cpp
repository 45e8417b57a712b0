#include "model/picture_rows.h"

#include <algorithm>

namespace cdsr {

Image::Image(int w, int h) : width(w), height(h) {
  for (auto& p : plane) p.assign(static_cast<size_t>(w) * h, 0.0F);
}

void ImageSource::read(int y, int rows, float* const dst[3], ptrdiff_t stride) const {
  for (int p = 0; p < 3 && dst[p] != nullptr; ++p)
    for (int r = 0; r < rows; ++r)
      std::copy_n(&image_.plane[p][static_cast<size_t>(y + r) * image_.width], image_.width,
                  dst[p] + r * stride);
}

void ImageSink::write(int y, int rows, const float* const src[3], ptrdiff_t stride) {
  for (int p = 0; p < 3 && src[p] != nullptr; ++p)
    for (int r = 0; r < rows; ++r)
      std::copy_n(src[p] + r * stride, image_.width,
                  &image_.plane[p][static_cast<size_t>(y + r) * image_.width]);
}

}  // namespace cdsr
