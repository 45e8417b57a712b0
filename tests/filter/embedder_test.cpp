// When the encoder runs, and what the engine is conditioned with.
#include "filter/embed/embedder.h"

#include <gtest/gtest.h>

#include "tests/filter/clip.h"
#include "tests/filter/fake_engine.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

/// A flat frame of one level; FakeBackend's embedding is that level, its queries twice that.
class Level final : public RowSource {
 public:
  explicit Level(float level) : level_(level) {}
  void read(int, int rows, float* const dst[3], ptrdiff_t stride) const override {
    for (int p = 0; p < 3; ++p) {
      for (int r = 0; r < rows; ++r) std::fill_n(dst[p] + r * stride, 8, level_);
    }
  }

 private:
  float level_;
};

class Embedder : public testing::Test {
 protected:
  void make(const ShotEmbedder::Settings& settings) {
    engine_ = fake_engine(tiny_model()->network, settings.query, calls_);
    engine_->plan(8, 8);
    embedder_ = std::make_unique<ShotEmbedder>(*engine_, settings);
  }

  /// The thumbnail of a scene; gain: its contrast, of 256.
  static Thumbnail scene(int number, int dx = 0, int gain = 256) {
    FrameBuffer frame(*find_format(CDSR_FORMAT_GRAY8), kClipWidth, kClipHeight);
    draw(frame, {number, dx, gain, 16 - gain / 16});
    Thumbnailer thumbnailer;
    thumbnailer.plan(kClipWidth);
    Thumbnail result;
    thumbnailer.make(frame.input(), result);
    return result;
  }

  struct Outcome {
    bool hit, embedded;
    bool operator==(const Outcome&) const = default;
  };

  Outcome frame(const ShotEvent& event, const Thumbnail& thumbnail, float level) {
    const bool hit = embedder_->enter(event, &thumbnail);
    return {hit, embedder_->prepare(Level(level)).embedded};
  }
  Outcome begin(int64_t shot, int number, float level) {
    return frame({shot, true, false, 1}, scene(number), level);
  }
  Outcome go_on(int64_t shot, int number, float level) {
    return frame({shot, false, false, 0}, scene(number), level);
  }
  Outcome resume(int64_t shot, int number, float level) {
    return frame({shot, false, true, 1}, scene(number), level);
  }

  /// The frames of a fade from black, by their gain of 256, that were looked at.
  std::vector<int> looks_of_fade(int first, int step) {
    std::vector<int> looked;
    for (int gain = first; gain <= 256; gain += step) {
      const float level = static_cast<float>(gain) / 256;
      if (frame({0, gain == first, false, 0}, scene(0, 0, gain), level).embedded) looked.push_back(gain);
    }
    return looked;
  }

  static constexpr Outcome kMiss{false, true};
  static constexpr Outcome kHit{true, false};
  static constexpr Outcome kNothing{false, false};

  float embedding() const { return calls_.embedding[0]; }
  float queries() const { return calls_.queries[0]; }

  FakeBackend::Calls calls_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ShotEmbedder> embedder_;
};

TEST_F(Embedder, OncePerShot) {
  make({});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(go_on(0, 0, 0.2F), kNothing);
  EXPECT_EQ(begin(1, 1, 0.3F), kMiss);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(go_on(1, 1, 0.4F), kNothing);
  EXPECT_EQ(calls_.embed, 2);
  EXPECT_EQ(calls_.condition, 2);
  EXPECT_EQ(calls_.measure, 2);
  EXPECT_EQ(calls_.set_queries, 2);
  EXPECT_FLOAT_EQ(embedding(), 0.3F);
  EXPECT_FLOAT_EQ(queries(), 0.6F);
}

TEST_F(Embedder, QueryFrameMeasuresNothing) {
  make({.query = Query::Frame});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(go_on(0, 0, 0.2F), kNothing);
  EXPECT_EQ(calls_.condition, 1);
  EXPECT_EQ(calls_.measure, 0);
  EXPECT_EQ(calls_.set_queries, 0);
}

