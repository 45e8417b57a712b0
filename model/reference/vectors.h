// What is computed on vectors, in double: the specification of model/vectors.h.
#pragma once

#include <span>
#include <vector>

#include "model/network.h"

namespace cdsr::reference {

/// The embedding E_a of the features of a frame's windows (encoder.h): CSC. The mean over the windows is
/// taken before the MLP, for LpeInput::Statistics after it and a LeakyReLU.
std::vector<float> embedding(const Network& network, const std::vector<std::vector<float>>& windows);

/// y of every block from E_a: compress, then the block's modulation.
std::vector<std::vector<float>> conditioning(const Network& network, std::span<const float> embedding);

/// The convolutions of a Body::Stack network with the weights that E_a and the sharpness choose, in the order
/// of stack_convs().
std::vector<Conv> mixed_convs(const Network& network, std::span<const float> embedding, float sharpness);

/// Channel gate s of a DQA from y.
std::vector<float> gate(const Dqa& dqa, std::span<const float> y);

/// Dynamic depthwise filter K (nf x 9) of a DQA from y and the mean of its input.
std::vector<float> dynamic_filter(const Dqa& dqa, std::span<const float> y, std::span<const float> mean);

}  // namespace cdsr::reference
