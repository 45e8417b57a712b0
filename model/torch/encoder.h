// The encoder E as LibTorch modules: LPE (paper section 4.1), CSC (section 4.2) and the contrastive head; and
// the laboratory's variants of them (variant.h).
//
// Shapes: B batch, d = config.embedding(). Pictures are B x 3 x H x W, R'G'B' in [0,1].
#pragma once

#include <torch/torch.h>

#include <vector>

#include "model/config.h"
#include "model/torch/collectives.h"
#include "model/torch/variant.h"

namespace cdsr::nn {

/// Conv2d(bias) -> BatchNorm2d -> LeakyReLU(0.1), the LPE's basic block.
struct ConvBnImpl : torch::nn::Module {
  ConvBnImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
  Collectives* collectives =
      nullptr;  ///< whose pictures count in the statistics of a training step too; may be null
};
TORCH_MODULE(ConvBn);

/// Connects every ConvBn below the module with the other processes; `collectives` must outlive it, null:
/// none.
void connect(torch::nn::Module& module, Collectives* collectives);

/// Lightweight Patch-based Encoder: a pixel-wise and a patch-wise branch, each pooled over the picture; or,
/// for LpeInput::Statistics, the window's statistics, standardized.
struct LpeImpl : torch::nn::Module {
  explicit LpeImpl(const CdsrConfig& config, const Variant& variant = {});
  /// B x config.features() (B x d where the variant has one branch). A picture with a side under kPatch has
  /// no patches; its patch-wise half is zero. Statistics have no gradient.
  torch::Tensor forward(const torch::Tensor& x);

  int64_t dim;  // d
  torch::nn::ModuleList pixel, patch;
  torch::Tensor mean, deviation;  // buffers, of the statistics; else undefined
};
TORCH_MODULE(Lpe);

/// Codebook-based Space Compress: attention over a learned codebook (equation 2).
struct CscImpl : torch::nn::Module {
  explicit CscImpl(const CdsrConfig& config, const Variant& variant = {});
  /// B x config.features() -> E_a, B x d: mix(logits(mixed(features))). Without a codebook (variant.csc)
  /// mixed(features).
  torch::Tensor forward(const torch::Tensor& features);
  /// The MLP over both branches, B x d: what the codebook is asked with.
  torch::Tensor mixed(const torch::Tensor& features);
  /// B x codebook: how well each entry suits what mixed() gave, before the softmax.
  torch::Tensor logits(const torch::Tensor& mixed);
  /// E_a of logits.
  torch::Tensor mix(const torch::Tensor& logits);

  torch::Tensor codebook;  // undefined without one
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

/// What a convolutional LPE sees of pictures B x channels x H x W (model/normalize_window.h; each picture is
/// one window).
torch::Tensor lpe_view(LpeInput input, const torch::Tensor& pictures);

/// model/window_statistics.h of luma windows B x 1 x H x W: B x kWindowStatistics.
torch::Tensor statistics_of(const torch::Tensor& windows);

/// DASR's encoder (Wang et al., CVPR 2021): six 3x3 blocks, two of stride 2, pooled over the picture.
struct DasrEncoderImpl : torch::nn::Module {
  explicit DasrEncoderImpl(const CdsrConfig& config);
  /// B x d: the embedding itself.
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::ModuleList body;
};
TORCH_MODULE(DasrEncoder);

/// E: LPE, CSC and head together, as MoCo needs it twice.
struct EncoderImpl : torch::nn::Module {
  explicit EncoderImpl(const CdsrConfig& config, const Variant& variant = {});
  /// E_a, B x d. Each picture is looked at whole: crops.
  torch::Tensor forward(const torch::Tensor& x);
  /// E_a of whole frames, B x d, looked at in the windows of model/encoder_windows.h as every backend does.
  torch::Tensor embed(const torch::Tensor& frames);
  /// E_a of shots, B x d, from windows of which B x n follow each other, n of a shot.
  torch::Tensor embed_windows(const torch::Tensor& windows, int64_t shots);
  /// What the codebook is asked with, B x d, from n windows of each of B shots: the CSC's MLP over the mean
  /// of the windows' features; for LpeInput::Statistics the mean of lrelu(MLP) of each.
  torch::Tensor asked(const torch::Tensor& windows, int64_t shots);
  /// The same from the windows' features, B x n x config.features().
  torch::Tensor asked_with(const torch::Tensor& features);
  /// The codebook's attention before its softmax, B x codebook, for whole frames.
  torch::Tensor logits(const torch::Tensor& frames);
  /// Pooled features of each window, B x config.features().
  torch::Tensor features(const torch::Tensor& x);

  const CdsrConfig config;
  DasrEncoder dasr{nullptr};  // in place of lpe and csc: variant.dasr_encoder
  Lpe lpe{nullptr};
  Csc csc{nullptr};
  Head head{nullptr};
};
TORCH_MODULE(Encoder);

}  // namespace cdsr::nn
