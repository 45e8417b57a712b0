// Live streams: the deadline, the cross-fade, and looks in the background.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "filter/deadline.h"
#include "filter/embed/background_embedder.h"
#include "filter/embed/fader.h"
#include "filter/format/frame_memory.h"
#include "filter/pipeline.h"
#include "tests/filter/clip.h"
#include "tests/filter/fake_engine.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

constexpr int64_t kFrame = 40'000'000;  // 25 frames a second

/// A stream of frames at 25 frames a second, each taking the time it is told.
class Stream {
 public:
  explicit Stream(double limit) { deadline.set_limit(limit); }

  /// Whether the network made the frame.
  bool frame(double network_ms, double bicubic_ms = 1) {
    const bool network = !deadline.misses(++number_ * kFrame);
    deadline.took(network ? network_ms : bicubic_ms, network);
    return network;
  }
  int network_frames(int frames, double network_ms) {
    int count = 0;
    for (int n = 0; n < frames; ++n) count += frame(network_ms) ? 1 : 0;
    return count;
  }

  Deadline deadline;

 private:
  int64_t number_ = 0;
};

TEST(DeadlineTest, NoLimitNoMiss) {
  Stream stream(0);
  EXPECT_EQ(stream.network_frames(20, 500), 20);
}

TEST(DeadlineTest, FramesInTimeAreTheNetworks) {
  Stream stream(40);
  EXPECT_EQ(stream.network_frames(100, 20), 100);
  EXPECT_EQ(stream.deadline.wait(), 0);
}

TEST(DeadlineTest, WhatWouldTakeTooLongIsInterpolatedButTriedAgain) {
  Stream stream(40);
  stream.deadline.expect(60);
  const int tried = stream.network_frames(1000, 60);
  EXPECT_GE(tried, 3);
  EXPECT_LE(tried, 15);
  EXPECT_GE(stream.network_frames(300, 20), 150) << "the machine has recovered";
  EXPECT_EQ(stream.network_frames(100, 20), 100);
}

TEST(DeadlineTest, BacklogIsWorkedOffByInterpolation) {
  Stream stream(80);
  EXPECT_EQ(stream.network_frames(50, 30), 50);
  EXPECT_TRUE(stream.frame(200)) << "nobody could know";
  EXPECT_FALSE(stream.frame(30));
  EXPECT_GT(stream.deadline.wait(), 100);
  // 160 ms behind, 39 ms a frame are won back: within ten frames all is well again.
  int late = 1;
  while (!stream.frame(30)) ++late;
  EXPECT_LE(late, 10);
  EXPECT_LE(stream.deadline.wait() + stream.deadline.predicted(), 80 + 30);
}

TEST(DeadlineTest, SlowerThanThePaceStaysWithinTheLimit) {
  // 50 ms a frame at 25 frames a second: some must be interpolated, and none may come out after its deadline.
  Stream stream(100);
  stream.deadline.expect(50);
  int network = 0;
  for (int n = 0; n < 200; ++n) {
    if (!stream.frame(50)) continue;
    ++network;
    EXPECT_LE(stream.deadline.wait() + 50, 100 + 1e-9);
  }
  EXPECT_GT(network, 100);
  EXPECT_LT(network, 200);
}

TEST(DeadlineTest, TimesThatDoNotGoOnTellNothing) {
  Deadline deadline;
  deadline.set_limit(100);
  deadline.expect(50);
  for (int n = 0; n < 50; ++n) {
    EXPECT_FALSE(deadline.misses(0));
    deadline.took(50, true);
  }
}

// -------------------------------------------------------------- cross-fade

class FaderTest : public testing::Test {
 protected:
  FaderTest() { engine_->plan(8, 8); }

  ShotState known(float value) const {
    ShotState known;
    known.resize(model_->network->config, Query::Shot);
    known.looks = 1;
    std::fill(known.embedding.begin(), known.embedding.end(), value);
    std::fill(known.queries.begin(), known.queries.end(), 2 * value);
    return known;
  }
  float shown() const { return calls_.embedding[0]; }

  FakeBackend::Calls calls_;
  std::shared_ptr<const Model> model_ = tiny_model();
  std::unique_ptr<Engine> engine_ = fake_engine(model_->network, Query::Shot, calls_);
  Fader fader_{model_->network->config, Query::Shot, 4};
};

