// The super-resolution network on whole maps.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/network.h"
#include "model/reference/layers.h"

namespace cdsr::reference {

/// The dynamic filter of DQA `index` whose input is `in`: made from the input's mean or kept from the shot.
using FilterOf = std::function<std::vector<float>(int index, const FeatureMap& in)>;

/// lrelu(DQA(x)).
FeatureMap dqa_layer(const Dqa& dqa, std::span<const float> gate, std::span<const float> filter,
                     const FeatureMap& x);
FeatureMap dense_block(const DenseBlock& block, const FeatureMap& x);
FeatureMap tail_layer(const Conv& tail, int scale, Skip skip, const FeatureMap& features,
                      const FeatureMap& input);

/// The whole network; `y` is every block's conditioning vector, `stack_convs` for Body::Stack what
/// mixed_convs() gave.
FeatureMap super_resolve(const Network& network, const std::vector<std::vector<float>>& y,
                         const std::vector<Conv>& stack_convs, const FilterOf& filter_of,
                         const FeatureMap& input);

}  // namespace cdsr::reference
