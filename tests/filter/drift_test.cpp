// The second look inside a shot: what it takes for a change, what it does not, and how the picture goes over.
#include <gtest/gtest.h>

#include "filter/embed/drift_guard.h"
#include "filter/embed/embedder.h"
#include "tests/filter/fake_engine.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

// ------------------------------------------------------------------- guard

/// The frames at which a guard says that something has changed, of a shot whose embedding is `value(frame)`
/// in its first half and 1 in the other.
template <typename Value>
std::vector<int> changes(int every, int frames, Value value) {
  DriftGuard guard(every, 2);
  std::vector<int> found;
  for (int i = 0; i < frames; ++i) {
    if (!guard.due(i)) continue;
    guard.next_embedding()[0] = value(i);
    guard.next_embedding()[1] = 1;
    if (!guard.changed()) continue;
    found.push_back(i);
    guard.reset();
  }
  return found;
}

TEST(DriftGuard, FindsAStepOnce) {
  // Looks at 56, 64 and 72 are after it.
  EXPECT_EQ(changes(8, 300, [](int i) { return i < 50 ? 0.F : 2.F; }), (std::vector<int>{72}));
  EXPECT_EQ(changes(1, 300, [](int i) { return i < 50 || i >= 100 ? 0.F : 2.F; }),
            (std::vector<int>{52, 102}));
}

TEST(DriftGuard, OneLookIsNoChange) {
  EXPECT_TRUE(changes(8, 200, [](int i) { return i == 48 ? 5.F : 0.F; }).empty());
  EXPECT_TRUE(changes(8, 200, [](int i) { return i == 48 || i == 56 ? 5.F : 0.F; }).empty());
}

TEST(DriftGuard, LooksThatDoNotAgreeAreNoChange) {
  EXPECT_TRUE(changes(8, 200, [](int i) { return i < 50 ? 0.F : (i / 8 % 2 == 0 ? 4.F : -4.F); }).empty());
}

TEST(DriftGuard, WhatGoesSlowlyOrLittleIsNoChange) {
  EXPECT_TRUE(changes(8, 400, [](int i) { return static_cast<float>(i % 7) * 0.02F; }).empty());
  EXPECT_TRUE(changes(8, 400, [](int i) { return static_cast<float>(i) * 0.02F; }).empty());
}

TEST(DriftGuard, OffIsOff) {
  DriftGuard guard(0, 2);
  EXPECT_FALSE(guard.active());
  for (int i = 1; i < 100; ++i) EXPECT_FALSE(guard.due(i));
}

TEST(DriftGuard, DistanceIsAShareOfTheSize) {
  const std::vector<float> a = {3, 4}, b = {-3, -4}, none = {0, 0};
  EXPECT_EQ(relative_distance(a, a), 0);
  EXPECT_DOUBLE_EQ(relative_distance(a, b), 2);
  EXPECT_EQ(relative_distance(none, none), 0);
}

// ---------------------------------------------------------------- embedder

/// A flat frame of one level, which is FakeBackend's embedding.
class Level final : public RowSource {
 public:
  explicit Level(float level) : level_(level) {}
  void read(int, int rows, float* const dst[3], ptrdiff_t stride) const override {
    for (int p = 0; p < 3; ++p)
      for (int r = 0; r < rows; ++r) std::fill_n(dst[p] + r * stride, 8, level_);
  }

 private:
  float level_;
};

class Drift : public testing::Test {
 protected:
  void make(const ShotEmbedder::Settings& settings) {
    engine_ = fake_engine(tiny_model()->network, settings.query, calls_);
    engine_->plan(8, 8);
    embedder_ = std::make_unique<ShotEmbedder>(*engine_, settings);
  }
  /// What the engine is conditioned with in a frame.
  float frame(float level, bool begins = false) {
    if (begins) ++shot_;
    embedder_->enter({shot_, begins, false, 0}, nullptr);
    ready_ = embedder_->prepare(Level(level));
    EXPECT_EQ(embedder_->embedding()[0], calls_.embedding[0]);
    EXPECT_EQ(embedder_->queries()[0], calls_.queries[0]);
    EXPECT_EQ(calls_.queries[0], 2 * calls_.embedding[0]);
    return calls_.embedding[0];
  }

  FakeBackend::Calls calls_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ShotEmbedder> embedder_;
  ShotEmbedder::Ready ready_;
  int64_t shot_ = -1;
};

TEST_F(Drift, FadesToWhatHasChanged) {
  make({.fade = 4, .drift = 2});
  EXPECT_EQ(frame(0.25F, true), 0.25F);
  for (int i = 1; i < 8; ++i) EXPECT_EQ(frame(0.25F), 0.25F) << i;
  // Looked at in frames 8, 10 and 12.
  for (int i = 8; i < 12; ++i) EXPECT_EQ(frame(0.75F), 0.25F) << i;
  for (int i = 1; i <= 4; ++i) EXPECT_FLOAT_EQ(frame(0.75F), 0.25F + 0.125F * static_cast<float>(i));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(frame(0.75F), 0.75F) << i;
}

TEST_F(Drift, ACutDuringTheFadeEndsIt) {
  make({.fade = 10, .drift = 2});
  frame(0.25F, true);
  for (int i = 1; i < 15; ++i) frame(i < 8 ? 0.25F : 0.75F);
  EXPECT_GT(calls_.embedding[0], 0.25F);
  EXPECT_LT(calls_.embedding[0], 0.75F);
  EXPECT_EQ(frame(0.5F, true), 0.5F);
  EXPECT_EQ(frame(0.5F), 0.5F);
}

TEST_F(Drift, SeveralLooksJoinTheMeanAndTheFadeGoesOn) {
  make({.embed_frames = 3, .fade = 4, .drift = 2});
  frame(0.25F, true);
  float before = 0.25F;
  for (int i = 1; i < 40; ++i) {
    const float now = frame(i < 10 ? 0.25F : 0.75F);
    EXPECT_LE(now - before, 0.13F) << i;  // a quarter of the way, not a jump
    before = now;
  }
  EXPECT_EQ(before, 0.75F);
}

TEST_F(Drift, LooksThatFindNothingChangeNothing) {
  make({.embed_frames = 2, .fade = 4});
  std::vector<float> without, with;
  const auto shots = [&](std::vector<float>& seen) {
    for (int shot = 0; shot < 3; ++shot)
      for (int i = 0; i < 20; ++i)
        seen.push_back(frame(0.5F + 0.01F * static_cast<float>(i % 3 + shot), i == 0));
  };
  shots(without);
  const int looks = calls_.embed;
  make({.embed_frames = 2, .fade = 4, .drift = 5});
  shots(with);
  EXPECT_EQ(with, without);
  EXPECT_EQ(calls_.embed, 2 * looks + 9);
}

}  // namespace
}  // namespace cdsr::test
