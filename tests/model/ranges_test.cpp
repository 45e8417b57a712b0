// What features range over: measured on convolutions whose result is known, written and read, hostile text.
#include "model/ranges.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "model/error.h"
#include "model/registry.h"
#include "tests/model/temp_folder.h"

namespace cdsr {
namespace {

/// 3x3, one value in the middle for each pair of channels.
Conv pointwise(int in, int out, std::vector<float> weights, std::vector<float> bias) {
  Conv conv{in, out, 3, 1, 1, std::vector<float>(static_cast<size_t>(in) * out * 9), std::move(bias)};
  for (size_t i = 0; i < weights.size(); ++i) conv.weight[9 * i + 4] = weights[i];
  return conv;
}

TEST(Ranges, AreTheLeastAndMostOfEachChannel) {
  // f0 = lrelu(2 x, -x); f1 = lrelu((first - 1, second) + f0). x is 0 to 3.
  const std::vector<Conv> convs = {pointwise(1, 2, {2, -1}, {0, 0}), pointwise(2, 2, {1, 0, 0, 1}, {-1, 0}),
                                   pointwise(2, 4, {}, {0, 0, 0, 0})};
  const std::vector<float> picture = {0, 1, 2, 3};
  const auto operators = create_operators(backends().back(), {});
  FeatureRanges ranges;
  widen(ranges, convs, {1, 2, 2, picture.data()}, *operators);
  EXPECT_EQ(ranges.high, (std::vector<float>{6, 0, 11, 0}));
  ASSERT_EQ(ranges.low.size(), 4U);
  EXPECT_EQ(ranges.low[0], 0);
  EXPECT_NEAR(ranges.low[1], -0.3, 1e-6);
  EXPECT_NEAR(ranges.low[2], -0.1, 1e-6);
  EXPECT_NEAR(ranges.low[3], -0.06, 1e-6);
  const std::vector<float> brighter = {0, 0, 0, 4};
  widen(ranges, convs, {1, 2, 2, brighter.data()}, *operators);
  EXPECT_EQ(ranges.high, (std::vector<float>{8, 0, 15, 0}));
  EXPECT_NEAR(ranges.low[1], -0.4, 1e-6);
}

CdsrConfig config_of(int blocks, int nf) {
  CdsrConfig config = config_by_name("cdsr-rt", 2);
  config.blocks = blocks;
  config.nf = nf;
  return config;
}

TEST(Ranges, AreWrittenToFourDigitsOutwards) {
  const FeatureRanges ranges{{-0.123456F, 0}, {1.00001F, 98765.4F}};
  const FeatureRanges read = parse_ranges(ranges_text(ranges), config_of(0, 2), "file");
  EXPECT_EQ(read.low, (std::vector<float>{-0.1235F, 0}));
  EXPECT_EQ(read.high, (std::vector<float>{1.001F, 98770}));
}

TEST(Ranges, RefusesWhatIsNoneOfThisNetwork) {
  const CdsrConfig config = config_of(1, 1);
  const std::string good = R"({"version":1,"low":[-1,0],"high":[1,2]})";
  EXPECT_NO_THROW(parse_ranges(good, config, "file"));
  const std::pair<std::string, std::string> bad[] = {
      {"", "version 1"},
      {"[]", "version 1"},
      {R"({"version":2,"low":[-1,0],"high":[1,2]})", "version 1"},
      {R"({"version":1,"high":[1,2]})", "low must be a list of 2"},
      {R"({"version":1,"low":[-1],"high":[1,2]})", "low must be a list of 2"},
      {R"({"version":1,"low":[-1,1],"high":[1,2]})", "low: value 1"},
      {R"({"version":1,"low":[-1,0],"high":[1,-2]})", "high: value 1"},
      {R"({"version":1,"low":[-1,"0"],"high":[1,2]})", "low: value 1"},
      {R"({"version":1,"low":[-1,0],"high":[1,1e99]})", "high: value 1"},
  };
  for (const auto& [text, message] : bad) try {
      parse_ranges(text, config, "file");
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights);
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << text << ": " << e.what();
    }
  EXPECT_THROW(parse_ranges(good, config_by_name("cdsr-rt-dqa", 2), "file"), Error);
}

TEST(Ranges, ComeWithTheFile) {
  const TempFolder folder;
  CdsrConfig config = config_of(1, 16);
  const auto path = folder.path() / "net.safetensors";
  FeatureRanges ranges{std::vector<float>(32, -0.5F), std::vector<float>(32, 2.0F)};
  std::map<std::string, std::string> metadata = {
      {"cdsr.format", "1"}, {"cdsr.config", to_json(config)}, {kRangesKey, ranges_text(ranges)}};
  write_weights(path, random_tensors(config, 1), metadata, DType::F32);
  EXPECT_EQ(load_network(WeightsFile::open(path))->ranges.high, ranges.high);
  metadata.erase(kRangesKey);
  write_weights(path, random_tensors(config, 1), metadata, DType::F32);
  EXPECT_TRUE(load_network(WeightsFile::open(path))->ranges.empty());
}

}  // namespace
}  // namespace cdsr
