// The command `cdsr train`.
#include <fmt/core.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/train/recipe.h"
#include "tools/train/trainer.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string name = "cdsr-rt";
  int scale = 2;
  std::string config;  // JSON, in place of name and scale
  std::vector<std::filesystem::path> data, validation;
  std::string degradation = "aligned", schedule = "cosine", device = "cpu", variant, positive = "both";
  std::filesystem::path recipe;
  int video_frames = 32;
  int peer_timeout = 1800;
  train::TrainOptions options;
};

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// With several processes on a machine each takes the next GPU.
torch::Device device_from_string(const std::string& text, int local_rank) {
  try {
    const torch::Device device(text);
    if (device.is_cpu()) return device;
    if (device.is_cuda()) {
      const auto count = static_cast<int>(torch::cuda::device_count());
      const int index = std::max<int>(device.index(), 0) + local_rank;
      if (index >= count)
        fail(Errc::Unsupported, "--device {}{}: this LibTorch sees {} CUDA devices", text,
             local_rank == 0 ? "" : fmt::format(" for local rank {}", local_rank), count);
      return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
    }
  } catch (const c10::Error&) {
    // what is no device at all is refused as what is none of ours
  }
  fail(Errc::InvalidArgument, "--device {}: must be cpu, cuda or cuda:N", text);
}

/// Once the processes have met: whatever fails in one stops all.
void load_and_train(const Arguments& a, train::Communicator& communicator) {
  const train::TrainOptions& o = a.options;
  const LogLine say = communicator.first() ? LogLine(print_line) : LogLine([](const std::string&) {});
  if (!communicator.alone())
    say(fmt::format("{} processes, {} images of a batch each", communicator.size(),
                    o.batch.batch / communicator.size()));
  if (o.batch.degradation == train::Degradation::Video)
    say("degraded as video: " + degrade::describe(o.batch.video));
  say(fmt::format("{} x{}, {} parameters, {} MAC per low-resolution pixel", o.config.name, o.config.scale,
                  parameter_count(o.config), mac_count(o.config).sr_per_pixel));
  const int decoders = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int side = o.batch.patch * o.batch.scale;
  const auto photos = train::load_photos(a.data, side, decoders, say, a.video_frames);
  say(fmt::format("{} pictures", photos.size()));
  std::vector<Picture> held_out;
  if (!a.validation.empty() && communicator.first())
    held_out = train::load_photos(a.validation, side, decoders, say);
  const train::Validation validation(held_out, o.batch);
  if (!validation.empty())
    say(fmt::format("{} validation images, bicubic {:.3f} dB", held_out.size(), validation.bicubic_psnr()));
  train::train(o, photos, validation, say, communicator);
}

void run(CLI::App& command, Arguments& a) {
  if (!a.recipe.empty()) train::apply_recipe(command, a.recipe, a.options.batch.video);
  if (a.data.empty()) fail(Errc::InvalidArgument, "no --data: name at least one folder of photographs");
  if (a.options.out.empty())
    fail(Errc::InvalidArgument, "no --out: name the folder for checkpoints and weights");
  // LibTorch frees and asks for the same large blocks every step: keep them, instead of giving the pages back
  // to the system each time (10 % of a step on two Xeon cores).
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);

  train::TrainOptions& o = a.options;
  o.config = a.config.empty() ? config_by_name(a.name, a.scale) : config_from_json(a.config);
  if (o.sharpen) {
    o.config.sharp = true;
    validate(o.config);
    o.guide.weight = 0;
    o.contrast = 0;
  }
  o.variant = nn::variant_from_string(a.variant);
  o.batch.positive = train::positive_from_string(a.positive);
  o.batch.scale = o.config.scale;
  o.batch.colour = o.config.colour;
  o.schedule = a.schedule == "steps" ? train::Schedule::Steps : train::Schedule::Cosine;
  const train::Rendezvous rendezvous = train::rendezvous_from_environment();
  o.device = device_from_string(a.device, rendezvous.local);
  o.batch.device = o.device;
  o.batch.degradation = train::degradation_from_string(a.degradation);
  const bool video = o.batch.degradation == train::Degradation::Video;
  if (video && (o.variant.kernel || o.batch.positive != train::Positive::Both))
    fail(Errc::InvalidArgument,
         "--degradation video has no one blur kernel: without --variant skp and --positive");
  train::Communicator communicator(rendezvous, o.device, std::chrono::seconds(a.peer_timeout));
  try {
    load_and_train(a, communicator);
  } catch (const std::exception& e) {
    communicator.failed(e.what());
    throw;
  }
}

}  // namespace

