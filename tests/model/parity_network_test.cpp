// Whole networks: the cpu backend against the reference, every scale, both bodies, both ways to get the
// queries.
#include <gtest/gtest.h>

#include "model/error.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

/// fp32 differs by rounding alone. In 8-bit code values.
constexpr double kFp32Codes = 0.01;
/// bf16 keeps 8 bits of every feature. Measured with random weights: at most 0.9 code values.
constexpr double kBf16Codes = 2;

struct Case {
  CdsrConfig config;
  int width, height;
};

CdsrConfig tiny16(Body body, int scale, int blocks) {
  CdsrConfig c = tiny_config(body, scale);
  c.nf = 16;
  c.blocks = blocks;
  return c;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (Body body : {Body::Plain, Body::Rrdb})
    for (int scale : {2, 3, 4})
      for (auto [w, h] : {std::pair{1, 1}, {11, 11}, {13, 7}, {33, 47}})
        all.push_back({tiny16(body, scale, scale == 2 ? 2 : 1), w, h});
  all.push_back({tiny16(Body::Plain, 2, 7), 40, 150});  // three strips, a cut between blocks
  all.push_back({tiny16(Body::Rrdb, 2, 1), 12, 300});   // two strips of a dense block
  all.push_back({tiny_config(Body::Rrdb, 3), 70, 12});  // nf and gc below the padding
  for (int scale : {2, 3, 4}) all.push_back({config_by_name("cdsr-rt", scale), 33, 47});
  all.push_back({config_by_name("cdsr-2", 2), 13, 7});
  return all;
}

class NetworkParity : public testing::TestWithParam<Case> {};

TEST_P(NetworkParity, CpuEqualsReference) {
  const Case& c = GetParam();
  const auto network = random_network(c.config, 7);
  const Image in = test_image(c.width, c.height);
  for (Query query : {Query::Shot, Query::Frame}) {
    EngineOptions options;
    options.query = query;
    options.precision = Precision::Fp32;
    options.threads = 2;
    const BackendResult want = run_backend("reference", network, options, in);
    const BackendResult got = run_backend("cpu", network, options, in, &want);
    EXPECT_LE(normalized_error(got.embedding, want.embedding), 1e-9);
    EXPECT_LE(normalized_error(got.queries, want.queries), 1e-9);
    EXPECT_LE(max_code_difference(got.image, want.image), kFp32Codes) << to_string(query);
    options.precision = Precision::Bf16;
    try {
      const BackendResult bf16 = run_backend("cpu", network, options, in, &want);
      const double codes = max_code_difference(bf16.image, got.image);
      EXPECT_LE(codes, kBf16Codes) << to_string(query);
      RecordProperty(fmt::format("bf16_codes_{}", to_string(query)), fmt::format("{:.3f}", codes));
      fmt::print("bf16 to fp32, query {}: at most {:.3f} code values\n", to_string(query), codes);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::Unsupported) << e.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NetworkParity, testing::ValuesIn(cases()), [](const auto& info) {
  const Case& c = info.param;
  return fmt::format("{}_{}_x{}_{}x{}_{}blocks", c.config.name.substr(c.config.name.find('-') + 1),
                     to_string(c.config.body), c.config.scale, c.width, c.height, c.config.blocks);
});

}  // namespace
}  // namespace cdsr
