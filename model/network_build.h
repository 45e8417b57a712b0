// The step that file and random networks share. Not for backends: they take a Network (network.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/network.h"

namespace cdsr {

/// Folds batch-norms and keys and sorts the values into a Network. `values` holds every tensor of
/// tensor_list(config) but the training ones, of the right size and finite; `file` is for messages, `ranges`
/// may be empty. Throws BadWeights for a negative variance and for values that overflow when folded.
std::shared_ptr<const Network> build_network(const CdsrConfig& config,
                                             std::map<std::string, std::vector<float>> values,
                                             std::string file, FeatureRanges ranges = {});

}  // namespace cdsr
