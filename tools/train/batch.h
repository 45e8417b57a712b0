// One training batch: two crops of each of B photographs under one degradation (paper section 4.1), or B
// shots.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "tools/degrade/kernel.h"
#include "tools/degrade/video.h"
#include "tools/media/image_io.h"
#include "tools/media/rng.h"
#include "tools/train/stopwatch.h"

namespace cdsr::train {

enum class Degradation {
  Aligned,  ///< anisotropic Gaussian blur, subsampling, noise; pixels where upscalers put them
  Paper,    ///< the same with the published code's shift
  Video,    ///< degrade/video.h: clips, resized, noisy and really encoded (shot_sample.h)
};

const char* to_string(Degradation degradation);
/// Throws InvalidArgument for another name.
Degradation degradation_from_string(std::string_view text);
/// Where the kernels of the evaluation lie for a network trained so.
degrade::Alignment alignment(Degradation degradation);

/// What the two crops of an image, MoCo's query and key, have in common (the paper's Table 1).
enum class Positive {
  Both,         ///< image and degradation ("C&D"): what CDSR and DASR train with
  Degradation,  ///< "D": the key is cut from another image
  Content,      ///< "C": the key is degraded otherwise
};

/// "both", "degradation" or "content"; throws InvalidArgument otherwise.
Positive positive_from_string(std::string_view text);

struct BatchOptions {
  int scale = 2;
  Colour colour = Colour::Rgb;
  int batch = 32;             ///< images a step; shots for Video
  int part = 0;               ///< of them, which part is made here: of a training in several processes
  int parts = 1;              ///< equal parts, by image; `batch` is a multiple of it
  int patch = 48;             ///< side of a low-resolution crop
  int crops = 8;              ///< crops of a shot; for Video
  int windows = 8, keys = 4;  ///< windows of a shot that make its embedding, and its key for MoCo; for Video
  Degradation degradation = Degradation::Aligned;
  double noise = 0;          ///< highest standard deviation of the Gaussian noise, on 0..255; not for Video
  double noise_share = 0.8;  ///< share of the images that get noise; not for Video
  degrade::VideoOptions video;         ///< for Video alone
  Positive positive = Positive::Both;  ///< not for Video
  torch::Device device = torch::kCPU;  ///< of the batch; what is no codec's is degraded there
  uint64_t seed = 1;
};

/// Float pictures in [0,1], of the part's B = batch / parts images or shots. Two kinds:
/// - not Video: rows 0 .. B-1 hold crop 0 (query), rows B .. 2B-1 crop 1 (key) of the same images;
/// - Video: `crops` consecutive rows of each shot, and the windows apart.
struct Batch {
  torch::Tensor lr;           ///< 2B or B * crops x channels x patch x patch
  torch::Tensor hr;           ///< the same at scale x patch
  torch::Tensor windows;      ///< Video: B * windows x channels x 48 x 48, else undefined
  torch::Tensor keys;         ///< Video: B * keys x channels x 48 x 48, else undefined
  torch::Tensor degradation;  ///< B x kDegradationTargets (degradation_target.h)
  torch::Tensor kernels;      ///< 2B x 21 x 21, the blur of each; undefined for Video
  BatchTime time;
};

/// The batch of a step, or a part of it: a pure function of (options, photos, step), whatever thread or order
/// it is made in. An image does not depend on how many parts there are.
Batch make_batch(const std::vector<tools::Picture>& photos, const BatchOptions& options, int64_t step);

/// The random numbers of image i of a step, 0 <= i < batch.
Rng sample_rng(const BatchOptions& options, int64_t step, int i);

/// Y' of R'G'B' pictures, N x 3 x h x w, on full range with the weights of degrade::luma_weights() for what
/// is not coded.
torch::Tensor luma_of(const torch::Tensor& rgb);

/// Blurs and subsamples on the tensor's device: hr is N x 3 x (s p + 20) x (s p + 20) on 0..255 with a margin
/// of 10 pixels, kernels N x 21 x 21; the result N x 3 x p x p on 0..255, neither clamped nor rounded.
torch::Tensor blur_subsample(const torch::Tensor& hr, const torch::Tensor& kernels, int scale);

}  // namespace cdsr::train
