// Frames in bands: the same bits as whole, in memory that depends on the width alone, and a refusal that says
// what would do.
#include "model/cpu/bands.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "model/cpu/cpu.h"
#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

using cpu::Bands;
using cpu::RowRange;

constexpr size_t kMebi = size_t{1} << 20;

std::vector<Precision> precisions() {
  try {
    EngineOptions options;
    options.precision = Precision::Bf16;
    cpu::operators(options);
    return {Precision::Fp32, Precision::Bf16};
  } catch (const Error&) {
    return {Precision::Fp32};
  }
}

EngineOptions options_of(Precision precision, Query query, size_t limit, int threads = 2) {
  EngineOptions options;
  options.precision = precision;
  options.query = query;
  options.threads = threads;
  options.memory_limit = limit;
  return options;
}

/// What an engine says that cannot have its memory; empty if it can.
std::string refusal(const std::shared_ptr<const Network>& network, const EngineOptions& options, int width,
                    int height) {
  try {
    create_engine(network, options, "cpu")->plan(width, height);
    return {};
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::OutOfMemory) << e.what();
    return e.what();
  }
}

/// The least that works, in MiB, as the refusal has it; 0 if none came.
size_t least_memory(const std::string& refusal) {
  constexpr std::string_view kBefore = "the least that works is memory=";
  const size_t at = refusal.find(kBefore);
  return at == std::string::npos ? 0 : std::stoul(refusal.substr(at + kBefore.size()));
}

/// Three segments with means before the last two, then one to the end: radii 1, 3, 3 and 1 + 2 for the sink.
cpu::Program three_segments() {
  using cpu::Op;
  using cpu::OpKind;
  cpu::Program program;
  program.cuttable = true;
  program.segments = {
      {{Op{.kind = OpKind::Head, .radius = 1, .macs = 1}}, 0},
      {{Op{.kind = OpKind::Conv, .radius = 3, .macs = 10}}, 1},
      {{Op{.kind = OpKind::Conv, .radius = 4, .macs = 10}, Op{.kind = OpKind::Write}}, -1},
  };
  return program;
}

TEST(Bands, EveryRowOnceWithWhatItNeeds) {
  const cpu::Program program = three_segments();
  for (const int height : {1, 2, 7, 100, 1001})
    for (const int rows : {0, 1, 2, 6, 50, 1000}) {
      Bands bands(program, 2, height);
      bands.cut(rows);
      EXPECT_EQ(bands.whole(), rows >= height || height <= 2) << height << ' ' << rows;
      ASSERT_EQ(bands.passes(), 3);
      for (int pass = 0; pass < 3; ++pass) {
        EXPECT_EQ(bands.last_segment(pass), pass);
        EXPECT_EQ(bands.first_segment(pass), bands.whole() ? pass : 0);
        int at = 0;
        for (int b = 0; b < bands.count(); ++b) {
          const RowRange own = bands.rows(pass, pass, b);
          EXPECT_EQ(own, bands.band(b));
          EXPECT_EQ(own.begin, at);
          EXPECT_EQ(own.begin % 2, 0);
          EXPECT_LE(own.size(), std::max(2, std::min(rows, height)));
          at = own.end;
          for (int s = bands.first_segment(pass); s <= pass; ++s) {
            const RowRange made = bands.rows(pass, s, b);
            EXPECT_LE(made.size(), bands.tensor_rows());
            EXPECT_GE(made.begin, bands.first_row(pass, b));
            EXPECT_LE(made.end - bands.first_row(pass, b), bands.tensor_rows());
            if (s == pass) continue;
            const int needs = s + 1 == 1 ? 3 : 4 + 2;
            const RowRange next = bands.rows(pass, s + 1, b);
            EXPECT_LE(made.begin, std::max(0, next.begin - needs));
            EXPECT_GE(made.end, std::min(height, next.end + needs));
          }
        }
        EXPECT_EQ(at, height);
      }
    }
}

