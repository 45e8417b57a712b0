// Parity at load: golden values in a file, and what is refused by them.
#include "model/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "model/error.h"
#include "model/registry.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

Golden golden_of(Body body, int scale = 2) {
  return measure_golden(*create_engine(random_network(tiny_config(body, scale), 1), {}, "reference"));
}

TEST(Golden, IsAFewFiniteNumbers) {
  for (const Body body : {Body::Plain, Body::Rrdb, Body::Stack}) {
    const Golden golden = golden_of(body, 3);
    EXPECT_EQ(golden.picture.size(), 16U);
    EXPECT_LE(golden.embedding.size(), 16U);
    for (const float v : golden.picture) EXPECT_TRUE(std::isfinite(v));
    EXPECT_NE(golden.picture[2], golden.picture[3]);
    const Golden again = parse_golden(golden_text(golden), "f");
    EXPECT_EQ(again.picture, golden.picture);
    EXPECT_EQ(again.embedding, golden.embedding);
  }
}

TEST(Golden, EveryBackendOfThisMachineHoldsIt) {
  for (const Body body : {Body::Plain, Body::Rrdb, Body::Stack}) {
    const auto network = random_network(tiny_config(body, 2), 1);
    std::string reason;
    for (const Backend& backend : backends()) {
      // GPUs do not run every body.
      if (std::string(backend.name) == "cuda" || !backend.available(reason)) continue;
      EngineOptions options;
      options.precision = Precision::Fp32;
      const Parity parity = measure_parity(backend, network, golden_of(body), options);
      EXPECT_LT(parity.error.picture, parity.most.picture / 4) << backend.name;
      EXPECT_LT(parity.error.embedding, parity.most.embedding / 4) << backend.name;
    }
  }
}

TEST(Golden, ABackendThatIsOffIsRefused) {
  for (const auto& change : std::vector<std::function<void(Golden&)>>{
           [](Golden& g) { g.picture[7] += 0.01F; }, [](Golden& g) { g.embedding[0] *= 1.5F; },
           [](Golden& g) { g.picture.pop_back(); }}) {
    const auto network = random_network(tiny_config(Body::Plain, 2), 1);
    const auto engine = create_engine(network, {}, "reference");
    Golden golden = golden_of(Body::Plain);
    change(golden);
    try {
      check_parity(*engine, network, golden, {});
      ADD_FAILURE() << "not refused";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::Unsupported);
      EXPECT_NE(std::string(e.what()).find("backend reference in fp32 computes something else"),
                std::string::npos)
          << e.what();
    }
  }
}

TEST(Golden, IsMeasuredOnceForANetwork) {
  const auto network = random_network(tiny_config(Body::Plain, 2), 1);
  const auto engine = create_engine(network, {}, "reference");
  std::string said;
  check_parity(*engine, network, golden_of(Body::Plain), {}, [&](const std::string& line) { said += line; });
  EXPECT_EQ(said.find("backend reference: off the weights file's golden values by 0 (at most"), 0U) << said;
  // What was measured stands, whatever is said to be golden later.
  Golden other = golden_of(Body::Plain);
  other.picture[0] += 1;
  check_parity(*engine, network, other, {});
}

TEST(Golden, ANumberThatIsNoneIsInfinitelyOff) {
  Golden golden = golden_of(Body::Plain), found = golden;
  EXPECT_EQ(golden_error(found, golden).picture, 0);
  found.picture[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isinf(golden_error(found, golden).picture));
}

TEST(Golden, ComesFromAFile) {
  const Golden golden = golden_of(Body::Plain);
  EXPECT_EQ(golden_in({{kGoldenKey, golden_text(golden)}}, "f")->picture, golden.picture);
  EXPECT_FALSE(golden_in({{"cdsr.recipe", "none"}}, "f"));
  for (const char* bad : {"", "[]", "{}", R"({"version": 1, "embedding": [1], "picture": [null]})",
                          R"({"version": 2, "embedding": [1], "picture": [1]})",
                          R"({"version": 1, "embedding": [], "picture": [1]})"}) {
    try {
      golden_in({{kGoldenKey, bad}}, "f");
      ADD_FAILURE() << "read: " << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights);
      EXPECT_NE(std::string(e.what()).find("f: cdsr.golden"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace cdsr
