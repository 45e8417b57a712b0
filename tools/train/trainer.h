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
#include "tools/train/distributed/communicator.h"
#include "tools/train/ema.h"
#include "tools/train/guide.h"
#include "tools/train/photos.h"
#include "tools/train/validation.h"

namespace cdsr::train {

/// How the learning rate falls.
enum class Schedule {
  Cosine,  ///< constant, then a cosine down to 0 over the last `decay` of the iterations
  Steps,   ///< halved every `halve_every` iterations: the paper
};

struct TrainOptions {
  CdsrConfig config;
  nn::Variant variant;  ///< of the paper's laboratory; default: the paper's network
  BatchOptions batch;   ///< of all processes together
  nn::MocoOptions moco;
  GuideOptions guide;
  int64_t iterations = 10000;
  double rate = 1e-3;  ///< Adam's learning rate
  Schedule schedule = Schedule::Cosine;
  double decay = 0.3;       ///< share of the iterations, at the end, over which the rate falls to 0 (cosine)
  int64_t halve_every = 0;  ///< iterations (steps); 0: a quarter of them
  double contrast = 1.0;    ///< weight of the contrastive loss against L1 on 0..255
  double spectral = 0;      ///< weight of the L1 loss between spectra against L1 of the pictures
  double power = 0;         ///< loss: mean over the shots of this power of the root mean square error; 0: L1
  /// Trains the sharp sets alone (CdsrConfig::sharp), at sharpness 1, on sharpened pictures (sharp_target.h).
  bool sharpen = false;
  bool contrast_only = false;  ///< the encoder alone, without L1: the pretraining of the paper's Table 12
  int accumulate = 1;          ///< batches whose gradients make one step
  double clip = 0;             ///< highest norm of the gradient, 0: none
  double ema = 0;  ///< decay of the averaged weights, validated and exported in place of the last; 0: none
  double diverge = 4;  ///< stop when the loss is so many times its lowest; 0: never
  bool bf16 = false;   ///< autocast of the forward and backward pass to bfloat16
  torch::Device device = torch::kCPU;
  int threads = 0;  ///< of LibTorch's operators; 0: its default
  int workers = 1;  ///< threads that make batches
  int64_t checkpoint_every = 500;
  int64_t validate_every = 2000;
  double progress_seconds = 15;
  std::filesystem::path init;  ///< weights to start from when there is no checkpoint; empty: random
  bool restart = false;  ///< with init: make the conditioning path new (model/torch/restart_conditioning.h)
  std::filesystem::path out;  ///< folder of checkpoints and exports
};

/// What is trained and how far it is. Everything a checkpoint holds.
struct TrainState {
  explicit TrainState(const TrainOptions& options);

  nn::Cdsr model;
  nn::Moco moco;
  Guide guide;
  torch::optim::Adam optimizer;
  Ema ema;
  int64_t step = 0;      ///< steps done
  double best_psnr = 0;  ///< of the validations so far, dB
};

/// Trains to options.iterations, resuming from options.out if it holds a checkpoint of the same
/// configuration. Writes <out>/last.ckpt, <out>/last.safetensors, <out>/log.jsonl and, when validation
/// improves, <out>/best.safetensors; with validation pictures also <out>/crops. Throws Error when the loss or
/// the gradient is not finite, when the loss diverges (the last good checkpoint stays) and on anything Io.
///
/// In several processes each calls it with the same options and photos: rank 0 alone reads `init`, validates,
/// logs and touches options.out, and all start from its checkpoint. When one of them fails all throw.
void train(const TrainOptions& options, const std::vector<tools::Picture>& photos,
           const Validation& validation, const LogLine& log, Communicator& communicator);
/// Alone.
void train(const TrainOptions& options, const std::vector<tools::Picture>& photos,
           const Validation& validation, const LogLine& log);

/// The learning rate of a step.
double rate_at(const TrainOptions& options, int64_t step);

}  // namespace cdsr::train
