// What the cpu backend promises beyond what every backend does (tests/conformance): the same bits whatever
// memory it has, optimized convolutions alone, work that it counts.
#include <gtest/gtest.h>

#include "model/cpu/cpu.h"
#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

bool has_bf16() {
  EngineOptions options;
  options.precision = Precision::Bf16;
  try {
    cpu::operators(options);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<Precision> precisions() {
  return has_bf16() ? std::vector{Precision::Fp32, Precision::Bf16} : std::vector{Precision::Fp32};
}

struct Subject {
  CdsrConfig config;
  int width, height;
};

/// Several strips, several dense strips, odd sides.
std::vector<Subject> subjects() {
  CdsrConfig rrdb = tiny_config(Body::Rrdb, 3);
  rrdb.blocks = 1;
  rrdb.skip = Skip::Bicubic;
  return {{tiny_config(Body::Plain, 2), 37, 201},
          {rrdb, 29, 301},
          {config_by_name("cdsr-rt-dqa", 2), 45, 171},
          {config_by_name("cdsr-rt-dqa", 2), 480, 70}};
}

TEST(CpuEngine, BandedEqualsWhole) {
  int smaller = 0;  // cases that could do with less: not those that go row by row in any case
  for (const Subject& s : subjects()) {
    const auto network = random_network(s.config, 4);
    const Image in = test_image(s.width, s.height);
    for (Precision precision : precisions())
      for (Query query : {Query::Shot, Query::Frame}) {
        EngineOptions options;
        options.precision = precision;
        options.query = query;
        options.threads = 2;
        options.memory_limit = 0;
        const BackendResult whole = run_backend("cpu", network, options, in);
        auto engine = create_engine(network, options, "cpu");
        engine->plan(s.width, s.height);
        const size_t most = engine->info().planned_bytes;
        // The least memory that it can do with.
        size_t low = 0, high = most;
        while (high - low > most / 256) {
          const size_t limit = (low + high) / 2;
          options.memory_limit = limit;
          engine = create_engine(network, options, "cpu");
          const bool fits = [&] {
            try {
              engine->plan(s.width, s.height);
              return true;
            } catch (const Error& e) {
              EXPECT_EQ(e.code(), Errc::OutOfMemory) << e.what();
              return false;
            }
          }();
          if (fits) {
            EXPECT_LE(engine->info().planned_bytes, limit);
          }
          (fits ? high : low) = limit;
        }
        smaller += high < most ? 1 : 0;
        options.memory_limit = high;
        const BackendResult banded = run_backend("cpu", network, options, in);
        EXPECT_EQ(whole.queries, banded.queries);
        EXPECT_TRUE(same_bits(whole.image, banded.image))
            << s.config.name << ' ' << to_string(precision) << ' ' << to_string(query) << ", " << high
            << " of " << most << " bytes";
      }
  }
  EXPECT_GE(smaller, 5);
}

TEST(CpuEngine, EveryConvolutionIsAnOptimizedOne) {
  for (const char* name : {"cdsr-rt", "cdsr-2", "cdsr-5", "cdsr-10"})
    for (Precision precision : precisions()) {
      CdsrConfig config = config_by_name(name, 2);
      if (config.blocks > 2) config.blocks = 3;  // further blocks have the same shapes
      const auto network = random_network(config, 1);
      EngineOptions options;
      options.precision = precision;
      options.query = Query::Frame;
      options.threads = 1;
      const auto engine = create_engine(network, options, "cpu");
      engine->plan(96, 70);
      const auto all = cpu::implementations(engine->backend());
      EXPECT_GE(all.size(), config.body == Body::Stack ? 2U : 11U);
      for (const cpu::Implementation& i : all) {
        fmt::print("{:<10}{:<36}{}\n", name, i.layer, i.name);
        EXPECT_EQ(i.name.find("ref"), std::string::npos) << i.layer;
        EXPECT_EQ(i.name.find("gemm:"), std::string::npos) << i.layer;
        EXPECT_TRUE(i.name.find("jit") != std::string::npos || i.name.find("brg") != std::string::npos ||
                    i.name.find("winograd:") == 0 || i.name.find("tail:") == 0)
            << i.name;
      }
    }
}

TEST(CpuEngine, CountsItsWork) {
  const auto network = random_network(config_by_name("cdsr-rt-dqa", 2), 1);
  EngineOptions options;
  options.threads = 2;
  const auto engine = create_engine(network, options, "cpu");
  const Image in = test_image(64, 128);
  Image out(128, 256);
  const ImageSource source(in);
  ImageSink sink(out);
  engine->plan(64, 128);
  std::vector<float> e(engine->embedding_size()), q(engine->queries_size());
  engine->embed(source, e);
  engine->condition(e);
  engine->measure_queries(source, q);
  engine->set_queries(q);
  engine->take_times();
  engine->upscale(source, sink);
  double macs = 0;
  for (const StageTime& t : engine->take_times()) macs += t.macs;
  const double useful = static_cast<double>(mac_count(network->config).sr_per_pixel) * 64 * 128;
  EXPECT_GE(macs, useful);
  EXPECT_LE(macs, 1.2 * useful);  // strips recompute some rows
  EXPECT_TRUE(engine->take_times().empty());
}

}  // namespace
}  // namespace cdsr
