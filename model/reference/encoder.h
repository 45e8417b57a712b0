// LPE: the encoder's two convolutional branches, pooled.
#pragma once

#include <vector>

#include "model/network.h"
#include "model/reference/layers.h"

namespace cdsr::reference {

/// Of each of the windows of model/encoder_windows.h config.features() values: the means of the pixel-wise
/// and the patch-wise branch over it, or its statistics. Without a whole patch in a window the patch-wise
/// half is zero.
std::vector<std::vector<float>> window_features(const Network& network, const FeatureMap& frame);

}  // namespace cdsr::reference
