// Caps of the element: sizes and colour, both ways.
#include <vector>

#include "filter/format/frame.h"
#include "gst_plugin/allocation.h"
#include "gst_plugin/caps.h"
#include "gst_plugin/cuda.h"
#include "gst_plugin/frame.h"
#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

std::string text_of(GstCaps* caps) {
  char* text = gst_caps_to_string(caps);
  std::string result = text;
  g_free(text);
  return result;
}

class GstCapsTest : public GstTest {
 protected:
  /// The first structure of what is on the other side.
  static std::string scaled(GstPadDirection direction, const std::string& text, int scale = 2) {
    const Owned<GstCaps> result(gst::scale_caps(direction, caps(text).get(), scale));
    return text_of(result.get());
  }
  static bool equal(const std::string& got, const std::string& want) {
    return gst_caps_is_strictly_equal(caps(got).get(), caps(want).get()) != FALSE;
  }
  std::string field(const char* name) {
    const Owned<GstCaps> out = out_caps();
    const char* text = gst_structure_get_string(gst_caps_get_structure(out.get(), 0), name);
    return text == nullptr ? "" : text;
  }
};

TEST_F(GstCapsTest, SizesScaleUp) {
  EXPECT_TRUE(equal(scaled(GST_PAD_SINK, "video/x-raw,width=64,height=[1,10],framerate=25/1"),
                    "video/x-raw,width=128,height=[2,20,2],framerate=25/1"));
  EXPECT_TRUE(equal(scaled(GST_PAD_SINK, "video/x-raw,width={3,5},height=[5,7]", 3),
                    "video/x-raw,width={9,15},height=[15,21,3]"));
}

TEST_F(GstCapsTest, SizesScaleDownWhereTheyDivide) {
  EXPECT_TRUE(equal(scaled(GST_PAD_SRC, "video/x-raw,width=[1,641],height={2,3,4}"),
                    "video/x-raw,width=[1,320],height={1,2}"));
  EXPECT_TRUE(equal(scaled(GST_PAD_SRC, "video/x-raw,width=[12,96,6],height=9", 3),
                    "video/x-raw,width=[4,32,2],height=3"));
  EXPECT_TRUE(equal(scaled(GST_PAD_SRC, "video/x-raw,width=641,height=480"), "EMPTY"));
  EXPECT_TRUE(equal(scaled(GST_PAD_SRC, "video/x-raw,width={641,643},height=480"), "EMPTY"));
}

TEST_F(GstCapsTest, LargestSizesDoNotOverflow) {
  EXPECT_TRUE(equal(scaled(GST_PAD_SINK, "video/x-raw,width=[1,2147483647],height=4", 4),
                    "video/x-raw,width=[4,2147483644,4],height=16"));
  EXPECT_TRUE(equal(scaled(GST_PAD_SINK, "video/x-raw,width=2000000000,height=4"), "EMPTY"));
}

TEST_F(GstCapsTest, FeaturesAndOtherFieldsStay) {
  const std::string out = scaled(GST_PAD_SINK,
                                 "video/x-raw(memory:CUDAMemory),format=NV12,width=64,height=32,"
                                 "pixel-aspect-ratio=16/15,framerate=30000/1001,views=1");
  EXPECT_NE(out.find("memory:CUDAMemory"), std::string::npos) << out;
  EXPECT_NE(out.find("pixel-aspect-ratio=(fraction)16/15"), std::string::npos) << out;
  EXPECT_NE(out.find("framerate=(fraction)30000/1001"), std::string::npos) << out;
  EXPECT_NE(out.find("views=(int)1"), std::string::npos) << out;
}

TEST_F(GstCapsTest, CudaMemoryIsOfferedFirstWhereThereIsCuda) {
  const Owned<GstCaps> with(gst::template_caps(100, true));
  const Owned<GstCaps> without(gst::template_caps(100, false));
  ASSERT_EQ(gst_caps_get_size(with.get()), 2U);
  EXPECT_TRUE(gst_caps_features_contains(gst_caps_get_features(with.get(), 0), "memory:CUDAMemory"));
  EXPECT_EQ(gst_caps_get_size(without.get()), 1U);
  EXPECT_TRUE(gst_caps_is_subset(without.get(), with.get()));
}

