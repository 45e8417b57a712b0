// The engine on the stand-in, by what the stand-in counts: graphs, allocations.
#include <gtest/gtest.h>

#include <cstring>

#include "filter/option_table.h"
#include "filter/options.h"
#include "filter/session.h"
#include "tests/cuda/device_copy.h"
#include "tests/cuda/on_cpu/stand_in.h"
#include "tests/filter/frame_buffer.h"
#include "tests/filter/tiny_model.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::test {
namespace {

std::shared_ptr<const Network> stack() { return random_network(tiny_config(Body::Stack, 2), 1); }
const PixelFormat& nv12() { return *find_format(CDSR_FORMAT_NV12); }

TEST(StandIn, ACutMakesNoGraph) {
  const auto engine = create_engine(stack(), {}, "cuda");
  const Image in = test_image(40, 30);
  engine->plan(40, 30);
  int64_t graphs = -1;
  for (uint32_t shot = 0; shot < 3; ++shot) {
    engine->condition(random_values(16, shot));
    engine->set_queries({});
    for (int i = 0; i < 3; ++i) {
      Image out(80, 60);
      ImageSink sink(out);
      engine->upscale(ImageSource(in), sink);
    }
    if (graphs < 0) graphs = cuda_on_cpu_graphs();
    EXPECT_EQ(cuda_on_cpu_graphs(), graphs);
  }
}

TEST(StandIn, SessionsShareTheExpertsSets) {
  const Setting own_kernels("CDSR_CUDNN", "off");
  const auto network = stack();
  std::vector<std::unique_ptr<Engine>> engines;
  int64_t allocated[2] = {};
  for (int64_t& count : allocated) {
    const int64_t before = cuda_on_cpu_allocations();
    engines.push_back(create_engine(network, {}, "cuda"));
    count = cuda_on_cpu_allocations() - before;
  }
  // Weights and biases of four convolutions in two precisions.
  EXPECT_EQ(allocated[0] - allocated[1], 16);
}

// The first frame of a prepared stream finds everything in its place.
TEST(StandIn, FramesThereArePreparedToo) {
  Pipeline pipeline(create_engine(stack(), {}, "cuda"), {});
  pipeline.prepare(nv12(), 66, 38);
  FrameBuffer in(nv12(), 66, 38), out(nv12(), 132, 76);
  in.fill_random(1);
  ok(cudaFree(nullptr));
  const DeviceCopy from(in.input()), to(out.output(in, 2));
  const int64_t allocations = cuda_on_cpu_allocations(), graphs = cuda_on_cpu_graphs();
  for (int i = 0; i < 2; ++i) pipeline.process(from.frame(), to.frame(), {}, Pipeline::Method::Network);
  EXPECT_EQ(cuda_on_cpu_allocations(), allocations);
  EXPECT_EQ(cuda_on_cpu_graphs(), graphs);
  ok(cudaDeviceSynchronize());
}

// Nobody waits for frames there; what half precision did not hold is told and counted all the same, trials
// before the first frame are not.
TEST(StandIn, RedoneFramesThereAreCounted) {
  auto wild = std::make_shared<Network>(*random_network(tiny_config(Body::Plain, 2), 1));
  for (float& w : wild->blocks[0].conv1.weight) w *= 3e5F;
  for (float& w : wild->blocks[0].conv2.weight) w *= 1e-5F;
  auto model = std::make_shared<Model>(*tiny_model());
  model->network = wild;
  int warnings = 0;
  cdsr_options o = default_options();
  o.log_opaque = &warnings;
  o.log = [](void* opaque, int32_t level, const char* line) {
    if (level == CDSR_LOG_WARNING && std::strstr(line, "again in fp32") != nullptr)
      ++*static_cast<int*>(opaque);
  };
  auto engine = create_engine(wild, {}, "cuda");
  const Engine& counter = *engine;
  Session session(model, std::move(engine), session_options(o));
  session.prepare(CDSR_FORMAT_NV12, 40, 30);
  EXPECT_GT(counter.info().redone, 0);
  EXPECT_EQ(session.stats().redone, 0);
  FrameBuffer in(nv12(), 40, 30), out(nv12(), 80, 60);
  in.fill_random(1);
  ok(cudaFree(nullptr));
  const DeviceCopy from(in.input()), to(out.output(in, 2));
  cdsr_frame source = in.frame(), target = out.frame();
  source.memory = target.memory = CDSR_MEMORY_CUDA;
  std::copy_n(from.frame().plane, 2, source.plane);
  std::copy_n(to.frame().plane, 2, target.plane);
  for (int i = 0; i < 3; ++i) session.process(source, target, {}, Pipeline::Method::Network);
  ok(cudaDeviceSynchronize());
  EXPECT_EQ(session.stats().redone, 3);
  EXPECT_EQ(warnings, 1);
}

// A frame is filled and its picture read in the host's stream, and nobody waits for anything else.
TEST(StandIn, FramesComeAndGoInTheHostsStream) {
  // The first frame of a size is waited for before its host's stream is: what is queued there must have come.
  Pipeline::Settings settings;
  settings.shots = ShotMode::Off;  // the statistic would be waited for, and with it the frame
  Pipeline pipeline(create_engine(stack(), {}, "cuda"), std::move(settings));
  FrameBuffer black(nv12(), 66, 38), out(nv12(), 132, 76);
  ok(cudaFree(nullptr));
  cudaStream_t stream = nullptr;
  ok(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  pipeline.set_gpu_stream(stream);
  const auto bytes = [](const Frame& frame, int p) {
    const PlaneSize size = plane_size(*frame.format, p, frame.width, frame.height);
    return static_cast<size_t>(frame.stride[p]) * (size.rows - 1) + size.row_bytes;
  };
  for (uint32_t i = 0; i < 3; ++i) {
    FrameBuffer in(nv12(), 66, 38), got = out, want = out;
    in.fill_random(1 + i);
    const Frame source = in.input(), target = got.output(in, 2);
    {
      const DeviceCopy from(black.input()), to(target);
      for (int p = 0; p < 2; ++p)
        ok(cudaMemcpyAsync(from.frame().plane[p], source.plane[p], bytes(source, p), cudaMemcpyHostToDevice,
                           stream));
      pipeline.process(from.frame(), to.frame(), {}, Pipeline::Method::Network);
      for (int p = 0; p < 2; ++p)
        ok(cudaMemcpyAsync(target.plane[p], to.frame().plane[p], bytes(target, p), cudaMemcpyDeviceToHost,
                           stream));
      ok(cudaStreamSynchronize(stream));
    }
    const DeviceCopy from(source);
    DeviceCopy to(want.output(in, 2));
    pipeline.process(from.frame(), to.frame(), {}, Pipeline::Method::Network);
    ok(cudaDeviceSynchronize());
    to.fetch();
    EXPECT_TRUE(got == want) << i;
  }
  ok(cudaDeviceSynchronize());
  ok(cudaStreamDestroy(stream));
}

// Two shots, in the GPU and by the reference on the processor.
TEST(StandIn, AStreamThereIsThatOfTheProcessor) {
  const auto network = stack();
  EngineOptions fp32;
  fp32.precision = Precision::Fp32;
  Pipeline there(create_engine(network, fp32, "cuda"), {}), here(create_engine(network, {}, "reference"), {});
  ok(cudaFree(nullptr));
  for (uint32_t i = 0; i < 4; ++i) {
    FrameBuffer in(nv12(), 66, 38), got(nv12(), 132, 76), want(nv12(), 132, 76);
    in.fill_random(1 + i / 2);
    const DeviceCopy from(in.input());
    DeviceCopy to(got.output(in, 2));
    const auto a = there.process(from.frame(), to.frame(), {}, Pipeline::Method::Network);
    const auto b = here.process(in.input(), want.output(in, 2), {}, Pipeline::Method::Network);
    ok(cudaDeviceSynchronize());
    to.fetch();
    EXPECT_EQ(a.event.shot, b.event.shot);
    EXPECT_EQ(a.embedded, b.embedded);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < got.height_of(c); ++y)
        for (int x = 0; x < got.width_of(c); ++x)
          ASSERT_LE(std::abs(got.get(c, x, y) - want.get(c, x, y)), 1)
              << i << " " << c << " " << x << "," << y;
  }
}

}  // namespace
}  // namespace cdsr::test
