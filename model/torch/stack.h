// Body::Stack as LibTorch modules: convolutions whose weights the shot chooses.
#pragma once

#include <torch/torch.h>

#include "model/config.h"

namespace cdsr::nn {

/// 3x3 convolution with config.experts weight sets, of which the code E' makes one: W = sum_k pi_k W_k, b =
/// sum_k pi_k b_k, pi = softmax(mixing(E')), and with config.sharp a share of one set more. With one set it
/// is a plain convolution, and E' is not read.
struct ExpertConvImpl : torch::nn::Module {
  /// gain: deviation of what comes out of a fresh layer over that of what goes in, on independent values.
  ExpertConvImpl(const CdsrConfig& config, int64_t in, int64_t out, double gain);

  struct Mixed {
    torch::Tensor weight;  ///< shots x out x in x 3 x 3
    torch::Tensor bias;    ///< shots x out
  };
  /// code: E', shots x d; sharpness: share of the sharp set, 0..1.
  Mixed mixed(const torch::Tensor& code, double sharpness);

  torch::Tensor weight;        ///< experts x out x in x 3 x 3; with one set out x in x 3 x 3
  torch::Tensor bias;          ///< experts x out; out
  torch::Tensor sharp_weight;  ///< out x in x 3 x 3, zeros when fresh; undefined without config.sharp
  torch::Tensor sharp_bias;    ///< out
  torch::nn::Linear mixing{nullptr};
};
TORCH_MODULE(ExpertConv);

struct StackBlockImpl : torch::nn::Module {
  explicit StackBlockImpl(const CdsrConfig& config);

  ExpertConv conv{nullptr};
};
TORCH_MODULE(StackBlock);

/// f_0 = lrelu(head(x)); f_i = lrelu(conv_i(f_{i-1})), the last with f_0 added before the lrelu; tail(f_n),
/// before the pixel shuffle. lr: B x channels x H x W, B / shots consecutive pictures of each shot; code: E',
/// shots x d. The weights are mixed in fp32. Under autocast to bfloat16 on a processor the convolutions run
/// as stack_cpu.h has them.
torch::Tensor stack_forward(ExpertConv& head, torch::nn::ModuleList& blocks, ExpertConv& tail,
                            const torch::Tensor& lr, const torch::Tensor& code, double sharpness);

}  // namespace cdsr::nn
