// The encoder (LPE): its convolutions on the GPU, in fp32, or the windows' statistics on the processor, once
// a shot.
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

  /// Features of the picture's windows, as Csc takes them. Waits for the stream; valid until the next call.
  std::span<const float> run(const Planes& picture, Stream& stream);

 private:
  bool convolves() const { return network_.config.lpe_input != LpeInput::Statistics; }
  int windows() const { return static_cast<int>(windows_.size()); }
  /// Queues both branches on the windows in picture_; leaves [pixel-wise, patch-wise][window][d] in means_.
  void convolve(cudaStream_t stream);
  void count_statistics();
  /// Layers from `layers` on the windows in picture_; the means go to `out`, [window][d].
  void branch(const Conv* convs, const VectorWeights::OfLayer* layers, int count, float* out,
              cudaStream_t stream);

  std::shared_ptr<const VectorWeights> weights_;
  const Network& network_;
  std::vector<EncoderWindow> windows_;
  DeviceBuffer maps_[2], means_;
  DeviceBuffer picture_;  ///< windows
  PinnedBuffer host_;     ///< of the means, or of the windows
  WindowStatistics statistics_;
  std::vector<float> features_;
};

}  // namespace cdsr::cuda
