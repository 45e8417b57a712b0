// A degradation in five numbers: what a guided encoder (guide.h) learns to predict.
#pragma once

#include <array>
#include <span>

#include "tools/degrade/codec.h"
#include "tools/degrade/noise.h"

namespace cdsr::train {

inline constexpr int kDegradationTargets = 5;

/// Covariance of the blur in square LR pixels (xx, yy, xy); standard deviation of the noise at mid-grey, in
/// tens of code values; how coarsely it was coded, 0 (not at all) to about 1 (quantizer scale 31, CRF 51).
/// `kernel` is 21 x 21 with sum 1.
std::array<float, kDegradationTargets> degradation_target(std::span<const float> kernel, int scale,
                                                          const degrade::NoiseSpec& noise,
                                                          degrade::Codec codec = degrade::Codec::None,
                                                          double quality = 0);

}  // namespace cdsr::train
