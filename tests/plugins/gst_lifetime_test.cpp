// States, flushes, seeks, and what is left over after many of them.
#include <malloc.h>

#include <algorithm>
#include <cstdint>

#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

constexpr char kTiny[] = "video/x-raw,format=I420,width=32,height=24,framerate=25/1";

class GstLifetimeTest : public GstTest {
 protected:
  /// Frees what the harness keeps of what it has seen.
  void drain() {
    while (const Owned<GstMessage> message{gst_bus_pop(bus())}) {
    }
    while (const Owned<GstEvent> event{gst_harness_try_pull_event(harness())}) {
    }
    while (const Owned<GstEvent> event{gst_harness_try_pull_upstream_event(harness())}) {
    }
  }
};

TEST_F(GstLifetimeTest, FlushInMidFrame) {
  make();
  set_src_caps("video/x-raw,format=I420,width=96,height=64,framerate=25/1");
  GThread* pushing = g_thread_new(
      "push",
      [](gpointer data) -> gpointer {
        auto* self = static_cast<GstLifetimeTest_FlushInMidFrame_Test*>(data);
        for (int n = 0; n < 4; ++n) {
          gst_harness_push(self->harness(), make_frame(self->in_caps(), 0, n).release());
        }
        return nullptr;
      },
      this);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  for (int n = 0; n < 3; ++n) {
    g_usleep(3000);
    gst_harness_push_event(harness(), gst_event_new_flush_start());
    gst_harness_push_event(harness(), gst_event_new_flush_stop(TRUE));
    gst_harness_push_event(harness(), gst_event_new_segment(&segment));
  }
  g_thread_join(pushing);
  while (GstBuffer* left = gst_harness_try_pull(harness())) gst_buffer_unref(left);
  EXPECT_NE(push_frame(0, 9), nullptr);
  EXPECT_EQ(error(), "");
}

/// Waits for the pipeline to get where it was sent; its error if it does not.
std::string settle(GstElement* pipeline) {
  if (gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS)
    return "";
  return "the state did not change";
}

/// Plays to the end. False if there was an error instead.
bool play(GstElement* pipeline) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  const Owned<GstMessage> end(gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  gst_object_unref(bus);
  return end != nullptr && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS;
}

int64_t stat_of(GstElement* pipeline, const char* name) {
  const Owned<GstElement> found(gst_bin_get_by_name(GST_BIN(pipeline), "sr"));
  GstStructure* stats = nullptr;
  g_object_get(found.get(), "stats", &stats, nullptr);
  const Owned<GstStructure> owned(stats);
  gint64 value = -1;
  EXPECT_TRUE(gst_structure_get_int64(stats, name, &value)) << name;
  return value;
}

/// What the heap has lent out, in bytes. Nothing of the element may stay there when it has gone on.
int64_t heap_in_use() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<int64_t>(heap.uordblks + heap.hblkhd);
}

/// Repeats `cycle(n)` until two stretches have left the heap as it was, 8 stretches at most; the growth of
/// the second best, in bytes. Stops when a check of `cycle` fails. GStreamer and GLib keep lists and idle
/// threads of their own, which grow and shrink by chance: not in every stretch, as a leak does. A stretch is
/// even, as `cycle` may alternate.
template <class Cycle>
int64_t heap_growth(const Cycle& cycle) {
  constexpr int kSettling = 20, kStretch = 16, kMost = 8;
  constexpr int64_t kNothing = 2 << 10;
  int n = 0;
  for (; n < kSettling && !testing::Test::HasFailure(); ++n) cycle(n);
  int64_t before = heap_in_use(), best = INT64_MAX, second = INT64_MAX;
  for (int stretch = 0; stretch < kMost && second > kNothing; ++stretch) {
    for (int i = 0; i < kStretch && !testing::Test::HasFailure(); ++i) cycle(n++);
    const int64_t after = heap_in_use(), growth = after - before;
    before = after;
    second = std::min(second, std::max(best, growth));
    best = std::min(best, growth);
  }
  return second;
}

/// A frame, a plan or an embedding left by each cycle of a stretch is more.
constexpr int64_t kNoise = 8 << 10;

class Cycles : public GstLifetimeTest, public testing::WithParamInterface<const char*> {};

TEST_P(Cycles, StatesMayCycleFiftyTimes) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      (std::string("videotestsrc num-buffers=2 ! ") + kTiny + " ! cdsr name=sr backend=reference " +
       GetParam() + " model=" + tiny_weights() + " ! fakesink")
          .c_str(),
      nullptr));
  ASSERT_NE(pipeline, nullptr);
  const int64_t growth = heap_growth([&](int n) {
    ASSERT_TRUE(play(pipeline.get())) << n;
    ASSERT_EQ(stat_of(pipeline.get(), "frames") + stat_of(pipeline.get(), "bicubic-frames"), 2) << n;
    ASSERT_EQ(gst_element_set_state(pipeline.get(), n % 2 != 0 ? GST_STATE_NULL : GST_STATE_READY),
              GST_STATE_CHANGE_SUCCESS);
  });
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  EXPECT_LT(growth, kNoise);
}

TEST_P(Cycles, SizesMayChangeFiftyTimes) {
  for (const char* backend : {"reference", "cpu"}) {
    if (cdsr_backend_available(backend) < 0) continue;
    make(std::string(GetParam()) + " backend=" + backend);
    const int64_t growth = heap_growth([&](int n) {
      set_src_caps(n % 2 != 0 ? kTiny : "video/x-raw,format=NV12,width=44,height=30,framerate=25/1");
      ASSERT_NE(push_frame(n % 3, n), nullptr) << error();
      drain();
    });
    EXPECT_LT(growth, kNoise) << backend;
  }
}

INSTANTIATE_TEST_SUITE_P(Gst, Cycles, testing::Values("deadline=0", "deadline=1000"),
                         [](const auto& info) { return info.index == 0 ? "waiting" : "live"; });

TEST_F(GstLifetimeTest, SeekBeginsAShot) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      ("videotestsrc num-buffers=3 ! video/x-raw,format=GRAY8,width=80,height=45,framerate=25/1 ! "
       "cdsr name=sr backend=reference shots=off model=" +
       tiny_weights() + " ! fakesink")
          .c_str(),
      nullptr));
  ASSERT_NE(pipeline, nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  ASSERT_EQ(settle(pipeline.get()), "");
  ASSERT_TRUE(gst_element_seek_simple(pipeline.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  ASSERT_EQ(settle(pipeline.get()), "");
  ASSERT_TRUE(play(pipeline.get()));
  EXPECT_EQ(stat_of(pipeline.get(), "shots"), 2) << "one before the seek, one after";
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

}  // namespace
}  // namespace cdsr::gst_test
