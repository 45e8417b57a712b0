// The training loop: MoCo's contrastive loss plus L1, jointly, end to end (paper equation 6).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/torch/cdsr.h"
#include "model/torch/moco.h"
#include "tools/train/batch.h"
#include "tools/train/photos.h"
#include "tools/train/validation.h"

namespace cdsr::train {

struct TrainOptions {
  CdsrConfig config;
  BatchOptions batch;
  nn::MocoOptions moco;
  int64_t iterations = 10000;
  double rate = 1e-3;     ///< Adam's learning rate
  double decay = 0.3;     ///< share of the iterations, at the end, over which the rate falls to 0 (cosine)
  double contrast = 1.0;  ///< weight of the contrastive loss against L1 on 0..255
  bool bf16 = false;      ///< autocast of the forward and backward pass to bfloat16
  int threads = 0;        ///< of LibTorch's operators; 0: its default
  int workers = 1;        ///< threads that make batches
  int64_t checkpoint_every = 500;
  int64_t validate_every = 2000;
  double progress_seconds = 15;
  std::filesystem::path init;  ///< weights to start from when there is no checkpoint; empty: random
  bool restart = false;        ///< with init: make the conditioning path new (model/torch/restart.h)
  std::filesystem::path out;   ///< folder of checkpoints and exports
};

/// What is trained and how far it is. Everything a checkpoint holds.
struct TrainState {
  explicit TrainState(const TrainOptions& options);

  nn::Cdsr model;
  nn::Moco moco;
  torch::optim::Adam optimizer;
  int64_t step = 0;      ///< steps done
  double best_psnr = 0;  ///< of the validations so far, dB
};

/// Trains to options.iterations, resuming from options.out if it holds a checkpoint of the same
/// configuration. Writes <out>/last.ckpt, <out>/last.safetensors and, when validation improves,
/// <out>/best.safetensors. Throws Error when the loss is not finite (the last good checkpoint stays) and on
/// anything Io.
void train(const TrainOptions& options, const std::vector<tools::Picture>& photos,
           const Validation& validation, const Log& log);

/// The learning rate of a step: constant, then a cosine down to 0 over the last `decay` of the iterations.
double rate_at(const TrainOptions& options, int64_t step);

}  // namespace cdsr::train
