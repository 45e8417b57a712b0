#include "tools/train/guide.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "tools/train/degradation_target.h"
#include "tools/train/shot_statistics.h"

namespace cdsr::train {
namespace {

constexpr int64_t kImages = 64;           // of a batch of the sample
constexpr int64_t kStatisticBatches = 8;  // for the batch-norms
constexpr double kRidge = 10;             // of the least squares, in standardized features
constexpr int kFitSteps = 4000;           // of the CSC on statistics, 64 shots each
constexpr double kFitRate = 2e-3, kFitDecay = 0.05;
constexpr double kWhiteningFloor = 1e-3;  // of the largest eigenvalue

/// Directional differences of orders 1 to 4 along 0, 45, 90 and 135 degrees, of the mean of R, G and B.
void start_filters(nn::Lpe& lpe) {
  constexpr std::array<std::array<int, 2>, 4> kDirections = {{{1, 0}, {1, 1}, {0, 1}, {-1, 1}}};
  torch::Tensor weight = lpe->pixel[0]->as<nn::ConvBn>()->conv->weight;
  const int64_t centre = weight.size(2) / 2;
  for (int64_t f = 0; f < std::min<int64_t>(16, weight.size(0)); ++f) {
    const auto [dx, dy] = kDirections[static_cast<size_t>(f % 4)];
    const int64_t order = f / 4 + 1;
    torch::Tensor filter = torch::zeros({weight.size(2), weight.size(3)});
    double binomial = 1;
    for (int64_t t = 0; t <= order; ++t) {
      filter[centre + (t - order / 2) * dy][centre + (t - order / 2) * dx] =
          t % 2 == 0 ? binomial : -binomial;
      binomial = binomial * static_cast<double>(order - t) / static_cast<double>(t + 1);
    }
    weight[f].copy_((filter / filter.norm() / weight.size(1)).expand({weight.size(1), -1, -1}));
  }
}

/// Middle n x n values of a filter.
torch::Tensor middle(const torch::Tensor& filter, int64_t n) {
  const int64_t from = (filter.size(0) - n) / 2;
  return filter.narrow(0, from, n).narrow(1, from, n);
}

/// The other layers of the pixel-wise branch pass each difference on, rectified and averaged over
/// neighbourhoods of several sizes: pooled, the strengths of bands of detail. Channels get another sign where
/// a layer widens, and some on the way: the LeakyReLU then bends the strength the other way.
void start_strengths(nn::Lpe& lpe) {
  for (size_t layer = 1; layer < 6; ++layer) {
    torch::Tensor weight = lpe->pixel[layer]->as<nn::ConvBn>()->conv->weight;
    weight.zero_();
    const int64_t in = weight.size(1), side = weight.size(2);
    for (int64_t o = 0; o < weight.size(0); ++o) {
      const bool other = layer % 2 == 0 ? o / in % 2 == 1 : layer > 1 && o % 4 == 3;
      const std::array<int64_t, 4> sides = {7, 7, 5, 1};
      const int64_t n = std::min(side, sides[static_cast<size_t>(side == 7 ? o % 4 : 0)]);
      middle(weight[o][o % in], n).fill_((other ? -1.0 : 1.0) / static_cast<double>(n * n));
    }
  }
}

void for_each_norm(torch::nn::Module& module,
                   const std::function<void(torch::nn::BatchNorm2dImpl&)>& action) {
  for (const auto& m : module.modules())
    if (auto* norm = m->as<torch::nn::BatchNorm2d>()) action(*norm);
}

torch::Tensor features(nn::Cdsr& model, const torch::Tensor& pictures) {
  return model->encoder->features(pictures);
}

struct Sample {
  torch::Tensor features;     // N x 2d
  torch::Tensor degradation;  // N x kDegradationTargets
};

Sample gather(nn::Cdsr& model, int64_t crops, const std::function<Batch(int64_t)>& batches) {
  for_each_norm(*model->encoder, [](auto& norm) {
    norm.train();
    norm.options.momentum(c10::nullopt);  // a plain mean over the batches
  });
  for (int64_t i = 0; i < kStatisticBatches; ++i)
    features(model, windows_of(batches(i)).pictures.slice(0, 0, kImages));
  for_each_norm(*model->encoder, [](auto& norm) { norm.options.momentum(0.1); });
  freeze_statistics(*model->encoder);
  std::vector<torch::Tensor> rows, targets;
  for (int64_t i = 0, seen = 0; seen < crops; ++i) {
    const Windows windows = windows_of(batches(kStatisticBatches + i));
    rows.push_back(features(model, windows.pictures));
    targets.push_back(windows.degradation);
    seen += windows.pictures.size(0);
  }
  return {torch::cat(rows), torch::cat(targets)};
}

/// Standardizes columns; one that does not vary stays 0.
torch::Tensor standardized(const torch::Tensor& x, const torch::Tensor& mean,
                           const torch::Tensor& deviation) {
  return (x - mean) / deviation;
}

torch::Tensor deviation_of(const torch::Tensor& x) {
  const torch::Tensor d = x.std(0);
  return torch::where(d > 1e-6, d, torch::ones_like(d));
}

torch::nn::Linear linear(const torch::nn::ModuleList& list, size_t index) {
  return torch::nn::Linear(list->ptr<torch::nn::LinearImpl>(index));
}

void set_targets(Guide& guide, const torch::Tensor& degradation) {
  guide->mean.copy_(degradation.mean(0));
  guide->deviation.copy_(deviation_of(degradation));
  guide->deviation.slice(0, kMeasuredTargets).fill_(1);
}

/// The CSC's MLP: pairs of units give the predictions with both signs, so that the LeakyReLU between the
/// layers passes them on; the other units are random mixtures of the whitened features.
void start_mlp(nn::Csc& csc, const torch::Tensor& x, const torch::Tensor& mean,
               const torch::Tensor& deviation, const torch::Tensor& solution) {
  const int64_t d = csc->codebook.size(1), targets = std::min(solution.size(1), d / 2);
  const auto [values, vectors] = torch::linalg_eigh(torch::matmul(x.t(), x) / x.size(0));
  const torch::Tensor whitening =
      torch::matmul(vectors, torch::diag((values + kWhiteningFloor * values.max()).rsqrt()));
  torch::Tensor mixture = torch::matmul(
      whitening, torch::randn({x.size(1), d}).to(x.device()) / std::sqrt(static_cast<double>(x.size(1))));
  const torch::Tensor prediction = solution / deviation_of(torch::matmul(x, solution));
  for (int64_t k = 0; k < targets; ++k) {
    mixture.select(1, 2 * k).copy_(prediction.select(1, k));
    mixture.select(1, 2 * k + 1).copy_(-prediction.select(1, k));
  }
  auto first = linear(csc->mlp, 0), second = linear(csc->mlp, 1);
  first->weight.copy_((mixture / deviation.unsqueeze(1)).t());
  first->bias.copy_(-torch::matmul(first->weight, mean));
  for (int64_t k = 0; k < targets; ++k) {
    second->weight[k].zero_();
    second->weight[k][2 * k] = 2.0;
    second->weight[k][2 * k + 1] = -2.0;
    second->bias[k] = 0;
  }
}

/// Makes the first layer of `compress` see embeddings of mean 0 and deviation 1. DASR's SR network has a
/// plain layer without a bias in its place, left as it is.
void start_compress(nn::Sr& sr, const torch::Tensor& embeddings) {
  if (sr->dasr) return;
  auto layer = linear(sr->compress, 0);
  layer->weight.div_(embeddings.std(0).mean());
  layer->bias.sub_(torch::matmul(layer->weight, embeddings.mean(0)));
}

/// A line about the mean square error of each standardized target.
std::string unexplained(const torch::Tensor& error) {
  const auto at = [&](int64_t i) { return error[i].item<float>(); };
  return fmt::format(
      "; unexplained of blur {:.2f}, its direction {:.2f} {:.2f}, noise {:.2f}, coding {:.2f}, QP {:.2f}",
      at(0), at(1), at(2), at(4), at(5), at(6));
}

}  // namespace

GuideImpl::GuideImpl(const CdsrConfig& config)
    : regressor(register_module("regressor", torch::nn::Linear(config.embedding(), kDegradationTargets))),
      mean(register_buffer("mean", torch::zeros({kDegradationTargets}))),
      deviation(register_buffer("deviation", torch::ones({kDegradationTargets}))) {}

torch::Tensor GuideImpl::loss(const torch::Tensor& embedding, const torch::Tensor& degradation) {
  return torch::mse_loss(regressor(embedding), standardized(degradation, mean, deviation));
}

torch::Tensor attention_loss(const torch::Tensor& logits) {
  return torch::relu(logits.std(1) - kAttentionDeviation).square().mean();
}

Windows windows_of(const Batch& batch) {
  if (!batch.windows.defined()) return {batch.lr, torch::cat({batch.degradation, batch.degradation})};
  const int64_t each = batch.windows.size(0) / batch.degradation.size(0);
  return {batch.windows, batch.degradation.repeat_interleave(each, 0)};
}

void measure_targets(Guide& guide, int64_t batches, const std::function<Batch(int64_t)>& make) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> targets;
  for (int64_t i = 0; i < batches; ++i) targets.push_back(make(i).degradation);
  set_targets(guide, torch::cat(targets));
}