TEST_F(FaderTest, NetworkAppearsWithTheFirstEmbedding) {
  EXPECT_EQ(fader_.step(*engine_, nullptr, 0, true), 0);
  EXPECT_EQ(calls_.condition, 0);
  const ShotState first = known(0.5F);
  for (const float share : {0.25F, 0.5F, 0.75F, 1.0F, 1.0F})
    EXPECT_EQ(fader_.step(*engine_, &first, 1, false), share);
  EXPECT_EQ(shown(), 0.5F);
  EXPECT_EQ(calls_.condition, 1) << "nothing changed after the first";
}

TEST_F(FaderTest, LastEmbeddingStaysAndFadesIntoTheNext) {
  const ShotState first = known(0), second = known(1);
  for (int n = 0; n < 6; ++n) fader_.step(*engine_, &first, 1, n == 0);
  fader_.step(*engine_, nullptr, 2, true);
  EXPECT_EQ(shown(), 0);
  for (const float value : {0.25F, 0.5F, 0.75F, 1.0F, 1.0F}) {
    EXPECT_EQ(fader_.step(*engine_, &second, 3, false), 1);
    EXPECT_EQ(shown(), value);
    EXPECT_EQ(calls_.queries[0], 2 * value);
  }
}

TEST_F(FaderTest, KnownShotIsThereAtOnce) {
  const ShotState first = known(0), second = known(1);
  fader_.step(*engine_, &first, 1, true);
  fader_.step(*engine_, &second, 2, true);
  EXPECT_EQ(shown(), 1);
}

TEST_F(FaderTest, ReinstallsWhatSomebodyElseReplaced) {
  const ShotState first = known(0.5F);
  fader_.step(*engine_, &first, 1, true);
  engine_->condition(known(9).embedding);
  fader_.reinstall();
  fader_.step(*engine_, &first, 1, false);
  EXPECT_EQ(shown(), 0.5F);
}

// ---------------------------------------------------------------- pipeline

