#include "tools/train/trainer.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "model/error.h"
#include "model/torch/restart.h"
#include "tools/train/autocast.h"
#include "tools/train/checkpoint.h"
#include "tools/train/prefetch.h"
#include "tools/train/progress.h"
#include "tools/train/run_log.h"

namespace cdsr::train {
namespace {

struct StepResult {
  torch::Tensor l1, contrast, accuracy, guide;
};

/// E_a of pictures and the attention it came from. Always fp32, as at inference: bfloat16 rounds away most of
/// what tells embeddings apart.
struct Embedded {
  torch::Tensor embedding, logits;
};

Embedded embed(TrainState& state, const TrainOptions& o, const torch::Tensor& pictures) {
  nn::Encoder& encoder = state.model->encoder;
  if (!o.variant.paper()) return {encoder(pictures), {}};  // it may lack any part
  torch::Tensor features;
  {
    const torch::AutoGradMode gradient(!(o.guide.on() && o.guide.freeze_lpe));
    features = encoder->lpe(nn::lpe_view(encoder->input, pictures));
  }
  const torch::Tensor logits = encoder->csc->logits(features);
  return {encoder->csc->mix(logits), logits};
}

/// L1 on 0..255 between what the network makes of the batch and the truth.
torch::Tensor picture_loss(TrainState& state, const TrainOptions& o, const Batch& batch,
                           const torch::Tensor& embedding) {
  const int64_t b = o.batch.batch;
  torch::Tensor sr, hr = batch.hr;
  if (o.config.query == Query::Shot && o.batch.positive == Positive::Both) {
    // As a shot is upscaled: the embedding of crop 0 serves both crops, and each crop's queries come from
    // the other crop of the same image.
    sr = state.model->sr(batch.lr, torch::cat({embedding, embedding}),
                         [b](int, const torch::Tensor& mean) { return mean.roll(b, 0); });
  } else {
    sr = state.model->sr(batch.lr.slice(0, 0, b), embedding,
                         [](int, const torch::Tensor& mean) { return mean; });
    hr = batch.hr.slice(0, 0, b);
  }
  return torch::l1_loss(sr.to(torch::kFloat), hr) * 255;
}

/// The paper's Ours-SKP: absolute error of the predicted blur kernel, summed over the kernel (at most 2).
torch::Tensor kernel_loss(TrainState& state, const Batch& batch, const torch::Tensor& embedding) {
  const torch::Tensor predicted = state.model->predicted_kernel(embedding);
  const torch::Tensor truth = batch.kernels.slice(0, 0, embedding.size(0)).flatten(1).to(predicted.device());
  return (predicted - truth).abs().sum(1).mean();
}

StepResult train_step(TrainState& state, const TrainOptions& o, const Batch& batch) {
  const int64_t b = o.batch.batch;
  StepResult out;
  torch::Tensor total;
  if (o.guide.on()) {
    freeze_statistics(*state.model->encoder);
    freeze_statistics(*state.moco);
  }
  const auto [embedding, logits] = embed(state, o, batch.lr.slice(0, 0, b));
  const auto moco = state.moco->step(state.model, embedding, batch.lr.slice(0, b));
  out.contrast = moco.loss;
  out.accuracy = moco.accuracy;
  out.guide = o.guide.on() ? state.guide->loss(embedding, batch.degradation) : torch::zeros({});
  {
    const Autocast autocast(o.bf16, o.device.type());
    if (o.contrast_only) {
      out.l1 = torch::zeros({});
      total = out.contrast;
    } else {
      out.l1 = picture_loss(state, o, batch, embedding);
      total = out.l1 + o.contrast * out.contrast;
    }
    if (o.variant.kernel) total = total + kernel_loss(state, batch, embedding);
  }
  if (o.guide.on()) total = total + o.guide.weight * out.guide + attention_loss(logits);
  if (!std::isfinite(total.item<double>()))
    fail(Errc::InvalidArgument,
         "step {}: the loss is {} (L1 {}, contrastive {}); the last checkpoint is untouched: resume with a "
         "lower "
         "--rate than {:g}",
         state.step, total.item<double>(), out.l1.item<double>(), out.contrast.item<double>(), o.rate);
  (total / o.accumulate).backward();
  return out;
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

/// One step: o.accumulate batches, their gradients averaged.
StepMeasures take_step(TrainState& state, const TrainOptions& o, Prefetcher& batches) {
  StepMeasures sum;
  state.optimizer.zero_grad();
  for (int i = 0; i < o.accumulate; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const Batch batch = batches.next();
    sum.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    const StepResult r = train_step(state, o, batch);
    sum.l1 += r.l1.item<double>() / o.accumulate;
    sum.contrast += r.contrast.item<double>() / o.accumulate;
    sum.accuracy += r.accuracy.item<double>() / o.accumulate;
    sum.guide += r.guide.item<double>() / o.accumulate;
    sum.time.data += batch.time.data;
    sum.time.degrade += batch.time.degrade;
  }
  sum.gradient = apply_gradients(state, o);
  sum.images = static_cast<int64_t>(o.batch.batch) * o.accumulate;
  return sum;
}

/// Weights from a file; MoCo's key encoder begins as their copy.
void start_from(const TrainOptions& o, const std::vector<tools::Picture>& photos, TrainState& state,
                const Log& log) {
  nn::load_state(state.model, WeightsFile::open(o.init));
  if (o.restart) {
    BatchOptions crops = o.batch;
    crops.batch = 64;
    nn::restart_conditioning(state.model, make_batch(photos, crops, 0).lr);
  }
  state.moco = nn::Moco(state.model, o.moco);
  state.moco->to(o.device);
  state.ema.reset(*state.model);
  log(fmt::format("started from {}{}", o.init.string(), o.restart ? ", conditioning path new" : ""));
}

/// The guided start of a new run (guide.h).
void start_guide(const TrainOptions& o, const std::vector<tools::Picture>& photos, TrainState& state,
                 const Log& log) {
  BatchOptions crops = o.batch;
  crops.batch = 64;
  crops.seed = o.batch.seed + 1;
  log(start_guided(state.model, state.moco, state.guide, o.guide.crops,
                   [&](int64_t i) { return make_batch(photos, crops, i); }));
  state.ema.reset(*state.model);
}

/// What a process that was killed while writing left behind.
void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().filename().string().find(".tmp-") != std::string::npos)
      std::filesystem::remove(entry.path(), error);
}

nlohmann::ordered_json description(const TrainOptions& o, size_t photos) {
  return {{"config", nlohmann::ordered_json::parse(to_json(o.config))},
          {"recipe", recipe_text(o)},
          {"pictures", photos},
          {"iterations", o.iterations},
          {"batch", o.batch.batch},
          {"accumulate", o.accumulate},
          {"patch", o.batch.patch},
          {"rate", o.rate},
          {"contrast", o.contrast},
          {"ema", o.ema},
          {"clip", o.clip},
          {"seed", o.batch.seed}};
}

}  // namespace