void freeze_statistics(torch::nn::Module& module) {
  for_each_norm(module, [](auto& norm) { norm.eval(); });
}

namespace {

/// Fits the CSC and the regressor: the statistics of all shots are there, so a step costs a millisecond.
std::string fit(nn::Cdsr& model, Guide& guide, const ShotStatistics& sample) {
  const int64_t training = std::max<int64_t>(1, sample.degradation.size(0) * 9 / 10);
  std::vector<torch::Tensor> learning = model->encoder->csc->parameters();
  for (const torch::Tensor& p : guide->parameters()) learning.push_back(p);
  torch::optim::AdamW adam(learning, torch::optim::AdamWOptions(kFitRate).weight_decay(kFitDecay));
  const auto embed = [&](const torch::Tensor& statistics, torch::Tensor& logits) {
    const torch::Tensor x = (statistics - model->encoder->lpe->mean) / model->encoder->lpe->deviation;
    logits = model->encoder->csc->logits(model->encoder->asked_with(x));
    return model->encoder->csc->mix(logits);
  };
  torch::Tensor logits;
  for (int step = 0; step < kFitSteps; ++step) {
    for (auto& group : adam.param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options())
          .lr(kFitRate * 0.5 * (1 + std::cos(std::numbers::pi * step / kFitSteps)));
    const torch::Tensor rows = torch::randint(training, {std::min<int64_t>(kImages, training)}, torch::kLong);
    const torch::Tensor embedding = embed(sample.statistics.index_select(0, rows), logits);
    adam.zero_grad();
    (guide->loss(embedding, sample.degradation.index_select(0, rows)) + attention_loss(logits)).backward();
    adam.step();
  }
  torch::NoGradGuard no_grad;
  const torch::Tensor held = sample.degradation.slice(0, training);
  if (held.size(0) == 0) return "";
  const torch::Tensor error = (guide->regressor(embed(sample.statistics.slice(0, training), logits)) -
                               standardized(held, guide->mean, guide->deviation))
                                  .square()
                                  .mean(0);
  return unexplained(error);
}

}  // namespace

