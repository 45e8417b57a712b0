#include "tools/media/luma.h"

#include <array>

#include "tools/media/resize.h"

namespace cdsr::tools {
namespace {

constexpr std::array<float, 3> kLuma = {0.299F, 0.587F, 0.114F};

}  // namespace

float luma_of(const uint8_t rgb[3]) {
  float luma = 0;
  for (size_t c = 0; c < 3; ++c) luma += kLuma[c] * static_cast<float>(rgb[c]) / 255.0F;
  return luma;
}

std::vector<float> luma_plane(const Picture& p) {
  std::vector<float> out(static_cast<size_t>(p.width) * p.height);
  for (size_t i = 0; i < out.size(); ++i) out[i] = luma_of(&p.rgb[3 * i]);
  return out;
}

std::vector<float> with_luma(const Picture& lr, int scale, std::span<const float> luma) {
  std::vector<float> rgb = enlarge(lr, scale, Filter::Bicubic, (scale - 1) / 2.0);
  set_luma(rgb, luma.data());
  return rgb;
}

void set_luma(std::span<float> rgb, const float* luma) {
  for (size_t i = 0; i < rgb.size() / 3; ++i) {
    float* const pixel = &rgb[3 * i];
    const float change = 255.0F * luma[i] - (kLuma[0] * pixel[0] + kLuma[1] * pixel[1] + kLuma[2] * pixel[2]);
    for (size_t c = 0; c < 3; ++c) pixel[c] += change;
  }
}

}  // namespace cdsr::tools