namespace {

/// What learns at the rate, then, with a guide, what learns at its share: all between the LPE and y.
std::vector<torch::optim::OptimizerParamGroup> parameter_groups(nn::Cdsr& model, Guide& guide,
                                                                const TrainOptions& o) {
  if (!o.guide.on()) return {torch::optim::OptimizerParamGroup(model->parameters())};
  std::vector<torch::Tensor> normal, slow;
  for (const auto& p : model->named_parameters()) {
    const std::string& name = p.key();
    const bool lpe = name.rfind("lpe.", 0) == 0;
    if (lpe && o.guide.freeze_lpe) {
      torch::Tensor(p.value()).set_requires_grad(false);
      continue;
    }
    const bool between = lpe || name.rfind("csc.", 0) == 0 || name.rfind("sr.compress.", 0) == 0 ||
                         name.find(".modulation.") != std::string::npos;
    (between ? slow : normal).push_back(p.value());
  }
  for (const torch::Tensor& p : guide->parameters()) slow.push_back(p);
  return {torch::optim::OptimizerParamGroup(normal), torch::optim::OptimizerParamGroup(slow)};
}

}  // namespace

TrainState::TrainState(const TrainOptions& o)
    : model((torch::manual_seed(o.batch.seed), o.config), o.variant),
      moco(model, o.moco),
      guide(o.config),
      optimizer(
          (model->to(o.device), moco->to(o.device), guide->to(o.device), parameter_groups(model, guide, o)),
          torch::optim::AdamOptions(o.rate).betas({0.9, 0.999})),
      ema(*model, o.ema) {}

