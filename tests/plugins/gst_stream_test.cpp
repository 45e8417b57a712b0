// The element in a harness: shots, events, messages, properties.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

class GstStreamTest : public GstTest {
 protected:
  int64_t shot_of(GstMessage* message) {
    gint64 shot = -1;
    gst_structure_get_int64(gst_message_get_structure(message), "shot", &shot);
    return shot;
  }
  /// Events that reached the sink, by type.
  int pulled_events(GstEventType type, Owned<GstEvent>* last = nullptr) {
    int count = 0;
    while (Owned<GstEvent> event{gst_harness_try_pull_event(harness())}) {
      if (GST_EVENT_TYPE(event.get()) != type) continue;
      ++count;
      if (last != nullptr) *last = std::move(event);
    }
    return count;
  }
};

TEST_F(GstStreamTest, ShotsArePosted) {
  make();
  set_src_caps(kScene);
  for (int n = 0; n < 6; ++n) push_scene(n < 3 ? 0 : 1, n);
  for (const int64_t shot : {0, 1}) {
    const Owned<GstMessage> told = message("cdsr-shot");
    ASSERT_NE(told, nullptr);
    EXPECT_EQ(shot_of(told.get()), shot);
    guint64 time = 1;
    const GstStructure* s = gst_message_get_structure(told.get());
    ASSERT_TRUE(gst_structure_get_uint64(s, "running-time", &time));
    EXPECT_EQ(time, static_cast<guint64>(shot) * 120 * GST_MSECOND);
    const GValue* embedding = gst_structure_get_value(s, "embedding");
    ASSERT_NE(embedding, nullptr);
    EXPECT_GT(gst_value_array_get_size(embedding), 0U);
  }
  EXPECT_EQ(message("cdsr-shot"), nullptr);
  EXPECT_EQ(stat("frames"), 6);
  EXPECT_EQ(stat("shots"), 2);
  EXPECT_EQ(stat("embeddings"), 2);
}

TEST_F(GstStreamTest, SceneThatComesBackIsAHit) {
  make();
  set_src_caps(kScene);
  for (int n = 0; n < 12; ++n) push_scene(n / 5 % 2, n);
  EXPECT_EQ(stat("shots"), 3);
  EXPECT_EQ(stat("hits"), 1);
  EXPECT_EQ(stat("embeddings"), 2);
}

TEST_F(GstStreamTest, DiscontinuityBeginsAShot) {
  make("shots=off");
  set_src_caps(kScene);
  push_scene(0, 0);
  push_scene(0, 1);
  Owned<GstBuffer> frame = make_scene(in_caps(), 0, 2);
  GST_BUFFER_FLAG_SET(frame.get(), GST_BUFFER_FLAG_DISCONT);
  push(std::move(frame));
  EXPECT_EQ(stat("shots"), 2);

  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 40 * GST_MSECOND;
  gst_harness_push_event(harness(), gst_event_new_segment(&segment));
  push_scene(0, 3);
  EXPECT_EQ(stat("shots"), 3);

  gst_harness_push_event(harness(), gst_event_new_flush_start());
  gst_harness_push_event(harness(), gst_event_new_flush_stop(TRUE));
  gst_harness_push_event(harness(), gst_event_new_segment(&segment));
  push_scene(0, 4);
  EXPECT_EQ(stat("shots"), 4);
  push_scene(0, 5);
  EXPECT_EQ(stat("shots"), 4);
}

TEST_F(GstStreamTest, ForcedKeyUnitsPassBothWays) {
  make();
  set_src_caps(kSmall);
  push_frame();
  pulled_events(GST_EVENT_EOS);
  gst_harness_push_event(harness(), gst_video_event_new_downstream_force_key_unit(0, 0, 0, TRUE, 9));
  push_frame(0, 1);
  Owned<GstEvent> event;
  EXPECT_EQ(pulled_events(GST_EVENT_CUSTOM_DOWNSTREAM, &event), 1);
  guint count = 0;
  ASSERT_TRUE(gst_video_event_parse_downstream_force_key_unit(event.get(), nullptr, nullptr, nullptr, nullptr,
                                                              &count));
  EXPECT_EQ(count, 9U);
  while (GstEvent* old = gst_harness_try_pull_upstream_event(harness())) gst_event_unref(old);
  gst_harness_push_upstream_event(harness(),
                                  gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 4));
  event.reset(gst_harness_try_pull_upstream_event(harness()));
  ASSERT_NE(event, nullptr);
  EXPECT_TRUE(gst_video_event_is_force_key_unit(event.get()));
}

TEST_F(GstStreamTest, KeyUnitIsAskedForOnAShot) {
  make("key-unit-on-shot=true");
  set_src_caps(kScene);
  for (int n = 0; n < 6; ++n) push_scene(n < 3 ? 0 : 1, n);
  Owned<GstEvent> event;
  EXPECT_EQ(pulled_events(GST_EVENT_CUSTOM_DOWNSTREAM, &event), 2);
  GstClockTime time = 0;
  ASSERT_TRUE(gst_video_event_parse_downstream_force_key_unit(event.get(), &time, nullptr, nullptr, nullptr,
                                                              nullptr));
  EXPECT_EQ(time, 120 * GST_MSECOND);
}

TEST_F(GstStreamTest, CutsMayComeFromUpstream) {
  make("shots=metadata");
  set_src_caps(kScene);
  push_scene(0, 0);
  push_scene(1, 1);  // another scene, but upstream says nothing
  EXPECT_EQ(stat("shots"), 1);
  gst_harness_push_event(harness(), gst_video_event_new_downstream_force_key_unit(0, 0, 0, TRUE, 1));
  push_scene(1, 2);
  EXPECT_EQ(stat("shots"), 2);
  push_scene(1, 3);
  EXPECT_EQ(stat("shots"), 2);
}

