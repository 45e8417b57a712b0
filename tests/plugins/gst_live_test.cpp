// The live policy as the element shows it.
#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

class GstLiveTest : public GstTest {
 protected:
  bool flag(GstMessage* message, const char* name) {
    gboolean value = FALSE;
    EXPECT_TRUE(gst_structure_get_boolean(gst_message_get_structure(message), name, &value)) << name;
    return value != FALSE;
  }
};

TEST_F(GstLiveTest, DeadlineIsLatency) {
  make("deadline=70");
  set_src_caps(kScene);
  push_scene(0, 0);
  EXPECT_EQ(gst_harness_query_latency(harness()), 70 * GST_MSECOND);
  const Owned<GstElement> found = cdsr_element();
  g_object_set(found.get(), "deadline", 30, nullptr);
  EXPECT_EQ(gst_harness_query_latency(harness()), 30 * GST_MSECOND);
}

TEST_F(GstLiveTest, NoFrameWaitsForAnEmbedding) {
  make("deadline=100000 fade=0");
  set_src_caps(kScene);
  push_scene(0, 0);
  const Owned<GstMessage> shot = message("cdsr-shot");
  ASSERT_NE(shot, nullptr);
  EXPECT_TRUE(flag(shot.get(), "pending"));
  EXPECT_FALSE(flag(shot.get(), "embedded"));
  EXPECT_EQ(gst_structure_get_value(gst_message_get_structure(shot.get()), "embedding"), nullptr);
  EXPECT_EQ(stat("bicubic-frames"), 1);

  Owned<GstMessage> embedding;
  int frame = 1;
  for (; embedding == nullptr && frame < 1000; ++frame) {
    g_usleep(2000);
    push_scene(0, frame);
    embedding = message("cdsr-embedding");
  }
  ASSERT_NE(embedding, nullptr);
  EXPECT_NE(gst_structure_get_value(gst_message_get_structure(embedding.get()), "embedding"), nullptr);
  EXPECT_EQ(stat("late-frames"), 0);
  EXPECT_EQ(stat("redone"), 0);
  EXPECT_EQ(stat("frames") + stat("bicubic-frames"), frame);
}

// A line that loses packets all the time: each frame begins a shot, of a scene that is being looked at
// already.
TEST_F(GstLiveTest, LossesDoNotKeepTheEmbeddingAway) {
  make("deadline=100000 fade=0");
  set_src_caps(kScene);
  int frame = 0;
  for (; frame < 1000 && stat("frames") == 0; ++frame) {
    g_usleep(2000);
    Owned<GstBuffer> next = make_scene(in_caps(), 0, frame);
    GST_BUFFER_FLAG_SET(next.get(), GST_BUFFER_FLAG_DISCONT);
    ASSERT_NE(push(std::move(next)), nullptr);
  }
  EXPECT_GT(stat("frames"), 0) << "after " << frame << " frames";
}

TEST_F(GstLiveTest, FramesThatWouldBeLateAreInterpolatedCountedAndTold) {
  make("deadline=1");  // the reference backend takes several
  set_src_caps("video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1");
  for (int n = 0; n < 8; ++n) EXPECT_NE(push_scene(0, n), nullptr);
  EXPECT_EQ(stat("late-frames"), 8);
  EXPECT_EQ(stat("bicubic-frames"), 8);
  const Owned<GstMessage> late = message("cdsr-late");
  ASSERT_NE(late, nullptr);
  EXPECT_TRUE(flag(late.get(), "active"));
  EXPECT_EQ(message("cdsr-late"), nullptr) << "told once, not for every frame";

  // The picture is what strength=0 gives.
  const Owned<GstBuffer> frame = make_scene(in_caps(), 0, 9);
  const auto got = samples(push(Owned<GstBuffer>(gst_buffer_copy_deep(frame.get()))).get(), out_caps().get());
  make("strength=0");
  set_src_caps("video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1");
  EXPECT_EQ(samples(push(Owned<GstBuffer>(gst_buffer_copy_deep(frame.get()))).get(), out_caps().get()), got);
}

TEST_F(GstLiveTest, DeadlineMayBeTakenAway) {
  make("deadline=1");
  set_src_caps("video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1");
  push_scene(0, 0);
  EXPECT_EQ(stat("late-frames"), 1);
  const Owned<GstElement> found = cdsr_element();
  g_object_set(found.get(), "deadline", 0, nullptr);
  push_scene(0, 1);
  EXPECT_EQ(stat("late-frames"), 1);
}

}  // namespace
}  // namespace cdsr::gst_test
