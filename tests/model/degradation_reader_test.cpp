// What is read off an embedding: values that can be worked out by hand, words, text, hostile text.
#include "model/degradation_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/error.h"
#include "tests/model/plain_reader.h"
#include "tests/model/tiny.h"

namespace cdsr {
namespace {

const CdsrConfig kConfig = tiny_config(Body::Stack, 2);

/// An embedding of these first values.
std::vector<float> embedding(std::vector<double> values) {
  std::vector<float> e(values.begin(), values.end());
  e.resize(static_cast<size_t>(kConfig.embedding()));
  return e;
}

TEST(DegradationReader, TurnsTheHeadsIntoPixelsAndCodes) {
  // Axes of variance 1.44 and 0.36 square pixels, the longer one at 60 degrees.
  const double trace = 1.8, difference = 1.08, turned = 2 * 60 * M_PI / 180;
  const auto e = embedding({std::log(trace + 0.1), difference * std::cos(turned) / (trace + 0.2),
                            difference * std::sin(turned) / (trace + 0.2), 0.4, std::log2(0.5 + 6),
                            std::log2(0.1 + 9), 2.7});
  const DegradationReading r = test::plain_reader(kConfig).read(e);
  EXPECT_NEAR(r.blur, 1.2, 1e-3);
  EXPECT_NEAR(r.blur_across, 0.6, 1e-3);
  EXPECT_NEAR(r.blur_degrees, 60, 0.05);
  EXPECT_NEAR(r.sharpening, 0.4, 1e-3);
  EXPECT_NEAR(r.noise, 6, 1e-3);
  EXPECT_NEAR(r.coding_error, 3, 1e-3);
  // Logits 0.64, -0.27, 0.47: not coded, and nothing is quantized.
  EXPECT_EQ(r.codec, "none");
  EXPECT_NEAR(r.codec_confidence, 1 / (1 + std::exp(e[1] - e[0]) + std::exp(e[2] - e[0])), 1e-3);
  EXPECT_EQ(r.qp, 0);
  EXPECT_EQ(r.qp_confidence, 0);
}

TEST(DegradationReader, ReadsTheQuantizerOfWhatIsCoded) {
  const DegradationReading r = test::plain_reader(kConfig).read(embedding({-1, 2, 0, 0, 0, 0, 2.7}));
  EXPECT_EQ(r.codec, "h264");
  EXPECT_NEAR(r.qp, 27, 1e-3);
}

TEST(DegradationReader, IsAsConfidentAsItsVarianceIsSmall) {
  const DegradationReading sure = test::plain_reader(kConfig).read(embedding({-4, 1, 0, 0, -2, 0, 0.9}));
  EXPECT_NEAR(sure.blur_confidence, 1 - std::exp(-2.0), 1e-3);
  EXPECT_NEAR(sure.noise_confidence, 1 - std::exp(-1.0), 1e-3);
  EXPECT_EQ(sure.qp_confidence, 0);  // a variance above that of training
}

TEST(DegradationReader, StaysInRangeWhateverTheEmbedding) {
  for (const double value : {1e30, -1e30, 3e38}) {
    const DegradationReading r =
        test::plain_reader(kConfig).read(embedding({value, -value, value, value, value, value, value}));
    for (const float f : {r.blur, r.blur_across, r.blur_degrees, r.blur_confidence, r.sharpening, r.noise,
                          r.noise_confidence, r.codec_confidence, r.qp, r.qp_confidence, r.coding_error})
      EXPECT_TRUE(f >= 0 && f <= 1e5F) << f << " of " << value;
  }
}

TEST(DegradationReading, IsSaidInWords) {
  DegradationReading r;
  r.codec = "none";
  r.codec_confidence = 0.8F;
  r.blur = r.blur_across = 0.25F;
  r.blur_confidence = 0.6F;
  EXPECT_EQ(describe(r), "sharp (0.25 px), no noise, not compressed (80 %)");
  r.blur = 1.4F;
  r.blur_across = 0.5F;
  r.blur_degrees = 30;
  r.sharpening = 0.5F;
  r.noise = 5.2F;
  r.codec = "h264";
  r.qp = 30.4F;
  EXPECT_EQ(
      describe(r),
      "blurred (1.4 px along 30°, 0.5 px across), sharpened, perhaps noise (5.2), strongly compressed: H.264 "
      "(80 %), QP 30");
}

TEST(DegradationReader, IsWrittenAndReadAgain) {
  DegradationReader reader = test::plain_reader(kConfig);
  reader.mean[2] = -0.123456F;
  const auto read = reader_in({{kReaderKey, reader_text(reader)}}, kConfig, "file");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->codecs, reader.codecs);
  EXPECT_EQ(read->mean[2], -0.1235F);
  EXPECT_EQ(read->heads.weight, reader.heads.weight);
  EXPECT_EQ(read->heads.in, kConfig.embedding());
  EXPECT_FALSE(reader_in({}, kConfig, "file"));
}

TEST(DegradationReader, RefusesWhatIsNoneOfThisNetwork) {
  const nlohmann::json good = nlohmann::json::parse(reader_text(test::plain_reader(kConfig)));
  const std::tuple<const char*, nlohmann::json, const char*> bad[] = {
      {"version", 2, "version 1"},
      {"codecs", nlohmann::json::array(), "1..16 names"},
      {"codecs", {"h264", "none", "hevc"}, "the first \"none\""},
      {"codecs", {"none", "none", "hevc"}, "name 1"},
      {"codecs", {"none", "H.264", "hevc"}, "name 1"},
      {"codecs", {"none", "h264"}, "weight must be a list of 256"},
      {"mean", {1, 2}, "mean must be a list of 7"},
      {"deviation", {1, 1, 1, 1, 1, 1, 1e99}, "deviation: value 6"},
      {"bias", "0", "bias must be a list of 17"},
  };
  for (const auto& [member, value, message] : bad) {
    nlohmann::json text = good;
    text[member] = value;
    try {
      parse_reader(text.dump(), kConfig, "file");
      ADD_FAILURE() << member << " " << value;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::BadWeights);
      EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
    }
  }
  for (const char* text : {"", "[]", "{"}) EXPECT_THROW(parse_reader(text, kConfig, "file"), Error);
}

}  // namespace
}  // namespace cdsr