TEST_F(GstStreamTest, NothingIsHeldBack) {
  make();
  set_src_caps(kSmall);
  for (int n = 0; n < 3; ++n) EXPECT_NE(push_frame(0, n), nullptr);
  EXPECT_EQ(gst_harness_query_latency(harness()), 0U);
  gst_harness_push_event(harness(), gst_event_new_eos());
  EXPECT_EQ(gst_harness_try_pull(harness()), nullptr);
  EXPECT_EQ(pulled_events(GST_EVENT_EOS), 1);
  gboolean qos = TRUE;
  const Owned<GstElement> found = cdsr_element();
  g_object_get(found.get(), "qos", &qos, nullptr);
  EXPECT_FALSE(qos);
}

TEST_F(GstStreamTest, SizeAndFormatMayChangeInMidStream) {
  make();
  for (const char* text : {kSmall, "video/x-raw,format=NV12,width=33,height=27,framerate=25/1",
                           "video/x-raw,format=RGB,width=64,height=48,framerate=25/1", kSmall}) {
    set_src_caps(text);
    const Owned<GstBuffer> frame = make_frame(in_caps(), 3);
    const Owned<GstBuffer> got = push(Owned<GstBuffer>(gst_buffer_copy_deep(frame.get())));
    ASSERT_NE(got, nullptr);
    Library library;
    GstVideoInfo info;
    gst_video_info_from_caps(&info, in_caps());
    const bool yuv = GST_VIDEO_INFO_IS_YUV(&info);
    EXPECT_EQ(samples(got.get(), out_caps().get()),
              library.upscale(frame.get(), in_caps(), yuv ? CDSR_MATRIX_SMPTE170M : CDSR_MATRIX_RGB,
                              yuv ? CDSR_RANGE_LIMITED : CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_CENTER));
  }
}

TEST_F(GstStreamTest, StrengthMayChangeAtAnyTime) {
  make();
  set_src_caps(kSmall);
  const auto all = samples(push_frame().get(), out_caps().get());
  const Owned<GstElement> found = cdsr_element();
  g_object_set(found.get(), "strength", 0.0, nullptr);
  const auto none = samples(push_frame().get(), out_caps().get());
  EXPECT_NE(all, none);
  g_object_set(found.get(), "strength", 1.0, nullptr);
  EXPECT_EQ(samples(push_frame().get(), out_caps().get()), all);
}

TEST_F(GstStreamTest, StrengthFollowsAController) {
  make();
  set_src_caps(kSmall);
  const Owned<GstElement> found = cdsr_element();
  GstControlSource* curve = gst_interpolation_control_source_new();
  g_object_set(curve, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_object_add_control_binding(GST_OBJECT(found.get()), gst_direct_control_binding_new_absolute(
                                                              GST_OBJECT(found.get()), "strength", curve));
  auto* values = GST_TIMED_VALUE_CONTROL_SOURCE(curve);
  gst_timed_value_control_source_set(values, 0, 0.0);
  gst_timed_value_control_source_set(values, 400 * GST_MSECOND, 1.0);
  gst_object_unref(curve);
  push_frame(0, 5);
  double strength = 0;
  g_object_get(found.get(), "strength", &strength, nullptr);
  EXPECT_DOUBLE_EQ(strength, 0.5);
}

TEST_F(GstStreamTest, NamesAreFFmpegs) {
  make("shot_threshold=0.4 embed_frames=2 shot_cache=3");  // GObject takes the underscores
  const Owned<GstElement> found = cdsr_element();
  for (const char* name :
       {"scale", "model", "backend", "precision", "threads", "device", "memory", "shots", "shot_file",
        "shot_threshold", "refresh", "embed_frames", "shot_cache", "query", "strength", "chroma"}) {
    EXPECT_NE(g_object_class_find_property(G_OBJECT_GET_CLASS(found.get()), name), nullptr) << name;
  }
}

TEST_F(GstStreamTest, WhatCannotWorkFailsWithWords) {
  struct Case {
    const char* setting;
    const char* words;
  };
  for (const Case& c :
       {Case{"model=no-such-model", "no-such-model"}, Case{"model=/nowhere.safetensors", "nowhere"},
        Case{"scale=3", "scale"}, Case{"backend=warp", "warp"}, Case{"shots=file", "shot_file"}}) {
    const Owned<GstElement> found(gst_parse_launch(
        ("cdsr backend=reference model=" + tiny_weights() + " " + c.setting).c_str(), nullptr));
    gst_object_ref_sink(found.get());
    GstBus* bus = gst_bus_new();
    gst_element_set_bus(found.get(), bus);
    EXPECT_EQ(gst_element_set_state(found.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE) << c.setting;
    const Owned<GstMessage> told(gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR));
    ASSERT_NE(told, nullptr) << c.setting;
    GError* error = nullptr;
    gst_message_parse_error(told.get(), &error, nullptr);
    EXPECT_NE(std::string(error->message).find(c.words), std::string::npos) << error->message;
    g_error_free(error);
    gst_element_set_state(found.get(), GST_STATE_NULL);
    gst_element_set_bus(found.get(), nullptr);
    gst_object_unref(bus);
  }
}

TEST_F(GstStreamTest, SaysHowMuchMemoryWouldDo) {
  make("memory=1");
  set_src_caps("video/x-raw,format=I420,width=2000,height=64,framerate=25/1");
  EXPECT_EQ(push(make_frame(in_caps())), nullptr);
  const std::string text = error();
  for (const char* part :
       {"memory=1 is too little for frames of 2000x64", "the limit is 1", "the least that works is memory="})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_EQ(error(), "") << "said twice";
}

}  // namespace
}  // namespace cdsr::gst_test
