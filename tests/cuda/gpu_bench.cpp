// Milliseconds a frame of the CUDA engine on NV12 frames in device memory, as a host has them: median of
// graph replays, by CUDA events, over several frames so that no cache holds them. One JSON object a line.
//
//   cuda_gpu_bench [NAME WIDTHxHEIGHT PRECISION]...      (default: the networks and sizes of the targets)
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "filter/frame_path.h"
#include "model/cuda/cuda.h"
#include "model/error.h"
#include "model/registry.h"

namespace cdsr {
namespace {

constexpr int kFrames = 4, kWarm = 5, kRepeats = 41;

void check(cudaError_t error) {
  if (error != cudaSuccess) fail(Errc::Device, "{}", cudaGetErrorString(error));
}

/// An NV12 frame in device memory, filled with noise.
Frame make_frame(int width, int height, uint32_t seed) {
  cdsr_frame f{};
  f.version = CDSR_API_VERSION;
  f.format = CDSR_FORMAT_NV12;
  f.width = width;
  f.height = height;
  f.matrix = CDSR_MATRIX_BT709;
  f.memory = CDSR_MEMORY_CUDA;
  const size_t stride = (static_cast<size_t>(width) + 255) / 256 * 256, bytes = stride * height * 3 / 2;
  std::vector<uint8_t> noise(bytes);
  for (uint8_t& b : noise) b = static_cast<uint8_t>((seed = seed * 1664525U + 1013904223U) >> 24);
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes));
  check(cudaMemcpy(memory, noise.data(), bytes, cudaMemcpyHostToDevice));
  f.plane[0] = memory;
  f.plane[1] = static_cast<uint8_t*>(memory) + stride * height;
  f.stride[0] = f.stride[1] = static_cast<ptrdiff_t>(stride);
  return input_frame(f);
}

double copy_rate() {  // bytes read and written a second
  check(cudaFree(nullptr));
  size_t available = 0, all = 0;
  check(cudaMemGetInfo(&available, &all));
  const size_t bytes = std::min(size_t{2} << 30, available / 8);
  void *a = nullptr, *b = nullptr;
  check(cudaMalloc(&a, bytes));
  check(cudaMalloc(&b, bytes));
  cudaEvent_t start, stop;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&stop));
  float best = 1e9F;
  for (int i = 0; i < 10; ++i) {
    check(cudaEventRecord(start));
    check(cudaMemcpyAsync(b, a, bytes, cudaMemcpyDeviceToDevice));
    check(cudaEventRecord(stop));
    check(cudaEventSynchronize(stop));
    float ms = 0;
    check(cudaEventElapsedTime(&ms, start, stop));
    best = std::min(best, ms);
  }
  cudaFree(a);
  cudaFree(b);
  return 2.0 * static_cast<double>(bytes) / best * 1e3;
}

void run(const std::string& name, int width, int height, Precision precision) {
  const auto network = random_network(config_by_name(name, 2), 1);
  EngineOptions options;
  options.precision = precision;
  options.query = network->config.query;
  options.memory_limit = 0;
  options.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  const auto engine = create_engine(network, options, "cuda");
  check(cudaFree(nullptr));
  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  FramePaths paths(*engine);
  paths.set_gpu_stream(stream);
  engine->plan(width, height);
  std::vector<Frame> in, out;
  std::vector<void*> memory;
  for (int i = 0; i < kFrames; ++i) {
    in.push_back(make_frame(width, height, 1 + i));
    out.push_back(make_frame(2 * width, 2 * height, 100 + i));
    memory.insert(memory.end(), {in.back().plane[0], out.back().plane[0]});
  }
  FramePath& path = paths.of(in[0]);
  path.bind(in[0]);
  std::vector<float> e(engine->embedding_size()), q(engine->queries_size());
  engine->embed(path.source(), e);
  engine->condition(e);
  engine->measure_queries(path.source(), q);
  engine->set_queries(q);
  cudaEvent_t start, stop;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&stop));
  FrameSink::Settings settings;
  settings.colour = network->config.colour;
  settings.bicubic_chroma = settings.colour == Colour::Luma;
  std::vector<float> times, bicubic;
  const auto measure = [&](std::vector<float>& all, auto&& call) {
    for (int i = 0; i < kWarm + kRepeats; ++i) {
      check(cudaEventRecord(start, stream));
      call(i % kFrames);
      check(cudaEventRecord(stop, stream));
      check(cudaEventSynchronize(stop));
      float ms = 0;
      check(cudaEventElapsedTime(&ms, start, stop));
      if (i >= kWarm) all.push_back(ms);
    }
    std::sort(all.begin(), all.end());
  };
  measure(times, [&](int i) {
    path.bind(in[i]);
    path.upscale(out[i], settings);
  });
  measure(bicubic, [&](int i) {
    path.bind(in[i]);
    path.interpolate(out[i], settings);
  });
  const double ms = times[kRepeats / 2];
  const double macs = static_cast<double>(mac_count(network->config).sr_per_pixel) * width * height;
  fmt::print(
      "{{\"network\": \"{}\", \"size\": \"{}x{}\", \"precision\": \"{}\", \"query\": \"{}\", \"ms\": {:.4f}, "
      "\"ms_p10\": {:.4f}, \"ms_p90\": {:.4f}, \"fps\": {:.1f}, \"tflops\": {:.1f}, \"colour_ms\": {:.4f}, "
      "\"redone\": {}, \"mib\": {}}}\n",
      name, width, height, to_string(precision), to_string(options.query), ms, times[kRepeats / 10],
      times[kRepeats * 9 / 10], 1e3 / ms, 2 * macs / ms * 1e-9, bicubic[kRepeats / 2], engine->info().redone,
      engine->info().planned_bytes >> 20);
  std::fflush(stdout);
  for (void* m : memory) cudaFree(m);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace cdsr

int main(int argc, char** argv) {
  std::string reason;
  if (!cdsr::cuda::available(reason)) {
    std::fprintf(stderr, "no GPU: %s\n", reason.c_str());
    return 77;
  }
  try {
    fmt::print("{{\"copy_bytes_per_second\": {:.4g}}}\n", cdsr::copy_rate());
    std::fflush(stdout);  // who is killed leaves what is done
    for (int i = 1; i + 2 < argc; i += 3) {
      int width = 0, height = 0;
      if (std::sscanf(argv[i + 1], "%dx%d", &width, &height) != 2)
        cdsr::fail(cdsr::Errc::InvalidArgument, "size '{}', must be WIDTHxHEIGHT", argv[i + 1]);
      cdsr::run(argv[i], width, height, cdsr::precision_from_string(argv[i + 2]));
    }
    if (argc > 1) return 0;
    for (const cdsr::Precision p : {cdsr::Precision::Bf16, cdsr::Precision::Fp16, cdsr::Precision::Fp8})
      for (const auto& [name, width, height] : {std::tuple{"cdsr-rt", 960, 540},
                                                {"cdsr-rt", 1920, 1080},
                                                {"cdsr-10", 960, 540},
                                                {"cdsr-10", 1280, 720},
                                                {"cdsr-2", 960, 540},
                                                {"cdsr-2", 1280, 720},
                                                {"cdsr-2", 1920, 1080},
                                                {"cdsr-rt-dqa", 960, 540},
                                                {"cdsr-rt-dqa", 1280, 720},
                                                {"cdsr-rt-dqa", 1920, 1080}})
        if (p != cdsr::Precision::Fp8 || !std::string_view(name).starts_with("cdsr-rt"))  // no dense blocks
          cdsr::run(name, width, height, p);
  } catch (const cdsr::Error& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
  return 0;
}
