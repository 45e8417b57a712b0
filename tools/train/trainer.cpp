#include "tools/train/trainer.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "model/error.h"
#include "model/torch/restart_conditioning.h"
#include "tools/train/checkpoint.h"
#include "tools/train/prefetch.h"
#include "tools/train/progress.h"
#include "tools/train/run_log.h"
#include "tools/train/step.h"

namespace cdsr::train {
namespace {

constexpr int64_t kTargetBatches = 8;  // of 64 images, that tell how the guide's targets are spread

/// Weights from a file; MoCo's key encoder begins as their copy.
void start_from(const TrainOptions& o, const std::vector<tools::Picture>& photos, TrainState& state,
                const LogLine& log) {
  const WeightsFile file = WeightsFile::open(o.init);
  const CdsrConfig config = nn::make_model(file)->config;
  if (config == o.config)
    nn::load_state(state.model, file);
  else
    nn::load_state_grown(state.model, file);
  if (o.restart) {
    BatchOptions crops = o.batch;
    crops.batch = 64;
    nn::restart_conditioning(state.model, windows_of(make_batch(photos, crops, 0)).pictures);
  }
  state.moco = nn::Moco(state.model, o.moco);
  state.moco->to(o.device);
  state.ema.reset(*state.model);
  log(fmt::format("started from {}{}{}{}", o.init.string(),
                  config.scale == o.config.scale ? "" : fmt::format(", made for x{}: tail new", config.scale),
                  config.blocks == o.config.blocks
                      ? ""
                      : fmt::format(", {} blocks: {} new", config.blocks, o.config.blocks - config.blocks),
                  o.restart ? ", conditioning path new" : ""));
}

/// What a guided run begins with (guide.h).
void start_guide(const TrainOptions& o, const std::vector<tools::Picture>& photos, TrainState& state,
                 const LogLine& log) {
  BatchOptions crops = o.batch;
  crops.batch = 64;
  crops.crops = 1;
  crops.part = 0, crops.parts = 1;
  crops.seed = o.batch.seed + 1;
  const auto make = [&](int64_t i) { return make_batch(photos, crops, i); };
  // Weights that are taken over have an encoder which the SR network knows: it stays.
  const bool takes_over = !o.init.empty() && !o.restart;
  if (!o.guide.start() || takes_over) return measure_targets(state.guide, kTargetBatches, make);
  log(start_guided(state.model, state.moco, state.guide, o.guide.crops, make));
  state.ema.reset(*state.model);
}

/// What a process that was killed while writing left behind.
void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().filename().string().find(".tmp-") != std::string::npos)
      std::filesystem::remove(entry.path(), error);
}

