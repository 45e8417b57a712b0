#include "tools/train/trainer.h"

#include <ATen/autocast_mode.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "model/error.h"
#include "model/torch/restart.h"
#include "tools/train/checkpoint.h"
#include "tools/train/prefetch.h"
#include "tools/train/stopwatch.h"

namespace cdsr::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Autocast to bfloat16 on the CPU for the life of the object.
class Autocast {
 public:
  explicit Autocast(bool on) : on_(on) {
    if (!on_) return;
    at::autocast::set_cpu_enabled(true);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
};

struct Losses {
  double l1 = 0, contrast = 0, accuracy = 0;  // means over the steps added
  int64_t steps = 0;
};

struct StepResult {
  torch::Tensor l1, contrast, accuracy;
};

StepResult train_step(TrainState& state, const TrainOptions& o, const Batch& batch) {
  const int64_t b = o.batch.batch;
  StepResult out;
  torch::Tensor total;
  {
    const Autocast autocast(o.bf16);
    const torch::Tensor embedding = state.model->encoder(batch.lr.slice(0, 0, b));
    const auto moco = state.moco->step(state.model, embedding.to(torch::kFloat), batch.lr.slice(0, b));
    out.contrast = moco.loss;
    out.accuracy = moco.accuracy;
    torch::Tensor sr, hr = batch.hr;
    if (o.config.query == Query::Shot) {
      // As a shot is upscaled: the embedding of crop 0 serves both crops, and each crop's queries come from
      // the other crop of the same image.
      sr = state.model->sr(batch.lr, torch::cat({embedding, embedding}),
                           [b](int, const torch::Tensor& mean) { return mean.roll(b, 0); });
    } else {
      sr = state.model->sr(batch.lr.slice(0, 0, b), embedding,
                           [](int, const torch::Tensor& mean) { return mean; });
      hr = batch.hr.slice(0, 0, b);
    }
    out.l1 = torch::l1_loss(sr.to(torch::kFloat), hr) * 255;
    total = out.l1 + o.contrast * out.contrast;
  }
  if (!std::isfinite(total.item<double>()))
    fail(Errc::InvalidArgument,
         "step {}: the loss is {} (L1 {}, contrastive {}); the last checkpoint is untouched: resume with a "
         "lower "
         "--rate than {:g}",
         state.step, total.item<double>(), out.l1.item<double>(), out.contrast.item<double>(), o.rate);
  state.optimizer.zero_grad();
  total.backward();
  state.optimizer.step();
  return out;
}

std::string clock(double s) {
  const auto t = static_cast<int64_t>(s);
  return fmt::format("{}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60);
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
  log(fmt::format("started from {}{}", o.init.string(), o.restart ? ", conditioning path new" : ""));
}

}  // namespace

TrainState::TrainState(const TrainOptions& o)
    : model((torch::manual_seed(o.batch.seed), o.config)),
      moco(model, o.moco),
      optimizer(model->parameters(), torch::optim::AdamOptions(o.rate).betas({0.9, 0.999})) {}

double rate_at(const TrainOptions& o, int64_t step) {
  const double done = static_cast<double>(step) / static_cast<double>(o.iterations);
  const double into = (done - (1 - o.decay)) / o.decay;
  if (o.decay <= 0 || into <= 0) return o.rate;
  return o.rate * 0.5 * (1 + std::cos(std::numbers::pi * std::min(into, 1.0)));
}

void train(const TrainOptions& o, const std::vector<tools::Picture>& photos, const Validation& validation,
           const Log& log) {
  if (o.threads > 0) at::set_num_threads(o.threads);
  std::filesystem::create_directories(o.out);
  const auto checkpoint = o.out / "last.ckpt";
  TrainState state(o);
  if (load_checkpoint(checkpoint, state, o))
    log(fmt::format("resumed {} at step {}", checkpoint.string(), state.step));

  else if (!o.init.empty())
    start_from(o, photos, state, log);

  const auto finish = [&](bool validate) {
    double psnr = 0;
    if (validate && !validation.empty()) {
      psnr = validation.psnr(state.model);
      log(fmt::format("step {}: validation PSNR-Y {:.3f} dB (best so far {:.3f})", state.step, psnr,
                      state.best_psnr));
    }
    save_checkpoint(checkpoint, state, o);
    export_weights(o.out / "last.safetensors", state, o, psnr);
    if (psnr > state.best_psnr) {
      state.best_psnr = psnr;
      export_weights(o.out / "best.safetensors", state, o, psnr);
    }
  };

  state.model->train();
  Prefetcher batches(photos, o.batch, state.step, o.workers, 2 * o.workers + 1);
  Losses sum;
  double waited = 0, worked = process_seconds();
  BatchTime spent;
  const auto begin = Clock::now();
  auto last = begin;
  const int64_t first = state.step;
  int64_t last_step = first;
  while (state.step < o.iterations) {
    const auto before = Clock::now();
    const Batch batch = batches.next();
    waited += seconds(before, Clock::now());
    spent.data += batch.time.data;
    spent.degrade += batch.time.degrade;
    for (auto& group : state.optimizer.param_groups())
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate_at(o, state.step));
    const StepResult r = train_step(state, o, batch);
    ++state.step;
    sum.l1 += r.l1.item<double>();
    sum.contrast += r.contrast.item<double>();
    sum.accuracy += r.accuracy.item<double>();
    ++sum.steps;

    const auto now = Clock::now();
    if (seconds(last, now) >= o.progress_seconds || state.step == o.iterations) {
      const double n = static_cast<double>(sum.steps), span = seconds(last, now);
      const double rate = static_cast<double>(state.step - last_step) / span;
      const double work = process_seconds() - worked, share = 100 / work;
      log(fmt::format(
          "step {}/{}  {:.2f} step/s  {:.0f} images/s  L1 {:.3f}  contrastive {:.3f}  accuracy {:.0f} %  "
          "rate {:.1e}  work: data {:.0f} %, degrade {:.0f} %, network {:.0f} %  waited {:.0f} %  left {}",
          state.step, o.iterations, rate, rate * o.batch.batch, sum.l1 / n, sum.contrast / n,
          100 * sum.accuracy / n, rate_at(o, state.step), share * spent.data, share * spent.degrade,
          share * (work - spent.data - spent.degrade), 100 * waited / span,
          clock(static_cast<double>(o.iterations - state.step) / rate)));
      sum = {};
      waited = 0;
      worked = process_seconds();
      spent = {};
      last = now;
      last_step = state.step;
    }
    const bool validate = state.step % o.validate_every == 0 || state.step == o.iterations;
    if (validate || state.step % o.checkpoint_every == 0) finish(validate);
  }
  log(fmt::format("trained {} steps in {}", state.step - first, clock(seconds(begin, Clock::now()))));
}

}  // namespace cdsr::train
