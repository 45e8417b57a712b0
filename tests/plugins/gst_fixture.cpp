#include "tests/plugins/gst_fixture.h"

#include <map>
#include <numeric>
#include <utility>

#include "filter/format/pixel_format.h"
#include "gst_plugin/caps.h"
#include "gst_plugin/element.h"
#include "tests/filter/clip.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::gst_test {
namespace {

class Gst final : public testing::Environment {
 public:
  void SetUp() override {
    gst_init(nullptr, nullptr);
    ASSERT_TRUE(GST_ELEMENT_REGISTER(cdsr, nullptr));
  }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new Gst);

/// GStreamer's planes in the order of cdsr's: Y, U, V, A or G, B, R, A; as they are where components share
/// one.
std::vector<guint> planes_of(const GstVideoInfo& info) {
  std::vector<guint> planes(GST_VIDEO_INFO_N_PLANES(&info));
  std::iota(planes.begin(), planes.end(), 0U);
  if (planes.size() < 3) return planes;
  const bool rgb = GST_VIDEO_INFO_IS_RGB(&info) != FALSE;
  for (guint& p : planes) p = GST_VIDEO_INFO_COMP_PLANE(&info, rgb && p < 3 ? (p + 1) % 3 : p);
  return planes;
}

struct Mapped {
  Mapped(GstBuffer* buffer, GstCaps* caps, GstMapFlags flags) {
    EXPECT_TRUE(gst_video_info_from_caps(&info, caps));
    EXPECT_TRUE(gst_video_frame_map(&frame, &info, buffer, flags));
  }
  ~Mapped() { gst_video_frame_unmap(&frame); }

  guint8* row(guint plane, int y) const {
    return static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane)) + ptrdiff_t{y} * stride(plane);
  }
  int stride(guint plane) const { return GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane); }
  /// Of the plane that is number p of cdsr's.
  int rows(int p) const { return size(p).second; }
  int row_bytes(int p) const { return size(p).first; }
  int32_t format() const { return gst::format_from_gst(GST_VIDEO_INFO_FORMAT(&info)); }
  std::pair<int, int> size(int p) const {
    size_t bytes = 0;
    int32_t count = 0;
    EXPECT_EQ(cdsr_plane_size(format(), p, info.width, info.height, &bytes, &count), CDSR_OK);
    return {static_cast<int>(bytes), count};
  }

  GstVideoInfo info;
  GstVideoFrame frame;
};

/// value(x, y): 0..255, for every sample.
template <typename Value>
Owned<GstBuffer> fill(GstCaps* caps, int number, Value value) {
  GstVideoInfo info;
  EXPECT_TRUE(gst_video_info_from_caps(&info, caps));
  Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  gst_buffer_memset(buffer.get(), 0, 0, info.size);
  const Mapped mapped(buffer.get(), caps, GST_MAP_WRITE);
  const guint depth = GST_VIDEO_INFO_COMP_DEPTH(&info, 0);
  const guint shift = info.finfo->shift[0];
  const bool words = depth > 8 && find_format(mapped.format())->bytes == 2;
  int p = 0;
  for (const guint plane : planes_of(info)) {
    const int rows = mapped.rows(p), bytes = mapped.row_bytes(p);
    ++p;
    for (int y = 0; y < rows; ++y) {
      guint8* row = mapped.row(plane, y);
      if (!words) {
        for (int x = 0; x < bytes; ++x) row[x] = static_cast<guint8>(value(x, y));
      } else {
        for (int x = 0; x < bytes / 2; ++x) {
          const guint code = (static_cast<guint>(value(x, y)) * 257U) >> (16 - depth);
          const auto word = static_cast<guint16>(code << shift);
          if ((mapped.format() & CDSR_FORMAT_BIG_ENDIAN) != 0)
            GST_WRITE_UINT16_BE(row + ptrdiff_t{2} * x, word);
          else
            GST_WRITE_UINT16_LE(row + ptrdiff_t{2} * x, word);
        }
      }
    }
  }
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(number) * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer.get()) = 40 * GST_MSECOND;
  return buffer;
}

}  // namespace

std::string tiny_weights(int scale) {
  static std::map<int, test::TinyModelFile> files;
  return files.try_emplace(scale, scale).first->second.path().string();
}

Owned<GstCaps> caps(const std::string& text) { return Owned<GstCaps>(gst_caps_from_string(text.c_str())); }

Owned<GstBuffer> make_frame(GstCaps* caps, int seed, int frame) {
  return fill(caps, frame, [seed](int x, int y) {
    return 16 + (x * 5 + y * 3 + seed * 40 + ((x / 6 + y / 5 + seed) % 2 != 0 ? 60 : 0)) % 220;
  });
}

