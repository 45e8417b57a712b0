// The encoder's convolutions (LPE) on the GPU, in fp32: once a shot.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/cuda/kernels.h"
#include "model/cuda/weights.h"
#include "model/encoder_windows.h"

namespace cdsr::cuda {

class EncoderRunner {
 public:
  EncoderRunner(std::shared_ptr<const VectorWeights> weights, const Network& network);

  /// For frames of this size. The context must be current, here and below.
  void plan(int width, int height);
  size_t bytes() const { return maps_[0].bytes() + maps_[1].bytes() + means_.bytes(); }

  /// Queues everything; the pooled features of each window are in means() then.
  void run(const Planes& picture, cudaStream_t stream);
  /// [pixel-wise, patch-wise][window][d], device memory.
  const float* means() const { return means_.as<float>(); }
  int windows() const { return static_cast<int>(windows_.size()); }
  size_t features() const { return 2 * static_cast<size_t>(network_.config.embedding()); }

 private:
  /// Layers from `layers` on the windows in maps_[2]; the means go to `out`, [window][d].
  void branch(const Conv* convs, const VectorWeights::OfLayer* layers, int count, float* out,
              cudaStream_t stream);

  std::shared_ptr<const VectorWeights> weights_;
  const Network& network_;
  std::vector<EncoderWindow> windows_;
  DeviceBuffer maps_[2], picture_, means_;
};

}  // namespace cdsr::cuda
