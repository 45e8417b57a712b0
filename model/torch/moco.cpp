#include "model/torch/moco.h"

#include "model/error.h"

namespace cdsr::nn {
namespace {

torch::Tensor unit(const torch::Tensor& x) {
  return torch::nn::functional::normalize(x, torch::nn::functional::NormalizeFuncOptions().dim(1));
}

/// key <- momentum * key + (1 - momentum) * query; momentum 0 copies.
void blend(EncoderImpl& key, const EncoderImpl& query, double momentum) {
  torch::NoGradGuard no_grad;
  auto from = query.parameters();
  auto to = key.parameters();
  for (size_t i = 0; i < to.size(); ++i) to[i].mul_(momentum).add_(from[i], 1.0 - momentum);
}

}  // namespace

MocoImpl::MocoImpl(const Cdsr& model, const MocoOptions& o) : options(o) {
  key_encoder = register_module("key_encoder", Encoder(model->config, model->variant));
  blend(*key_encoder, *model->encoder, 0.0);
  const auto statistics = model->encoder->buffers();
  for (size_t i = 0; i < statistics.size(); ++i) key_encoder->buffers()[i].copy_(statistics[i]);
  for (auto& p : key_encoder->parameters()) p.set_requires_grad(false);
  queue = register_buffer("queue", unit(torch::randn({o.queue, model->config.embedding()})));
  next = register_buffer("next", torch::zeros({}, torch::kLong));
}

MocoImpl::Loss MocoImpl::step(Cdsr& model, const torch::Tensor& embeddings,
                              const torch::Tensor& key_windows) {
  const int64_t batch = embeddings.size(0) * (collectives == nullptr ? 1 : collectives->size());
  if (options.queue % batch != 0)
    fail(Errc::InvalidArgument, "moco: the queue of {} is not a multiple of the batch of {}", options.queue,
         batch);
  const torch::Tensor q = unit(model->encoder->head(embeddings));
  torch::Tensor k;
  {
    torch::NoGradGuard no_grad;
    blend(*key_encoder, *model->encoder, options.momentum);
    k = unit(key_encoder->head(key_encoder->embed_windows(key_windows, embeddings.size(0))));
  }
  const torch::Tensor positive = (q * k).sum(1, true);
  const torch::Tensor negative = torch::matmul(q, queue.clone().t());
  const torch::Tensor logits = torch::cat({positive, negative}, 1) / options.temperature;
  const torch::Tensor target =
      torch::zeros({embeddings.size(0)}, torch::TensorOptions(torch::kLong).device(q.device()));

  Loss out;
  out.loss = torch::nn::functional::cross_entropy(logits, target);
  torch::NoGradGuard no_grad;
  out.accuracy = (logits.argmax(1) == 0).to(torch::kFloat).mean();
  const auto row = next.item<int64_t>();
  queue.slice(0, row, row + batch).copy_(collectives == nullptr ? k : collectives->gather(k));
  next.fill_((row + batch) % options.queue);
  return out;
}

}  // namespace cdsr::nn
