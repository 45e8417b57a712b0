// What the cpu engine promises beside the numbers: the same bits whatever threads and memory it has, strips
// as the sink expects them, errors that say why.
#include <gtest/gtest.h>

#include <functional>
#include <mutex>

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

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  return {Errc::Internal, "nothing was thrown"};
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
          {config_by_name("cdsr-rt", 2), 45, 171},
          {config_by_name("cdsr-rt", 2), 480, 70}};
}

TEST(CpuEngine, BitsDoNotDependOnThreadsOrRuns) {
  for (const Subject& s : subjects()) {
    const auto network = random_network(s.config, 3);
    const Image in = test_image(s.width, s.height);
    for (Precision precision : precisions())
      for (Query query : {Query::Shot, Query::Frame}) {
        EngineOptions options;
        options.precision = precision;
        options.query = query;
        options.threads = 1;
        const BackendResult one = run_backend("cpu", network, options, in);
        for (int threads : {1, 2, 3}) {
          options.threads = threads;
          const BackendResult other = run_backend("cpu", network, options, in);
          EXPECT_EQ(one.embedding, other.embedding);
          EXPECT_EQ(one.queries, other.queries);
          EXPECT_TRUE(same_bits(one.image, other.image))
              << s.config.name << ' ' << to_string(precision) << ' ' << to_string(query) << ", " << threads;
        }
      }
  }
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
        auto engine = cpu::create(network, options);
        engine->plan(s.width, s.height);
        const size_t most = engine->info().planned_bytes;
        // The least memory that it can do with.
        size_t low = 0, high = most;
        while (high - low > most / 256) {
          options.memory_limit = (low + high) / 2;
          engine = cpu::create(network, options);
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
            EXPECT_LE(engine->info().planned_bytes, options.memory_limit);
          }
          (fits ? high : low) = options.memory_limit;
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
      const auto engine = cpu::create(network, options);
      engine->plan(96, 70);
      const auto all = cpu::implementations(*engine);
      EXPECT_GT(all.size(), 10U);
      for (const cpu::Implementation& i : all) {
        fmt::print("{:<10}{:<36}{}\n", name, i.layer, i.name);
        EXPECT_EQ(i.name.find("ref"), std::string::npos) << i.layer;
        EXPECT_EQ(i.name.find("gemm:"), std::string::npos) << i.layer;
        EXPECT_TRUE(i.name.find("jit") != std::string::npos || i.name.find("brg") != std::string::npos ||
                    i.name.find("winograd:") == 0)
            << i.name;
      }
    }
}

