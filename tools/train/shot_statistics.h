// What an encoder of LpeInput::Statistics sees of many shots, beside how each was degraded.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>

#include "tools/train/batch.h"

namespace cdsr::train {

struct ShotStatistics {
  torch::Tensor statistics;   ///< N x windows x kWindowStatistics
  torch::Tensor degradation;  ///< N x kDegradationTargets
};

/// From as many batches as have `windows` windows; `batches(i)` gives batch i.
ShotStatistics gather_shots(int64_t windows, const std::function<Batch(int64_t)>& batches);

}  // namespace cdsr::train
