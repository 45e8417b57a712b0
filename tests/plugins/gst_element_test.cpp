// The element in a harness: pictures, metas, memory.
#include <cstring>

#include "gst_plugin/v210.h"
#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

class GstElementTest : public GstTest {
 protected:
  /// Picture of the output equals the library's for the same input.
  void expect_library(Library& library, int32_t matrix, int32_t range, int32_t location, int seed = 0) {
    const Owned<GstBuffer> frame = make_frame(in_caps(), seed);
    const auto want = library.upscale(frame.get(), in_caps(), matrix, range, location);
    const Owned<GstBuffer> got = push(Owned<GstBuffer>(gst_buffer_copy_deep(frame.get())));
    ASSERT_NE(got, nullptr) << error();
    EXPECT_EQ(samples(got.get(), out_caps().get()), want);
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

INSTANTIATE_TEST_SUITE_P(
    Gst, EveryFormat,
    testing::Values("I420", "NV12", "YV12", "Y42B", "Y444", "NV21", "NV16", "NV61", "NV24", "YUY2", "UYVY",
                    "YVYU", "A420", "AYUV", "VUYA", "RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA",
                    "BGRA", "ARGB", "ABGR", "GBR", "RGBP", "BGRP", "GBRA", "GRAY8", "I420_10LE", "P010_10LE",
                    "I422_10LE", "Y444_10LE", "I420_12LE", "I422_12LE", "Y444_12LE", "P012_LE", "P016_LE",
                    "Y444_16LE", "A420_10LE", "A422_10LE", "A444_10LE", "Y412_LE", "GBR_10LE", "GBR_12LE",
                    "GBRA_10LE", "GBRA_12LE", "RGBA64_LE", "BGRA64_LE", "ARGB64_LE", "ABGR64_LE", "GRAY16_LE",
                    "I420_10BE", "P010_10BE", "I422_10BE", "Y444_10BE", "I420_12BE", "I422_12BE", "Y444_12BE",
                    "P012_BE", "P016_BE", "Y444_16BE", "A420_10BE", "A422_10BE", "A444_10BE", "Y412_BE",
                    "GBR_10BE", "GBR_12BE", "GBRA_10BE", "GBRA_12BE", "RGBA64_BE", "BGRA64_BE", "ARGB64_BE",
                    "ABGR64_BE", "GRAY16_BE", "Y410", "BGR10A2_LE", "RGB10A2_LE", "ARGB64", "AYUV64"),
    [](const auto& info) { return std::string(info.param); });

// GStreamer's rows of these have no room for the second luma of the last pair.
TEST_F(GstElementTest, PackedWordsOfEvenWidthsEqualTheLibrary) {
  for (const char* format : {"Y210", "Y212_LE", "Y212_BE"}) {
    SCOPED_TRACE(format);
    make();
    set_src_caps(std::string("video/x-raw,width=34,height=27,framerate=25/1,format=") + format);
    Library library;
    expect_library(library, CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_CENTER);
  }
}

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
  for (const Case& c :
       {Case{"colorimetry=bt709,chroma-site=mpeg2", CDSR_MATRIX_BT709, CDSR_RANGE_LIMITED,
             CDSR_CHROMA_LOCATION_LEFT},
        Case{"colorimetry=1:4:0:0,chroma-site=cosited", CDSR_MATRIX_SMPTE170M, CDSR_RANGE_FULL,
             CDSR_CHROMA_LOCATION_TOPLEFT},
        Case{"colorimetry=bt2020,chroma-site=v-cosited", CDSR_MATRIX_BT2020_NCL, CDSR_RANGE_LIMITED,
             CDSR_CHROMA_LOCATION_TOP},
        Case{"colorimetry=smpte240m,chroma-site=jpeg", CDSR_MATRIX_SMPTE240M, CDSR_RANGE_LIMITED,
             CDSR_CHROMA_LOCATION_CENTER},
        // DV and much H.264 name their siting alone.
        Case{"chroma-site=mpeg2", CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_LEFT},
        Case{"chroma-site=dv", CDSR_MATRIX_SMPTE170M, CDSR_RANGE_LIMITED, CDSR_CHROMA_LOCATION_TOPLEFT}}) {
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

// The samples that GStreamer sees there, from any place on and of an odd width.
TEST_F(GstElementTest, V210IsUnpackedFromWhereTheCropBegins) {
  constexpr int kWidth = 50, kHeight = 4;
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_set_format(&info, GST_VIDEO_FORMAT_v210, kWidth, kHeight));
  const Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  GstVideoFrame frame;
  ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_WRITE));
  auto* bytes = static_cast<guint8*>(frame.data[0]);
  for (gsize i = 0; i < info.size; ++i) bytes[i] = static_cast<guint8>(i * 37 + i / 7);
  for (const int left : {0, 2, 4, 6, 10}) {
    SCOPED_TRACE(left);
    const int top = left / 4, width = kWidth - left - 1, height = kHeight - top;
    cdsr_frame lent;
    cdsr_frame_default(&lent, CDSR_API_VERSION);
    lent.width = width;
    lent.height = height;
    gst::V210Planes planes;
    planes.lend(lent);
    planes.unpack(frame, {left, top});
    const auto seen = [&lent](int p, int x, int y) {
      return reinterpret_cast<const guint16*>(static_cast<const guint8*>(lent.plane[p]) +
                                              ptrdiff_t{y} * lent.stride[p])[x];
    };
    for (int y = 0; y < height; ++y) {
      guint16 want[4 * kWidth];  // A, Y, U, V of 16 bits
      info.finfo->unpack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, want, frame.data, info.stride, 0, top + y,
                              kWidth);
      for (int x = 0; x < width; ++x) {
        const guint16* pixel = want + ptrdiff_t{4} * (left + x);
        ASSERT_EQ(seen(0, x, y), pixel[1] >> 6) << x << ' ' << y;
        ASSERT_EQ(seen(1, x / 2, y), pixel[2] >> 6) << x << ' ' << y;
        ASSERT_EQ(seen(2, x / 2, y), pixel[3] >> 6) << x << ' ' << y;
      }
    }
  }
  gst_video_frame_unmap(&frame);
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
        std::memcpy(static_cast<guint8*>(to.data[p]) +
                        static_cast<ptrdiff_t>(y + (4 >> shift)) * to.info.stride[p] + (6 >> shift),
                    static_cast<guint8*>(from.data[p]) + static_cast<ptrdiff_t>(y) * from.info.stride[p],
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

TEST_F(GstElementTest, DownstreamsPoolIsUsed) {
  make();
  struct PoolUnref {
    void operator()(GstBufferPool* pool) const { gst_object_unref(pool); }
  };
  const std::unique_ptr<GstBufferPool, PoolUnref> pool(gst_video_buffer_pool_new());
  const auto answer = [](GstPad*, GstPadProbeInfo* info, gpointer offered) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
    gst_query_add_allocation_pool(query, GST_BUFFER_POOL(offered), 128 * 96 * 3 / 2, 2, 0);
    return GST_PAD_PROBE_HANDLED;
  };
  gst_pad_add_probe(harness()->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer, pool.get(), nullptr);
  set_src_caps(kSmall);
  const Owned<GstBuffer> frame = push_frame();
  ASSERT_NE(frame, nullptr) << error();
  EXPECT_EQ(frame->pool, pool.get());
}

TEST_F(GstElementTest, InterlacedInputIsWarnedOf) {
  make();
  set_src_caps(std::string(kSmall) + ",interlace-mode=interleaved");
  EXPECT_NE(push_frame(), nullptr);
  EXPECT_NE(warning().find("Interlaced"), std::string::npos);
}

}  // namespace
}  // namespace cdsr::gst_test