nlohmann::ordered_json description(const TrainOptions& o, size_t photos, int processes) {
  return {{"config", nlohmann::ordered_json::parse(to_json(o.config))},
          {"recipe", recipe_text(o)},
          {"pictures", photos},
          {"iterations", o.iterations},
          {"batch", o.batch.batch},
          {"accumulate", o.accumulate},
          {"processes", processes},
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
  if (o.sharpen) {
    std::vector<torch::Tensor> sharp;
    for (const auto& p : model->named_parameters()) {
      const bool learns = p.key().find(".sharp_") != std::string::npos;
      torch::Tensor(p.value()).set_requires_grad(learns);
      if (learns) sharp.push_back(p.value());
    }
    return {torch::optim::OptimizerParamGroup(sharp)};
  }
  if (!o.guide.on()) return {torch::optim::OptimizerParamGroup(model->parameters())};
  std::vector<torch::Tensor> normal, slow;
  for (const auto& p : model->named_parameters()) {
    const std::string& name = p.key();
    const bool lpe = name.rfind("lpe.", 0) == 0;
    if (lpe && o.guide.start() && o.guide.freeze_lpe) {
      torch::Tensor(p.value()).set_requires_grad(false);
      continue;
    }
    const bool between = lpe || name.rfind("csc.", 0) == 0 || name.rfind("sr.compress.", 0) == 0 ||
                         name.find(".modulation.") != std::string::npos ||
                         name.find(".mixing.") != std::string::npos;
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
      ema(*model, o.ema) {
  if (o.sharpen) model->sr->sharpness = 1;
}

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

namespace {

/// The start of a run, found or made by rank 0 and taken over by all.
void begin(const TrainOptions& o, const std::vector<tools::Picture>& photos, TrainState& state,
           Communicator& communicator, const LogLine& log) {
  if (communicator.first()) {
    std::filesystem::create_directories(o.out);
    const auto checkpoint = o.out / "last.ckpt";
    if (load_checkpoint(checkpoint, state, o)) {
      log(fmt::format("resumed {} at step {}", checkpoint.string(), state.step));
    } else {
      if (!o.init.empty()) start_from(o, photos, state, log);
      if (o.guide.on()) start_guide(o, photos, state, log);
    }
    remove_leftovers(o.out);
  }
  if (!communicator.alone()) {
    const std::string bytes = communicator.broadcast(communicator.first() ? checkpoint_bytes(state, o) : "");
    if (!communicator.first()) restore(bytes, "rank 0's start", state, o);
  }
  nn::connect(*state.model, communicator.collectives());
  nn::connect(*state.moco, communicator.collectives());
  state.moco->collectives = communicator.collectives();
}

/// Validates, if asked to, and writes weights and checkpoint: rank 0's part.
void finish(const TrainOptions& o, const Validation& validation, TrainState& state, bool validate,
            RunLog& run_log, const LogLine& log) {
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
  save_checkpoint(o.out / "last.ckpt", state, o);
}

/// Processes with other options would train something else, or wait for each other for ever.
void compare_notes(const nlohmann::ordered_json& mine, Communicator& communicator) {
  const std::string text = mine.dump(), first = communicator.broadcast(text);
  if (text != first)
    fail(Errc::InvalidArgument, "rank {} was started otherwise than rank 0: {} against {}",
         communicator.rank(), text, first);
}

BatchOptions part_of(const TrainOptions& o, const Communicator& communicator) {
  BatchOptions part = o.batch;
  part.part = communicator.rank();
  part.parts = communicator.size();
  if (part.batch % part.parts != 0)
    fail(Errc::InvalidArgument, "--batch {} cannot be shared by {} processes: must be a multiple of {}",
         part.batch, part.parts, part.parts);
  return part;
}

void run(const TrainOptions& o, const std::vector<tools::Picture>& photos, const Validation& validation,
         Communicator& communicator, const LogLine& log) {
  if (o.guide.on() && !o.variant.paper_encoder())
    fail(Errc::InvalidArgument, "the guide is made for the paper's encoder, not for that of variant {}",
         to_string(o.variant));
  const BatchOptions part = part_of(o, communicator);
  const auto notes = description(o, photos.size(), communicator.size());
  compare_notes(notes, communicator);
  if (o.threads > 0) at::set_num_threads(o.threads);
  TrainState state(o);
  begin(o, photos, state, communicator, log);
  RunLog run_log(communicator.first() ? o.out / "log.jsonl" : "", state.step);
  run_log.write("start", state.step, notes);
  if (!validation.empty()) run_log.write("bicubic", state.step, {{"psnr", validation.bicubic_psnr()}});
  Watchdog watchdog(o.diverge);

  state.model->train();
  Prefetcher batches(photos, part, state.step * o.accumulate, o.workers, 2 * o.workers + 1);
  const int64_t first = state.step;
  Progress progress(o.iterations, first);
  while (state.step < o.iterations) {
    const StepMeasures measures = take_step(state, o, batches, communicator);
    progress.add(measures);
    watchdog.add(state.step, measures.l1);
    if (!communicator.first()) continue;
    const bool last = state.step == o.iterations;
    if (progress.age() >= o.progress_seconds || last) {
      nlohmann::ordered_json values;
      log(progress.line(state.step, rate_at(o, state.step), values));
      run_log.write("train", state.step, values);
    }
    const bool validate = state.step % o.validate_every == 0 || last;
    if (!validate && state.step % o.checkpoint_every != 0) continue;
    if (watchdog.rising())
      log(fmt::format("step {}: the loss is rising: no checkpoint written", state.step));
    else
      finish(o, validation, state, validate, run_log, log);
  }
  communicator.barrier();  // a process whose work is done still hears that rank 0 could not write it
  run_log.write("end", state.step, {{"best_psnr", state.best_psnr}, {"seconds", progress.seconds()}});
  log(fmt::format("trained {} steps in {}", state.step - first, clock_text(progress.seconds())));
}

}  // namespace

void train(const TrainOptions& o, const std::vector<tools::Picture>& photos, const Validation& validation,
           const LogLine& log, Communicator& communicator) {
  try {
    run(
        o, photos, validation, communicator, communicator.first() ? log : [](const std::string&) {});
  } catch (const std::exception& e) {
    communicator.failed(e.what());
    throw;
  }
}

void train(const TrainOptions& o, const std::vector<tools::Picture>& photos, const Validation& validation,
           const LogLine& log) {
  Communicator alone;
  train(o, photos, validation, log, alone);
}

}  // namespace cdsr::train
