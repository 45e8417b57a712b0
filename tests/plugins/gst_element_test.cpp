// The element in a harness: pictures, metas, events, messages, states.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <cstring>

#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

constexpr char kSmall[] = "video/x-raw,format=I420,width=64,height=48,framerate=25/1";
constexpr char kScene[] = "video/x-raw,format=GRAY8,width=80,height=45,framerate=25/1";

class GstElementTest : public GstTest {
 protected:
  Owned<GstBuffer> push_frame(int seed = 0, int frame = 0) {
    return push(make_frame(in_caps(), seed, frame));
  }
  Owned<GstBuffer> push_scene(int scene, int frame) { return push(make_scene(in_caps(), scene, frame)); }

  /// Picture of the output equals the library's for the same input.
  void expect_library(Library& library, int32_t matrix, int32_t range, int32_t location, int seed = 0) {
    const Owned<GstBuffer> frame = make_frame(in_caps(), seed);
    const auto want = library.upscale(frame.get(), in_caps(), matrix, range, location);
    const Owned<GstBuffer> got = push(Owned<GstBuffer>(gst_buffer_copy_deep(frame.get())));
    ASSERT_NE(got, nullptr) << error();
    EXPECT_EQ(samples(got.get(), out_caps().get()), want);
  }
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

// ---------------------------------------------------------------- pictures

class EveryFormat : public GstElementTest, public testing::WithParamInterface<const char*> {};

TEST_P(EveryFormat, EqualsTheLibrary) {
  make();
  set_src_caps(std::string("video/x-raw,width=33,height=27,framerate=25/1,format=") + GetParam());
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_from_caps(&info, in_caps()));
  const bool yuv = GST_VIDEO_INFO_IS_YUV(&info);
  Library library;
  expect_library(library, yuv ? CDSR_MATRIX_SMPTE170M : CDSR_MATRIX_RGB,
                 yuv ? CDSR_RANGE_LIMITED : CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_CENTER);
}

INSTANTIATE_TEST_SUITE_P(Gst, EveryFormat,
                         testing::Values("I420", "NV12", "YV12", "Y42B", "Y444", "I420_10LE", "P010_10LE",
                                         "I422_10LE", "Y444_10LE", "I420_12LE", "I422_12LE", "Y444_12LE",
                                         "P016_LE", "Y444_16LE", "RGB", "BGR", "RGBx", "BGRx", "RGBA", "BGRA",
                                         "GBR", "GBR_10LE", "GBR_12LE", "GRAY8", "GRAY16_LE"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(GstElementTest, EveryScaleEqualsTheLibrary) {
  for (const int scale : {2, 3, 4}) {
    make("", scale);
    set_src_caps(
        "video/x-raw,format=I420,width=31,height=18,framerate=25/1,colorimetry=bt601,chroma-site=mpeg2");
    Library library(scale);
    expect_library(library, CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_LEFT);
  }
}

TEST_F(GstElementTest, OddAndTinySizesEqualTheLibrary) {
  for (const char* size :
       {"width=1,height=1", "width=2,height=1", "width=11,height=11", "width=12,height=13"}) {
    make();
    set_src_caps(std::string("video/x-raw,format=I420,framerate=25/1,") + size);
    Library library;
    expect_library(library, CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_CENTER);
  }
}

TEST_F(GstElementTest, ColourTagsReachTheLibrary) {
  struct Case {
    const char* tags;
    int32_t matrix, range, location;
  };
  for (const Case& c : {Case{"colorimetry=bt709,chroma-site=mpeg2", CDSR_MATRIX_BT709, CDSR_RANGE_LIMITED,
                             CDSR_CHROMA_LOCATION_LEFT},
                        Case{"colorimetry=1:4:0:0,chroma-site=cosited", CDSR_MATRIX_SMPTE170M,
                             CDSR_RANGE_FULL, CDSR_CHROMA_LOCATION_TOPLEFT},
                        Case{"colorimetry=bt2020,chroma-site=v-cosited", CDSR_MATRIX_BT2020_NCL,
                             CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_TOP},
                        Case{"colorimetry=smpte240m,chroma-site=jpeg", CDSR_MATRIX_SMPTE240M,
                             CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_CENTER}}) {
    make();
    set_src_caps(std::string(kSmall) + "," + c.tags);
    Library library;
    SCOPED_TRACE(c.tags);
    expect_library(library, c.matrix, c.range, c.location);
  }
}

// --------------------------------------------------------- buffers and metas

TEST_F(GstElementTest, TimesOffsetsAndFlagsStay) {
  make();
  set_src_caps(kSmall);
  push_frame();
  Owned<GstBuffer> frame = make_frame(in_caps(), 0, 7);
  GST_BUFFER_DTS(frame.get()) = 3 * GST_MSECOND;
  GST_BUFFER_OFFSET(frame.get()) = 7;
  GST_BUFFER_OFFSET_END(frame.get()) = 8;
  GST_BUFFER_FLAG_SET(frame.get(), GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_MARKER);
  const Owned<GstBuffer> out = push(std::move(frame));
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), 280 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_DURATION(out.get()), 40 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_DTS(out.get()), 3 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_OFFSET(out.get()), 7U);
  EXPECT_EQ(GST_BUFFER_OFFSET_END(out.get()), 8U);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DISCONT));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_MARKER));
}

