// DASR's SR network (Wang et al., Unsupervised Degradation Representation Learning for Blind
// Super-Resolution, CVPR 2021), the baseline of the paper's tables: groups of blocks of two dynamic
// convolutions and two plain ones, conditioned on one compressed embedding. Laboratory only.
//
// Of the slim family (Body::Plain) it keeps cdsr-rt's ends: one convolution to 3 s^2 channels, and the
// bicubic skip if the configuration has it. So what is compared is encoder, conditioning and body.
#pragma once

#include <torch/torch.h>

#include "model/torch/sr.h"

namespace cdsr::nn {

struct DasrBlockImpl : torch::nn::Module {
  explicit DasrBlockImpl(int64_t nf);
  /// x: B x nf x H x W; y: B x nf.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& y);

  Dqa dynamic1{nullptr}, dynamic2{nullptr};  // Fusion::DynamicConv
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
};
TORCH_MODULE(DasrBlock);

struct DasrSrImpl : torch::nn::Module {
  /// config.blocks groups of variant.group blocks. config.gc, config.query: not used.
  DasrSrImpl(const CdsrConfig& config, const Variant& variant);
  /// lr: B x 3 x H x W; embedding: B x d. Returns B x 3 x sH x sW, not clipped.
  torch::Tensor forward(const torch::Tensor& lr, const torch::Tensor& embedding);

  /// What every block is told, B x nf.
  torch::Tensor conditioning(const torch::Tensor& embedding);

  CdsrConfig config;
  int64_t group;                                       // blocks in a group
  torch::nn::ModuleList blocks, group_convs, enlarge;  // blocks of all groups in one list
  torch::nn::Linear compress{nullptr};
  torch::nn::Conv2d head{nullptr}, trunk{nullptr}, tail{nullptr};
};
TORCH_MODULE(DasrSr);

}  // namespace cdsr::nn
