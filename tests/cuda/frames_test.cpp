// Frames in a GPU's memory on their way through the filter, with an engine whose "GPU" is the processor: the
// shots it finds, what it embeds and what it interpolates are those of the same frames in the processor's
// memory. And what is refused without a GPU.
#include <gtest/gtest.h>

#include "filter/cuda/color_math.h"
#include "filter/cuda/device_frames.h"
#include "filter/pipeline.h"
#include "model/error.h"
#include "model/registry.h"
#include "tests/filter/frame_buffer.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

/// Runs the kernels' functions on device frames that lie in the processor's memory.
class HostGpu final : public EngineBackend, public DeviceFrames, public DeviceStages {
 public:
  const EngineInfo& info() const override { return info_; }
  void plan(int, int) override {}
  void embed(const RowSource& frame, std::span<float>) override {
    EXPECT_EQ(frame.device(), this);
    ++embedded;
  }
  void condition(std::span<const float>) override {}
  void set_sharpness(float) override {}
  void measure_queries(const RowSource& frame, std::span<float>) override { EXPECT_EQ(frame.device(), this); }
  void set_queries(std::span<const float>) override {}
  void upscale(const RowSource& frame, RowSink& out) override {
    ASSERT_EQ(frame.device(), this);
    ASSERT_EQ(out.device(), this);
    bicubic();  // any picture will do
    ++upscaled;
  }
  bool takes_device_frames() const override { return true; }

  void set_stream(void* given) override { stream = given; }
  void set_input(const DeviceFrame& in) override { in_ = in; }
  void set_output(const DeviceOutput& out) override { out_ = out; }
  DeviceStages& stages() override { return *this; }
  void thumbnail(int columns, int rows, uint16_t* cells) override {
    const DeviceFrame& f = in_;
    for (int cy = 0; cy < rows; ++cy)
      for (int cx = 0; cx < columns; ++cx) {
        const int left = color::cell_edge(cx, columns, f.width),
                  right = color::cell_edge(cx + 1, columns, f.width);
        const int top = color::cell_edge(cy, rows, f.height),
                  bottom = color::cell_edge(cy + 1, rows, f.height);
        uint64_t total = 0;
        for (int y = top; y < bottom; ++y)
          for (int x = left; x < right; ++x) total += color::shot_luma(f, x, y);
        cells[cy * columns + cx] =
            color::cell_value(f, total, static_cast<uint64_t>(right - left) * (bottom - top));
      }
  }
  std::shared_ptr<uint8_t> allocate(size_t bytes) override {
    return {new uint8_t[bytes](), std::default_delete<uint8_t[]>()};
  }
  void bicubic() override {
    for (int y = 0; y < out_.frame.height; ++y)
      for (int x = 0; x < out_.frame.width; ++x) color::write_interpolated(in_, out_, /*all=*/true, x, y);
  }

  int embedded = 0, upscaled = 0;
  void* stream = nullptr;

 private:
  EngineInfo info_;
  DeviceFrame in_;
  DeviceOutput out_;
};

std::unique_ptr<Engine> engine_on(std::unique_ptr<HostGpu> gpu) {
  return std::make_unique<Engine>(std::move(gpu), tiny_model()->network, Query::Shot);
}

const PixelFormat& format() { return *find_format(CDSR_FORMAT_NV12); }

Frame on_gpu(Frame frame) {
  frame.on_gpu = true;
  return frame;
}

TEST(GpuFrames, AreFollowedAsFramesOfTheProcessor) {
  auto backend = std::make_unique<HostGpu>();
  HostGpu& gpu = *backend;
  const auto settings = [] {
    Pipeline::Settings s;
    s.chroma = ChromaMode::Sr;  // HostGpu plays the kernels that convert, not the one that interpolates
    return s;
  };
  Pipeline on_the_gpu(engine_on(std::move(backend)), settings());
  Pipeline here(create_engine(tiny_model()->network, {}, "reference"), settings());
  int marker = 0;
  on_the_gpu.set_gpu_stream(&marker);
  EXPECT_EQ(gpu.stream, &marker);

  int shots = 0;
  for (uint32_t i = 0; i < 6; ++i) {  // a new picture every third frame
    FrameBuffer in(format(), 90, 52);
    in.fill_random(1 + i / 3);
    FrameBuffer a(format(), 180, 104), b(format(), 180, 104);
    const Frame input = in.input();
    const auto want = here.process(input, a.output(in, 2), {}, Pipeline::Method::Bicubic);
    const auto got =
        on_the_gpu.process(on_gpu(input), on_gpu(b.output(in, 2)), {}, Pipeline::Method::Bicubic);
    EXPECT_EQ(got.event.shot, want.event.shot) << i;
    EXPECT_EQ(got.event.score, want.event.score) << i;
    EXPECT_TRUE(a == b) << i;
    shots += got.event.begins ? 1 : 0;
  }
  EXPECT_EQ(shots, 2);
}

TEST(GpuFrames, AreEmbeddedAndUpscaledThere) {
  auto backend = std::make_unique<HostGpu>();
  HostGpu& gpu = *backend;
  Pipeline pipeline(engine_on(std::move(backend)), {});
  FrameBuffer in(format(), 33, 20);
  in.fill_random(1);
  FrameBuffer out(format(), 66, 40);
  for (int i = 0; i < 3; ++i)
    pipeline.process(on_gpu(in.input()), on_gpu(out.output(in, 2)), {}, Pipeline::Method::Network);
  EXPECT_EQ(gpu.embedded, 1);
  EXPECT_EQ(gpu.upscaled, 3);
}

TEST(GpuFrames, ArePreparedFor) {
  auto backend = std::make_unique<HostGpu>();
  HostGpu& gpu = *backend;
  const auto engine = engine_on(std::move(backend));
  engine->plan(33, 20);
  engine->condition(std::vector<float>(engine->embedding_size()));
  engine->set_queries(std::vector<float>(engine->queries_size()));
  FramePaths(*engine).warm_gpu(format(), 33, 20, {});
  EXPECT_EQ(gpu.upscaled, 2);
}

TEST(GpuFrames, NeedAnEngineThatTakesThem) {
  Pipeline pipeline(create_engine(tiny_model()->network, {}, "reference"), {});
  FrameBuffer in(format(), 16, 16), out(format(), 32, 32);
  try {
    pipeline.process(on_gpu(in.input()), on_gpu(out.output(in, 2)), {}, Pipeline::Method::Network);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::Unsupported);
    EXPECT_NE(std::string(e.what()).find("reference"), std::string::npos) << e.what();
  }
  EXPECT_THROW(pipeline.set_gpu_stream(nullptr), Error);
}

TEST(GpuFrames, BothOrNone) {
  FrameBuffer in(format(), 16, 16), out(format(), 32, 32);
  cdsr_frame input = in.frame(), output = out.frame();
  input.memory = CDSR_MEMORY_CUDA;
  const Frame checked = input_frame(input);
  EXPECT_TRUE(checked.on_gpu);
  EXPECT_THROW(output_frame(output, checked, 2), Error);
  output.memory = CDSR_MEMORY_CUDA;
  EXPECT_NO_THROW(output_frame(output, checked, 2));
  input.memory = 2;
  EXPECT_THROW(input_frame(input), Error);
}

}  // namespace
}  // namespace cdsr::test
