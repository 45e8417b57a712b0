// What the tests of the element share: a harness with a tiny model, frames, and the library's own answer.
#pragma once

#include <cdsr/cdsr.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace cdsr::gst_test {

/// Frees what GStreamer gave.
struct Unref {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstEvent* event) const { gst_event_unref(event); }
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

/// The weights file of the tiny network that upscales by `scale`, made once a process.
std::string tiny_weights(int scale = 2);

Owned<GstCaps> caps(const std::string& text);

/// A frame of `caps` with samples that differ from place to place and from seed to seed, at `frame` / 25 s.
Owned<GstBuffer> make_frame(GstCaps* caps, int seed = 0, int frame = 0);

/// A frame of a scene: between frames of two of them the shot detector sees a cut.
Owned<GstBuffer> make_scene(GstCaps* caps, int scene, int frame = 0);

/// Samples of a frame, rows without padding, planes in the order of cdsr_format.
std::vector<unsigned char> samples(GstBuffer* buffer, GstCaps* caps);

inline constexpr char kSmall[] = "video/x-raw,format=I420,width=64,height=48,framerate=25/1";
/// For make_scene().
inline constexpr char kScene[] = "video/x-raw,format=GRAY8,width=80,height=45,framerate=25/1";

/// What libcdsr makes of a frame of `in`: the samples of the frame of `out`. Its frames are filled here, and
/// not by the element's code.
class Library {
 public:
  explicit Library(int scale = 2);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  std::vector<unsigned char> upscale(GstBuffer* frame, GstCaps* in, int32_t matrix, int32_t range,
                                     int32_t location);

 private:
  cdsr_session* session_ = nullptr;
  int scale_;
};

class GstTest : public testing::Test {
 protected:
  void TearDown() override { harness_.reset(); }

  /// cdsr with the tiny network on the reference backend, and further properties as in gst-launch.
  GstHarness* make(const std::string& properties = "", int scale = 2);
  GstHarness* harness() { return harness_.get(); }
  GstBus* bus() { return bus_.get(); }
  /// The bin that the harness makes, and the element in it.
  GstElement* element() { return harness_->element; }
  Owned<GstElement> cdsr_element() { return Owned<GstElement>(gst_harness_find_element(harness(), "cdsr")); }

  void set_src_caps(const std::string& text) {
    gst_harness_set_src_caps_str(harness(), text.c_str());
    in_ = caps(text);
  }
  GstCaps* in_caps() { return in_.get(); }
  Owned<GstCaps> out_caps();

  /// Pushes a frame and takes what came of it, nullptr if nothing did.
  Owned<GstBuffer> push(Owned<GstBuffer> frame);
  Owned<GstBuffer> push_frame(int seed = 0, int frame = 0) {
    return push(make_frame(in_caps(), seed, frame));
  }
  Owned<GstBuffer> push_scene(int scene, int frame) { return push(make_scene(in_caps(), scene, frame)); }

  /// The next message of this name on the harness's bus, nullptr if none came.
  Owned<GstMessage> message(const char* name);
  /// The text of the next error or warning, "" if none came.
  std::string error() { return problem(GST_MESSAGE_ERROR); }
  std::string warning() { return problem(GST_MESSAGE_WARNING); }
  /// A member of the statistics.
  int64_t stat(const char* name);

 private:
  std::string problem(GstMessageType type);

  struct Teardown {
    void operator()(GstHarness* harness) const { gst_harness_teardown(harness); }
  };
  struct BusUnref {
    void operator()(GstBus* bus) const { gst_object_unref(bus); }
  };
  std::unique_ptr<GstBus, BusUnref> bus_;
  std::unique_ptr<GstHarness, Teardown> harness_;
  Owned<GstCaps> in_;
};

}  // namespace cdsr::gst_test
