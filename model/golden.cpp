#include "model/golden.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/registry.h"

namespace cdsr {
namespace {

constexpr int kSide = 16;
constexpr size_t kValues = 16;  ///< that are kept, of each of the two
constexpr size_t kMostValues = 64;

/// Waves and an edge: something for every layer to do.
Image golden_picture() {
  Image image(kSide, kSide);
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const int wave = (x * (3 + p) + y * (5 - p) + x * y % 7) % 32;
        const int code = 40 + 4 * wave + (x + p > y ? 60 : 0);
        image.plane[p][static_cast<size_t>(y) * kSide + x] = static_cast<float>(code) / 255.0F;
      }
  return image;
}

std::vector<float> some_of(const std::vector<float>& values) {
  const size_t count = std::min(kValues, values.size());
  std::vector<float> some;
  for (size_t i = 0; i < count; ++i) some.push_back(values[(2 * i + 1) * values.size() / (2 * count)]);
  return some;
}

/// The largest difference, a NaN being the largest of all.
double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (a.size() != b.size()) return kInfinite;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= largest)) largest = std::isnan(difference) ? kInfinite : difference;
  }
  return largest;
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * v;
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(values.size(), 1)));
}

}  // namespace

Golden measure_golden(Engine& engine) {
  const CdsrConfig& config = engine.network().config;
  const Image image = golden_picture();
  const ImageSource source(image);
  Image out(kSide * config.scale, kSide * config.scale);
  ImageSink sink(out);
  std::vector<float> embedding(engine.embedding_size()), queries(engine.queries_size());
  engine.plan(kSide, kSide);
  engine.embed(source, embedding);
  engine.condition(embedding);
  engine.measure_queries(source, queries);
  engine.set_queries(queries);
  engine.upscale(source, sink);
  std::vector<float> picture;
  for (int p = 0; p < config.channels(); ++p)
    picture.insert(picture.end(), out.plane[p].begin(), out.plane[p].end());
  return {some_of(embedding), some_of(picture)};
}

std::string golden_text(const Golden& golden) {
  const nlohmann::ordered_json value = {
      {"version", 1}, {"embedding", golden.embedding}, {"picture", golden.picture}};
  return value.dump();
}

Golden parse_golden(std::string_view text, const std::string& file) {
  const auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto floats = [&](const char* name) {
    const auto found = value.is_object() ? value.find(name) : value.end();
    if (found == value.end() || !found->is_array() || found->empty() || found->size() > kMostValues ||
        !std::all_of(found->begin(), found->end(), [](const auto& v) { return v.is_number(); }))
      fail(Errc::BadWeights, "{}: {}: {} must be a list of 1..{} numbers", file, kGoldenKey, name,
           kMostValues);
    std::vector<float> list;
    for (const auto& v : *found) list.push_back(static_cast<float>(v.template get<double>()));
    return list;
  };
  Golden golden{floats("embedding"), floats("picture")};
  if (!value.contains("version") || value["version"] != 1)
    fail(Errc::BadWeights, "{}: {}: version must be 1", file, kGoldenKey);
  return golden;
}

GoldenError golden_error(const Golden& found, const Golden& golden) {
  const double size = std::max(root_mean_square(golden.embedding), 1e-6);
  return {largest_difference(found.embedding, golden.embedding) / size,
          largest_difference(found.picture, golden.picture)};
}

GoldenError golden_tolerance(Precision precision) {
  switch (precision) {
    case Precision::Bf16:
      return {0.05, 5e-3};
    case Precision::Fp16:
      return {0.02, 2e-3};
    case Precision::Fp8:
      return {0.02, 0.05};
    case Precision::Int8:
      return {1e-4, 0.05};
    default:
      return {1e-4, 1e-4};
  }
}

std::optional<Golden> golden_in(const std::map<std::string, std::string>& metadata, const std::string& file) {
  const auto found = metadata.find(kGoldenKey);
  if (found == metadata.end()) return std::nullopt;
  return parse_golden(found->second, file);
}

Parity measure_parity(const Backend& backend, const std::shared_ptr<const Network>& network,
                      const Golden& golden, const EngineOptions& options) {
  struct Known {
    std::weak_ptr<const Network> network;
    const Backend* backend;
    Precision asked;
    Parity parity;
  };
  // Held while it is measured: a second session waits instead of measuring too.
  static std::mutex mutex;
  static std::vector<Known> all;
  const std::lock_guard lock(mutex);
  for (const Known& k : all)
    if (k.network.lock() == network && k.backend == &backend && k.asked == options.precision) return k.parity;
  std::erase_if(all, [](const Known& k) { return k.network.expired(); });
  EngineOptions small = options;
  small.threads = 1;
  small.memory_limit = 0;
  small.log = {};
  const auto engine = create_engine(backend, network, small);
  const Precision runs = engine->info().precision;
  const Parity parity{runs, golden_error(measure_golden(*engine), golden), golden_tolerance(runs)};
  all.push_back({network, &backend, options.precision, parity});
  return parity;
}

void check_parity(const Engine& engine, const std::shared_ptr<const Network>& network, const Golden& golden,
                  const EngineOptions& options, const std::function<void(const std::string&)>& log) {
  const auto backend = std::find_if(backends().begin(), backends().end(),
                                    [&](const Backend& b) { return engine.info().backend == b.name; });
  if (backend == backends().end()) fail(Errc::Internal, "backend {} is in no list", engine.info().backend);
  const Parity parity = measure_parity(*backend, network, golden, options);
  const std::string off = fmt::format(
      "off the weights file's golden values by {:.2g} (at most {:.2g}), embedding by {:.2g} ({:.2g})",
      parity.error.picture, parity.most.picture, parity.error.embedding, parity.most.embedding);
  if (!parity.holds())
    fail(Errc::Unsupported, "backend {} in {} computes something else than it must: {}", backend->name,
         to_string(parity.precision), off);
  if (log) log(fmt::format("backend {}: {}", backend->name, off));
}

}  // namespace cdsr
