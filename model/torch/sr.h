// The SR network G as LibTorch modules: modulation, DQA (paper section 3.4), the bodies, upsampler.
//
// Shapes: B batch, d = config.embedding(), nf = config.nf. Pictures are B x channels x H x W, R'G'B' or Y' in
// [0,1].
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

#include "model/config.h"
#include "model/torch/stack.h"
#include "model/torch/variant.h"

namespace cdsr::nn {

/// Chooses the query of DQA number `index` (0 .. config.dqas() - 1) from the mean of its input, B x nf. The
/// default returns the mean itself: Query::Frame.
using QueryHook = std::function<torch::Tensor(int index, const torch::Tensor& mean)>;

/// Content and degradation aware dynamic convolution with channel attention: conv(lrelu(x * K)) + x s.
struct DqaImpl : torch::nn::Module {
  /// Fusion::DynamicConv leaves gamma, query, key and value out. gate: width of the channel attention.
  DqaImpl(int64_t nf, Fusion fusion, int64_t gate);
  explicit DqaImpl(int64_t nf) : DqaImpl(nf, Fusion::Dqa, nf / 2) {}
  /// x: B x nf x H x W; y: the block's conditioning, B x nf; q: the query, B x nf (DynamicConv: not read).
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& q);
  /// The dynamic depthwise filters, B x nf * 9.
  torch::Tensor filters(const torch::Tensor& y, const torch::Tensor& q);

  torch::Tensor gamma;  // undefined for DynamicConv
  torch::nn::Linear query{nullptr}, key{nullptr}, value{nullptr};
  torch::nn::ModuleList kernel;
  torch::nn::Conv2d conv{nullptr};
  torch::nn::ModuleList gate;
};
TORCH_MODULE(Dqa);

/// Scale and shift of every channel from the conditioning (paper, section 5.3): Fusion::AdaIn.
struct AdaInImpl : torch::nn::Module {
  explicit AdaInImpl(int64_t nf);
  /// x: B x nf x H x W; y: B x nf.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& y);

  torch::nn::ModuleList scale, shift;  // Linear, Linear
};
TORCH_MODULE(AdaIn);

/// Residual dense block: five 3x3 convolutions, LeakyReLU 0.2, 0.2 x5 + x.
struct RdbImpl : torch::nn::Module {
  RdbImpl(int64_t nf, int64_t gc);
  torch::Tensor forward(const torch::Tensor& x);

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr}, conv4{nullptr}, conv5{nullptr};
};
TORCH_MODULE(Rdb);

/// One block of either body (model/config.h, Body).
struct BlockImpl : torch::nn::Module {
  explicit BlockImpl(const CdsrConfig& config, const Variant& variant = {});
  /// code: E', B x d. first_dqa: the network-wide number of this block's first DQA.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& code, int first_dqa,
                        const QueryHook& hook);
  /// y = sigmoid(modulation(E')), B x nf.
  torch::Tensor conditioning(const torch::Tensor& code);

  Body body;
  torch::nn::ModuleList modulation;  // Linear, PReLU, Linear
  Dqa dqa1{nullptr}, dqa2{nullptr};
  AdaIn adain1{nullptr}, adain2{nullptr};  // in their place: Fusion::AdaIn
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  Rdb rdb1{nullptr}, rdb2{nullptr}, rdb3{nullptr};
};
TORCH_MODULE(Block);

struct DasrSrImpl;  // dasr.h

struct SrImpl : torch::nn::Module {
  explicit SrImpl(const CdsrConfig& config, const Variant& variant = {});
  /// lr: B x channels x H x W; embedding: E_a, shots x d, each of B / shots pictures in a row. Returns B x
  /// channels x sH x sW, not clipped.
  torch::Tensor forward(const torch::Tensor& lr, const torch::Tensor& embedding, const QueryHook& hook);

  /// E' = compress(E_a), B x d.
  torch::Tensor compressed(const torch::Tensor& embedding);
  /// What each block is told, B x nf (Body::Stack: each layer's pi, B x experts); one entry for DASR, whose
  /// blocks are all told the same.
  std::vector<torch::Tensor> conditioning(const torch::Tensor& embedding);

  CdsrConfig config;
  double sharpness = 0;  ///< of a network with config.sharp: share of its sharp sets, 0..1
  torch::nn::ModuleList compress, blocks;
  torch::nn::Conv2d head{nullptr}, trunk{nullptr}, tail{nullptr};
  ExpertConv stack_head{nullptr}, stack_tail{nullptr};  // in their place, under their names: Body::Stack
  std::shared_ptr<DasrSrImpl> dasr;                     // in place of all of them: variant.dasr_sr
};
TORCH_MODULE(Sr);

/// Keys' bicubic interpolation (a = -0.5), edge replicated, as model/bicubic.h defines it. B x C x H x W.
torch::Tensor bicubic(const torch::Tensor& lr, int scale);

}  // namespace cdsr::nn
