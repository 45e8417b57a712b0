// What needs a GPU: every operator and the whole network against the reference, frames in device memory
// against frames in the processor's, contexts, bands, redone frames. Skipped where there is none.
//
// Bounds on the normalized error as in tests/conformance/operators.cpp; fp16 rounds eight times finer than
// bf16.
#include <cuda.h>
#include <dlfcn.h>

#include <algorithm>

#include "filter/frame_path.h"
#include "filter/shot/thumbnail.h"
#include "model/error.h"
#include "tests/cuda/device_copy.h"
#include "tests/cuda/gpu_fixture.h"
#include "tests/filter/color_reference.h"
#include "tests/filter/frame_buffer.h"
#include "tests/model/backend_run.h"
#include "tests/model/random_values.h"
#include "tests/model/tiny.h"

namespace cdsr::test {
namespace {

constexpr size_t kGuard = 64;
constexpr float kGuardValue = -12345.5F;

double bound(Precision p) { return p == Precision::Fp32 ? 1e-10 : p == Precision::Fp16 ? 1e-6 : 3e-5; }

EngineOptions options_of(Precision precision, Query query, size_t memory = 0) {
  EngineOptions o;
  o.precision = precision;
  o.query = query;
  o.memory_limit = memory;
  return o;
}

using Gpu = NeedsGpu<testing::TestWithParam<Precision>>;

TEST_P(Gpu, OperatorsEqualTheReference) {
  CdsrConfig config = tiny_config(Body::Rrdb, 2);
  for (const int nf : {24, 64}) {
    config.nf = nf;
    config.gc = 32;
    const auto network = random_network(config, 5);
    EngineOptions o;
    o.precision = GetParam();
    const auto gpu = cuda::operators(o);
    const auto reference = backends().back().operators({});
    for (const auto& size : {std::pair{1, 1}, {13, 7}, {33, 47}, {5, 150}}) {
      const int w = size.first, h = size.second;
      const auto x = random_values(static_cast<size_t>(nf) * w * h, 1), r = random_values(x.size(), 2);
      const auto picture = random_values(size_t{3} * w * h, 3), gate = random_values(nf, 4),
                 filter = random_values(static_cast<size_t>(nf) * 9, 5);
      const ConstMap in{nf, h, w, x.data()}, residual{nf, h, w, r.data()}, low{3, h, w, picture.data()};
      const auto compare = [&](const char* what, int channels, int scale, auto&& call) {
        const size_t count = static_cast<size_t>(channels) * w * h * scale * scale;
        std::vector<float> got(count + 2 * kGuard, kGuardValue), want(got);
        call(*gpu, Map{channels, h * scale, w * scale, got.data() + kGuard});
        call(*reference, Map{channels, h * scale, w * scale, want.data() + kGuard});
        for (size_t i = 0; i < kGuard; ++i)
          EXPECT_TRUE(got[i] == kGuardValue && got[count + kGuard + i] == kGuardValue);
        const std::vector<float> a(got.begin() + kGuard, got.end() - kGuard),
            b(want.begin() + kGuard, want.end() - kGuard);
        EXPECT_LE(normalized_error(a, b), bound(GetParam())) << what << " nf " << nf << " " << w << "x" << h;
      };
      const Block& block = network->blocks[1];
      compare("conv", nf, 1, [&](Operators& op, Map out) { op.conv(block.conv1, 0.1F, in, &residual, out); });
      compare("pointwise", nf, 1,
              [&](Operators& op, Map out) { op.conv(block.dqa[0].conv, 1, in, nullptr, out); });
      compare("dqa", nf, 1, [&](Operators& op, Map out) { op.dqa(block.dqa[1], gate, filter, in, out); });
      compare("dense", nf, 1, [&](Operators& op, Map out) { op.dense_block(block.rdb[2], in, out); });
      for (const Skip skip : {Skip::None, Skip::Bicubic})
        compare("tail", 3, 2, [&](Operators& op, Map out) { op.tail(network->tail, 2, skip, in, low, out); });
    }
    const auto y = random_values(nf, 6), query = random_values(nf, 7);
    std::vector<float> gate[2], filter[2];
    int i = 0;
    for (Operators* op : {gpu.get(), reference.get()}) {
      gate[i].resize(nf);
      filter[i].resize(static_cast<size_t>(nf) * 9);
      op->dqa_vectors(network->blocks[0].dqa[0], y, query, gate[i], filter[i]);
      ++i;
    }
    EXPECT_LE(normalized_error(gate[0], gate[1]), 1e-10);
    EXPECT_LE(normalized_error(filter[0], filter[1]), 1e-10);
  }
}

/// Every body, and luma where the encoder convolves.
std::vector<CdsrConfig> tiny_configs(int scale) {
  std::vector<CdsrConfig> all;
  for (const Body body : {Body::Plain, Body::Rrdb, Body::Stack}) all.push_back(tiny_config(body, scale));
  all.push_back(all.front());
  all.back().colour = Colour::Luma;
  return all;
}

TEST_P(Gpu, NetworksEqualTheReference) {
  for (const CdsrConfig& config : tiny_configs(2))
    for (const Query query : {Query::Shot, Query::Frame}) {
      const auto network = random_network(config, 3);
      const Image in = test_image(53, 41);
      EngineOptions plain;
      plain.query = query;
      const BackendResult want = run_backend("reference", network, plain, in);
      const BackendResult got = run_backend("cuda", network, options_of(GetParam(), query), in, &want);
      EXPECT_LE(normalized_error(got.embedding, want.embedding), 1e-8);
      EXPECT_LE(normalized_error(got.queries, want.queries), GetParam() == Precision::Fp32 ? 1e-9 : 1e-5);
      const double limit = GetParam() == Precision::Fp32 ? 0.01 : GetParam() == Precision::Fp16 ? 1.0 : 8.0;
      EXPECT_LE(max_code_difference(got.image, want.image), limit) << to_json(config) << to_string(query);
    }
}

// The first frame is queued kernel by kernel, the second captured, the third replayed.
const auto kPrecisions = testing::Values(Precision::Fp32, Precision::Fp16, Precision::Bf16);

INSTANTIATE_TEST_SUITE_P(Precisions, Gpu, kPrecisions,
                         [](const auto& info) { return std::string(to_string(info.param)); });

class GpuBands : public NeedsGpu<testing::TestWithParam<std::tuple<Body, Precision>>> {
 protected:
  static EngineOptions options(Query query, size_t memory) {
    return options_of(std::get<Precision>(GetParam()), query, memory);
  }
  /// Bytes that the smallest bands need, which the engine tells when it refuses a limit.
  static size_t least_memory(const std::shared_ptr<const Network>& network, Query query, const Image& in) {
    const auto engine = create_engine(network, options(query, 1), "cuda");
    EXPECT_THROW(engine->plan(in.width, in.height), Error);
    return engine->info().planned_bytes;
  }
};

TEST_P(GpuBands, SameBitsTwiceAndInBands) {
  const Body body = std::get<Body>(GetParam());
  for (const Query query : {Query::Shot, Query::Frame}) {
    if (body == Body::Stack && query == Query::Frame) continue;  // the same
    const auto network = random_network(tiny_config(body, 3), 3);
    const Image in = test_image(61, 300);
    Image first;
    size_t most = 0;
    for (const bool bands : {false, true}) {
      const size_t memory = bands ? (least_memory(network, query, in) + most) / 2 : 0;
      auto engine = create_engine(network, options(query, memory), "cuda");
      engine->plan(in.width, in.height);
      most = std::max(most, engine->info().planned_bytes);
      if (bands) {
        EXPECT_LE(engine->info().planned_bytes, memory);
      }
      const ImageSource source(in);
      begin_shot(*engine, source);
      for (int i = 0; i < 3; ++i) {
        Image out(in.width * 3, in.height * 3);
        ImageSink sink(out);
        engine->upscale(source, sink);
        if (first.width == 0) first = out;
        // Bands add the means up in another order.
        if (!bands || query == Query::Shot) {
          EXPECT_LE(max_code_difference(out, first), bands ? 0.5 : 0.0) << i;
        }
      }
      EXPECT_EQ(engine->info().redone, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Bodies, GpuBands,
                         testing::Combine(testing::Values(Body::Plain, Body::Rrdb, Body::Stack), kPrecisions),
                         [](const auto& info) {
                           return std::string(to_string(std::get<Body>(info.param))) + "_" +
                                  to_string(std::get<Precision>(info.param));
                         });

using GpuFormats = NeedsGpu<testing::TestWithParam<int32_t>>;

// Bit for bit: the colour kernels and the shot statistic.
TEST_P(GpuFormats, ColourAndStatisticHaveTheProcessorsBits) {
  const PixelFormat& format = *find_format(GetParam());
  const auto engine = create_engine(random_network(tiny_config(Body::Plain, 2), 1), {}, "cuda");
  FramePaths paths(*engine);
  ok(cudaFree(nullptr));
  int i = 0;
  for (const auto& [w, h] : {std::pair{1, 1}, {37, 13}, {130, 75}}) {
    FrameBuffer in(format, w, h, i++ % 2 == 1, {CDSR_MATRIX_UNSPECIFIED, 1 + i % 2, i % 7});
    in.fill_random(static_cast<uint32_t>(i));
    FrameBuffer want(format, 2 * w, 2 * h, i % 2 == 0), got = want;
    reference_write(in, nullptr, 2, {}, want);
    const DeviceCopy from(in.input());
    {
      DeviceCopy to(got.output(in, 2));
      FramePath& path = paths.of(from.frame());
      path.bind(from.frame());
      path.interpolate(to.frame(), {});
      ok(cudaDeviceSynchronize());
      to.fetch();
    }
    EXPECT_TRUE(got == want) << w << "x" << h;
    Thumbnailer thumbnailer;
    Thumbnail expected;
    thumbnailer.plan(w);
    thumbnailer.make(in.input(), expected);
    const Thumbnail& cells = paths.of(from.frame()).thumbnail();
    EXPECT_TRUE(std::equal(cells.cell, cells.cell + expected.count(), expected.cell));
  }
}

TEST_P(GpuFormats, FramesThereAndHereGiveOnePicture) {
  const PixelFormat& format = *find_format(GetParam());
  const auto network = random_network(tiny_config(Body::Plain, 2), 1);
  const auto engine = create_engine(network, {}, "cuda");
  ok(cudaFree(nullptr));
  FrameBuffer in(format, 66, 38), got(format, 132, 76);
  in.fill_random(1);
  const Image low = reference_read(in);
  const ImageSource source(low);
  engine->plan(66, 38);
  begin_shot(*engine, source);
  Image high(132, 76);
  ImageSink sink(high);
  engine->upscale(source, sink);
  FrameBuffer want = got;
  reference_write(in, &high, 2, {}, want);
  const DeviceCopy from(in.input());
  FramePaths paths(*engine);
  for (int n = 0; n < 3; ++n) {
    DeviceCopy to(got.output(in, 2));
    FramePath& path = paths.of(from.frame());
    path.bind(from.frame());
    path.upscale(to.frame(), {});
    ok(cudaDeviceSynchronize());
    to.fetch();
    int most = 0;
    for (int c = 0; c < format.colours; ++c)
      for (int y = 0; y < got.height_of(c); ++y)
        for (int x = 0; x < got.width_of(c); ++x)
          most =
              std::max(most, std::abs(got.get(c, x, y) - want.get(c, x, y)) >> std::max(0, format.bits - 8));
    EXPECT_LE(most, 1) << "frame " << n;  // the bicubic skip is contracted in one of the two
  }
}

// Of a luma network: what a frame's pixels are on the way in and out, of shot and settings too.
TEST_P(GpuFormats, LumaFramesThereAndHereGiveOnePicture) {
  const PixelFormat& format = *find_format(GetParam());
  const auto engine = create_engine(random_network(tiny_config(Body::Stack, 2), 1), {}, "cuda");
  ok(cudaFree(nullptr));
  FramePaths paths(*engine);
  FrameBuffer in(format, 66, 38), want(format, 132, 76), got(format, 132, 76);
  in.fill_random(1);
  const DeviceCopy from(in.input());
  engine->plan(66, 38);
  std::vector<float> here(engine->embedding_size()), there(here);
  for (FramePath* path : {&paths.of(in.input()), &paths.of(from.frame())}) {
    path->bind(path == &paths.host() ? in.input() : from.frame());
    engine->embed(path->source(), path == &paths.host() ? here : there);
  }
  EXPECT_EQ(here, there);
  engine->condition(here);
  engine->set_queries({});
  for (const float strength : {1.0F, 1.0F, 0.4F}) {
    const FrameSink::Settings settings{strength, /*bicubic_chroma=*/true, Colour::Luma};
    FramePath& host = paths.host();
    host.bind(in.input());
    host.upscale(want.output(in, 2), settings);
    DeviceCopy to(got.output(in, 2));
    FramePath& path = paths.of(from.frame());
    path.bind(from.frame());
    path.upscale(to.frame(), settings);
    ok(cudaDeviceSynchronize());
    to.fetch();
    int most = 0;
    for (int c = 0; c < format.colours; ++c)
      for (int y = 0; y < got.height_of(c); ++y)
        for (int x = 0; x < got.width_of(c); ++x)
          most =
              std::max(most, std::abs(got.get(c, x, y) - want.get(c, x, y)) >> std::max(0, format.bits - 8));
    EXPECT_LE(most, 1) << "strength " << strength;  // the bicubic skip is contracted in one of the two
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, GpuFormats,
                         testing::Values(CDSR_FORMAT_NV12, CDSR_FORMAT_P010, CDSR_FORMAT_P016,
                                         CDSR_FORMAT_YUV420P, CDSR_FORMAT_YUV444P, CDSR_FORMAT_YUV444P16,
                                         CDSR_FORMAT_RGB24, CDSR_FORMAT_GBRP10, CDSR_FORMAT_BGRA,
                                         CDSR_FORMAT_GRAY8),
                         [](const auto& info) { return std::string(find_format(info.param)->name); });

using GpuSafety = NeedsGpu<>;

// Weights that half precision cannot hold: every frame is redone in fp32, and counted, also from the graph.
TEST_F(GpuSafety, WhatHalfPrecisionCannotHoldIsRedone) {
  auto wild = std::make_shared<Network>(*random_network(tiny_config(Body::Plain, 2), 1));
  for (float& w : wild->blocks[0].conv1.weight) w *= 3e5F;
  for (float& w : wild->blocks[0].conv2.weight) w *= 1e-5F;
  const Image in = test_image(40, 30);
  EngineOptions o;
  const BackendResult want = run_backend("reference", wild, o, in);
  auto engine = create_engine(wild, o, "cuda");
  engine->plan(40, 30);
  engine->condition(want.embedding);
  engine->set_queries(want.queries);
  const ImageSource source(in);
  for (int n = 1; n <= 3; ++n) {
    Image out(80, 60);
    ImageSink sink(out);
    engine->upscale(source, sink);
    EXPECT_LE(max_code_difference(out, want.image), 0.1);
    EXPECT_EQ(engine->info().redone, n);
  }
}

// The same of weights that are mixed once a shot.
TEST_F(GpuSafety, MixedWeightsThatHalfPrecisionCannotHoldAreRedone) {
  auto wild = std::make_shared<Network>(*random_network(tiny_config(Body::Stack, 2), 1));
  for (auto* set : {&wild->experts[1].weight, &wild->experts[1].sharp_weight})
    for (float& w : *set) w *= 3e5F;
  for (auto* set : {&wild->experts[2].weight, &wild->experts[2].sharp_weight})
    for (float& w : *set) w *= 1e-5F;
  const Image in = test_image(40, 30);
  const BackendResult want = run_backend("reference", wild, {}, in);
  auto engine = create_engine(wild, {}, "cuda");
  engine->plan(40, 30);
  engine->set_sharpness(0.75F);  // as run_backend()
  engine->condition(want.embedding);
  engine->set_queries({});
  for (int n = 1; n <= 3; ++n) {
    Image out(80, 60);
    ImageSink sink(out);
    engine->upscale(ImageSource(in), sink);
    EXPECT_LE(max_code_difference(out, want.image), 0.1);
    EXPECT_EQ(engine->info().redone, n);
  }
}

// A graph that was recorded in one shot has the next one's weights; and two sessions have their own, though
// they share what these are mixed from.
TEST_F(GpuSafety, EveryShotAndSessionHasItsWeights) {
  const auto network = random_network(tiny_config(Body::Stack, 2), 1);
  const Image in = test_image(40, 30);
  const auto upscale = [&](Engine& engine) {
    Image out(80, 60);
    ImageSink sink(out);
    engine.upscale(ImageSource(in), sink);
    return out;
  };
  std::vector<float> embedding[2];
  for (uint32_t i = 0; i < 2; ++i) embedding[i] = random_values(16, 8 + i);
  const auto enter = [&](Engine& engine, int shot) {
    engine.condition(embedding[shot]);
    engine.set_queries({});
  };
  const auto conditioned = [&](int shot) {
    auto engine = create_engine(network, {}, "cuda");
    engine->plan(40, 30);
    enter(*engine, shot);
    return engine;
  };
  const auto one = conditioned(0), other = conditioned(1);
  const Image first = upscale(*one), second = upscale(*other);
  EXPECT_GT(max_code_difference(first, second), 0.1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_bits(upscale(*one), first));
  enter(*one, 1);
  EXPECT_TRUE(same_bits(upscale(*one), second));
  enter(*one, 0);
  EXPECT_TRUE(same_bits(upscale(*one), first));
  EXPECT_TRUE(same_bits(upscale(*other), second));
}

// The first frame is redone in fp32, which measures it; from then on fp8 holds, also from the graph. A
// picture beyond the headroom is redone and measured anew.
TEST_F(GpuSafety, Fp8IsMeasuredByTheFrameThatItDoesNotHold) {
  CdsrConfig config = tiny_config(Body::Rrdb, 2);
  config.nf = 64;
  config.gc = 32;
  const auto network = random_network(config, 3);
  EngineOptions fp8;
  fp8.precision = Precision::Fp8;
  std::unique_ptr<Engine> engine;
  try {
    engine = create_engine(network, fp8, "cuda");
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("needs sm_89"), std::string::npos) << e.what();
    return;
  }
  const Image in = test_image(53, 41);
  Image dark = in;
  for (auto& plane : dark.plane)
    for (float& v : plane) v *= 1e-4F;
  EngineOptions plain;
  const BackendResult want = run_backend("reference", network, plain, in);
  const BackendResult half = run_backend("cuda", network, plain, in, &want);
  engine->plan(53, 41);
  engine->condition(want.embedding);
  engine->set_queries(want.queries);
  const auto upscale = [&](const Image& frame) {
    Image out(106, 82);
    ImageSink sink(out);
    engine->upscale(ImageSource(frame), sink);
    return out;
  };
  EXPECT_LE(max_code_difference(upscale(in), want.image), 0.1);
  EXPECT_EQ(engine->info().redone, 1);
  const Image second = upscale(in);
  EXPECT_TRUE(same_bits(second, upscale(in)) && same_bits(second, upscale(in)));
  EXPECT_EQ(engine->info().redone, 1);
  EXPECT_FALSE(same_bits(second, half.image));  // fp8 it was
  const auto flat = [](const Image& image) {
    std::vector<float> all;
    for (const auto& plane : image.plane) all.insert(all.end(), plane.begin(), plane.end());
    return all;
  };
  EXPECT_LE(normalized_error(flat(second), flat(want.image)), 1e-2);

  engine->plan(53, 41);  // the scales stay
  upscale(dark);
  EXPECT_EQ(engine->info().redone, 1);
}

TEST_F(GpuSafety, Fp8NeedsDenseBlocks) {
  EngineOptions fp8;
  fp8.precision = Precision::Fp8;
  for (const Body body : {Body::Plain, Body::Stack, Body::Rrdb})  // the tiny RRDB has too few channels
    try {
      create_engine(random_network(tiny_config(body, 2), 1), fp8, "cuda");
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::Unsupported);
      EXPECT_NE(std::string(e.what()).find("use fp16"), std::string::npos) << e.what();
    }
}

std::vector<std::string> lines_of_bands(const std::vector<std::string>& log) {
  std::vector<std::string> found;
  for (const std::string& line : log)
    if (line.find(" bands of rows") != std::string::npos) found.push_back(line);
  return found;
}

TEST_F(GpuSafety, BandsAreTold) {
  std::vector<std::string> lines;
  EngineOptions o;
  o.log = [&](const std::string& line) { lines.push_back(line); };
  const auto bands = [&] { return lines_of_bands(lines); };
  for (const Query query : {Query::Shot, Query::Frame}) {
    o.query = query;
    o.memory_limit = 0;
    auto engine = create_engine(random_network(tiny_config(Body::Rrdb, 2), 1), o, "cuda");
    engine->plan(64, 600);
    EXPECT_EQ(bands(), std::vector<std::string>{});
    const size_t whole = engine->info().planned_bytes;
    o.memory_limit = whole * 3 / 4;
    engine = create_engine(random_network(tiny_config(Body::Rrdb, 2), 1), o, "cuda");
    engine->plan(64, 600);
    ASSERT_EQ(bands().size(), 1U);
    EXPECT_NE(bands().front().find("frames of 64x600 are upscaled in "), std::string::npos);
    EXPECT_NE(bands().front().find(std::to_string((whole + (1 << 20) - 1) >> 20) + " MiB"), std::string::npos)
        << bands().front();
    EXPECT_EQ(bands().front().find("query = frame") != std::string::npos, query == Query::Frame);
    lines.clear();
  }
}

// What nobody limits takes three quarters of what is free, be that more or less than on a processor. The
// stand-in's GPU must be made small for it (CUDA_ON_CPU_MEMORY_MIB), a GPU is large.
TEST_F(GpuSafety, TheDefaultLimitFollowsWhatIsFree) {
  std::vector<std::string> lines;
  EngineOptions o;
  o.log = [&](const std::string& line) { lines.push_back(line); };
  const auto engine = create_engine(random_network(tiny_config(Body::Rrdb, 2), 1), o, "cuda");
  engine->plan(256, 128);
  size_t row = engine->info().planned_bytes;
  engine->plan(256, 64);
  row = (row - engine->info().planned_bytes) / 64;
  engine->plan(8, 8);
  ok(cudaFree(nullptr));
  size_t available = 0, all = 0;
  ok(cudaMemGetInfo(&available, &all));
  const bool large = available / 4 * 3 > kProcessorMemory * 5 / 4;
  if (!large && available > size_t{256} << 20) GTEST_SKIP() << "a GPU neither small nor large";
  const size_t wanted = large ? kProcessorMemory / 8 * 9 : available;
  for (const size_t bytes : {wanted / 64, wanted}) {  // what the plan before has taken is free again
    engine->plan(256, static_cast<int>(bytes / row));
    EXPECT_LE(engine->info().planned_bytes, available / 4 * 3 + (size_t{1} << 20));
  }
  EXPECT_EQ(engine->info().planned_bytes > kProcessorMemory, large);
  const std::vector<std::string> bands = lines_of_bands(lines);
  ASSERT_EQ(bands.size(), large ? 0U : 1U);
  if (!large) {
    EXPECT_NE(bands.front().find("three quarters of what is free"), std::string::npos) << bands.front();
  }
}

TEST_F(GpuSafety, TooLittleMemoryIsAnErrorWithNumbers) {
  EngineOptions o;
  o.memory_limit = size_t{1} << 20;
  auto engine = create_engine(random_network(tiny_config(Body::Rrdb, 2), 1), o, "cuda");
  try {
    engine->plan(1920, 1080);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::OutOfMemory);
    EXPECT_NE(std::string(e.what()).find("the limit is 1.0 MiB"), std::string::npos) << e.what();
  }
  engine->plan(16, 16);  // still usable
}

// FFmpeg's and GStreamer's contexts are not the primary one.
TEST_F(GpuSafety, LivesInAGivenContext) {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW);
  const auto create = reinterpret_cast<CUresult (*)(CUcontext*, CUctxCreateParams*, unsigned, CUdevice)>(
      dlsym(driver, "cuCtxCreate_v4"));
  const auto destroy = reinterpret_cast<CUresult (*)(CUcontext)>(dlsym(driver, "cuCtxDestroy_v2"));
  const auto pop = reinterpret_cast<CUresult (*)(CUcontext*)>(dlsym(driver, "cuCtxPopCurrent_v2"));
  ASSERT_TRUE(create != nullptr && destroy != nullptr && pop != nullptr);
  CUcontext context = nullptr, popped = nullptr;
  ASSERT_EQ(create(&context, nullptr, 0, 0), CUDA_SUCCESS);
  pop(&popped);
  const auto network = random_network(tiny_config(Body::Plain, 2), 1);
  const Image in = test_image(40, 30);
  EngineOptions there;
  there.cuda_context = context;
  const BackendResult a = run_backend("cuda", network, there, in), b = run_backend("cuda", network, {}, in);
  EXPECT_TRUE(same_bits(a.image, b.image));
  EXPECT_EQ(destroy(context), CUDA_SUCCESS);
}

}  // namespace
}  // namespace cdsr::test
