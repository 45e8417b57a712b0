// Initialization of the vector layers between the embedding and a block's conditioning.
#pragma once

#include <torch/torch.h>

#include <cmath>

namespace cdsr::nn {

/// Normal weights that keep the variance of what a LeakyReLU or PReLU of this slope gave, zero bias.
/// LibTorch's default gives a third of it a layer, and six layers lie between E_a and y: little of the
/// embedding's variation arrives. For Body::Plain; the paper's networks start as the paper's code does.
inline void keep_variance(torch::nn::Linear layer, double slope) {
  torch::NoGradGuard no_grad;
  const double gain = std::sqrt(2.0 / (1.0 + slope * slope));
  layer->weight.normal_(0.0, gain / std::sqrt(static_cast<double>(layer->weight.size(1))));
  layer->bias.zero_();
}

}  // namespace cdsr::nn