class LivePipeline : public testing::Test {
 protected:
  void make(int fade = 2) {
    Pipeline::Settings settings;
    settings.embedding.fade = fade;
    const auto model = tiny_model();
    pipeline_ =
        std::make_unique<Pipeline>(fake_engine(model->network, Query::Shot, calls_), std::move(settings),
                                   fake_engine(model->network, Query::Shot, behind_));
  }
  Pipeline::Report frame(int scene, bool discontinuity = false, int gain = 256) {
    const PixelFormat& format = *find_format(CDSR_FORMAT_GRAY8);
    FrameBuffer in(format, kClipWidth, kClipHeight), out(format, 2 * kClipWidth, 2 * kClipHeight);
    draw(in, {scene, 0, gain});
    Hints hints;
    hints.discontinuity = discontinuity;
    return pipeline_->process(in.input(), out.input(), hints, Pipeline::Method::Network);
  }
  /// Frames of a scene until its embedding came in; returns their number.
  int frames_until_embedded(int scene, int gain = 256) {
    for (int n = 1; n < 1000; ++n) {
      if (frame(scene, false, gain).embedded) return n;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return 0;
  }

  FakeBackend::Calls calls_, behind_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(LivePipeline, FirstFrameDoesNotWait) {
  make();
  const Pipeline::Report first = frame(0);
  EXPECT_TRUE(first.bicubic);
  EXPECT_TRUE(first.pending);
  EXPECT_FALSE(first.embedded);
  EXPECT_GT(frames_until_embedded(0), 0);
  const Pipeline::Report next = frame(0);
  EXPECT_FALSE(next.bicubic);
  EXPECT_FALSE(next.pending);
  EXPECT_EQ(behind_.embed, 1);
  EXPECT_EQ(calls_.embed, 0) << "the stream itself never looks";
}

TEST_F(LivePipeline, CutGoesOnWithTheLastEmbedding) {
  make();
  frames_until_embedded(0);
  frame(0);
  frame(0);
  const float before = calls_.embedding[0];
  const Pipeline::Report cut = frame(1);
  EXPECT_TRUE(cut.event.begins);
  EXPECT_TRUE(cut.pending);
  EXPECT_FALSE(cut.bicubic);
  EXPECT_EQ(calls_.embedding[0], before);
  EXPECT_GT(frames_until_embedded(1), 0);
  frame(1);
  frame(1);
  EXPECT_NE(calls_.embedding[0], before);
  EXPECT_EQ(behind_.embed, 2);
  // Back again: remembered, so there at once.
  const Pipeline::Report back = frame(0);
  EXPECT_TRUE(back.hit);
  EXPECT_FALSE(back.pending);
  EXPECT_EQ(calls_.embedding[0], before);
}

TEST_F(LivePipeline, FadeFromBlackGoesOverToWhatThePictureTells) {
  make(/*fade=*/4);
  EXPECT_GT(frames_until_embedded(0, 40), 0);
  for (int n = 0; n < 6; ++n) frame(0, false, 40);
  EXPECT_EQ(behind_.embed, 1);
  const float faint = calls_.embedding[0];
  EXPECT_GT(frames_until_embedded(0), 0) << "looked at anew, and no frame waits";
  const float first = calls_.embedding[0];
  for (int n = 0; n < 6; ++n) EXPECT_FALSE(frame(0).bicubic);
  const float full = behind_.embedding[0];
  EXPECT_EQ(behind_.embed, 2);
  EXPECT_EQ(calls_.embedding[0], full);
  EXPECT_GT(full, faint);
  EXPECT_GT(first, faint);
  EXPECT_LT(first, full) << "no jump in the picture";
}

TEST_F(LivePipeline, LateFramesAreLookedAtToo) {
  make();
  pipeline_->set_deadline(1e-6);
  frame(0);  // nothing is known yet of how long it takes
  pipeline_->prepare(*find_format(CDSR_FORMAT_GRAY8), kClipWidth, kClipHeight);
  EXPECT_TRUE(frame(1).late);
  EXPECT_GT(frames_until_embedded(1), 0);
}

TEST_F(LivePipeline, LostFramesDoNotBeginTheLookAnew) {
  make();
  for (int n = 0; n < 30; ++n) {
    const Pipeline::Report report = frame(0, /*discontinuity=*/true);
    EXPECT_TRUE(report.event.begins);
  }
  EXPECT_GT(frames_until_embedded(0) + behind_.embed, 0);
  EXPECT_EQ(behind_.embed, 1);
}

TEST_F(LivePipeline, FailureInTheBackgroundIsReported) {
  make();
  behind_.fail_next_embed = true;
  EXPECT_THROW(frames_until_embedded(0), Error);
  EXPECT_GT(frames_until_embedded(0), 0) << "and tried again";
}

TEST_F(LivePipeline, SizeChangeKeepsTheLastEmbedding) {
  make();
  frames_until_embedded(0);
  frame(0);
  const PixelFormat& format = *find_format(CDSR_FORMAT_GRAY8);
  FrameBuffer in(format, 64, 48), out(format, 128, 96);
  const Pipeline::Report report = pipeline_->process(in.input(), out.input(), {}, Pipeline::Method::Network);
  EXPECT_TRUE(report.pending);
  EXPECT_FALSE(report.bicubic);
  pipeline_->reset();
  EXPECT_TRUE(pipeline_->process(in.input(), out.input(), {}, Pipeline::Method::Network).bicubic);
}

TEST_F(LivePipeline, PreparingPlansAndMeasures) {
  make();
  pipeline_->prepare(*find_format(CDSR_FORMAT_YUV420P10), 33, 27);
  EXPECT_EQ(calls_.plan, 1);
  EXPECT_EQ(behind_.plan, 1);
  EXPECT_EQ(calls_.upscale, 2);
  EXPECT_GT(pipeline_->predicted_ms(), 0);
}

TEST_F(LivePipeline, EndsWhileALookIsUnderWay) {
  for (int n = 0; n < 20; ++n) {
    make();
    frame(n);
  }
}

TEST(FrameMemoryTest, CopiesEveryFormat) {
  for (const PixelFormat& format : pixel_formats()) {
    FrameBuffer in(format, 11, 7);
    draw(in, {3});
    FrameMemory memory(format, 11, 7);
    memory.copy(in.input());
    for (int p = 0; p < format.planes; ++p) {
      const PlaneSize size = plane_size(format, p, 11, 7);
      const Frame &copy = memory.frame(), from = in.input();
      for (int y = 0; y < size.rows; ++y) {
        EXPECT_EQ(std::memcmp(copy.plane[p] + y * copy.stride[p], from.plane[p] + y * from.stride[p],
                              size.row_bytes),
                  0)
            << format.name << " plane " << p << " row " << y;
      }
    }
    EXPECT_THROW(FrameMemory(format, 8, 8).copy(in.input()), Error);
  }
}

}  // namespace
}  // namespace cdsr::test
