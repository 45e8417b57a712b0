// Initialization of the vector layers between a picture's features and the dynamic filters.
#pragma once

#include <torch/torch.h>

#include <cmath>

namespace cdsr::nn {

/// Normal weights that keep the variance of what a LeakyReLU or PReLU of this slope gave, zero bias.
/// LibTorch's default shrinks it threefold a layer: after the ten layers from the LPE to a block's
/// conditioning vector nothing of the embedding's variation is left, and a network that is trained for hours
/// instead of the paper's 484,000 iterations never comes to use it (model/README.md, Training). For
/// Body::Plain; the paper's networks start as the paper's code.
inline void keep_variance(torch::nn::Linear layer, double slope) {
  torch::NoGradGuard no_grad;
  const double gain = std::sqrt(2.0 / (1.0 + slope * slope));
  layer->weight.normal_(0.0, gain / std::sqrt(static_cast<double>(layer->weight.size(1))));
  layer->bias.zero_();
}

}  // namespace cdsr::nn
