// Copying what has not changed gives the bits that computing it gives: with a sample changed anywhere,
// options and shots that change, frames without the network between, other formats and sizes.
#include "filter/still_areas.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "filter/pipeline.h"
#include "model/error.h"
#include "model/registry.h"
#include "tests/filter/clip.h"
#include "tests/filter/frame_buffer.h"
#include "tests/model/calibrated.h"
#include "tests/model/tiny.h"

namespace cdsr::test {
namespace {

struct Subject {
  const char* name;
  CdsrConfig config;
  Precision precision;
  int32_t format;
  int threads;
};

std::vector<Subject> subjects() {
  const CdsrConfig stack = config_by_name("cdsr-rt", 2);
  return {{"stack", stack, Precision::Fp32, CDSR_FORMAT_YUV420P, 2},
          {"stack bf16", stack, Precision::Bf16, CDSR_FORMAT_NV12, 1},
          {"stack int8", stack, Precision::Int8, CDSR_FORMAT_YUV420P, 2},
          {"stack, rgb", stack, Precision::Fp32, CDSR_FORMAT_BGR24, 1},
          {"plain x2", tiny_config(Body::Plain, 2), Precision::Fp32, CDSR_FORMAT_YUV420P10, 2},
          {"plain x3", tiny_config(Body::Plain, 3), Precision::Fp32, CDSR_FORMAT_YUV420P, 1}};
}

std::shared_ptr<const Network> network_of(const Subject& s) {
  const auto network = random_network(s.config, 1);
  return s.precision == Precision::Int8 ? calibrated(network) : network;
}

/// One stream, upscaled with and without copying.
class Both {
 public:
  explicit Both(const Subject& s, ShotMode shots = ShotMode::Auto) : scale_(s.config.scale) {
    const auto network = network_of(s);
    for (bool reuse : {true, false}) {
      EngineOptions options;
      options.precision = s.precision;
      options.threads = s.threads;
      options.query = Query::Shot;
      Pipeline::Settings settings;
      settings.shots = shots;
      settings.reuse = reuse;
      auto& pipeline = reuse ? reusing_ : plain_;
      pipeline = std::make_unique<Pipeline>(create_engine(network, options, "cpu"), std::move(settings));
    }
  }

  /// Upscales a frame both ways and compares. Returns how much was copied.
  double run(const FrameBuffer& in, Pipeline::Method method = Pipeline::Method::Network) {
    FrameBuffer copied(in.format(), in.width() * scale_, in.height() * scale_), made = copied;
    const auto report = reusing_->process(in.input(), copied.output(in, scale_), {}, method);
    const auto plain = plain_->process(in.input(), made.output(in, scale_), {}, method);
    EXPECT_TRUE(copied == made) << report.reused << " copied";
    EXPECT_EQ(plain.reused, 0);
    return report.reused;
  }
  void set_strength(double strength) {
    reusing_->set_strength(strength);
    plain_->set_strength(strength);
  }

 private:
  int scale_;
  std::unique_ptr<Pipeline> reusing_, plain_;
};

class StillAreasTest : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    try {
      EngineOptions options;
      options.precision = GetParam().precision;
      create_engine(network_of(GetParam()), options, "cpu");
    } catch (const Error& e) {
      if (e.code() != Errc::Unsupported) throw;
      GTEST_SKIP() << "this processor cannot: " << e.what();
    }
  }
  FrameBuffer frame(int width, int height) const {
    FrameBuffer in(*find_format(GetParam().format), width, height);
    in.fill_random(1);
    return in;
  }
};

TEST_P(StillAreasTest, OneSampleAnywhere) {
  Both both(GetParam(), ShotMode::Off);
  FrameBuffer in = frame(203, 117);
  EXPECT_EQ(both.run(in), 0);
  EXPECT_EQ(both.run(in), 1);
  // Every distance from the edges of cells, windows and tiles, along a diagonal; then the frame's corners.
  for (int i = 0; i < 36; ++i) {
    const int component = i % 4 == 3 && in.format().colours > 1 ? 1 : 0;
    const int x = (60 + i) * in.width_of(component) / in.width(),
              y = (40 + i) * in.height_of(component) / in.height();
    in.set(component, x, y, in.get(component, x, y) ^ 0x1F);
    const double reused = both.run(in);
    EXPECT_GT(reused, 0.2) << x << ',' << y;
    EXPECT_LT(reused, 1);
    if (HasFailure()) return;
  }
  for (int x : {0, 202})
    for (int y : {0, 116}) {
      in.set(0, x, y, in.get(0, x, y) ^ 0x1F);
      EXPECT_GT(both.run(in), 0.2) << x << ',' << y;
    }
  // Several at once, near and far.
  for (int step : {7, 40, 90}) {
    for (int y = 3; y < 117; y += step)
      for (int x = 5; x < 203; x += step) in.set(0, x, y, in.get(0, x, y) ^ 0x1F);
    both.run(in);
  }
}

TEST_P(StillAreasTest, OptionsAndFormatsThatChange) {
  Both both(GetParam(), ShotMode::Off);
  FrameBuffer in = frame(96, 64);
  EXPECT_EQ(both.run(in), 0);
  both.set_strength(0.5);
  EXPECT_EQ(both.run(in), 0);
  EXPECT_EQ(both.run(in), 1);
  both.set_strength(1);
  EXPECT_EQ(both.run(in), 0);
  // Disabled for a frame, the same and another.
  both.run(in, Pipeline::Method::Bicubic);
  EXPECT_EQ(both.run(in), 1);
  FrameBuffer other = frame(96, 64);
  other.fill_random(2);
  both.run(other, Pipeline::Method::Bicubic);
  EXPECT_EQ(both.run(other), 0);
  // Other sizes, formats and tags.
  EXPECT_EQ(both.run(frame(94, 64)), 0);
  EXPECT_EQ(both.run(other), 0);
  const bool gray = GetParam().format == CDSR_FORMAT_YUV420P;
  FrameBuffer third(*find_format(gray ? CDSR_FORMAT_YUV444P : CDSR_FORMAT_YUV420P), 96, 64);
  third.fill_random(1);
  EXPECT_EQ(both.run(third), 0);
  FrameBuffer tagged(third.format(), 96, 64, false,
                     {CDSR_MATRIX_BT709, CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_CENTER});
  tagged.fill_random(1);
  EXPECT_EQ(both.run(tagged), 0);
  EXPECT_EQ(both.run(tagged), 1);
}

TEST_P(StillAreasTest, CutsAndReturns) {
  Both both(GetParam(), ShotMode::Auto);
  FrameBuffer in = frame(kClipWidth, kClipHeight);
  const auto show = [&](int shot) {
    draw(in, {shot, 0});
    return both.run(in);
  };
  EXPECT_EQ(show(0), 0);
  EXPECT_EQ(show(0), 1);
  EXPECT_EQ(show(1), 0);  // a cut
  EXPECT_EQ(show(0), 0);  // and back: a flash
  EXPECT_EQ(show(0), 1);
  for (int i = 0; i < 6; ++i) show(2);
  EXPECT_EQ(show(0), 0);  // a shot that is remembered
  EXPECT_EQ(show(0), 1);
}

INSTANTIATE_TEST_SUITE_P(All, StillAreasTest, testing::ValuesIn(subjects()), [](const auto& info) {
  std::string name;
  for (char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  return name;
});

}  // namespace
}  // namespace cdsr::test
