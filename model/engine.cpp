#include "model/engine.h"

#include <algorithm>

#include "model/error.h"

namespace cdsr {

const char* to_string(Precision precision) {
  switch (precision) {
    case Precision::Auto:
      return "auto";
    case Precision::Fp32:
      return "fp32";
    case Precision::Bf16:
      return "bf16";
    case Precision::Fp16:
      return "fp16";
    case Precision::Fp8:
      return "fp8";
  }
  return "unknown";
}

Precision precision_from_string(std::string_view text) {
  for (Precision p : {Precision::Auto, Precision::Fp32, Precision::Bf16, Precision::Fp16, Precision::Fp8})
    if (text == to_string(p)) return p;
  fail(Errc::InvalidArgument, "precision is '{}', must be auto, fp32, bf16, fp16 or fp8", text);
}

Image::Image(int w, int h) : width(w), height(h) {
  for (auto& p : plane) p.assign(static_cast<size_t>(w) * h, 0.0F);
}

void ImageSource::read(int y, int rows, float* const dst[3], ptrdiff_t stride) const {
  for (int p = 0; p < 3; ++p)
    for (int r = 0; r < rows; ++r)
      std::copy_n(&image_.plane[p][static_cast<size_t>(y + r) * image_.width], image_.width,
                  dst[p] + r * stride);
}

void ImageSink::write(int y, int rows, const float* const src[3], ptrdiff_t stride) {
  for (int p = 0; p < 3; ++p)
    for (int r = 0; r < rows; ++r)
      std::copy_n(src[p] + r * stride, image_.width,
                  &image_.plane[p][static_cast<size_t>(y + r) * image_.width]);
}

}  // namespace cdsr