TEST_F(GstElementTest, MetasAreCarriedAndScaled) {
  make();
  set_src_caps(kSmall);
  Owned<GstBuffer> frame = make_frame(in_caps());
  gst_buffer_add_video_time_code_meta_full(frame.get(), 25, 1, nullptr, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2,
                                           3, 4, 0);
  const guint8 caption[] = {0xfc, 0x20, 0x41};
  gst_buffer_add_video_caption_meta(frame.get(), GST_VIDEO_CAPTION_TYPE_CEA708_RAW, caption, sizeof caption);
  gst_buffer_add_video_afd_meta(frame.get(), 0, GST_VIDEO_AFD_SPEC_ATSC_A53,
                                GST_VIDEO_AFD_4_3_FULL_16_9_FULL);
  gst_buffer_add_video_region_of_interest_meta(frame.get(), "face", 8, 6, 16, 12);
  const Owned<GstCaps> reference = caps("timestamp/x-unix");
  gst_buffer_add_reference_timestamp_meta(frame.get(), reference.get(), 42, GST_CLOCK_TIME_NONE);
  const Owned<GstBuffer> out = push(std::move(frame));

  const GstVideoTimeCodeMeta* time = gst_buffer_get_video_time_code_meta(out.get());
  ASSERT_NE(time, nullptr);
  EXPECT_EQ(time->tc.seconds, 3U);
  const GstVideoCaptionMeta* text = gst_buffer_get_video_caption_meta(out.get());
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(std::memcmp(text->data, caption, sizeof caption), 0);
  EXPECT_NE(gst_buffer_get_meta(out.get(), GST_VIDEO_AFD_META_API_TYPE), nullptr);
  EXPECT_NE(gst_buffer_get_reference_timestamp_meta(out.get(), reference.get()), nullptr);
  const auto* face = reinterpret_cast<GstVideoRegionOfInterestMeta*>(
      gst_buffer_get_meta(out.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
  ASSERT_NE(face, nullptr);
  EXPECT_EQ(face->x, 16U);
  EXPECT_EQ(face->y, 12U);
  EXPECT_EQ(face->w, 32U);
  EXPECT_EQ(face->h, 24U);
}

TEST_F(GstElementTest, StridesAndCropAreHonoured) {
  // 64x48 at (6, 4) of a picture of 80x60: the same bits as the small picture alone.
  make();
  set_src_caps(kSmall);
  const Owned<GstCaps> large = caps("video/x-raw,format=I420,width=80,height=60");
  Owned<GstBuffer> padded = make_frame(large.get(), 5);
  const Owned<GstBuffer> small = make_frame(in_caps(), 1);
  {
    GstVideoInfo from_info, to_info;
    GstVideoFrame from, to;
    gst_video_info_from_caps(&from_info, in_caps());
    gst_video_info_from_caps(&to_info, large.get());
    gst_video_frame_map(&from, &from_info, small.get(), GST_MAP_READ);
    gst_video_frame_map(&to, &to_info, padded.get(), GST_MAP_WRITE);
    for (guint p = 0; p < 3; ++p) {
      const int shift = p == 0 ? 0 : 1;
      for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&from, p); ++y) {
        std::memcpy(static_cast<guint8*>(to.data[p]) + (y + (4 >> shift)) * to.info.stride[p] + (6 >> shift),
                    static_cast<guint8*>(from.data[p]) + y * from.info.stride[p],
                    static_cast<size_t>(GST_VIDEO_FRAME_COMP_WIDTH(&from, p)));
      }
    }
    gst_video_frame_unmap(&to);
    gst_video_frame_unmap(&from);
    gst_buffer_add_video_meta_full(padded.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, 80, 60, 3,
                                   to_info.offset, to_info.stride);
  }
  GstVideoCropMeta* crop = gst_buffer_add_video_crop_meta(padded.get());
  crop->x = 6;
  crop->y = 4;
  crop->width = 64;
  crop->height = 48;
  const Owned<GstBuffer> want = push(Owned<GstBuffer>(gst_buffer_copy_deep(small.get())));
  const Owned<GstBuffer> got = push(std::move(padded));
  ASSERT_NE(got, nullptr) << error();
  EXPECT_EQ(samples(got.get(), out_caps().get()), samples(want.get(), out_caps().get()));
  EXPECT_EQ(gst_buffer_get_video_crop_meta(got.get()), nullptr);
}