std::string start_guided(nn::Cdsr& model, nn::Moco& moco, Guide& guide, int64_t crops,
                         const std::function<Batch(int64_t)>& batches) {
  if (model->config.lpe_input == LpeInput::Statistics) {
    const ShotStatistics sample = gather_shots(crops, batches);
    const torch::Tensor flat = sample.statistics.flatten(0, 1);
    std::string line;
    {
      torch::NoGradGuard no_grad;
      model->encoder->lpe->mean.copy_(flat.mean(0));
      model->encoder->lpe->deviation.copy_(deviation_of(flat));
      set_targets(guide, sample.degradation);
    }
    line = fit(model, guide, sample);
    torch::NoGradGuard no_grad;
    const torch::Tensor x = (sample.statistics - model->encoder->lpe->mean) / model->encoder->lpe->deviation;
    start_compress(model->sr,
                   model->encoder->csc->mix(model->encoder->csc->logits(model->encoder->asked_with(x))));
    moco = nn::Moco(model, moco->options);
    moco->to(flat.device());
    return fmt::format("guided start from {} shots{}", sample.degradation.size(0), line);
  }
  torch::NoGradGuard no_grad;
  start_filters(model->encoder->lpe);
  start_strengths(model->encoder->lpe);
  const Sample sample = gather(model, crops, batches);
  set_targets(guide, sample.degradation);

  const torch::Tensor mean = sample.features.mean(0), deviation = deviation_of(sample.features);
  const torch::Tensor x = standardized(sample.features, mean, deviation);
  const torch::Tensor y = standardized(sample.degradation, guide->mean, guide->deviation);
  const int64_t training = std::max<int64_t>(1, x.size(0) * 9 / 10);
  const torch::Tensor seen = x.slice(0, 0, training);
  const torch::Tensor solution =
      torch::linalg_solve(torch::matmul(seen.t(), seen) + kRidge * torch::eye(x.size(1), x.options()),
                          torch::matmul(seen.t(), y.slice(0, 0, training)));
  start_mlp(model->encoder->csc, x, mean, deviation, solution);
  start_compress(model->sr, model->encoder->csc(sample.features));
  moco = nn::Moco(model, moco->options);
  moco->to(x.device());
  freeze_statistics(*moco);

  const torch::Tensor left =
      (torch::matmul(x.slice(0, training), solution) - y.slice(0, training)).square().mean(0);
  return fmt::format("guided start from {} crops{}", x.size(0), unexplained(left));
}

}  // namespace cdsr::train
