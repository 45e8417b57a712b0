// The command `cdsr reader`: what a network's embedding says of the input, in numbers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "model/encoder_windows.h"
#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/lab/add_metadata.h"
#include "tools/lab/fit_reader.h"
#include "tools/train/photos.h"
#include "tools/train/prefetch.h"
#include "tools/train/shot_sample.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  std::vector<std::filesystem::path> data;
  int64_t shots = 12000;
  int threads = 1;
};

train::ShotStatistics draw(const Arguments& a, const CdsrConfig& config) {
  const auto say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  const auto photos = train::load_photos(a.data, config.scale * kEncoderWindow, a.threads, say);
  train::BatchOptions options;
  options.degradation = train::Degradation::Video;
  options.scale = config.scale;
  options.colour = config.colour;
  options.batch = 40;
  options.patch = 16;  // what the SR network would learn from; nobody looks at it
  options.crops = 1;
  options.keys = 1;
  train::Prefetcher prefetcher(photos, options, 0, a.threads, 4);
  const auto next = [&](int64_t i) {
    if (i % 25 == 0) fmt::print(stderr, "\r{} of {} shots", i * options.batch, a.shots);
    return prefetcher.next();
  };
  train::ShotStatistics shots = train::gather_shots(a.shots * options.windows, next);
  fmt::print(stderr, "\r{} of {} shots\n", shots.degradation.size(0), a.shots);
  return shots;
}

void print(const analyze::ReaderScore& score) {
  constexpr const char* kNames[kReadValues] = {"blur",
                                               "its direction, 0 and 90 degrees",
                                               "its direction, 45 and 135 degrees",
                                               "sharpening",
                                               "noise",
                                               "error of coding",
                                               "quantizer of what is coded"};
  fmt::print("fitted to {} shots, tested on {} others\n{:<36} {:>9} {:>9}\n", score.fitted, score.tested, "",
             "settled", "claimed");
  for (size_t i = 0; i < kReadValues; ++i)
    fmt::print("{:<36} {:>7.0f} % {:>7.0f} %\n", kNames[i], 100 * score.settled[i], 100 * score.claimed[i]);
  fmt::print("{:<36} {:>7.0f} % {:>7.0f} %\n", "codec (read rightly)", 100 * score.codec,
             100 * score.codec_claimed);
}

void run(const Arguments& a) {
  const WeightsFile file = WeightsFile::open(a.in);
  nn::Cdsr model = nn::make_model(file);
  if (model->config.lpe_input != LpeInput::Statistics)
    fail(Errc::InvalidArgument, "{}: {}: only an encoder of lpe_input statistics has a reader", a.in.string(),
         model->config.name);
  nn::load_state(model, file);
  model->eval();
  torch::manual_seed(1);
  analyze::ReaderScore score;
  const DegradationReader reader = analyze::fit_reader(model, draw(a, model->config), score);
  analyze::write_with(file, a.out, kReaderKey, reader_text(reader));
  print(score);
}

}  // namespace

void add_reader(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "reader", "Fit what a network's embedding says of the input: blur, noise, codec, quantizer");
  c->add_option("IN", a->in, "a weights file")->required();
  c->add_option("OUT", a->out, "the same with a reader in its metadata")->required();
  c->add_option("--data", a->data, "folders of full-size pictures, degraded as in training")->required();
  c->add_option("--shots", a->shots, "how many are drawn")
      ->check(CLI::Range(100, 1000000))
      ->capture_default_str();
  c->add_option("--threads", a->threads, "that degrade")->check(CLI::Range(1, 256))->capture_default_str();
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
