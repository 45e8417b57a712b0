#include "model/torch/restart_conditioning.h"

#include "model/error.h"

namespace cdsr::nn {
namespace {

/// Of the new conditioning against a fresh one's: less disturbs the SR network less, but it must be heard.
constexpr double kSpread = 0.5;

torch::nn::Linear last_layer(const Block& block) {
  return torch::nn::Linear(block->modulation->ptr<torch::nn::LinearImpl>(2));
}

/// Each block's conditioning vector, mean over the batch.
std::vector<torch::Tensor> mean_conditioning(Cdsr& model, const torch::Tensor& crops) {
  const torch::Tensor code = model->sr->compressed(model->encoder->forward(crops));
  std::vector<torch::Tensor> means;
  for (const auto& block : *model->sr->blocks)
    means.push_back(block->as<Block>()->conditioning(code).mean(0));
  return means;
}

/// Everything in a DQA that reads y: makes W y stay what it was when y is divided by `ratio`.
void absorb(const Dqa& dqa, const torch::Tensor& ratio) {
  for (const auto& layer :
       {torch::nn::Linear(dqa->kernel->ptr<torch::nn::LinearImpl>(0)),
        torch::nn::Linear(dqa->gate->ptr<torch::nn::LinearImpl>(0)), dqa->key, dqa->value})
    layer->weight.mul_(ratio);
}

}  // namespace

void restart_conditioning(Cdsr& model, const torch::Tensor& crops) {
  if (!model->variant.paper())
    fail(Errc::InvalidArgument,
         "variant {} has no conditioning path to restart, only the paper's network has",
         to_string(model->variant));
  torch::NoGradGuard no_grad;
  const bool stack = model->config.body == Body::Stack;
  const auto means = stack ? std::vector<torch::Tensor>{} : mean_conditioning(model, crops);
  const Cdsr fresh(model->config);
  for (const auto& from : fresh->named_parameters()) {
    const std::string& name = from.key();
    if (name.rfind("sr.", 0) != 0 || name.rfind("sr.compress.", 0) == 0 ||
        name.find(".modulation.") != std::string::npos || name.find(".mixing.") != std::string::npos)
      model->named_parameters()[name].copy_(from.value());
  }
  for (const auto& from : fresh->named_buffers()) model->named_buffers()[from.key()].copy_(from.value());
  for (size_t b = 0; b < means.size(); ++b) {
    const torch::Tensor y = means[b].clamp(0.2, 0.8);
    const Block block(model->sr->blocks->ptr<BlockImpl>(b));
    auto layer = last_layer(block);
    layer->weight.mul_(kSpread);
    layer->bias.copy_(torch::log(y / (1 - y)));
    absorb(block->dqa1, means[b] / y);
    if (model->config.body == Body::Rrdb) absorb(block->dqa2, means[b] / y);
  }
}

}  // namespace cdsr::nn
