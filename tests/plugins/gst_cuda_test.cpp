// Frames in a GPU in the element: libgstcuda's memory on the stand-in for a GPU (tests/cuda/on_cpu).
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

#include "gst_plugin/cuda.h"
#include "tests/cuda/on_cpu/stand_in.h"
#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

constexpr char kBackend[] = "backend=cuda precision=fp32";

std::string in_gpu(const std::string& caps) {
  const std::string name = "video/x-raw";
  return name + "(memory:CUDAMemory)" + caps.substr(name.size());
}

class GstCudaTest : public GstTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(gst::has_cuda());
    allocations_ = cuda_on_cpu_allocations();
    context_ = gst_cuda_context_new(0);
    ASSERT_NE(context_, nullptr);
  }
  void TearDown() override {
    close();
    gst_clear_object(&context_);
    EXPECT_EQ(cuda_on_cpu_contexts(), 0);
    EXPECT_EQ(cuda_on_cpu_allocations(), allocations_);
  }

  /// The element goes, and so do its messages, which hold its context.
  void close() {
    gst_bus_set_flushing(bus(), TRUE);
    GstTest::TearDown();
  }

  /// The element is told of the frames' context before it asks for one.
  void share_context() {
    GstContext* context = gst_context_new_cuda_context(context_);
    gst_element_set_context(element(), context);
    gst_context_unref(context);
  }

  /// A frame of the processor's in the GPU.
  Owned<GstBuffer> upload(GstBuffer* frame, GstCaps* host, GstCaps* device) {
    GstBufferPool* const pool = gst_cuda_buffer_pool_new(context_);
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_from_caps(&info, host));
    GstStructure* const config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, device, static_cast<guint>(info.size), 1, 1);
    EXPECT_TRUE(gst_buffer_pool_set_config(pool, config) && gst_buffer_pool_set_active(pool, TRUE));
    GstBuffer* there = nullptr;
    EXPECT_EQ(gst_buffer_pool_acquire_buffer(pool, &there, nullptr), GST_FLOW_OK);
    GstVideoFrame from, to;
    EXPECT_TRUE(gst_video_frame_map(&from, &info, frame, GST_MAP_READ));
    EXPECT_TRUE(gst_video_frame_map(&to, &info, there, GST_MAP_WRITE));
    EXPECT_TRUE(gst_video_frame_copy(&to, &from));
    gst_video_frame_unmap(&to);
    gst_video_frame_unmap(&from);
    gst_buffer_copy_into(there, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, static_cast<gsize>(-1));
    gst_buffer_pool_set_active(pool, FALSE);
    gst_object_unref(pool);
    return Owned<GstBuffer>(there);
  }

  /// The pictures of two shots, of host frames.
  std::vector<std::vector<unsigned char>> host_pictures(const std::string& text) {
    make(kBackend);
    set_src_caps(text);
    std::vector<std::vector<unsigned char>> pictures;
    for (int i = 0; i < 3; ++i) pictures.push_back(samples(push_frame(i / 2, i).get(), out_caps().get()));
    close();
    return pictures;
  }

  /// The same of frames in the GPU: pushed to the element that was made.
  void expect_pictures(const std::string& text, const std::vector<std::vector<unsigned char>>& want) {
    const Owned<GstCaps> host = caps(text);
    set_src_caps(in_gpu(text));
    for (int i = 0; i < 3; ++i) {
      const Owned<GstBuffer> frame = make_frame(host.get(), i / 2, i);
      // Freeing it would wait for the GPU.
      const Owned<GstBuffer> there = upload(frame.get(), host.get(), in_caps());
      const Owned<GstBuffer> out = push(Owned<GstBuffer>(gst_buffer_ref(there.get())));
      ASSERT_NE(out, nullptr) << error();
      ASSERT_TRUE(gst_is_cuda_memory(gst_buffer_peek_memory(out.get(), 0)));
      expect_it_may_be_read(out.get());
      EXPECT_EQ(GST_BUFFER_PTS(out.get()), GST_BUFFER_PTS(frame.get()));
      EXPECT_EQ(samples(out.get(), out_caps().get()), want[static_cast<size_t>(i)]) << text << " " << i;
    }
  }

  GstCudaContext* context_ = nullptr;

 private:
  /// Before 1.24 whoever gets a frame may read it at once, in any stream.
  static void expect_it_may_be_read(GstBuffer* frame) {
#if GST_CHECK_VERSION(1, 24, 0)
    gst_cuda_memory_sync(GST_CUDA_MEMORY_CAST(gst_buffer_peek_memory(frame, 0)));
#else
    static_cast<void>(frame);
#endif
    EXPECT_EQ(cuda_on_cpu_queued(), 0);
  }

  int64_t allocations_ = 0;
};

TEST_F(GstCudaTest, FramesThereGiveTheBitsOfHostFrames) {
  for (const char* format : {"NV12", "P010_10LE", "I420", "Y444"}) {
    const std::string text =
        std::string("video/x-raw,format=") + format + ",width=66,height=38,framerate=25/1";
    const auto want = host_pictures(text);
    make(kBackend);
    share_context();
    expect_pictures(text, want);
    EXPECT_EQ(stat("frames"), 3);
    close();
  }
}

// The element has made a context of its own before it sees where the frames lie, and moves there.
TEST_F(GstCudaTest, FramesOfAnotherContextAreFollowed) {
  const std::string text = "video/x-raw,format=NV12,width=66,height=38,framerate=25/1";
  const auto want = host_pictures(text);
  make(kBackend);
  expect_pictures(text, want);
}

// Another size, and the processor's memory in between.
TEST_F(GstCudaTest, FormatsMayChange) {
  const std::string small = "video/x-raw,format=NV12,width=66,height=38,framerate=25/1",
                    large = "video/x-raw,format=P010_10LE,width=96,height=64,framerate=25/1";
  const auto of_small = host_pictures(small), of_large = host_pictures(large);
  make(kBackend);
  share_context();
  expect_pictures(small, of_small);
  expect_pictures(large, of_large);
  set_src_caps(small);
  EXPECT_EQ(samples(push_frame(0, 0).get(), out_caps().get()), of_small[0]);
  expect_pictures(small, of_small);
}

}  // namespace
}  // namespace cdsr::gst_test