TEST_F(Embedder, ASceneThatComesBackIsKnown) {
  make({});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(begin(1, 1, 0.2F), kMiss);
  EXPECT_EQ(begin(2, 0, 0.3F), kHit);
  EXPECT_FLOAT_EQ(embedding(), 0.1F);
  EXPECT_FLOAT_EQ(queries(), 0.2F);
  EXPECT_EQ(begin(3, 1, 0.4F), kHit);
  EXPECT_FLOAT_EQ(embedding(), 0.2F);
  EXPECT_EQ(calls_.embed, 2);
  EXPECT_EQ(calls_.condition, 4);
}

TEST_F(Embedder, ASceneIsKnownByItsLatestFrameToo) {
  make({});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(frame({0, false, false, 0}, scene(0, 100), 0.1F), kNothing);  // moved far
  EXPECT_EQ(begin(1, 1, 0.2F), kMiss);
  EXPECT_EQ(frame({2, true, false, 1}, scene(0, 101), 0.3F), kHit);
}

TEST_F(Embedder, ForgetsTheOldestFirst) {
  make({.remembered = 2});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(begin(1, 1, 0.1F), kMiss);
  EXPECT_EQ(begin(2, 2, 0.1F), kMiss);  // remembered: 2, 1
  EXPECT_EQ(begin(3, 0, 0.1F), kMiss);  // remembered: 0, 2
  EXPECT_EQ(begin(4, 2, 0.1F), kHit);   // and 2 is the newest now
  EXPECT_EQ(begin(5, 3, 0.1F), kMiss);
  EXPECT_EQ(begin(6, 2, 0.1F), kHit);
  EXPECT_EQ(begin(7, 0, 0.1F), kMiss);
}

TEST_F(Embedder, WithoutAMemoryNothingIsKnown) {
  make({.remembered = 0});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(begin(1, 1, 0.1F), kMiss);
  EXPECT_EQ(begin(2, 0, 0.1F), kMiss);
}

TEST_F(Embedder, AFlashRestoresWhatWasBefore) {
  make({.remembered = 0});  // also without a memory
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(begin(1, 1, 0.9F), kMiss);
  EXPECT_EQ(resume(0, 0, 0.5F), kNothing);
  EXPECT_FLOAT_EQ(embedding(), 0.1F);
  EXPECT_FLOAT_EQ(queries(), 0.2F);
  EXPECT_EQ(calls_.embed, 2);
}

