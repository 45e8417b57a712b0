#include "tools/train/degradation_target.h"

#include <cmath>

#include "tools/degrade/kernel.h"

namespace cdsr::train {
namespace {

double coarseness(degrade::Codec codec, double quality) {
  switch (codec) {
    case degrade::Codec::None:
      return 0;
    case degrade::Codec::Jpeg:
    case degrade::Codec::Mpeg2:
      return quality / 31;
    case degrade::Codec::H264:
    case degrade::Codec::Hevc:
      break;
  }
  return quality / 51;
}

}  // namespace

std::array<float, kDegradationTargets> degradation_target(std::span<const float> kernel, int scale,
                                                          const degrade::NoiseSpec& noise,
                                                          degrade::Codec codec, double quality) {
  constexpr int kSide = degrade::kKernelSide;
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < kSide; ++i)
    for (int j = 0; j < kSide; ++j) {
      const double w = kernel[static_cast<size_t>(i) * kSide + j];
      x += w * j;
      y += w * i;
      xx += w * j * j;
      yy += w * i * i;
      xy += w * i * j;
    }
  const double area = static_cast<double>(scale) * scale;
  const double deviation = std::sqrt(noise.gaussian * noise.gaussian + noise.shot * 128);
  return {static_cast<float>((xx - x * x) / area), static_cast<float>((yy - y * y) / area),
          static_cast<float>((xy - x * y) / area), static_cast<float>(deviation / 10),
          static_cast<float>(coarseness(codec, quality))};
}

}  // namespace cdsr::train
