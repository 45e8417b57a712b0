// LPE: the encoder's two convolutional branches, pooled.
#pragma once

#include <vector>

#include "model/network.h"
#include "model/reference/layers.h"

namespace cdsr::reference {

/// Means of the pixel-wise and the patch-wise branch over the windows of model/encoder_windows.h, one after
/// the other (2 d values). Without a whole patch in a window the patch-wise half is zero.
std::vector<float> pooled_features(const Network& network, const FeatureMap& frame);

}  // namespace cdsr::reference