// Where there is no driver, or no backend for it, nobody is promised a GPU.
TEST_F(GstCapsTest, PadsOfferWhatThisMachineHas) {
  make();
  const Owned<GstElement> found = cdsr_element();
  for (const char* name : {"sink", "src"}) {
    GstPadTemplate* pad = gst_element_get_pad_template(found.get(), name);
    const Owned<GstCaps> offered(gst_pad_template_get_caps(pad));
    EXPECT_EQ(gst::in_cuda(offered.get()), gst::has_cuda()) << name;
  }
  // And with a backend that computes elsewhere never: make() names the reference.
  const Owned<GstCaps> query(gst_pad_peer_query_caps(harness()->srcpad, nullptr));
  EXPECT_FALSE(gst::in_cuda(query.get()));
}

TEST_F(GstCapsTest, NoPoolInAGpuWithoutAContext) {
  make();
  gst::Cuda cuda(element());
  EXPECT_EQ(cuda.context(), nullptr);
  const Owned<GstCaps> wanted =
      caps("video/x-raw(memory:CUDAMemory),format=NV12,width=64,height=48,framerate=25/1");
  GstQuery* query = gst_query_new_allocation(wanted.get(), TRUE);
  EXPECT_FALSE(gst::propose_pool(query, cuda));
  EXPECT_FALSE(gst::decide_pool(query, cuda));
  EXPECT_EQ(gst_query_get_n_allocation_pools(query), 0U);
  gst_query_unref(query);
}

// A machine without a GPU refuses its frames while caps are negotiated, and asks libgstcuda for nothing.
TEST_F(GstCapsTest, FramesInAGpuAreRefusedWhereThereIsNone) {
  if (gst::has_cuda()) GTEST_SKIP() << "this machine has a GPU";
  make();
  gst::Cuda cuda(element());
  EXPECT_FALSE(cuda.ensure(0));
  EXPECT_EQ(cuda.context(), nullptr);
  set_src_caps("video/x-raw(memory:CUDAMemory),format=NV12,width=64,height=48,framerate=25/1");
  const Owned<GstCaps> same = caps("video/x-raw,format=NV12,width=64,height=48,framerate=25/1");
  EXPECT_EQ(gst_harness_push(harness(), make_frame(same.get()).release()), GST_FLOW_NOT_NEGOTIATED);
  set_src_caps("video/x-raw,format=NV12,width=64,height=48,framerate=25/1");
  EXPECT_NE(push_frame(), nullptr) << "system memory goes on";
}

TEST_F(GstCapsTest, DownstreamSizeIsAskedOfUpstream) {
  make();
  gst_harness_set_sink_caps_str(harness(), "video/x-raw,format=I420,width=128,height=96,framerate=25/1");
  const Owned<GstCaps> query(gst_pad_peer_query_caps(harness()->srcpad, nullptr));
  EXPECT_TRUE(gst_caps_can_intersect(
      query.get(), caps("video/x-raw,format=I420,width=64,height=48,framerate=25/1").get()));
  EXPECT_FALSE(gst_caps_can_intersect(
      query.get(), caps("video/x-raw,format=I420,width=60,height=48,framerate=25/1").get()));
}

TEST_F(GstCapsTest, WrongSizeIsNotNegotiated) {
  make();
  gst_harness_set_sink_caps_str(harness(), "video/x-raw,width=128,height=96");
  set_src_caps("video/x-raw,format=I420,width=60,height=48,framerate=25/1");
  EXPECT_EQ(gst_harness_push(harness(), make_frame(in_caps()).release()), GST_FLOW_NOT_NEGOTIATED);
}

TEST_F(GstCapsTest, UnknownFormatIsRefused) {
  make();
  const Owned<GstCaps> query(gst_pad_peer_query_caps(harness()->srcpad, nullptr));
  EXPECT_FALSE(gst_caps_can_intersect(query.get(), caps("video/x-raw,format=UYVP,width=64,height=48").get()));
  EXPECT_FALSE(gst_caps_can_intersect(
      query.get(), caps("video/x-raw(memory:GLMemory),format=I420,width=64,height=48").get()));
}

/// The formats of the element's caps.
std::vector<GstVideoFormat> offered_formats() {
  const Owned<GstCaps> all(gst::template_caps(100, false));
  const GValue* list = gst_structure_get_value(gst_caps_get_structure(all.get(), 0), "format");
  std::vector<GstVideoFormat> formats;
  for (guint i = 0; i < gst_value_list_get_size(list); ++i)
    formats.push_back(gst_video_format_from_string(g_value_get_string(gst_value_list_get_value(list, i))));
  return formats;
}

