// The whole path without a real network: what is planned when, what is allocated, and how long streams
// behave.
#include "filter/pipeline.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

#include "filter/option_table.h"
#include "filter/session.h"
#include "model/registry.h"
#include "tests/filter/clip.h"
#include "tests/filter/fake_engine.h"
#include "tests/filter/tiny_model.h"

namespace {

/// Calls of operator new in the whole program, but for those that oneDNN makes in every primitive it
/// executes: small, freed at once, and not ours to change.
std::atomic<int64_t> allocations{0};

bool is_onednn(const void* caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && std::strstr(info.dli_fname, "libdnnl") != nullptr;
}

void* allocate_or_null(size_t size, const void* caller) {
  if (!is_onednn(caller)) ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate(size_t size, const void* caller) {
  if (void* memory = allocate_or_null(size, caller)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return allocate(size, __builtin_return_address(0)); }
void* operator new[](size_t size) { return allocate(size, __builtin_return_address(0)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort
  return allocate_or_null(size, __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace cdsr::test {
namespace {

const PixelFormat& yuv420p() { return *find_format(CDSR_FORMAT_YUV420P); }

class PipelineTest : public testing::Test {
 protected:
  void make(Pipeline::Settings settings = {}, int scale = 2) {
    auto engine = fake_engine(tiny_model(scale)->network, settings.embedding.query, calls_);
    pipeline_ = std::make_unique<Pipeline>(std::move(engine), std::move(settings));
    scale_ = scale;
  }

  Pipeline::Report run(const FrameBuffer& in, FrameBuffer& out,
                       Pipeline::Method method = Pipeline::Method::Network) {
    return pipeline_->process(in.input(), out.output(in, scale_), {}, method);
  }

  FakeBackend::Calls calls_;
  std::unique_ptr<Pipeline> pipeline_;
  int scale_ = 2;
};

TEST_F(PipelineTest, ThreeShotsThreeEmbeddings) {
  make();
  FrameBuffer in(yuv420p(), kClipWidth, kClipHeight);
  FrameBuffer out(yuv420p(), 2 * kClipWidth, 2 * kClipHeight);
  std::vector<int64_t> shots;
  for (int i = 0; i < 30; ++i) {
    draw(in, {i / 10, i});
    const Pipeline::Report report = run(in, out);
    shots.push_back(report.event.shot);
    EXPECT_EQ(report.embedded, i % 10 == 0) << i;
    EXPECT_EQ(calls_.embed, i / 10 + 1) << i;
    EXPECT_EQ(report.embed_ms > 0, i % 10 == 0) << i;
  }
  EXPECT_EQ(shots.front(), 0);
  EXPECT_EQ(shots.back(), 2);
  EXPECT_EQ(calls_.plan, 1);
  EXPECT_EQ(calls_.upscale, 30);
}

TEST_F(PipelineTest, PlansOnceForEachSize) {
  make();
  for (const auto& [width, height, plans] : {std::tuple{16, 12, 1}, {16, 12, 1}, {18, 12, 2}, {16, 12, 3}}) {
    FrameBuffer in(yuv420p(), width, height);
    in.fill_random(1);
    FrameBuffer out(yuv420p(), 2 * width, 2 * height);
    run(in, out);
    EXPECT_EQ(calls_.plan, plans);
  }
  // Another format of the same size begins a shot without a plan.
  const PixelFormat& nv12 = *find_format(CDSR_FORMAT_NV12);
  FrameBuffer in(nv12, 16, 12);
  in.fill_random(1);
  FrameBuffer out(nv12, 32, 24);
  EXPECT_TRUE(run(in, out).event.begins);
  EXPECT_EQ(calls_.plan, 3);
}

TEST_F(PipelineTest, InterpolationNeedsNoEngine) {
  make();
  FrameBuffer in(yuv420p(), 16, 12);
  in.fill_random(1);
  FrameBuffer out(yuv420p(), 32, 24);
  EXPECT_TRUE(run(in, out, Pipeline::Method::Bicubic).event.begins);
  EXPECT_EQ(calls_.plan + calls_.embed + calls_.upscale, 0);
  // The shot goes on when the network comes back: embedded then, and not begun again.
  const Pipeline::Report report = run(in, out);
  EXPECT_FALSE(report.event.begins);
  EXPECT_TRUE(report.embedded);
}

TEST(PipelineSharpness, ChangesInTheMiddleOfAShotAndBack) {
  Pipeline pipeline(create_engine(tiny_model(2, Query::Shot, Body::Stack)->network, {}, "cpu"), {});
  FrameBuffer in(yuv420p(), 48, 40);
  in.fill_random(1);
  const auto picture = [&] {
    FrameBuffer out(yuv420p(), 96, 80);
    pipeline.process(in.input(), out.output(in, 2), {}, Pipeline::Method::Network);
    return out;
  };
  const FrameBuffer faithful = picture();
  pipeline.set_sharpness(1);
  const FrameBuffer sharp = picture();
  EXPECT_FALSE(sharp == faithful);
  EXPECT_THROW(pipeline.set_sharpness(1.5), Error);
  EXPECT_TRUE(picture() == sharp) << "a value that was refused had an effect";
  pipeline.set_sharpness(0);
  EXPECT_TRUE(picture() == faithful);
}

TEST_F(PipelineTest, SharpnessNeedsAModelThatHasIt) {
  make();
  pipeline_->set_sharpness(0);
  EXPECT_THROW(pipeline_->set_sharpness(0.5), Error);
}

TEST_F(PipelineTest, NothingIsAllocatedAfterTheFirstFrameOfASize) {
  for (const int32_t id : {CDSR_FORMAT_YUV420P, CDSR_FORMAT_P010, CDSR_FORMAT_RGBA, CDSR_FORMAT_GRAY16}) {
    for (const double strength : {1.0, 0.5}) {
      Pipeline::Settings settings;
      settings.strength = strength;
      settings.chroma = strength < 1 ? ChromaMode::Bicubic : ChromaMode::Sr;
      settings.embedding.embed_frames = 2;
      settings.embedding.refresh = 5;
      make(std::move(settings));
      const PixelFormat& format = *find_format(id);
      FrameBuffer in(format, kClipWidth, kClipHeight);
      FrameBuffer out(format, 2 * kClipWidth, 2 * kClipHeight);
      int64_t before = 0;
      for (int i = 0; i < 60; ++i) {
        // Many shots, some of them known, more than are remembered, and flashes.
        draw(in, {i % 7 == 3 ? 20 : i / 4 % 14, i});
        if (i == 1) before = allocations;
        run(in, out, i % 10 == 9 ? Pipeline::Method::Bicubic : Pipeline::Method::Network);
      }
      EXPECT_EQ(allocations - before, 0) << format.name << " strength " << strength;
    }
  }
}

TEST_F(PipelineTest, ExtremeShapes) {
  for (const int scale : {2, 3, 4}) {
    make({}, scale);
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {300, 1}, {11, 11}, {8192, 64}, {2, 2}}) {
      if (width == 8192 && scale > 2) continue;  // one such frame is enough
      for (const PixelFormat& format : pixel_formats()) {
        if (width * height > 1000 && format.id != CDSR_FORMAT_YUV420P10) continue;
        FrameBuffer in(format, width, height);
        in.fill_random(3);
        FrameBuffer out(format, width * scale, height * scale);
        run(in, out);
        ASSERT_TRUE(out.guards_intact()) << format.name << " " << width << "x" << height << " x" << scale;
      }
    }
  }
}

/// Resident memory of this process, KiB.
int64_t resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoll(line.substr(6));
  }
  return -1;
}

TEST(LongStream, MemoryStaysFlat) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory for a while";
#endif
  // A real, tiny network on the backend a user would get; 2000 small frames with a cut every 50.
  SessionOptions options = session_options(default_options());
  options.engine.threads = 2;
  Session session(tiny_model(), options);
  FrameBuffer in(yuv420p(), 16, 16);
  FrameBuffer out(yuv420p(), 32, 32);
  const cdsr_frame input = in.frame();
  cdsr_frame output = out.frame();
  int64_t resident_before = 0;
  int64_t shots = 0;
  for (int i = 0; i < 2000; ++i) {
    if (i % 50 == 0) in.fill_random(static_cast<uint32_t>(i));
    shots += session.process(input, output, {}, Pipeline::Method::Network).event.begins ? 1 : 0;
    if (i == 200) resident_before = resident();
  }
  EXPECT_GT(shots, 20);
  EXPECT_LE(resident() - resident_before, 512) << "KiB more after 2000 frames than after 200";
}

TEST(LongStream, TheRealEngineAllocatesNothingEither) {
  SessionOptions options = session_options(default_options());
  options.engine.threads = 2;
  Session session(tiny_model(), options);
  FrameBuffer in(yuv420p(), 64, 48);
  FrameBuffer out(yuv420p(), 128, 96);
  const cdsr_frame input = in.frame();
  cdsr_frame output = out.frame();
  in.fill_random(1);
  session.process(input, output, {}, Pipeline::Method::Network);
  const int64_t before = allocations;
  for (int i = 0; i < 20; ++i) session.process(input, output, {}, Pipeline::Method::Network);
  EXPECT_EQ(allocations - before, 0);
}

// Frames that half precision did not hold are told once, and counted from the beginning of the stream on.
TEST(Session, TellsOfRedoneFrames) {
  std::vector<std::string> warnings;
  cdsr_options o = default_options();
  o.log_opaque = &warnings;
  o.log = [](void* opaque, int32_t level, const char* line) {
    if (level == CDSR_LOG_WARNING && std::strstr(line, "again in fp32") != nullptr)
      static_cast<std::vector<std::string>*>(opaque)->emplace_back(line);
  };
  const auto model = tiny_model();
  FakeBackend::Calls calls;
  Session session(model, fake_engine(model->network, Query::Shot, calls), session_options(o));
  FrameBuffer in(yuv420p(), 16, 16), out(yuv420p(), 32, 32);
  const cdsr_frame input = in.frame();
  cdsr_frame output = out.frame();
  for (const int64_t redone : {0, 2, 3}) {
    calls.redone = redone;
    session.process(input, output, {}, Pipeline::Method::Network);
    EXPECT_EQ(warnings.size(), redone > 0 ? 1U : 0U);
    EXPECT_EQ(session.stats().redone, redone);
  }
  session.reset();
  EXPECT_EQ(session.stats().redone, 0);
  calls.redone = 4;
  session.process(input, output, {}, Pipeline::Method::Network);
  EXPECT_EQ(session.stats().redone, 1);
}

TEST(ChromaModes, AutoInterpolatesWhatIsSubsampled) {
  for (const PixelFormat& f : pixel_formats()) {
    const bool subsampled = f.log2_w > 0 || f.log2_h > 0;
    EXPECT_EQ(interpolates(ChromaMode::Auto, f), subsampled) << f.name;
    EXPECT_FALSE(interpolates(ChromaMode::Sr, f)) << f.name;
    EXPECT_TRUE(interpolates(ChromaMode::Bicubic, f)) << f.name;
  }
}

/// The modes' outputs of one frame: auto is one of the other two, byte for byte, and those differ.
TEST_F(PipelineTest, ChromaModesReachTheFrame) {
  for (const char* name : {"yuv420p", "yuv422p10le", "yuv444p"}) {
    const PixelFormat& format = *find_format(name);
    FrameBuffer in(format, 16, 12);
    in.fill_random(5);
    std::vector<FrameBuffer> outs;
    for (ChromaMode mode : {ChromaMode::Auto, ChromaMode::Sr, ChromaMode::Bicubic}) {
      Pipeline::Settings settings;
      settings.chroma = mode;
      make(std::move(settings));
      outs.emplace_back(format, 32, 24);
      run(in, outs.back());
    }
    EXPECT_FALSE(outs[1] == outs[2]) << name;
    EXPECT_TRUE(outs[0] == outs[format.log2_w > 0 ? 2 : 1]) << name;
  }
}

}  // namespace
}  // namespace cdsr::test