TEST_F(Embedder, PoolsTheFirstFrames) {
  make({.embed_frames = 3});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.1F);
  EXPECT_EQ(go_on(0, 0, 0.3F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.2F);
  EXPECT_EQ(go_on(0, 0, 0.8F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.4F);
  EXPECT_FLOAT_EQ(queries(), 0.8F);
  EXPECT_EQ(go_on(0, 0, 0.9F), kNothing);
  EXPECT_EQ(calls_.embed, 3);
}

TEST_F(Embedder, RefreshReplaces) {
  make({.refresh = 4});
  std::vector<int> looked;
  for (int i = 0; i < 10; ++i) {
    const ShotEvent event{0, i == 0, false, 0};
    if (frame(event, scene(0), 0.1F * static_cast<float>(i)).embedded) looked.push_back(i);
  }
  EXPECT_EQ(looked, (std::vector<int>{0, 4, 8}));
  EXPECT_FLOAT_EQ(embedding(), 0.8F);
  embedder_->set_refresh(0);
  EXPECT_EQ(go_on(0, 0, 0.1F), kNothing);
}

TEST_F(Embedder, AFadeFromBlackIsLookedAtAsContrastComes) {
  make({});
  const std::vector<int> looked = looks_of_fade(32, 2);
  EXPECT_EQ(calls_.embed, static_cast<int>(looked.size()));
  ASSERT_GE(looked.size(), 3U);
  EXPECT_LE(looked.size(), 5U);
  for (size_t i = 1; i < looked.size(); ++i)
    EXPECT_NEAR(deviation(scene(0, 0, looked[i])) / deviation(scene(0, 0, looked[i - 1])), 2.1, 0.2) << i;
  EXPECT_GT(looked.back(), 128);
  EXPECT_FLOAT_EQ(embedding(), static_cast<float>(looked.back()) / 256);
  EXPECT_FLOAT_EQ(queries(), 2 * embedding());
  // Once the picture is there nothing is looked at any more, whatever the light does.
  EXPECT_EQ(go_on(0, 0, 0.1F), kNothing);
  EXPECT_TRUE(looks_of_fade(34, 2).empty()) << "the same scene, remembered: a hit";
}

TEST_F(Embedder, BlackIsLookedAtAnewOnceAPictureIsThere) {
  make({});
  const Thumbnail black = scene(0, 0, 0);
  EXPECT_EQ(frame({0, true, false, 1}, black, 0.1F), kMiss);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(frame({0, false, false, 0}, black, 0.1F), kNothing);
  EXPECT_EQ(go_on(0, 0, 0.5F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.5F);
  EXPECT_EQ(go_on(0, 0, 0.6F), kNothing);
}

TEST_F(Embedder, AShotThatBeginsWithAPictureIsLookedAtOnce) {
  make({});
  ASSERT_GT(deviation(scene(0, 0, 112)), 12);
  EXPECT_GT(deviation(scene(0)), 2 * deviation(scene(0, 0, 112)));
  EXPECT_EQ(looks_of_fade(112, 4), (std::vector<int>{112}));
}

TEST_F(Embedder, AFadeBeginsItsMeanAnew) {
  make({.embed_frames = 2});
  EXPECT_EQ(frame({0, true, false, 1}, scene(0, 0, 32), 0.1F), kMiss);
  EXPECT_EQ(frame({0, false, false, 0}, scene(0, 0, 32), 0.3F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.2F);
  EXPECT_EQ(go_on(0, 0, 0.5F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.5F);
  EXPECT_EQ(go_on(0, 0, 0.9F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.7F);
  EXPECT_EQ(go_on(0, 0, 0.1F), kNothing);
}

TEST_F(Embedder, ATooBrightSceneIsAnotherOne) {
  make({});
  Thumbnail bright = scene(0);
  for (int i = 0; i < bright.count(); ++i) bright.cell[i] = static_cast<uint16_t>(bright.cell[i] + 12 * 256);
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  EXPECT_EQ(begin(1, 1, 0.1F), kMiss);
  EXPECT_EQ(frame({2, true, false, 1}, bright, 0.1F), kMiss);
}

TEST_F(Embedder, AFailureIsTriedAgain) {
  make({});
  calls_.fail_next_embed = true;
  EXPECT_THROW(begin(0, 0, 0.1F), Error);
  EXPECT_EQ(go_on(0, 0, 0.2F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.2F);
}

TEST_F(Embedder, ClearForgets) {
  make({});
  EXPECT_EQ(begin(0, 0, 0.1F), kMiss);
  embedder_->clear();
  EXPECT_EQ(begin(0, 0, 0.2F), kMiss);
  EXPECT_FLOAT_EQ(embedding(), 0.2F);
}

TEST_F(Embedder, FramesWithoutNetworkOnlyFollow) {
  // A host that interpolates for a while: the shot is entered, nothing is embedded until the network runs.
  make({});
  const Thumbnail a = scene(0);
  EXPECT_FALSE(embedder_->enter({0, true, false, 1}, &a));
  EXPECT_FALSE(embedder_->enter({0, false, false, 0}, &a));
  EXPECT_EQ(calls_.embed, 0);
  EXPECT_EQ(go_on(0, 0, 0.3F), kMiss);
}

}  // namespace
}  // namespace cdsr::test