// What GStreamer packs is found where libcdsr's table looks for it, in every format.
TEST_F(GstCapsTest, FormatsLieInMemoryAsLibcdsrsDo) {
  for (const GstVideoFormat format : offered_formats()) {
    if (format == GST_VIDEO_FORMAT_v210) continue;  // unpacked: test_v210_is_ten_bit_422
    SCOPED_TRACE(gst_video_format_to_string(format));
    GstVideoInfo info;
    ASSERT_TRUE(gst_video_info_set_format(&info, format, 2, 2));
    const Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, info.size, nullptr));
    GstVideoFrame frame;
    ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_WRITE));
    // A row of two equal pixels: A, then R, G, B or Y, U, V, of 8 or 16 bits.
    const GstVideoFormatInfo* packed = gst_video_format_get_info(info.finfo->unpack_format);
    const guint bits = packed->depth[0];
    guint16 wide[8];
    guint8 narrow[8];
    for (guint i = 0; i < 8; ++i) {
      narrow[i] = static_cast<guint8>(0xF0 - 0x30 * (i % 4));
      wide[i] = static_cast<guint16>(narrow[i] * 0x101);
    }
    gpointer row = wide;
    if (bits == 8) row = narrow;
    for (gint y = 0; y < 2; ++y)
      info.finfo->pack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, row, 0, frame.data, info.stride,
                            GST_VIDEO_CHROMA_SITE_NONE, y, 2);
    cdsr_frame lent;
    ASSERT_TRUE(gst::wrap(frame, info, {}, lent));
    const Frame seen = input_frame(lent);
    for (int c = 0; c < 4; ++c) {
      // Of a format without alpha something fills its place.
      if (!seen.format->has(c) || (c == 3 && !GST_VIDEO_INFO_HAS_ALPHA(&info))) continue;
      const guint value = wide[(c + 1) % 4];
      EXPECT_EQ(seen.code(c, seen.row(c, 0), 0), value >> (16 - seen.format->bits_of(c))) << c;
    }
    gst_video_frame_unmap(&frame);
  }
}

TEST_F(GstCapsTest, AspectRatioAndRateStay) {
  make();
  set_src_caps("video/x-raw,format=I420,width=64,height=48,framerate=30000/1001,pixel-aspect-ratio=16/15");
  push(make_frame(in_caps()));
  const Owned<GstCaps> out = out_caps();
  EXPECT_TRUE(gst_caps_can_intersect(
      out.get(),
      caps("video/x-raw,format=I420,width=128,height=96,framerate=30000/1001,pixel-aspect-ratio=16/15")
          .get()))
      << text_of(out.get());
}

// What GStreamer takes untagged video for depends on its height: the larger picture must not change sides.
TEST_F(GstCapsTest, GuessedColourIsWrittenDown) {
  make();
  set_src_caps("video/x-raw,format=I420,width=16,height=480,framerate=25/1");
  push(make_frame(in_caps()));
  EXPECT_EQ(field("colorimetry"), "bt601");
  EXPECT_EQ(field("chroma-site"), "jpeg");
}

TEST_F(GstCapsTest, TaggedColourStays) {
  make();
  set_src_caps(
      "video/x-raw,format=I420,width=64,height=48,framerate=25/1,colorimetry=bt2020,chroma-site=cosited");
  push(make_frame(in_caps()));
  EXPECT_EQ(field("colorimetry"), "bt2020");
  EXPECT_EQ(field("chroma-site"), "cosited");
  set_src_caps("video/x-raw,format=I420,width=64,height=48,framerate=25/1,colorimetry=1:4:0:0");
  push(make_frame(in_caps()));
  EXPECT_EQ(field("colorimetry"), "1:4:0:0");
}

TEST_F(GstCapsTest, SitingWithoutColorimetryStays) {
  make();
  for (const char* site : {"mpeg2", "dv", "cosited"}) {
    set_src_caps(std::string(kSmall) + ",chroma-site=" + site);
    push(make_frame(in_caps()));
    EXPECT_EQ(field("chroma-site"), site);
    EXPECT_EQ(field("colorimetry"), "bt601");
  }
}

TEST_F(GstCapsTest, ColourIsNeverRelabelled) {
  make();
  gst_harness_set_sink_caps_str(harness(), "video/x-raw,colorimetry=bt709");
  set_src_caps("video/x-raw,format=I420,width=64,height=48,framerate=25/1");
  EXPECT_EQ(gst_harness_push(harness(), make_frame(in_caps()).release()), GST_FLOW_NOT_NEGOTIATED);
  gst_harness_set_sink_caps_str(harness(), "video/x-raw,colorimetry=bt601");
  gst_harness_set_src_caps_str(harness(), "video/x-raw,format=I420,width=64,height=50,framerate=25/1");
  EXPECT_EQ(gst_harness_push(harness(),
                             make_frame(caps("video/x-raw,format=I420,width=64,height=50").get()).release()),
            GST_FLOW_OK);
}

}  // namespace
}  // namespace cdsr::gst_test