double rate_at(const TrainOptions& o, int64_t step) {
  if (o.schedule == Schedule::Steps) {
    const int64_t every = o.halve_every > 0 ? o.halve_every : std::max<int64_t>(1, o.iterations / 4);
    return std::ldexp(o.rate, -static_cast<int>(step / every));
  }
  const double done = static_cast<double>(step) / static_cast<double>(o.iterations);
  const double into = (done - (1 - o.decay)) / o.decay;
  if (o.decay <= 0 || into <= 0) return o.rate;
  return o.rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(into, 1.0)));
}

void train(const TrainOptions& o, const std::vector<tools::Picture>& photos, const Validation& validation,
           const Log& log) {
  if (o.guide.on() && !o.variant.paper())
    fail(Errc::InvalidArgument, "the guide is made for the paper's encoder, not for variant {}",
         to_string(o.variant));
  if (o.threads > 0) at::set_num_threads(o.threads);
  std::filesystem::create_directories(o.out);
  const auto checkpoint = o.out / "last.ckpt";
  TrainState state(o);
  if (load_checkpoint(checkpoint, state, o))
    log(fmt::format("resumed {} at step {}", checkpoint.string(), state.step));
  else {
    if (!o.init.empty()) start_from(o, photos, state, log);
    if (o.guide.on()) start_guide(o, photos, state, log);
  }

  remove_leftovers(o.out);
  RunLog run_log(o.out / "log.jsonl", state.step);
  run_log.write("start", state.step, description(o, photos.size()));
  if (!validation.empty()) run_log.write("bicubic", state.step, {{"psnr", validation.bicubic_psnr()}});
  Watchdog watchdog(o.diverge);

  const auto finish = [&](bool validate) {
    if (watchdog.rising()) {
      log(fmt::format("step {}: the loss is rising: no checkpoint written", state.step));
      return;
    }
    double psnr = 0;
    {
      const AveragedWeights averaged(state.ema, *state.model);
      if (validate && !validation.empty()) {
        psnr = validation.psnr(state.model);
        log(fmt::format("step {}: validation PSNR-Y {:.3f} dB (best so far {:.3f})", state.step, psnr,
                        state.best_psnr));
        run_log.write("validation", state.step, {{"psnr", psnr}});
      }
      export_weights(o.out / "last.safetensors", state, o, psnr);
      if (psnr > state.best_psnr) {
        state.best_psnr = psnr;
        export_weights(o.out / "best.safetensors", state, o, psnr);
        validation.write_crops(state.model, o.out / "crops");
      }
    }
    save_checkpoint(checkpoint, state, o);
  };

  state.model->train();
  Prefetcher batches(photos, o.batch, state.step * o.accumulate, o.workers, 2 * o.workers + 1);
  const int64_t first = state.step;
  Progress progress(o.iterations, first);
  while (state.step < o.iterations) {
    const StepMeasures measures = take_step(state, o, batches);
    progress.add(measures);
    watchdog.add(state.step, measures.l1);
    const bool last = state.step == o.iterations;
    if (progress.age() >= o.progress_seconds || last) {
      nlohmann::ordered_json values;
      log(progress.line(state.step, rate_at(o, state.step), values));
      run_log.write("train", state.step, values);
    }
    const bool validate = state.step % o.validate_every == 0 || last;
    if (validate || state.step % o.checkpoint_every == 0) finish(validate);
  }
  run_log.write("end", state.step, {{"best_psnr", state.best_psnr}, {"seconds", progress.seconds()}});
  log(fmt::format("trained {} steps in {}", state.step - first, clock_text(progress.seconds())));
}

}  // namespace cdsr::train
