#include "tools/train/checkpoint.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "model/atomic_file.h"
#include "model/error.h"
#include "model/weights.h"

namespace cdsr::train {
namespace {

/// What a checkpoint is of.
std::string identity(const TrainOptions& o) {
  const std::string variant = to_string(o.variant);
  return to_json(o.config) + (variant.empty() ? "" : " " + variant);
}

/// The key of a parameter's state in an optimizer: its address, as text up to LibTorch 1.13, in 2.x as it is.
template <class Key>
Key state_key(const torch::Tensor& parameter) {
  if constexpr (std::is_pointer_v<Key>) {
    return parameter.unsafeGetTensorImpl();
  } else {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  }
}

/// Adam's moments. Not by Adam::load(): 1.13 writes the addresses that name them in hexadecimal, 2.x takes
/// them for decimal and mixes them up.
void load_moments(torch::serialize::InputArchive& archive, torch::optim::Adam& adam) {
  using Key = std::decay_t<decltype(adam.state())>::key_type;
  torch::serialize::InputArchive states, groups;
  archive.read("state", states);
  archive.read("param_groups", groups);
  for (size_t g = 0; g < adam.param_groups().size(); ++g) {
    const auto& parameters = adam.param_groups()[g].params();
    torch::serialize::InputArchive group, state;
    groups.read(fmt::format("param_groups/{}", g), group);
    torch::Tensor size;
    group.read("params/size", size);
    if (size.item<int64_t>() != static_cast<int64_t>(parameters.size()))
      throw std::runtime_error("the optimizer is one of other parameters");
    for (size_t i = 0; i < parameters.size(); ++i) {
      c10::IValue name;
      group.read(fmt::format("params/{}", i), name);
      if (!states.try_read(name.toStringRef(), state)) continue;  // never had a gradient
      auto moments = std::make_unique<torch::optim::AdamParamState>();
      moments->serialize(state);
      adam.state()[state_key<Key>(parameters[i])] = std::move(moments);
    }
  }
}

}  // namespace

std::string checkpoint_bytes(const TrainState& state, const TrainOptions& options) {
  torch::serialize::OutputArchive archive, model, moco, optimizer;
  state.model->save(model);
  state.moco->save(moco);
  state.optimizer.save(optimizer);
  archive.write("model", model);
  archive.write("moco", moco);
  archive.write("optimizer", optimizer);
  archive.write("config", c10::IValue(identity(options)));
  archive.write("step", c10::IValue(state.step));
  archive.write("best_psnr", c10::IValue(state.best_psnr));
  if (options.guide.on()) {
    torch::serialize::OutputArchive guide;
    state.guide->save(guide);
    archive.write("guide", guide);
  }
  if (state.ema.on()) {
    torch::serialize::OutputArchive ema;
    state.ema.save(ema);
    archive.write("ema", ema);
  }
  std::ostringstream bytes;
  archive.save_to(bytes);
  return std::move(bytes).str();
}

void save_checkpoint(const std::filesystem::path& path, const TrainState& state,
                     const TrainOptions& options) {
  // Through memory: what LibTorch does when a file cannot take all is to abort.
  const std::string bytes = checkpoint_bytes(state, options);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void restore(const std::string& bytes, const std::string& name, TrainState& state,
             const TrainOptions& options) {
  std::string config;
  try {
    torch::serialize::InputArchive archive, model, moco, optimizer;
    archive.load_from(bytes.data(), bytes.size(), options.device);
    c10::IValue value;
    archive.read("config", value);
    config = value.toStringRef();
    if (config == identity(options)) {
      archive.read("model", model);
      archive.read("moco", moco);
      archive.read("optimizer", optimizer);
      state.model->load(model);
      state.moco->load(moco);
      load_moments(optimizer, state.optimizer);
      archive.read("step", value);
      state.step = value.toInt();
      archive.read("best_psnr", value);
      state.best_psnr = value.toDouble();
      torch::serialize::InputArchive ema, guide;
      if (options.guide.on()) {
        archive.read("guide", guide);
        state.guide->load(guide);
      }
      if (state.ema.on() && archive.try_read("ema", ema))
        state.ema.load(ema);
      else
        state.ema.reset(*state.model);
    }
  } catch (const std::exception& e) {
    fail(Errc::BadWeights, "{}: the checkpoint is damaged: {}", name, e.what());
  }
  if (config != identity(options))
    fail(Errc::BadWeights, "{}: the checkpoint is of {}, asked for {}", name, config, identity(options));
}

bool load_checkpoint(const std::filesystem::path& path, TrainState& state, const TrainOptions& options) {
  if (!std::filesystem::exists(path)) return false;
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in) fail(Errc::Io, "{}: cannot read: {}", path.string(), std::strerror(errno));
  restore(bytes, path.string(), state, options);
  return true;
}

std::string recipe_text(const TrainOptions& options) {
  const BatchOptions& b = options.batch;
  if (b.degradation == Degradation::Video) return fmt::format("video: {}", degrade::describe(b.video));
  return fmt::format("{}: anisotropic Gaussian, variances {:.3f} to {:.3f}, subsampled {}x, noise up to {:g}",
                     to_string(b.degradation), 0.175 * b.scale, 2.5 * b.scale, b.scale, b.noise);
}

void export_weights(const std::filesystem::path& path, const TrainState& state, const TrainOptions& options,
                    double psnr) {
  const BatchOptions& b = options.batch;
  std::map<std::string, std::string> metadata = nn::identity(state.model);
  metadata["cdsr.recipe"] = recipe_text(options);
  metadata["cdsr.trained"] =
      fmt::format("{} of {} iterations, batch {} of {}x{}, seed {}, Adam {:g}{}", state.step,
                  options.iterations, b.batch * options.accumulate, b.patch, b.patch, b.seed, options.rate,
                  options.ema > 0 ? fmt::format(", averaged with decay {:g}", options.ema) : "");
  metadata["cdsr.scores"] = psnr > 0 ? fmt::format("validation PSNR-Y {:.3f} dB", psnr) : "not validated";
  write_weights(path, nn::state(state.model), metadata, DType::F32);
}

}  // namespace cdsr::train