Owned<GstBuffer> make_scene(GstCaps* caps, int scene, int frame) {
  return fill(caps, frame, [scene](int x, int y) { return test::scene_luma(scene, x, y); });
}

std::vector<unsigned char> samples(GstBuffer* buffer, GstCaps* caps) {
  std::vector<unsigned char> result;
  const Mapped mapped(buffer, caps, GST_MAP_READ);
  int p = 0;
  for (const guint plane : planes_of(mapped.info)) {
    for (int y = 0; y < mapped.rows(p); ++y) {
      const guint8* row = mapped.row(plane, y);
      result.insert(result.end(), row, row + mapped.row_bytes(p));
    }
    ++p;
  }
  return result;
}

Library::Library(int scale) : scale_(scale) {
  cdsr_options options;
  cdsr_options_default(&options, CDSR_API_VERSION);
  const std::string model = tiny_weights(scale);
  options.scale = scale;
  options.model = model.c_str();
  options.backend = "reference";
  EXPECT_EQ(cdsr_session_create(&session_, nullptr, &options), CDSR_OK) << cdsr_last_error();
}

Library::~Library() { cdsr_session_destroy(&session_); }

std::vector<unsigned char> Library::upscale(GstBuffer* frame, GstCaps* in, int32_t matrix, int32_t range,
                                            int32_t location) {
  const Mapped from(frame, in, GST_MAP_READ);
  Owned<GstCaps> out(gst_caps_copy(in));
  gst_caps_set_simple(out.get(), "width", G_TYPE_INT, from.info.width * scale_, "height", G_TYPE_INT,
                      from.info.height * scale_, nullptr);
  const Owned<GstBuffer> result = make_frame(out.get());
  {
    const Mapped to(result.get(), out.get(), GST_MAP_WRITE);
    cdsr_frame source, target;
    const auto wrap = [](const Mapped& mapped, cdsr_frame& lent) {
      cdsr_frame_default(&lent, CDSR_API_VERSION);
      lent.format = mapped.format();
      lent.width = mapped.info.width;
      lent.height = mapped.info.height;
      int p = 0;
      for (const guint plane : planes_of(mapped.info)) {
        lent.plane[p] = mapped.row(plane, 0);
        lent.stride[p++] = mapped.stride(plane);
      }
    };
    wrap(from, source);
    wrap(to, target);
    source.matrix = matrix;
    source.range = range;
    source.chroma_location = location;
    EXPECT_EQ(cdsr_session_process(session_, &source, &target, nullptr, nullptr), CDSR_OK)
        << cdsr_session_error(session_);
  }
  return samples(result.get(), out.get());
}

GstHarness* GstTest::make(const std::string& properties, int scale) {
  const std::string line = "cdsr backend=reference model=" + tiny_weights(scale) +
                           " scale=" + std::to_string(scale) + " " + properties;
  harness_.reset(gst_harness_new_parse(line.c_str()));
  // gst_harness_new_parse() makes a bin of one element: its messages come to the bin's bus.
  bus_.reset(gst_bus_new());
  gst_element_set_bus(harness_->element, bus_.get());
  return harness();
}

Owned<GstCaps> GstTest::out_caps() { return Owned<GstCaps>(gst_pad_get_current_caps(harness()->sinkpad)); }

Owned<GstBuffer> GstTest::push(Owned<GstBuffer> frame) {
  const GstFlowReturn flow = gst_harness_push(harness(), frame.release());
  if (flow != GST_FLOW_OK) return nullptr;
  return Owned<GstBuffer>(gst_harness_try_pull(harness()));
}

Owned<GstMessage> GstTest::message(const char* name) {
  while (Owned<GstMessage> message{gst_bus_pop(bus_.get())}) {
    if (gst_message_has_name(message.get(), name)) return message;
  }
  return nullptr;
}

std::string GstTest::problem(GstMessageType type) {
  const Owned<GstMessage> found(gst_bus_pop_filtered(bus_.get(), type));
  if (found == nullptr) return "";
  GError* error = nullptr;
  (type == GST_MESSAGE_ERROR ? gst_message_parse_error : gst_message_parse_warning)(found.get(), &error,
                                                                                    nullptr);
  std::string text = error->message;
  g_error_free(error);
  return text;
}

int64_t GstTest::stat(const char* name) {
  GstStructure* stats = nullptr;
  const Owned<GstElement> found = cdsr_element();
  g_object_get(found.get(), "stats", &stats, nullptr);
  const Owned<GstStructure> owned(stats);
  gint64 value = -1;
  EXPECT_TRUE(gst_structure_get_int64(stats, name, &value)) << name;
  return value;
}

}  // namespace cdsr::gst_test
