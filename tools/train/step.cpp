#include "tools/train/step.h"

#include <chrono>
#include <cmath>

#include "model/error.h"
#include "model/torch/autocast.h"
#include "tools/train/sharp_target.h"

namespace cdsr::train {
namespace {

/// E_a of the batch's images or shots and the attention it came from. Always fp32, as at inference: bfloat16
/// rounds away most of what tells embeddings apart.
struct Embedded {
  torch::Tensor embedding, logits;
};

Embedded embed(TrainState& state, const TrainOptions& o, const Batch& batch) {
  nn::Encoder& encoder = state.model->encoder;
  const int64_t shots = batch.degradation.size(0);
  const torch::Tensor windows = batch.windows.defined() ? batch.windows : batch.lr.slice(0, 0, shots);
  if (!o.variant.paper_encoder())
    return {encoder->embed_windows(windows, shots), {}};  // it may lack any part
  const torch::Tensor logits = encoder->csc->logits(encoder->asked(windows, shots));
  return {encoder->csc->mix(logits), logits};
}

/// L1 between the amplitudes of two pictures' spectra, per value: what is blurred or ringing costs more than
/// in L1 alone.
torch::Tensor spectral_loss(const torch::Tensor& sr, const torch::Tensor& hr) {
  return torch::fft_rfft2(sr - hr, c10::nullopt, {-2, -1}, "ortho").abs().mean();
}

/// Root mean square error, in codes, at which the gradient of a power of it is that of L1.
constexpr double kPowerLevel = 5;
constexpr double kPowerFloor = 0.0625;  // a quarter of a code, squared: the root's gradient stays finite

struct PictureLoss {
  torch::Tensor l1;  ///< on 0..255
  torch::Tensor
      total;  ///< what is learned from: L1 or a power of each shot's error, with the spectrum's share
};

PictureLoss picture_loss(TrainState& state, const TrainOptions& o, const Batch& batch,
                         const torch::Tensor& embedding) {
  const int64_t b = embedding.size(0);
  torch::Tensor sr, hr = batch.hr;
  if (batch.windows.defined()) {
    // As a shot is upscaled: one embedding for all its crops, and each crop's queries come from the next crop
    // of the shot.
    const int64_t crops = batch.lr.size(0) / b;
    sr = state.model->sr(batch.lr, embedding, [&](int, const torch::Tensor& mean) {
      return o.config.query == Query::Frame ? mean
                                            : mean.reshape({b, crops, mean.size(1)}).roll(1, 1).flatten(0, 1);
    });
  } else if (o.config.query == Query::Shot && o.batch.positive == Positive::Both) {
    // The same with two crops: the embedding of crop 0 serves both.
    sr = state.model->sr(batch.lr, torch::cat({embedding, embedding}),
                         [b](int, const torch::Tensor& mean) { return mean.roll(b, 0); });
  } else {
    sr = state.model->sr(batch.lr.slice(0, 0, b), embedding,
                         [](int, const torch::Tensor& mean) { return mean; });
    hr = batch.hr.slice(0, 0, b);
  }
  sr = sr.to(torch::kFloat);
  PictureLoss loss;
  if (o.sharpen) {
    const torch::Tensor target = sharp_target(hr);
    loss.l1 = torch::l1_loss(sr, target) * 255;
    loss.total = ((sr - target).abs() * edge_weight(hr)).mean() * 255;
    if (o.spectral > 0) loss.total = loss.total + o.spectral * 255 * spectral_loss(sr, target);
    return loss;
  }
  loss.l1 = torch::l1_loss(sr, hr) * 255;
  if (o.power > 0) {
    // Of each shot, or picture: those that can be restored well must not drown in those that cannot.
    const int64_t shots = batch.windows.defined() ? b : sr.size(0);
    const torch::Tensor square = ((sr - hr) * 255).square().reshape({shots, -1}).mean(1);
    loss.total =
        std::pow(kPowerLevel, 1 - o.power) / o.power * (square + kPowerFloor).pow(o.power / 2).mean();
  } else {
    loss.total = loss.l1;
  }
  if (o.spectral > 0) loss.total = loss.total + o.spectral * 255 * spectral_loss(sr, hr);
  return loss;
}

/// The paper's Ours-SKP: absolute error of the predicted blur kernel, summed over the kernel (at most 2).
torch::Tensor kernel_loss(TrainState& state, const Batch& batch, const torch::Tensor& embedding) {
  const torch::Tensor predicted = state.model->predicted_kernel(embedding);
  const torch::Tensor truth = batch.kernels.slice(0, 0, embedding.size(0)).flatten(1).to(predicted.device());
  return (predicted - truth).abs().sum(1).mean();
}

/// Losses and gradients of one batch. What it measured is the mean over all processes.
StepMeasures learn(TrainState& state, const TrainOptions& o, const Batch& batch, Communicator& communicator) {
  if (o.guide.start()) {
    freeze_statistics(*state.model->encoder);
    freeze_statistics(*state.moco);
  }
  const auto [embedding, logits] = embed(state, o, batch);
  const torch::Tensor keys = batch.keys.defined() ? batch.keys : batch.lr.slice(0, embedding.size(0));
  const auto moco = state.moco->step(state.model, embedding, keys);
  const torch::Tensor guide =
      o.guide.on() ? state.guide->loss(embedding, batch.degradation) : torch::zeros({});
  torch::Tensor l1 = torch::zeros({}), total;
  {
    const nn::Autocast autocast(o.bf16, o.device.type());
    if (o.contrast_only) {
      total = moco.loss;
    } else {
      const PictureLoss loss = picture_loss(state, o, batch, embedding);
      l1 = loss.l1;
      total = loss.total + o.contrast * moco.loss;
    }
    if (o.variant.kernel) total = total + kernel_loss(state, batch, embedding);
  }
  if (o.guide.on()) total = total + o.guide.weight * guide + attention_loss(logits);
  const std::vector<double> mean =
      communicator.average({total.item<double>(), l1.item<double>(), moco.loss.item<double>(),
                            moco.accuracy.item<double>(), guide.item<double>()});
  if (!std::isfinite(mean[0]))
    fail(Errc::InvalidArgument,
         "step {}: the loss is {} (L1 {}, contrastive {}); the last checkpoint is untouched: resume with a "
         "lower "
         "--rate than {:g}",
         state.step, mean[0], mean[1], mean[2], o.rate);
  (total / o.accumulate).backward();
  StepMeasures out;
  out.l1 = mean[1];
  out.contrast = mean[2];
  out.accuracy = mean[3];
  out.guide = mean[4];
  return out;
}

/// Gradients of all that learns become their means over the processes.
void average_gradients(TrainState& state, Communicator& communicator) {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : state.optimizer.param_groups())
    for (const torch::Tensor& p : group.params())
      if (p.grad().defined()) gradients.push_back(p.grad());
  communicator.average(gradients);
}

/// Clips the gradients and steps. A gradient that is not finite stops before it reaches the weights.
double apply_gradients(TrainState& state, const TrainOptions& o) {
  std::vector<torch::Tensor> norms, gradients;
  for (const torch::Tensor& p : state.model->parameters())
    if (p.grad().defined()) {
      gradients.push_back(p.grad());
      norms.push_back(p.grad().norm());
    }
  const double norm = torch::stack(norms).norm().item<double>();
  if (!std::isfinite(norm))
    fail(Errc::InvalidArgument,
         "step {}: the gradient's norm is {}; the last checkpoint is untouched: resume with a lower --rate "
         "than {:g}",
         state.step, norm, o.rate);
  if (o.clip > 0 && norm > o.clip)
    for (torch::Tensor& g : gradients) g.mul_(o.clip / norm);
  double share = 1;  // the second group, if there is one, is what the guide slows down
  for (auto& group : state.optimizer.param_groups()) {
    static_cast<torch::optim::AdamOptions&>(group.options()).lr(share * rate_at(o, state.step));
    share = o.guide.embedding_rate;
  }
  state.optimizer.step();
  ++state.step;
  state.ema.update(*state.model, state.step);
  return norm;
}

}  // namespace

StepMeasures take_step(TrainState& state, const TrainOptions& o, Prefetcher& batches,
                       Communicator& communicator) {
  StepMeasures sum;
  state.optimizer.zero_grad();
  for (int i = 0; i < o.accumulate; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const Batch batch = batches.next();
    communicator
        .barrier();  // not in the middle of a step shall one be found missing: NCCL would wait for it in vain
    sum.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    const StepMeasures one = learn(state, o, batch, communicator);
    sum.l1 += one.l1 / o.accumulate;
    sum.contrast += one.contrast / o.accumulate;
    sum.accuracy += one.accuracy / o.accumulate;
    sum.guide += one.guide / o.accumulate;
    sum.time.data += batch.time.data;
    sum.time.degrade += batch.time.degrade;
  }
  average_gradients(state, communicator);
  sum.gradient = apply_gradients(state, o);
  sum.images = static_cast<int64_t>(o.batch.batch) * o.accumulate;
  return sum;
}

}  // namespace cdsr::train
