#include "tools/media/upscaler.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "model/error.h"
#include "model/find_model.h"
#include "model/golden.h"
#include "model/registry.h"
#include "model/weights.h"
#include "tools/commands/library_option.h"

namespace cdsr::tools {
namespace {

std::string backend_names() {
  std::string names = "auto";
  for (const Backend& b : backends()) names += std::string(", ") + b.name;
  return names;
}

}  // namespace

void add_engine_options(CLI::App& command, EngineArguments& a) {
  command.add_option("--backend", a.backend, backend_names())->capture_default_str();
  add_library_option(command, "precision", a.precision);
  add_library_option(command, "query", a.query);
  add_library_option(command, "threads", a.threads);
  add_library_option(command, "memory", a.memory);
  add_library_option(command, "sharpness", a.sharpness);
  command.add_flag("-v,--verbose", a.verbose, "say on stderr which backend was chosen and why");
}

Upscaler::Upscaler(const std::string& model, int scale, const EngineArguments& a) {
  const WeightsFile file = WeightsFile::open(find_model(model, scale));
  const auto network = load_network(file);
  if (network->config.scale != scale && scale != 0)
    fail(Errc::InvalidArgument, "{} is a model for scale {}, asked for was {}", model, network->config.scale,
         scale);
  query_ = a.query == "model" ? network->config.query : query_from_string(a.query);
  EngineOptions options;
  options.precision = precision_from_string(a.precision);
  options.threads = a.threads;
  options.query = query_;
  options.memory_limit = memory_limit(a.memory);
  const auto say = [&](const std::string& line) {
    if (a.verbose) std::fprintf(stderr, "cdsr: %s\n", line.c_str());
  };
  engine_ = create_engine(network, options, a.backend, say);
  if (const auto golden = golden_in(file.metadata(), file.name()))
    check_parity(*engine_, network, *golden, options, say);
  engine_->set_sharpness(static_cast<float>(a.sharpness));
}

std::vector<float> Upscaler::embed(const Picture& lr) {
  engine_->plan(lr.width, lr.height);
  std::vector<float> embedding(engine_->embedding_size());
  engine_->embed(PictureSource(lr, network().config.colour), embedding);
  return embedding;
}

void Upscaler::run(const Picture& lr, EmbeddingSource source, const TakeRow& take, const RowsDone& done) {
  const CdsrConfig& c = network().config;
  const PictureSource frame(lr, c.colour);
  engine_->plan(lr.width, lr.height);
  std::vector<float> embedding(static_cast<size_t>(c.embedding()));
  if (source == EmbeddingSource::Picture) engine_->embed(frame, embedding);
  engine_->condition(embedding);
  if (query_ == Query::Shot) {
    std::vector<float> queries(static_cast<size_t>(c.dqas()) * static_cast<size_t>(c.nf));
    engine_->measure_queries(frame, queries);
    engine_->set_queries(queries);
  }
  PictureSink sink(lr, c.scale, c.colour, take, done);
  engine_->upscale(frame, sink);
}

std::vector<float> Upscaler::operator()(const Picture& lr, EmbeddingSource source, const RowsDone& done) {
  const auto scale = static_cast<size_t>(network().config.scale);
  const size_t row = 3 * lr.width * scale;
  std::vector<float> result(row * lr.height * scale);
  run(
      lr, source,
      [&](int y, const std::vector<float>& rgb) {
        std::copy(rgb.begin(), rgb.end(), result.begin() + static_cast<ptrdiff_t>(row) * y);
      },
      done);
  return result;
}

}  // namespace cdsr::tools