TEST(CpuEngine, IsWhatAutoChoosesAndCountsItsWork) {
  const auto network = random_network(config_by_name("cdsr-rt", 2), 1);
  std::string log;
  EngineOptions options;
  options.threads = 2;
  const auto engine = create_engine(network, options, "auto", [&](const std::string& line) { log += line; });
  EXPECT_EQ(engine->info().backend, "cpu");
  EXPECT_NE(log.find("cpu"), std::string::npos);
  EXPECT_NE(engine->info().precision, Precision::Auto);
  const Image in = test_image(64, 128);
  Image out(128, 256);
  const ImageSource source(in);
  ImageSink sink(out);
  engine->plan(64, 128);
  std::vector<float> e(network->config.embedding()),
      q(static_cast<size_t>(network->config.dqas()) * network->config.nf);
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

/// Checks the rules of RowSink while it collects.
class StrictSink final : public RowSink {
 public:
  StrictSink(Image& image, int context, bool fail = false)
      : image_(image), context_(context), fail_(fail), count_(image.height) {}
  int context() const override { return context_; }
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override {
    if (fail_) fail(Errc::Io, "the sink is full");
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(y % 2, 0);
    EXPECT_TRUE(rows % 2 == 0 || y + rows == image_.height);
    for (int r = 0; r < rows; ++r) ++count_[y + r];
    for (int r = -std::min(context_, y); r < rows + std::min(context_, image_.height - y - rows); ++r)
      for (int p = 0; p < 3; ++p) {
        float* const to = &image_.plane[p][static_cast<size_t>(y + r) * image_.width];
        if (r >= 0 && r < rows)
          std::copy_n(src[p] + r * stride, image_.width, to);
        else
          context_rows_.push_back({p, y + r, {src[p] + r * stride, src[p] + r * stride + image_.width}});
      }
  }
  void finish() const {
    for (int y = 0; y < image_.height; ++y) ASSERT_EQ(count_[y], 1) << "row " << y;
    for (const auto& [p, y, values] : context_rows_)
      ASSERT_TRUE(
          std::equal(values.begin(), values.end(), &image_.plane[p][static_cast<size_t>(y) * image_.width]))
          << "context row " << y;
  }

 private:
  struct Row {
    int plane, y;
    std::vector<float> values;
  };
  Image& image_;
  int context_;
  bool fail_;
  std::mutex mutex_;
  std::vector<int> count_;
  std::vector<Row> context_rows_;
};

TEST(CpuEngine, SinksGetEvenStripsOnceWithTheirContext) {
  for (int scale : {2, 3, 4}) {
    const auto network = random_network(tiny_config(Body::Plain, scale), 6);
    const Image in = test_image(17, 203);
    const ImageSource source(in);
    EngineOptions options;
    options.threads = 2;
    const auto engine = cpu::create(network, options);
    engine->plan(17, 203);
    std::vector<float> e(network->config.embedding(), 0.1F),
        q(static_cast<size_t>(network->config.dqas()) * network->config.nf, 0.1F);
    engine->condition(e);
    engine->set_queries(q);
    Image plain(17 * scale, 203 * scale);
    ImageSink sink(plain);
    engine->upscale(source, sink);
    for (int context = 0; context <= 4; ++context) {
      Image out(17 * scale, 203 * scale);
      StrictSink strict(out, context);
      engine->upscale(source, strict);
      strict.finish();
      EXPECT_TRUE(same_bits(plain, out)) << context;
    }
    Image out(17 * scale, 203 * scale);
    StrictSink five(out, 5);
    EXPECT_EQ(error_of([&] { engine->upscale(source, five); }).code(), Errc::InvalidArgument);
    StrictSink full(out, 0, true);
    EXPECT_EQ(error_of([&] { engine->upscale(source, full); }).code(), Errc::Io);
    StrictSink again(out, 0);
    engine->upscale(source, again);
    again.finish();
    EXPECT_TRUE(same_bits(plain, out));
  }
}

TEST(CpuEngine, PlansAnySizeAndAgain) {
  const auto network = random_network(tiny_config(Body::Plain, 2), 8);
  EngineOptions options;
  options.threads = 2;
  const auto engine = cpu::create(network, options);
  std::vector<float> e(network->config.embedding(), 0.2F),
      q(static_cast<size_t>(network->config.dqas()) * network->config.nf, 0.1F);
  engine->condition(e);
  engine->set_queries(q);  // both outlive a new plan
  for (auto [w, h] : {std::pair{1, 1}, {8192, 64}, {1, 300}, {300, 1}, {2, 3}}) {
    engine->plan(w, h);
    const Image in = test_image(w, h);
    const ImageSource source(in);
    Image out(2 * w, 2 * h);
    StrictSink sink(out, 2);
    engine->upscale(source, sink);
    sink.finish();
    engine->embed(source, e);
    for (float v : out.plane[1]) ASSERT_TRUE(std::isfinite(v));
  }
}

TEST(CpuEngine, SaysWhyNot) {
  const auto network = random_network(tiny_config(Body::Rrdb, 2), 9);
  EngineOptions options;
  options.threads = 257;
  EXPECT_EQ(error_of([&] { cpu::create(network, options); }).code(), Errc::InvalidArgument);
  options.threads = 1;
  options.memory_limit = size_t{1} << 20;
  auto engine = cpu::create(network, options);
  const Error error = error_of([&] { engine->plan(2000, 2000); });
  EXPECT_EQ(error.code(), Errc::OutOfMemory);
  EXPECT_NE(std::string(error.what()).find("limit is 1.0 MiB"), std::string::npos) << error.what();
  const Image in(4, 4);
  Image out(8, 8);
  const ImageSource source(in);
  ImageSink sink(out);
  EXPECT_EQ(error_of([&] { engine->upscale(source, sink); }).code(), Errc::InvalidArgument);  // no plan
  engine->plan(4, 4);
  EXPECT_EQ(error_of([&] { engine->upscale(source, sink); }).code(), Errc::InvalidArgument);  // no condition
  EXPECT_EQ(error_of([&] { engine->plan(0, 4); }).code(), Errc::InvalidArgument);
  EXPECT_EQ(error_of([&] { engine->plan(4, 65537); }).code(), Errc::InvalidArgument);
}

}  // namespace
}  // namespace cdsr
