// One training batch: two crops of each of B photographs under one degradation (paper section 4.1).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "tools/degrade/kernel.h"
#include "tools/image_io.h"

namespace cdsr::train {

struct BatchOptions {
  int scale = 2;
  int batch = 32;  ///< images a step
  int patch = 48;  ///< side of a low-resolution crop
  degrade::Alignment alignment = degrade::Alignment::Aligned;
  double noise = 0;          ///< highest standard deviation of the Gaussian noise, on 0..255
  double noise_share = 0.8;  ///< share of the images that get noise
  uint64_t seed = 1;
};

/// Float pictures in [0,1]. Rows 0 .. B-1 hold crop 0 (query), rows B .. 2B-1 crop 1 (key) of the same
/// images.
struct Batch {
  torch::Tensor lr;  ///< 2B x 3 x patch x patch, rounded to 8 bit
  torch::Tensor hr;  ///< 2B x 3 x scale * patch x scale * patch
};

/// The batch of a step: a pure function of (options, photos, step), whatever thread or order it is made in.
Batch make_batch(const std::vector<tools::Picture>& photos, const BatchOptions& options, int64_t step);

/// Blurs and subsamples on the tensor's device: hr is N x 3 x (s p + 20) x (s p + 20) on 0..255 with a margin
/// of 10 pixels, kernels N x 21 x 21; the result N x 3 x p x p on 0..255, neither clamped nor rounded.
torch::Tensor blur_subsample(const torch::Tensor& hr, const torch::Tensor& kernels, int scale);

}  // namespace cdsr::train