TEST_F(GstElementTest, FrameSmallerThanItsCapsIsAnError) {
  make();
  set_src_caps(kSmall);
  Owned<GstBuffer> frame(gst_buffer_new_allocate(nullptr, 100, nullptr));
  EXPECT_EQ(gst_harness_push(harness(), frame.release()), GST_FLOW_ERROR);
  EXPECT_NE(error(), "");
}

TEST_F(GstElementTest, UpstreamIsOfferedStridesAndAPool) {
  make();
  set_src_caps(kSmall);
  push_frame();
  const Owned<GstCaps> wanted = caps(kSmall);
  GstQuery* query = gst_query_new_allocation(wanted.get(), TRUE);
  ASSERT_TRUE(gst_pad_peer_query(harness()->srcpad, query));
  EXPECT_TRUE(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr));
  EXPECT_TRUE(gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, nullptr));
  ASSERT_GE(gst_query_get_n_allocation_pools(query), 1U);
  GstBufferPool* pool = nullptr;
  guint size = 0;
  gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, nullptr, nullptr);
  EXPECT_NE(pool, nullptr);
  EXPECT_GE(size, 64U * 48 * 3 / 2);
  gst_clear_object(&pool);
  gst_query_unref(query);
}

TEST_F(GstElementTest, FramesComeFromAPool) {
  make();
  set_src_caps(kSmall);
  const Owned<GstBuffer> first = push_frame();
  ASSERT_NE(first, nullptr);
  EXPECT_NE(first->pool, nullptr);
}

// ------------------------------------------------------------ shots and events