void add_train(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  train::TrainOptions& o = a->options;
  o.batch.batch = 16;
  CLI::App* c = app.add_subcommand("train", "Train a network on a folder of photographs");
  c->add_option("--recipe", a->recipe,
                "TOML file with options by their names; the command line has the last word");
  c->add_option("--name", a->name, "network: cdsr-10, cdsr-5, cdsr-2, cdsr-rt")->capture_default_str();
  c->add_option("--scale", a->scale, "2, 3 or 4")->capture_default_str();
  c->add_option("--config", a->config,
                "the configuration as JSON (see `cdsr info`), in place of --name and --scale");
  c->add_option("--variant", a->variant,
                "a variant of the paper's laboratory, for `cdsr analyze` and `cdsr lab` alone: a list of "
                "no-pixel, no-patch, no-csc, no-dqa, adain, skp, dasr-encoder, dasr-sr, dasr, group=N");
  c->add_option("--positive", a->positive,
                "what MoCo's two crops share: both, degradation (two images) or content (two degradations)")
      ->check(CLI::IsMember({"both", "degradation", "content"}))
      ->capture_default_str();
  c->add_flag(
      "--sharpen", o.sharpen,
      "train what option sharpness adds to a network with experts, alone, on sharpened pictures: give its "
      "weights as --init; without --power, --guide and --contrast");
  c->add_flag("--contrast-only", o.contrast_only, "train the encoder alone: then --init with its weights");
  c->add_option("--data", a->data, "folders of photographs and videos");
  c->add_option("--video-frames", a->video_frames, "frames taken of each video, evenly spread")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  c->add_option("--validation", a->validation, "folders of images that choose the best checkpoint");
  c->add_option("--out", o.out, "folder for checkpoints, weights and log; resumes from it");
  c->add_option(
      "--init", o.init,
      "weights to start from when --out holds no checkpoint; of another scale: all but the last layer; of "
      "fewer blocks (cdsr-rt, cdsr-hq): what is deeper begins by passing its input on");
  c->add_flag("--restart-conditioning", o.restart, "with --init: make encoder, compress and modulation new");
  c->add_option("--degradation,--protocol", a->degradation,
                "aligned (blur and noise), paper (the same, shifted as the published code has it) or video "
                "(resizes, noises and codecs)")
      ->check(CLI::IsMember({"aligned", "paper", "video"}))
      ->capture_default_str();
  c->add_option("--noise", o.batch.noise, "highest noise, standard deviation on 0..255")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  c->add_option("--iterations", o.iterations, "steps in all")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->add_option("--batch", o.batch.batch, "images a step; with video: shots")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  c->add_option("--patch", o.batch.patch, "side of a low-resolution crop")
      ->check(CLI::Range(kPatch, 512))
      ->capture_default_str();
  c->add_option("--crops", o.batch.crops, "with video: crops of a shot")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  c->add_option("--windows", o.batch.windows, "with video: windows of a shot that make its embedding")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  c->add_option("--keys", o.batch.keys, "with video: windows of a shot that make MoCo's key")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  c->add_option(
       "--power", o.power,
       "loss: the mean over the shots of this power of the root mean square error: 2 is the mean square, "
       "towards 0 each shot's PSNR counts the same; 0: L1")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  c->add_option("--spectral", o.spectral, "weight of the difference between spectra in the loss")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--rate", o.rate, "Adam's learning rate")->capture_default_str();
  c->add_option("--decay", o.decay, "share of the iterations over which the rate falls to 0, at the end")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  c->add_option("--schedule", a->schedule,
                "cosine (constant, then falling to 0) or steps (the paper's: halved)")
      ->check(CLI::IsMember({"cosine", "steps"}))
      ->capture_default_str();
  c->add_option("--halve-every", o.halve_every, "with steps: iterations; 0: a quarter of them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--accumulate", o.accumulate, "batches whose gradients make one step")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  c->add_option("--clip", o.clip, "highest norm of the gradient, 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--ema", o.ema, "decay of the averaged weights that are validated and exported, 0: none")
      ->check(CLI::Range(0.0, 0.999999))
      ->capture_default_str();
  c->add_option("--diverge", o.diverge, "stop when the loss is so many times its lowest, 0: never")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--contrast", o.contrast, "weight of the contrastive loss")->capture_default_str();
  c->add_option("--queue", o.moco.queue, "MoCo's queue, a multiple of --batch")->capture_default_str();
  c->add_option("--momentum", o.moco.momentum, "MoCo's momentum")->capture_default_str();
  c->add_option("--temperature", o.moco.temperature, "MoCo's temperature")->capture_default_str();
  c->add_option("--guide", o.guide.weight,
                "weight of predicting the degradation from the embedding, 0: no guide (see model/README.md)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--guide-crops", o.guide.crops,
                "crops the guided start looks at; 0: no guided start, the encoder learns from nothing")
      ->check(CLI::Range(0, 100000000))
      ->capture_default_str();
  c->add_option("--embedding-rate", o.guide.embedding_rate,
                "with --guide: learning rate between LPE and y, as a share of --rate")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  c->add_flag("!--learn-lpe", o.guide.freeze_lpe, "with --guide: let the LPE learn too");
  c->add_option("--device", a->device,
                "cpu or cuda:N; several processes on a machine (see tools/train/README.md) take N, N+1, ...")
      ->capture_default_str();
  c->add_flag("--bf16", o.bf16, "bfloat16 autocast");
  c->add_option("--seed", o.batch.seed, "seed of everything random")->capture_default_str();
  c->add_option("--threads", o.threads, "threads of LibTorch's operators; 0: as many as there are cores")
      ->capture_default_str();
  c->add_option("--workers", o.workers, "threads that make batches")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  c->add_option("--peer-timeout", a->peer_timeout,
                "in several processes: seconds to wait for one that does not answer; longer than a "
                "validation and the guided start take")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  c->add_option("--checkpoint-every", o.checkpoint_every, "steps")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->add_option("--validate-every", o.validate_every, "steps")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->add_option("--progress", o.progress_seconds, "seconds between two lines of progress, 0: each step")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->callback([c, a] { run(*c, *a); });
}

}  // namespace cdsr::tools