TEST(Bands, AreAsManyAsTheRoomSays) {
  const cpu::Program program = three_segments();
  for (const int height : {60, 1000, 65536})
    for (const int rows : {-5, 0, 24, 100, 999, 70000}) {
      Bands bands(program, 2, height);
      bands.cut(bands.fitting(rows));
      if (bands.band_rows() > 2) {
        EXPECT_LE(bands.tensor_rows(), rows) << height;
      }
      EXPECT_GE(bands.work(2), bands.least_work());
      EXPECT_EQ(bands.whole(), rows >= height);
    }
}

TEST(Bands, ACallersTensorsAreNotCut) {
  cpu::Program program = three_segments();
  program.cuttable = false;
  Bands bands(program, 2, 1000);
  bands.cut(10);
  EXPECT_TRUE(bands.whole());
}

struct Subject {
  CdsrConfig config;
  int width, height;
};

std::vector<Subject> subjects() {
  CdsrConfig deep = tiny_config(Body::Plain, 2);  // cut for want of a short radius, without means
  deep.blocks = 7;
  CdsrConfig rrdb = tiny_config(Body::Rrdb, 3);
  rrdb.skip = Skip::Bicubic;
  CdsrConfig stack = tiny_config(Body::Stack, 2);
  stack.blocks = 17;
  return {{config_by_name("cdsr-rt", 2), 93, 131},
          {config_by_name("cdsr-rt-dqa", 2), 75, 171},
          {config_by_name("cdsr-rt-dqa", 3), 57, 131},
          {deep, 41, 151},
          {rrdb, 29, 151},
          {stack, 41, 150}};
}

// Down to the least that works: every limit gives the same bits, and is kept.
TEST(CpuBands, TheSameBitsInAnyMemory) {
  int banded = 0, fewer_threads = 0;
  for (const Subject& s : subjects()) {
    const auto network = random_network(s.config, 3);
    const Image in = test_image(s.width, s.height);
    for (const Precision precision : precisions())
      for (const Query query : {Query::Shot, Query::Frame}) {
        SCOPED_TRACE(fmt::format("{} x{} {} {}", s.config.name, s.config.scale, to_string(precision),
                                 to_string(query)));
        const auto whole = create_engine(network, options_of(precision, query, 0), "cpu");
        const BackendResult want = run_engine(*whole, in);
        EXPECT_EQ(cpu::bands(whole->backend()), 1);
        const size_t most = whole->info().planned_bytes;
        size_t low = 0, high = most;  // the least that works, nearly
        while (high - low > most / 64) {
          const size_t middle = (low + high) / 2;
          (refusal(network, options_of(precision, query, middle), s.width, s.height).empty() ? high : low) =
              middle;
        }
        for (const size_t limit : {high, high + (most - high) / 4}) {
          const auto engine = create_engine(network, options_of(precision, query, limit), "cpu");
          const BackendResult got = run_engine(*engine, in);
          EXPECT_LE(engine->info().planned_bytes, limit);
          EXPECT_EQ(want.queries, got.queries) << limit;
          EXPECT_TRUE(same_bits(want.image, got.image)) << limit << " of " << most << " bytes";
          banded += cpu::bands(engine->backend()) > 1 ? 1 : 0;
        }
        const auto single = create_engine(network, options_of(precision, query, high, 1), "cpu");
        single->plan(s.width, s.height);
        fewer_threads += single->info().planned_bytes <= high ? 1 : 0;
      }
  }
  EXPECT_GE(banded, 8);
  EXPECT_GE(fewer_threads, 10);  // what works with two threads works with one
}

