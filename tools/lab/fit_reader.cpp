#include "tools/lab/fit_reader.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/error.h"
#include "tools/train/degradation_target.h"

namespace cdsr::analyze {
namespace {

constexpr int64_t kLeastShots = 100, kShots = 256;  // of a step
constexpr int kSteps = 3000;
constexpr double kRate = 3e-3, kDecay = 0.01;
constexpr double kLeastLogVariance = -6;  // a confidence of 0.998
constexpr int64_t kQuantizer = kReadValues - 1;

std::vector<float> values_of(const torch::Tensor& t) {
  const torch::Tensor c = t.contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

torch::Tensor embeddings(nn::Cdsr& model, const torch::Tensor& statistics) {
  const auto& lpe = model->encoder->lpe;
  nn::Csc csc = model->encoder->csc;
  const torch::Tensor seen = (statistics - lpe->mean) / lpe->deviation;
  return csc->mix(csc->logits(model->encoder->asked_with(seen)));
}

/// Mean and deviation of rows; the deviation is 1 where nothing varies.
struct Spread {
  torch::Tensor mean, deviation;
};

Spread spread_of(const torch::Tensor& rows) {
  const torch::Tensor deviation = rows.std(0);
  return {rows.mean(0), torch::where(deviation > 1e-6, deviation, torch::ones_like(deviation))};
}

/// What is to be read of each shot.
struct Truth {
  explicit Truth(const torch::Tensor& degradation)
      : values(degradation.slice(1, 0, kReadValues)),
        codec(degradation.slice(1, kReadValues).argmax(1)),
        coded(codec != 0) {}

  torch::Tensor values;        // N x kReadValues
  torch::Tensor codec, coded;  // N
};

/// What the heads give for embeddings, N x ...
struct Read {
  explicit Read(const torch::Tensor& out)
      : mean(out.slice(1, 0, kReadValues)),
        log_variance(out.slice(1, kReadValues, 2 * kReadValues).clamp(kLeastLogVariance, 0)),
        logits(out.slice(1, 2 * kReadValues)) {}

  torch::Tensor mean, log_variance, logits;
};

/// 1 for every value of a shot but the quantizer of one that is not coded.
torch::Tensor counted(const torch::Tensor& coded) {
  torch::Tensor weights = torch::ones({coded.size(0), kReadValues});
  weights.select(1, kQuantizer).copy_(coded);
  return weights;
}

/// Negative log-likelihood, per shot, of Gaussians for the values and of the codec's class.
torch::Tensor loss(const Read& read, const torch::Tensor& standardized, const Truth& truth) {
  const torch::Tensor gaussian =
      0.5 * (read.log_variance + (standardized - read.mean).square() * (-read.log_variance).exp());
  return (gaussian * counted(truth.coded)).sum(1).mean() +
         torch::cross_entropy_loss(read.logits, truth.codec);
}

ReaderScore score_of(const Read& read, const torch::Tensor& standardized, const Truth& truth) {
  ReaderScore score;
  const torch::Tensor weights = counted(truth.coded), sum = weights.sum(0).clamp_min(1);
  const auto mean = [&](const torch::Tensor& values) { return (values * weights).sum(0) / sum; };
  const torch::Tensor error = mean((standardized - read.mean).square());
  const torch::Tensor variance = (mean(standardized.square()) - mean(standardized).square()).clamp_min(1e-12);
  const std::vector<float> settled = values_of(1 - error / variance),
                           claimed = values_of(mean(1 - read.log_variance.exp()));
  std::copy(settled.begin(), settled.end(), score.settled.begin());
  std::copy(claimed.begin(), claimed.end(), score.claimed.begin());
  const auto [likeliest, codec] = read.logits.softmax(1).max(1);
  score.codec = (codec == truth.codec).to(torch::kFloat).mean().item<double>();
  score.codec_claimed = likeliest.mean().item<double>();
  return score;
}

}  // namespace

DegradationReader fit_reader(nn::Cdsr& model, const train::ShotStatistics& shots, ReaderScore& score) {
  const int64_t count = shots.degradation.size(0), fitted = count * 9 / 10;
  if (count < kLeastShots)
    fail(Errc::InvalidArgument, "{} shots: a reader is fitted to at least {}", count, kLeastShots);

  torch::Tensor x, y;
  Spread in, of_values;
  const Truth all(shots.degradation);
  {
    const torch::NoGradGuard no_grad;
    x = embeddings(model, shots.statistics);
    in = spread_of(x.slice(0, 0, fitted));
    x = (x - in.mean) / in.deviation;
    const torch::Tensor seen = all.values.slice(0, 0, fitted);
    of_values = spread_of(seen);
    const Spread coded = spread_of(seen.index({all.coded.slice(0, 0, fitted)}));
    of_values.mean[kQuantizer] = coded.mean[kQuantizer];
    of_values.deviation[kQuantizer] = coded.deviation[kQuantizer];
    y = (all.values - of_values.mean) / of_values.deviation;
  }
  torch::nn::Linear heads(x.size(1), 2 * kReadValues + degrade::kCodecs);
  {
    const torch::NoGradGuard no_grad;
    heads->weight.zero_();
    heads->bias.zero_();
  }
  torch::optim::AdamW adam(heads->parameters(), torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
  for (int step = 0; step < kSteps; ++step) {
    for (auto& group : adam.param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options())
          .lr(kRate * 0.5 * (1 + std::cos(std::numbers::pi * step / kSteps)));
    const torch::Tensor rows = torch::randint(fitted, {std::min(kShots, fitted)}, torch::kLong);
    adam.zero_grad();
    loss(Read(heads(x.index_select(0, rows))), y.index_select(0, rows),
         Truth(shots.degradation.index_select(0, rows)))
        .backward();
    adam.step();
  }

  const torch::NoGradGuard no_grad;
  score = score_of(Read(heads(x.slice(0, fitted))), y.slice(0, fitted),
                   Truth(shots.degradation.slice(0, fitted)));
  score.fitted = fitted;
  score.tested = count - fitted;
  DegradationReader reader;
  for (int c = 0; c < degrade::kCodecs; ++c)
    reader.codecs.emplace_back(to_string(static_cast<degrade::Codec>(c)));
  const torch::Tensor weight = heads->weight / in.deviation;
  reader.heads = {static_cast<int>(x.size(1)), static_cast<int>(weight.size(0)), values_of(weight),
                  values_of(heads->bias - weight.matmul(in.mean))};
  reader.mean = values_of(of_values.mean);
  reader.deviation = values_of(of_values.deviation);
  return reader;
}

}  // namespace cdsr::analyze
