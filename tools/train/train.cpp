// The command `cdsr train`.
#include <fmt/core.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <thread>

#include "tools/commands.h"
#include "tools/train/trainer.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string name = "cdsr-rt";
  int scale = 2;
  std::string config;  // JSON, in place of name and scale
  std::vector<std::filesystem::path> data, validation;
  std::string degradation = "aligned";
  train::TrainOptions options;
};

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void run(Arguments& a) {
  // LibTorch frees and asks for the same large blocks every step: keep them, instead of giving the pages back
  // to the system each time (10 % of a step on two Xeon cores).
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);

  train::TrainOptions& o = a.options;
  o.config = a.config.empty() ? config_by_name(a.name, a.scale) : config_from_json(a.config);
  o.batch.scale = o.config.scale;
  o.batch.degradation = train::degradation_from_string(a.degradation);
  if (o.batch.degradation == train::Degradation::Video)
    print_line("degraded as video: " + degrade::describe(o.batch.video));
  const int decoders = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  print_line(fmt::format("{} x{}, {} parameters, {} MAC per low-resolution pixel", o.config.name,
                         o.config.scale, parameter_count(o.config), mac_count(o.config).sr_per_pixel));
  const auto photos = train::load_photos(a.data, o.batch.patch * o.batch.scale, decoders, print_line);
  print_line(fmt::format("{} photographs", photos.size()));
  const auto held_out = a.validation.empty() ? std::vector<Picture>{}
                                             : train::load_photos(a.validation, o.batch.patch * o.batch.scale,
                                                                  decoders, print_line);
  const train::Validation validation(held_out, o.batch);
  if (!validation.empty())
    print_line(
        fmt::format("{} validation images, bicubic {:.3f} dB", held_out.size(), validation.bicubic_psnr()));
  train::train(o, photos, validation, print_line);
}

}  // namespace

void add_train(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  train::TrainOptions& o = a->options;
  o.batch.batch = 16;
  CLI::App* c = app.add_subcommand("train", "Train a network on a folder of photographs");
  c->add_option("--name", a->name, "network: cdsr-10, cdsr-5, cdsr-2, cdsr-rt")->capture_default_str();
  c->add_option("--scale", a->scale, "2, 3 or 4")->capture_default_str();
  c->add_option("--config", a->config,
                "the configuration as JSON (see `cdsr info`), in place of --name and --scale");
  c->add_option("--data", a->data, "folders of photographs")->required();
  c->add_option("--validation", a->validation, "folders of images that choose the best checkpoint");
  c->add_option("--out", o.out, "folder for checkpoints and weights; resumes from it")->required();
  c->add_option("--init", o.init, "weights to start from when --out holds no checkpoint");
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
  c->add_option("--batch", o.batch.batch, "images a step")->check(CLI::Range(1, 4096))->capture_default_str();
  c->add_option("--patch", o.batch.patch, "side of a low-resolution crop")
      ->check(CLI::Range(kPatch, 512))
      ->capture_default_str();
  c->add_option("--rate", o.rate, "Adam's learning rate")->capture_default_str();
  c->add_option("--decay", o.decay, "share of the iterations over which the rate falls to 0, at the end")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  c->add_option("--contrast", o.contrast, "weight of the contrastive loss")->capture_default_str();
  c->add_option("--queue", o.moco.queue, "MoCo's queue, a multiple of --batch")->capture_default_str();
  c->add_option("--momentum", o.moco.momentum, "MoCo's momentum")->capture_default_str();
  c->add_option("--temperature", o.moco.temperature, "MoCo's temperature")->capture_default_str();
  c->add_flag("--bf16", o.bf16, "bfloat16 autocast");
  c->add_option("--seed", o.batch.seed, "seed of everything random")->capture_default_str();
  c->add_option("--threads", o.threads, "threads of LibTorch's operators; 0: as many as there are cores")
      ->capture_default_str();
  c->add_option("--workers", o.workers, "threads that make batches")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  c->add_option("--checkpoint-every", o.checkpoint_every, "steps")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->add_option("--validate-every", o.validate_every, "steps")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
