// The command `cdsr calibrate`: what the features of a network range over, for engines that store them in 8
// bits.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "model/error.h"
#include "model/ranges.h"
#include "model/registry.h"
#include "model/vectors.h"
#include "tools/commands/commands.h"
#include "tools/lab/add_metadata.h"
#include "tools/lab/grid.h"
#include "tools/media/luma.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::filesystem::path in, out;
  analyze::GridOptions grid;
  int draws = 24;
};

/// The planes that the network reads, 0..1.
Image planes_of(const Picture& picture, int channels) {
  Image image(picture.width, picture.height);
  if (channels == 1) {
    image.plane[0] = luma_plane(picture);
    return image;
  }
  for (int p = 0; p < 3; ++p)
    for (size_t i = 0; i < image.plane[p].size(); ++i)
      image.plane[p][i] = static_cast<float>(picture.rgb[3 * i + p]) / 255.0F;
  return image;
}

FeatureRanges measure(const std::shared_ptr<const Network>& network, const analyze::Grid& grid) {
  const CdsrConfig& config = network->config;
  EngineOptions options;
  options.precision = Precision::Fp32;
  const auto engine = create_engine(network, options, "cpu");
  const auto operators = create_operators(backends().back(), options);
  Conditioner conditioner(*network);
  std::vector<Conv> plain;
  for (const Conv* conv : stack_convs(*network)) plain.push_back(*conv);
  std::vector<float> embedding(engine->embedding_size()), values;
  FeatureRanges ranges;
  for (const Picture& lr : grid.lr) {
    const Image image = planes_of(lr, config.channels());
    engine->plan(lr.width, lr.height);
    engine->embed(ImageSource(image), embedding);
    values.clear();
    for (int p = 0; p < config.channels(); ++p)
      values.insert(values.end(), image.plane[p].begin(), image.plane[p].end());
    for (const float sharpness : {0.0F, 1.0F}) {
      if (sharpness > 0 && !config.sharp) break;
      conditioner.condition(embedding, sharpness);
      widen(ranges, config.experts > 1 ? conditioner.convs() : plain,
            {config.channels(), lr.height, lr.width, values.data()}, *operators);
    }
  }
  return ranges;
}

void run(const Arguments& a) {
  const WeightsFile file = WeightsFile::open(a.in);
  const auto network = load_network(file);
  if (network->config.body != Body::Stack)
    fail(Errc::InvalidArgument, "{}: {} is no stack of convolutions, the only kind that is run in 8 bits",
         a.in.string(), network->config.name);
  const analyze::Grid grid =
      analyze::make_grid(a.grid, network->config.scale, analyze::drawn_clips(a.draws, network->config.scale));
  analyze::write_with(file, a.out, kRangesKey, ranges_text(measure(network, grid)));
  fmt::print("{}: ranges of {} layers, measured on {} pictures under {} degradations\n", a.out.string(),
             network->config.blocks + 1, grid.pictures(), grid.degradations());
}

}  // namespace

void add_calibrate(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  a->grid.images = 12;
  a->grid.crop = 64;
  CLI::App* c = app.add_subcommand(
      "calibrate", "Measure what a network's features range over, which precision int8 needs to know");
  c->add_option("IN", a->in, "a weights file")->required();
  c->add_option("OUT", a->out, "the same with the ranges in its metadata")->required();
  c->add_option("--data", a->grid.data, "folders of full-size pictures, degraded as in training")->required();
  c->add_option("--images", a->grid.images, "only the first N pictures, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--draws", a->draws, "degradations that each is seen under")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  c->add_option("--crop", a->grid.crop, "side of a centred low-resolution crop, 0: whole pictures")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
