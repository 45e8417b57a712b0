#include "tools/media/upscaler.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "model/error.h"
#include "model/find_model.h"
#include "model/registry.h"
#include "model/weights.h"
#include "tools/commands/library_option.h"
#include "tools/media/luma.h"

namespace cdsr::tools {
namespace {

std::string backend_names() {
  std::string names = "auto";
  for (const Backend& b : backends()) names += std::string(", ") + b.name;
  return names;
}

Image to_planar(const Picture& p, Colour colour) {
  Image image(p.width, p.height);
  if (colour == Colour::Luma) {
    image.plane[0] = luma_plane(p);
    return image;
  }
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = 0; i < image.plane[c].size(); ++i)
      image.plane[c][i] = static_cast<float>(p.rgb[3 * i + c]) / 255.0F;
  return image;
}

}  // namespace

void add_engine_options(CLI::App& command, EngineArguments& a) {
  command.add_option("--backend", a.backend, backend_names())->capture_default_str();
  add_library_option(command, "precision", a.precision);
  add_library_option(command, "query", a.query);
  add_library_option(command, "threads", a.threads);
  add_library_option(command, "memory", a.memory);
  command.add_flag("-v,--verbose", a.verbose, "say on stderr which backend was chosen and why");
}

Upscaler::Upscaler(const std::string& model, int scale, const EngineArguments& a) {
  auto network = load_network(WeightsFile::open(find_model(model, scale)));
  if (network->config.scale != scale && scale != 0)
    fail(Errc::InvalidArgument, "{} is a model for scale {}, asked for was {}", model, network->config.scale,
         scale);
  query_ = a.query == "model" ? network->config.query : query_from_string(a.query);
  EngineOptions options;
  options.precision = precision_from_string(a.precision);
  options.threads = a.threads;
  options.query = query_;
  options.memory_limit = static_cast<size_t>(a.memory) << 20;
  engine_ = create_engine(std::move(network), options, a.backend, [&](const std::string& line) {
    if (a.verbose) std::fprintf(stderr, "cdsr: %s\n", line.c_str());
  });
}

std::vector<float> Upscaler::embed(const Picture& lr) {
  const Image in = to_planar(lr, network().config.colour);
  engine_->plan(lr.width, lr.height);
  std::vector<float> embedding(engine_->embedding_size());
  engine_->embed(ImageSource(in), embedding);
  return embedding;
}

std::vector<float> Upscaler::operator()(const Picture& lr, EmbeddingSource source) {
  const CdsrConfig& c = network().config;
  const Image in = to_planar(lr, c.colour);
  const ImageSource frame(in);
  engine_->plan(lr.width, lr.height);
  std::vector<float> embedding(static_cast<size_t>(c.embedding()));
  if (source == EmbeddingSource::Picture) engine_->embed(frame, embedding);
  engine_->condition(embedding);
  if (query_ == Query::Shot) {
    std::vector<float> queries(static_cast<size_t>(c.dqas()) * static_cast<size_t>(c.nf));
    engine_->measure_queries(frame, queries);
    engine_->set_queries(queries);
  }
  Image out(lr.width * c.scale, lr.height * c.scale);
  ImageSink sink(out);
  engine_->upscale(frame, sink);

  if (c.colour == Colour::Luma) return with_luma(lr, c.scale, out.plane[0]);
  std::vector<float> rgb(3 * out.plane[0].size());
  for (size_t ch = 0; ch < 3; ++ch)
    for (size_t i = 0; i < out.plane[ch].size(); ++i) rgb[3 * i + ch] = 255.0F * out.plane[ch][i];
  return rgb;
}

}  // namespace cdsr::tools
