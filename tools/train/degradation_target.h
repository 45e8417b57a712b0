// A degradation in numbers that can be seen in the picture: what a guided encoder (guide.h) learns to
// predict.
#pragma once

#include <array>
#include <span>

#include "model/degradation_reader.h"
#include "tools/degrade/video.h"

namespace cdsr::train {

/// Blur (4), noise, error of coding, quantizer, then one for each codec, none included.
inline constexpr int kMeasuredTargets = kReadValues;
inline constexpr int kDegradationTargets = kMeasuredTargets + degrade::kCodecs;

/// 0..2: blur. With (xx, yy, xy) the covariance in square LR pixels, the original's softness of `softness` HR
/// pixels included:
///       log(xx + yy + 0.1), (xx - yy) / (xx + yy + 0.2), 2 xy / (xx + yy + 0.2);
/// 3: how much it was sharpened; 4: log2(0.5 + the noise's standard deviation at mid-grey, in 8-bit codes);
/// 5: log2(0.1 + mse) of coding; 6: qp / 10, 0 for what is not coded; from 7: 1 for the codec it is.
/// DegradationReader::read() is the way back. Each can be told from the picture: the mean QP and the error
/// are of the frames shown, where a CRF is not.
std::array<float, kDegradationTargets> degradation_target(const degrade::VideoSpec& spec, double softness,
                                                          int scale, double mse, double qp);

}  // namespace cdsr::train
