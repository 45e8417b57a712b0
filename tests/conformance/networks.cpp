#include <fmt/format.h>

#include <algorithm>

#include "tests/conformance/checks.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr::conformance {
namespace {

/// Of an 8-bit code value, of the whole network: fp32 differs by rounding alone; bf16 keeps 8 bits of every
/// feature (measured with random weights: at most 0.9), fp16 11.
double codes_bound(Precision p) { return p == Precision::Fp32 ? 0.01 : p == Precision::Fp16 ? 0.5 : 2; }
/// The encoder is fp32 in every precision.
constexpr double kEmbeddingBound = 1e-9;
double queries_bound(Precision p) { return p == Precision::Fp32 ? 1e-9 : p == Precision::Fp16 ? 1e-5 : 1e-3; }

CdsrConfig tiny16(Body body, int scale, int blocks) {
  CdsrConfig c = tiny_config(body, scale);
  c.nf = 16;
  c.blocks = blocks;
  return c;
}

void add(std::vector<NetworkCase>& all, const CdsrConfig& config, int width, int height) {
  for (Query query : {Query::Shot, Query::Frame})
    if (query == Query::Shot || config.dqas() > 0) all.push_back({config, query, width, height});
}

EngineOptions options_of(Precision precision, Query query, int threads) {
  EngineOptions options;
  options.precision = precision;
  options.query = query;
  options.threads = threads;
  return options;
}

}  // namespace

std::vector<NetworkCase> network_cases() {
  std::vector<NetworkCase> all;
  for (Body body : {Body::Plain, Body::Rrdb, Body::Stack})
    for (int scale : {2, 3, 4})
      for (auto [w, h] : {std::pair{1, 1}, {11, 11}, {13, 7}, {33, 47}})
        add(all, tiny16(body, scale, scale == 2 ? 2 : 1), w, h);
  add(all, tiny16(Body::Plain, 2, 7), 40, 150);  // several strips, cut between blocks
  add(all, tiny16(Body::Rrdb, 2, 1), 12, 300);   // several strips of a dense block
  add(all, tiny_config(Body::Rrdb, 3), 70, 12);  // nf and gc below any padding
  for (const char* name : {"cdsr-rt", "cdsr-rt-dqa"})
    for (int scale : {2, 3, 4}) add(all, config_by_name(name, scale), 33, 47);
  add(all, tiny16(Body::Stack, 2, 3), 57, 61);    // windows that do not fill the frame
  add(all, tiny16(Body::Stack, 3, 20), 23, 150);  // several strips, cut between blocks
  add(all, config_by_name("cdsr-2", 2), 13, 7);
  return all;
}

std::vector<NetworkCase> large_cases() {
  CdsrConfig rrdb = tiny_config(Body::Rrdb, 3);
  rrdb.blocks = 1;
  rrdb.skip = Skip::Bicubic;
  std::vector<NetworkCase> all;
  add(all, tiny_config(Body::Plain, 2), 37, 201);
  add(all, rrdb, 29, 301);
  add(all, config_by_name("cdsr-rt", 2), 45, 171);
  add(all, config_by_name("cdsr-rt-dqa", 2), 45, 171);
  return all;
}

std::string to_string(const NetworkCase& c) {
  std::string name = c.config.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return fmt::format("{}_{}_x{}_nf{}_{}blocks_{}_{}x{}", name, to_string(c.config.body), c.config.scale,
                     c.config.nf, c.config.blocks, to_string(c.query), c.width, c.height);
}

Complaints check(const Backend& backend, Precision precision, const NetworkCase& c) {
  const auto network = random_network(c.config, 7);
  const Image in = test_image(c.width, c.height);
  const auto reference = create_engine(backends().back(), network, options_of(Precision::Fp32, c.query, 1));
  const BackendResult want = run_engine(*reference, in);
  const auto engine = create_engine(backend, network, options_of(precision, c.query, 2));
  const BackendResult got = run_engine(*engine, in, &want);
  Complaints complaints;
  const auto hold = [&](const char* what, double error, double most) {
    if (!(error <= most))
      complaints.push_back(fmt::format("{}: error {:.3g}, at most {:.3g} is rounding", what, error, most));
  };
  hold("embedding", normalized_error(got.embedding, want.embedding), kEmbeddingBound);
  hold("queries", normalized_error(got.queries, want.queries), queries_bound(precision));
  hold("picture, in code values", max_code_difference(got.image, want.image), codes_bound(precision));
  const EngineInfo& info = engine->info();
  if (info.backend != backend.name)
    complaints.push_back(fmt::format("info() names backend {}", info.backend));
  if (info.precision != precision)
    complaints.push_back(fmt::format("info() names precision {}", to_string(info.precision)));
  if (info.planned_bytes == 0) complaints.emplace_back("info() has no planned_bytes after plan()");
  return complaints;
}

Complaints check_threads(const Backend& backend, Precision precision, const NetworkCase& c) {
  const auto network = random_network(c.config, 3);
  const Image in = test_image(c.width, c.height);
  const auto run = [&](int threads) {
    return run_engine(*create_engine(backend, network, options_of(precision, c.query, threads)), in);
  };
  Complaints complaints;
  const BackendResult one = run(1);
  for (int threads : {1, 2, 7}) {
    const BackendResult other = run(threads);
    if (one.embedding != other.embedding || one.queries != other.queries ||
        !same_bits(one.image, other.image))
      complaints.push_back(fmt::format("other bits with {} thread(s) than with 1", threads));
  }
  return complaints;
}

}  // namespace cdsr::conformance