TEST_F(GstElementTest, ShotsArePosted) {
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

TEST_F(GstElementTest, SceneThatComesBackIsAHit) {
  make();
  set_src_caps(kScene);
  for (int n = 0; n < 12; ++n) push_scene(n / 5 % 2, n);
  EXPECT_EQ(stat("shots"), 3);
  EXPECT_EQ(stat("hits"), 1);
  EXPECT_EQ(stat("embeddings"), 2);
}

TEST_F(GstElementTest, DiscontinuityBeginsAShot) {
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

TEST_F(GstElementTest, ForcedKeyUnitsPassBothWays) {
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

TEST_F(GstElementTest, KeyUnitIsAskedForOnAShot) {
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

TEST_F(GstElementTest, CutsMayComeFromUpstream) {
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

TEST_F(GstElementTest, NothingIsHeldBack) {
  make();
  set_src_caps(kSmall);
  for (int n = 0; n < 3; ++n) EXPECT_NE(push_frame(0, n), nullptr);
  EXPECT_EQ(gst_harness_query_latency(harness()), 0U);
  gst_harness_push_event(harness(), gst_event_new_eos());
  EXPECT_EQ(gst_harness_try_pull(harness()), nullptr);
  EXPECT_EQ(pulled_events(GST_EVENT_EOS), 1);
  gboolean qos = TRUE;
  const Owned<GstElement> found(gst_harness_find_element(harness(), "cdsr"));
  g_object_get(found.get(), "qos", &qos, nullptr);
  EXPECT_FALSE(qos);
}

TEST_F(GstElementTest, SizeAndFormatMayChangeInMidStream) {
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

TEST_F(GstElementTest, FlushInMidFrame) {
  make();
  set_src_caps("video/x-raw,format=I420,width=96,height=64,framerate=25/1");
  GThread* pushing = g_thread_new(
      "push",
      [](gpointer data) -> gpointer {
        auto* self = static_cast<GstElementTest_FlushInMidFrame_Test*>(data);
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

// ---------------------------------------------------------- properties, states

TEST_F(GstElementTest, StrengthMayChangeAtAnyTime) {
  make();
  set_src_caps(kSmall);
  const auto all = samples(push_frame().get(), out_caps().get());
  const Owned<GstElement> found(gst_harness_find_element(harness(), "cdsr"));
  g_object_set(found.get(), "strength", 0.0, nullptr);
  const auto none = samples(push_frame().get(), out_caps().get());
  EXPECT_NE(all, none);
  g_object_set(found.get(), "strength", 1.0, nullptr);
  EXPECT_EQ(samples(push_frame().get(), out_caps().get()), all);
}

TEST_F(GstElementTest, StrengthFollowsAController) {
  make();
  set_src_caps(kSmall);
  const Owned<GstElement> found(gst_harness_find_element(harness(), "cdsr"));
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

TEST_F(GstElementTest, NamesAreFFmpegs) {
  make("shot_threshold=0.4 embed_frames=2 shot_cache=3");  // GObject takes the underscores
  const Owned<GstElement> found(gst_harness_find_element(harness(), "cdsr"));
  for (const char* name :
       {"scale", "model", "backend", "precision", "threads", "device", "memory", "shots", "shot_file",
        "shot_threshold", "refresh", "embed_frames", "shot_cache", "query", "strength", "chroma"}) {
    EXPECT_NE(g_object_class_find_property(G_OBJECT_GET_CLASS(found.get()), name), nullptr) << name;
  }
}

TEST_F(GstElementTest, WhatCannotWorkFailsWithWords) {
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

TEST_F(GstElementTest, StatesMayCycleAHundredTimes) {
  make();
  set_src_caps(kSmall);
  const auto want = samples(push_frame().get(), out_caps().get());
  for (int n = 0; n < 100; ++n) {
    ASSERT_EQ(gst_element_set_state(element(), n % 2 != 0 ? GST_STATE_NULL : GST_STATE_READY),
              GST_STATE_CHANGE_SUCCESS);
    ASSERT_NE(gst_element_set_state(element(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  make();
  set_src_caps(kSmall);
  EXPECT_EQ(samples(push_frame().get(), out_caps().get()), want);
}

/// Waits for the pipeline to get where it was sent; its error if it does not.
std::string settle(GstElement* pipeline) {
  if (gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS)
    return "";
  return "the state did not change";
}

TEST_F(GstElementTest, SeekBeginsAShot) {
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
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline.get());
  const Owned<GstMessage> end(gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  gst_object_unref(bus);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(GST_MESSAGE_TYPE(end.get()), GST_MESSAGE_EOS);
  const Owned<GstElement> found(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sr"));
  GstStructure* stats = nullptr;
  g_object_get(found.get(), "stats", &stats, nullptr);
  const Owned<GstStructure> owned(stats);
  gint64 shots = 0;
  gst_structure_get_int64(stats, "shots", &shots);
  EXPECT_EQ(shots, 2) << "one before the seek, one after";
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(GstElementTest, InterlacedInputIsWarnedOf) {
  make();
  set_src_caps(std::string(kSmall) + ",interlace-mode=interleaved");
  EXPECT_NE(push_frame(), nullptr);
  EXPECT_NE(warning().find("Interlaced"), std::string::npos);
}

}  // namespace
}  // namespace cdsr::gst_test
