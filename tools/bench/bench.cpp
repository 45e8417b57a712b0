// The command `cdsr bench`: how fast the engine is, and how fast it could be on this machine at this moment.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <memory>
#include <random>

#include "model/cpu/cpu.h"
#include "model/error.h"
#include "model/find_model.h"
#include "model/registry.h"
#include "tools/bench/conv_rate.h"
#include "tools/bench/filter_time.h"
#include "tools/bench/report.h"
#include "tools/commands/commands.h"
#include "tools/commands/library_option.h"

namespace cdsr::tools {
namespace {

struct Arguments {
  std::string model = "cdsr-rt", size = "480x270", precision = "auto", query = "model", backend = "auto",
              json;
  int scale = 2, threads = 0, memory = -1, frames = 50;
  bool no_filter = false;
};

/// Milliseconds that `work` takes.
template <typename Work>
double time_ms(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double processor_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

/// Takes the result and forgets it: the engine's time alone.
class NullSink final : public RowSink {
 public:
  void write(int, int, const float* const[3], ptrdiff_t) override {}
};

struct Weights {
  std::shared_ptr<const Network> network;
  std::filesystem::path file;  ///< for the filter
  std::string description;
  bool temporary = false;

  Weights() = default;
  Weights(Weights&& other) noexcept { *this = std::move(other); }
  Weights& operator=(Weights&& other) noexcept {
    network = std::move(other.network);
    file = std::move(other.file);
    description = std::move(other.description);
    temporary = std::exchange(other.temporary, false);
    return *this;
  }
  ~Weights() {
    std::error_code ignored;
    if (temporary) std::filesystem::remove(file, ignored);
  }
};

/// A file, a released model, or random weights in the shape of a named family.
Weights load(const std::string& name, int scale) {
  Weights w;
  const auto& names = config_names();
  const bool family = std::find(names.begin(), names.end(), name) != names.end();
  try {
    w.file = find_model(name, scale);
  } catch (const Error&) {
    if (!family) throw;
  }
  if (!w.file.empty()) {
    w.network = load_network(WeightsFile::open(w.file));
    w.description = w.file.string();
    return w;
  }
  const CdsrConfig config = config_by_name(name, scale);
  w.network = random_network(config, 1);
  w.description = "random: none released for this network and scale";
  w.file = std::filesystem::temp_directory_path() /
           fmt::format("cdsr-bench-{:08x}.safetensors", std::random_device{}());
  w.temporary = true;
  write_weights(w.file, random_tensors(config, 1), {{"cdsr.format", "1"}, {"cdsr.config", to_json(config)}},
                DType::F32);
  return w;
}

Image picture(int width, int height) {
  Image image(width, height);
  for (int p = 0; p < 3; ++p)
    for (size_t i = 0; i < image.plane[p].size(); ++i)
      image.plane[p][i] =
          static_cast<float>(0.5 + 0.45 * std::sin(0.013 * static_cast<double>(i) + p) * std::cos(7e-5 * i));
  return image;
}

void parse_size(const std::string& text, int& width, int& height) {
  char end = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &end) != 2)
    fail(Errc::InvalidArgument, "size is '{}', must be WIDTHxHEIGHT", text);
}

BenchReport measure(const Arguments& a) {
  const Weights weights = load(a.model, a.scale);
  const CdsrConfig& config = weights.network->config;
  BenchReport r;
  parse_size(a.size, r.width, r.height);
  r.model = fmt::format("{} x{}", config.name, config.scale);
  r.weights = weights.description;
  r.scale = config.scale;
  r.frames = a.frames;
  EngineOptions options;
  options.precision = precision_from_string(a.precision);
  options.threads = a.threads;
  options.memory_limit = memory_limit(a.memory);
  options.query = r.query = a.query == "model" ? config.query : query_from_string(a.query);
  const auto engine = create_engine(weights.network, options, a.backend);
  r.plan_ms = time_ms([&] { engine->plan(r.width, r.height); });
  r.engine = engine->info();
  if (r.engine.backend == "cpu") {
    r.bands = cpu::bands(engine->backend());
    for (cpu::Implementation& i : cpu::implementations(engine->backend()))
      r.convolutions.emplace_back(std::move(i.layer), std::move(i.name));
  }

  const Image image = picture(r.width, r.height);
  const ImageSource source(image);
  NullSink sink;
  std::vector<float> embedding(config.embedding()), queries(static_cast<size_t>(config.dqas()) * config.nf);
  for (int i = 0; i < 2; ++i) {  // the second time counts
    r.embed_ms = time_ms([&] { engine->embed(source, embedding); });
    r.condition_ms = time_ms([&] { engine->condition(embedding); });
    r.queries_ms = time_ms([&] {
      engine->measure_queries(source, queries);
      engine->set_queries(queries);
    });
  }
  engine->upscale(source, sink);
  engine->take_times();

  ConvRate yardstick(config.nf, r.width, r.height, r.engine.precision, r.engine.threads);
  std::unique_ptr<FilterTimer> filter;
  if (!a.no_filter)
    filter = std::make_unique<FilterTimer>(
        FilterRun{weights.file, r.width, r.height, config.scale, options, a.backend});
  std::vector<double> times, processor;
  for (int i = 0; i < a.frames; ++i) {
    const double used = processor_ms();
    times.push_back(time_ms([&] { engine->upscale(source, sink); }));
    processor.push_back(processor_ms() - used);
    if (filter) filter->sample();
    yardstick.sample(std::min(times.back() * 1e-3 * 0.5, 0.5));
  }
  r.stages = engine->take_times();
  for (StageTime& s : r.stages) {
    s.seconds /= a.frames;
    s.macs /= a.frames;
  }
  r.frame_ms = median(times);
  r.processor_ms = median(processor);
  std::sort(times.begin(), times.end());
  r.frame_p90_ms = times[times.size() * 9 / 10];
  const MacCount macs = mac_count(config);
  r.useful_macs = static_cast<double>(macs.sr_per_pixel) * r.width * r.height +
                  (r.query == Query::Frame ? static_cast<double>(macs.per_frame) : 0);
  r.yardstick = yardstick.label();
  r.yardstick_rate = yardstick.macs_per_second();
  r.yardstick_processor = yardstick.macs_per_processor_second();
  if (filter) r.filter = filter->report();
  return r;
}

void run(const Arguments& a) {
  const BenchReport report = measure(a);
  print_table(report);
  if (a.json.empty()) return;
  std::ofstream file(a.json);
  file << to_json(report);
  file.close();
  if (!file) fail(Errc::Io, "{}: cannot be written", a.json);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "bench", "Time the engine a frame and a stage, beside oneDNN's own convolution rate in the same run");
  c->add_option("--model", a->model, "name (random weights if none are released) or file")
      ->capture_default_str();
  c->add_option("--scale", a->scale, "of a name: 2, 3 or 4")->check(CLI::Range(2, 4))->capture_default_str();
  c->add_option("--size", a->size, "of the input, WIDTHxHEIGHT")->capture_default_str();
  add_library_option(*c, "precision", a->precision);
  add_library_option(*c, "threads", a->threads);
  add_library_option(*c, "memory", a->memory);
  add_library_option(*c, "query", a->query);
  c->add_option("--backend", a->backend, "auto, or a name from `cdsr info`")->capture_default_str();
  c->add_option("--frames", a->frames, "to time")->check(CLI::Range(1, 1000000))->capture_default_str();
  c->add_flag("--no-filter", a->no_filter, "leave the whole filter on yuv420p frames out");
  c->add_option("--json", a->json, "write the report here as well");
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