// A plan that took bands, another size, and back: nothing of a band stays behind.
TEST(CpuBands, PlansAnew) {
  const auto network = random_network(config_by_name("cdsr-rt-dqa", 2), 5);
  const Image tall = test_image(180, 401), flat = test_image(201, 190);
  const auto whole = create_engine(network, options_of(Precision::Fp32, Query::Frame, 0), "cpu");
  const BackendResult want_tall = run_engine(*whole, tall), want_flat = run_engine(*whole, flat);
  const size_t least =
      least_memory(refusal(network, options_of(Precision::Fp32, Query::Frame, 1), 201, 401)) * kMebi;
  const auto engine = create_engine(network, options_of(Precision::Fp32, Query::Frame, least), "cpu");
  for (int n = 0; n < 2; ++n) {
    EXPECT_TRUE(same_bits(run_engine(*engine, tall).image, want_tall.image));
    EXPECT_GT(cpu::bands(engine->backend()), 1);
    EXPECT_TRUE(same_bits(run_engine(*engine, flat).image, want_flat.image));
  }
}

TEST(CpuBands, TheFloorGrowsWithTheWidthAlone) {
  CdsrConfig rrdb = tiny_config(Body::Rrdb, 2);
  rrdb.nf = 64;
  for (const CdsrConfig& config : {config_by_name("cdsr-rt", 2), config_by_name("cdsr-rt-dqa", 2), rrdb})
    for (const Precision precision : precisions())
      for (const Query query : {Query::Shot, Query::Frame}) {
        SCOPED_TRACE(fmt::format("{} {} {}", config.name, to_string(precision), to_string(query)));
        const auto network = random_network(config, 1);
        const auto floor = [&](int width, int height) {
          return least_memory(refusal(network, options_of(precision, query, 1, 4), width, height));
        };
        const size_t least = floor(2000, 500);
        ASSERT_GT(least, 0U);
        EXPECT_EQ(floor(2000, 4000), least);
        EXPECT_EQ(floor(2000, kMostSide), least);
        EXPECT_LE(floor(4000, 500), 2 * least);
        EXPECT_GE(floor(4000, 500), least);
      }
}

// The sizes and limits that were refused.
TEST(CpuBands, OrdinaryLimitsAreEnough) {
  const auto network = random_network(config_by_name("cdsr-rt-dqa", 2), 1);
  for (const Query query : {Query::Shot, Query::Frame}) {
    EXPECT_EQ(refusal(network, options_of(Precision::Fp32, query, 200 * kMebi), 1280, 720), "");
    EXPECT_EQ(refusal(network, options_of(Precision::Fp32, query, 200 * kMebi), 3840, 2160), "");
    EXPECT_EQ(refusal(network, options_of(Precision::Fp32, query, 200 * kMebi), 4096, 4096), "");
  }
  // What runs once a shot leaves the rest of the limit alone where that costs nothing.
  const auto engine = create_engine(network, options_of(Precision::Fp32, Query::Shot, 2048 * kMebi), "cpu");
  engine->plan(3840, 2160);
  EXPECT_LT(engine->info().planned_bytes, 400 * kMebi);
  EXPECT_EQ(cpu::bands(engine->backend()), 1);
}

TEST(CpuBands, ARefusalSaysWhatWouldDo) {
  const auto network = random_network(config_by_name("cdsr-rt-dqa", 2), 1);
  for (const Query query : {Query::Shot, Query::Frame}) {
    const std::string text = refusal(network, options_of(Precision::Fp32, query, 2 * kMebi), 1000, 800);
    const size_t least = least_memory(text);
    EXPECT_EQ(text,
              fmt::format("memory=2 is too little for frames of 1000x800 in fp32: the limit is 2.0 MiB, "
                          "the least that works is memory={}",
                          least));
    ASSERT_GT(least, 2U);
    EXPECT_EQ(refusal(network, options_of(Precision::Fp32, query, least * kMebi), 1000, 800), "");
    EXPECT_NE(refusal(network, options_of(Precision::Fp32, query, (least - 1) * kMebi), 1000, 800), "");
  }
}

}  // namespace
}  // namespace cdsr
