#include "model/torch/stack.h"

#include <cmath>

#include "model/network.h"
#include "model/torch/autocast.h"
#include "model/torch/stack_cpu.h"

namespace cdsr::nn {
namespace {

/// Experts begin as one set with small differences: each is of use from the first step, and none is left
/// without gradient by a softmax that has not learned yet to tell shots apart. Scale of a whole set, and of
/// each value, against its deviation.
constexpr double kSetSpread = 0.1, kValueSpread = 0.15;

torch::Tensor lrelu(const torch::Tensor& x) { return torch::leaky_relu(x, kFuseSlope); }

torch::Tensor plain_stack(const torch::Tensor& x, const StackWeights& w) {
  const auto conv = [&](size_t layer, const torch::Tensor& t) {
    return torch::conv2d(t, w.weight[layer], w.bias[layer], 1, 1);
  };
  const torch::Tensor first = lrelu(conv(0, x));
  torch::Tensor f = first;
  const size_t last = w.weight.size() - 1;
  for (size_t i = 1; i < last; ++i) f = lrelu(i + 1 < last ? conv(i, f) : conv(i, f) + first);
  return conv(last, f);
}

}  // namespace

ExpertConvImpl::ExpertConvImpl(const CdsrConfig& config, int64_t in, int64_t out, double gain) {
  const double deviation =
      gain * std::sqrt(2.0 / (1 + kFuseSlope * kFuseSlope) / static_cast<double>(9 * in));
  const torch::Tensor base = deviation * torch::randn({out, in, 3, 3});
  if (config.experts == 1) {
    weight = register_parameter("weight", base);
    bias = register_parameter("bias", torch::zeros({out}));
    return;
  }
  const int64_t k = config.experts;
  weight = register_parameter("weight", base * (1 + kSetSpread * torch::randn({k, 1, 1, 1, 1})) +
                                            kValueSpread * deviation * torch::randn({k, out, in, 3, 3}));
  bias = register_parameter("bias", torch::zeros({k, out}));
  if (config.sharp) {
    sharp_weight = register_parameter("sharp_weight", torch::zeros({out, in, 3, 3}));
    sharp_bias = register_parameter("sharp_bias", torch::zeros({out}));
  }
  mixing = register_module("mixing", torch::nn::Linear(config.embedding(), k));
  torch::NoGradGuard no_grad;
  mixing->weight.normal_(0, 1 / std::sqrt(static_cast<double>(config.embedding())));
  mixing->bias.zero_();
}

ExpertConvImpl::Mixed ExpertConvImpl::mixed(const torch::Tensor& code, double sharpness) {
  const int64_t shots = code.size(0);
  if (!mixing)
    return {weight.unsqueeze(0).expand({shots, -1, -1, -1, -1}), bias.unsqueeze(0).expand({shots, -1})};
  const torch::Tensor pi = torch::softmax(mixing(code), 1);
  Mixed out = {torch::matmul(pi, weight.flatten(1)).reshape({shots, weight.size(1), weight.size(2), 3, 3}),
               torch::matmul(pi, bias)};
  if (sharpness != 0 && sharp_weight.defined()) {
    out.weight = out.weight + sharpness * sharp_weight;
    out.bias = out.bias + sharpness * sharp_bias;
  }
  return out;
}

StackBlockImpl::StackBlockImpl(const CdsrConfig& c)
    : conv(register_module("conv", ExpertConv(c, c.nf, c.nf, 1))) {}

torch::Tensor stack_forward(ExpertConv& head, torch::nn::ModuleList& blocks, ExpertConv& tail,
                            const torch::Tensor& lr, const torch::Tensor& code, double sharpness) {
  const int64_t shots = code.size(0), pictures = lr.size(0) / shots;
  std::vector<ExpertConvImpl::Mixed> layers;
  {
    const FullPrecision fp32;
    layers.push_back(head->mixed(code, sharpness));
    for (const auto& block : *blocks) layers.push_back(block->as<StackBlock>()->conv->mixed(code, sharpness));
    layers.push_back(tail->mixed(code, sharpness));
  }
  const bool bf16 = autocast_is_on(lr.device().type());
  std::vector<torch::Tensor> out;
  for (int64_t s = 0; s < shots; ++s) {
    const torch::Tensor x = lr.narrow(0, s * pictures, pictures);
    StackWeights weights;
    for (const auto& layer : layers) {
      weights.weight.push_back(layer.weight[s]);
      weights.bias.push_back(layer.bias[s]);
    }
    out.push_back(stack_cpu_takes(x, weights) ? stack_cpu(x, weights, kFuseSlope, bf16)
                                              : plain_stack(x, weights));
  }
  return torch::cat(out);
}

}  // namespace cdsr::nn
