#include "tools/train/shot_statistics.h"

#include <vector>

#include "model/torch/encoder.h"

namespace cdsr::train {

ShotStatistics gather_shots(int64_t windows, const std::function<Batch(int64_t)>& batches) {
  std::vector<torch::Tensor> rows, targets;
  for (int64_t i = 0, seen = 0; seen < windows; ++i) {
    const Batch batch = batches(i);
    const int64_t shots = batch.degradation.size(0);
    const torch::Tensor looked = batch.windows.defined() ? batch.windows : batch.lr.slice(0, 0, shots);
    rows.push_back(nn::statistics_of(looked).unflatten(0, {shots, looked.size(0) / shots}));
    targets.push_back(batch.degradation);
    seen += looked.size(0);
  }
  return {torch::cat(rows), torch::cat(targets)};
}

}  // namespace cdsr::train
