// The dense blocks in fp8: their weights, scales and buffer. Everything else of the network stays fp16.
#pragma once

#include <memory>

#include "model/cuda/fp8_math.h"
#include "model/cuda/kernels.h"
#include "model/cuda/weights.h"

namespace cdsr::cuda {

/// Of one engine: the scales are those of its pictures. The context must be current.
class DenseFp8 {
 public:
  /// Throws Unsupported for a network without dense blocks, or whose channels are no multiples of 32.
  DenseFp8(const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network);

  /// Channels of a pixel in the buffer of block `i`, 0 <= i < 3 * blocks: input and growth side by side.
  int pitch() const { return pitch_; }

  /// Makes the buffer's first channels of an fp16 map; sets *not_held where the block needs a new scale.
  void quantize(int block, const __half* in, int64_t pixels, Fp8* buffer, int* not_held,
                cudaStream_t stream) const;
  /// Layer 0..3 of a block, from the buffer into it; layer 4 but for its output and its residuals.
  ConvArgs<Fp8> layer(int block, int layer, int width, int height, Fp8* buffer) const;
  const ConvWeights<Fp8>& weights(int block, int layer) const { return weights_->blocks[block][layer]; }

  /// Where the largest absolute value in a block's buffer is to be raised to, of a picture in fp32.
  float* most(int block) const { return scales_.most + block; }
  /// Scales from what was measured since the last call.
  void take_scales(cudaStream_t stream) const { launch_scales(scales_, stream); }
  /// Every scale 1, or not known: the next picture is redone in fp32 then, and measured.
  void set_scales(bool known, cudaStream_t stream) const;

 private:
  std::shared_ptr<const DenseWeightsFp8> weights_;
  int channels_, growth_, pitch_;
  DeviceBuffer memory_;
  Fp8Scales scales_;
};

}  // namespace cdsr::cuda
