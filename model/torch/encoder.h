// The encoder E as LibTorch modules: LPE (paper section 3.2), CSC (section 3.3) and the contrastive head.
//
// Shapes: B batch, d = config.embedding(). Pictures are B x 3 x H x W, R'G'B' in [0,1].
#pragma once

#include <torch/torch.h>

#include <vector>

#include "model/config.h"

namespace cdsr::nn {

/// Conv2d(bias) -> BatchNorm2d -> LeakyReLU(0.1), the LPE's basic block.
struct ConvBnImpl : torch::nn::Module {
  ConvBnImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
};
TORCH_MODULE(ConvBn);

/// Lightweight Patch-based Encoder: a pixel-wise and a patch-wise branch, each pooled over the picture.
struct LpeImpl : torch::nn::Module {
  explicit LpeImpl(const CdsrConfig& config);
  /// B x 2d: the pooled features of both branches. A picture with a side under kPatch has no patches; its
  /// patch-wise half is zero.
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::ModuleList pixel, patch;
};
TORCH_MODULE(Lpe);

/// Codebook-based Space Compress: attention over a learned codebook (equation 2).
struct CscImpl : torch::nn::Module {
  explicit CscImpl(const CdsrConfig& config);
  /// B x 2d -> E_a, B x d: mix(logits(features)).
  torch::Tensor forward(const torch::Tensor& features);
  /// B x codebook: how well each entry suits, before the softmax.
  torch::Tensor logits(const torch::Tensor& features);
  /// E_a of logits.
  torch::Tensor mix(const torch::Tensor& logits);

  torch::Tensor codebook;
  torch::nn::ModuleList mlp;
  torch::nn::Linear query{nullptr}, key{nullptr};
};
TORCH_MODULE(Csc);

/// Linear -> LeakyReLU(0.1) -> Linear: MoCo sees its output, the SR network sees E_a.
struct HeadImpl : torch::nn::Module {
  explicit HeadImpl(const CdsrConfig& config);
  torch::Tensor forward(const torch::Tensor& embedding);

  torch::nn::Linear first{nullptr}, second{nullptr};
};
TORCH_MODULE(Head);

/// What the LPE sees of pictures B x 3 x H x W (model/normalize_window.h; each picture is one window).
torch::Tensor lpe_view(LpeInput input, const torch::Tensor& pictures);

/// E: LPE, CSC and head together, as MoCo needs it twice.
struct EncoderImpl : torch::nn::Module {
  explicit EncoderImpl(const CdsrConfig& config);
  /// E_a, B x d.
  torch::Tensor forward(const torch::Tensor& x);

  const LpeInput input;
  Lpe lpe{nullptr};
  Csc csc{nullptr};
  Head head{nullptr};
};
TORCH_MODULE(Encoder);

}  // namespace cdsr::nn
