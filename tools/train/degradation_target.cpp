#include "tools/train/degradation_target.h"

#include <cmath>

#include "tools/degrade/kernel.h"

namespace cdsr::train {

std::array<float, kDegradationTargets> degradation_target(const degrade::VideoSpec& spec, double softness,
                                                          int scale, double mse, double qp) {
  constexpr int kSide = degrade::kKernelSide;
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < kSide; ++i)
    for (int j = 0; j < kSide; ++j) {
      const double w = spec.kernel[static_cast<size_t>(i) * kSide + j];
      x += w * j;
      y += w * i;
      xx += w * j * j;
      yy += w * i * i;
      xy += w * i * j;
    }
  const double area = static_cast<double>(scale) * scale, soft = softness * softness;
  xx = (xx - x * x + soft) / area;
  yy = (yy - y * y + soft) / area;
  xy = (xy - x * y) / area;
  const double trace = std::max(0.0, xx + yy);  // bicubic's negative taps can bring it below
  const double noise = std::sqrt(spec.noise.gaussian * spec.noise.gaussian + spec.noise.shot * 128);
  std::array<float, kDegradationTargets> t = {static_cast<float>(std::log(trace + 0.1)),
                                              static_cast<float>((xx - yy) / (trace + 0.2)),
                                              static_cast<float>(2 * xy / (trace + 0.2)),
                                              static_cast<float>(spec.sharpen),
                                              static_cast<float>(std::log2(0.5 + noise)),
                                              static_cast<float>(std::log2(0.1 + mse)),
                                              static_cast<float>(qp / 10)};
  t[kMeasuredTargets + static_cast<size_t>(spec.codec)] = 1;
  return t;
}

}  // namespace cdsr::train
